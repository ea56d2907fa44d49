"""Numbers of the whole and by time: total, visitor, duration, growth, overview, active, hours, minutes, weekdays."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.filters import event_filters, filters_of
from gateway.http.facades.pirsch.parameters import Span
from gateway.http.facades.pirsch.question import NOTHING, Counts, Question, share
from gateway.http.facades.pirsch.values import Row, stamped, year_start
from gateway.http.facades.pirsch.wording import invalid
from models.filters import Comparison, Filter, comparisons
from models.insight import Aggregate
from models.period import buckets, days_period, monday, resolve
from models.result import Reason
from models.vocabulary import Dimension, Interval, Metric, Operator

D, M = Dimension, Metric
SCALES = {"day": D.TIME_DAY, "week": D.TIME_WEEK, "month": D.TIME_MONTH}
OF_ALL_PAGES = Reason("time_of_all_pages", "seconds of a visit on all its pages together, for no page was asked")
UNIT_TYPES = ("integer", "float")
ONE_DAY = timedelta(days=1)


def metrics_of(counts: Counts, everybody: float, custom: Aggregate | None = None) -> Row:
    """The metrics that total, visitor, hours and minutes share. `everybody`: visitors without filters."""
    return {
        "visitors": counts.visitors,
        "views": counts.views,
        "sessions": counts.visits,
        "bounces": counts.bounces,
        "bounce_rate": counts.bounce_rate,
        "cr": share(counts.visitors, everybody),
        "custom_metric_avg": custom.average if custom else 0.0,
        "custom_metric_total": custom.total if custom else 0.0,
    }


async def everybody(question: Question, found: float) -> float:
    """Visitors without any filter, which is what Pirsch's rates divide by (2026-04, contract 9)."""
    return (await question.unfiltered().numbers(M.VISITORS))[0] if question.filters else found


async def custom_metric(question: Question) -> Aggregate | None:
    """Sum and mean of `custom_metric_key` over the events; None when it is not asked. Raises Refused."""
    given = question.ask.given
    key, kind = given.first("custom_metric_key"), given.first("custom_metric_type") or "float"
    if not key:
        return None
    if kind not in UNIT_TYPES:
        raise invalid("custom_metric_type", "must be integer or float")
    filters: tuple[Filter, ...] = (*filters_of(given, event=False), *event_filters(given))
    about = replace(question, filters=filters)
    insights = question.ask.services.insights
    return await insights.aggregate(about.record, about.query(), key, whole=kind == "integer")


async def total(ask: PirschAsk) -> Any:
    """`GET /statistics/total`."""
    question = await Question.about(ask)
    counts = await question.total()
    return metrics_of(counts, await everybody(question, counts.visitors), await custom_metric(question))


async def visitor(ask: PirschAsk) -> Any:
    """`GET /statistics/visitor`: a row for every bucket of the range, by `scale`."""
    question = await Question.about(ask)
    return await _visitor_rows(question)


async def _visitor_rows(question: Question) -> list[Row]:
    given = question.ask.given
    scale = given.first("scale") or ("minute" if given.first("from_time") else "day")
    if scale == "minute":
        return await _minutes(question)
    if scale == "year":
        return [await _year(question, span) for span in _years(question.span)]
    interval = _interval(scale)
    counts = await question.series(SCALES[scale])
    reference = await question.unfiltered().series(SCALES[scale]) if question.filters else counts
    rows = []
    for span in _spans(question.span, labels(question.span, interval)):
        label = span.first.isoformat() if scale != "month" else span.first.isoformat()[:8] + "01"
        row = counts.get(label, NOTHING)
        stamp = stamped(scale, _bucket_start(scale, label))
        custom = await custom_metric(question.over(span))
        rows.append({**stamp, **metrics_of(row, reference.get(label, NOTHING).visitors, custom)})
    return rows


async def _minutes(question: Question) -> list[Row]:
    """The minutes of a day, or of the part of it between `from_time` and `to_time`. Raises Refused."""
    span = question.span
    if span.days > 1 and isinstance(span.spec, tuple) and "T" not in span.spec[0]:
        raise invalid("scale", "minutes are given for one day")
    period = resolve(span.spec, zone=span.zone, now=question.ask.services.settings.clock())
    counts = await question.series(D.TIME_MINUTE)
    reference = await question.unfiltered().series(D.TIME_MINUTE) if question.filters else counts
    return [
        {
            **stamped("minute", label),
            **metrics_of(counts.get(label, NOTHING), reference.get(label, NOTHING).visitors),
        }
        for label in buckets(period, Interval.MINUTE)
    ]


def _spans(span: Span, labels: Sequence[str]) -> list[Span]:
    """The part of the range that each bucket covers."""
    starts = [max(date.fromisoformat(label), span.first) for label in labels]
    return [
        Span((first.isoformat(), (end - ONE_DAY).isoformat()), first, end - ONE_DAY, span.zone)
        for first, end in pairwise([*starts, span.last + ONE_DAY])
    ]


async def _year(question: Question, span: Span) -> Row:
    about = question.over(span)
    counts = await about.total()
    stamp = stamped("year", year_start(span.first).isoformat())
    return {**stamp, **metrics_of(counts, await everybody(about, counts.visitors), await custom_metric(about))}


def _years(span: Span) -> list[Span]:
    return _spans(span, [f"{year}-01-01" for year in range(span.first.year, span.last.year + 1)])


def _interval(scale: str) -> Interval:
    if scale not in SCALES:
        raise invalid("scale", "must be day, week, month or year")
    return Interval(scale)


def labels(span: Span, interval: Interval) -> list[str]:
    """Of every bucket of the range."""
    return list(buckets(days_period(span.first, span.last, span.zone), interval))


def _bucket_start(scale: str, label: str) -> str:
    """Pirsch labels a bucket with its start, even before the range; weeks start on Monday."""
    return monday(date.fromisoformat(label)).isoformat() if scale == "week" else label


async def session_duration(ask: PirschAsk) -> Any:
    """`GET /statistics/duration/session`: mean seconds of a visit, by `scale`."""
    return await _durations(await Question.about(ask), M.VISIT_DURATION)


async def page_duration(ask: PirschAsk) -> Any:
    """`GET /statistics/duration/page`: mean engaged seconds on pages, by `scale`; of a visit on all its pages together
    where no page is asked, which the header says."""
    question = await Question.about(ask)
    if not any(c.dimension == D.PAGE for f in question.filters for c in comparisons(f)):
        ask.reasons.append(OF_ALL_PAGES)
        question = question.also(Comparison(Operator.WILDCARD, str(D.PAGE), ("*",)))
    return await _durations(question, M.TIME_ON_PAGE)


async def _durations(question: Question, metric: Metric) -> list[Row]:
    scale = question.ask.given.first("scale") or "day"
    if scale == "year":
        found = [
            (year_start(s.first).isoformat(), (await question.over(s).numbers(metric))[0])
            for s in _years(question.span)
        ]
    else:
        interval = _interval(scale)
        seconds = {str(key[0]): row[0] for key, row in (await question.table((metric,), SCALES[scale])).items()}
        found = [(_bucket_start(scale, label), seconds.get(label, 0.0)) for label in labels(question.span, interval)]
    return [
        {**stamped(scale, at), "path": "", "title": "", "average_time_spent_seconds": round(value)}
        for at, value in found
    ]


async def growth(ask: PirschAsk) -> Any:
    """`GET /statistics/growth`: against the same length before; a single day against that weekday a week ago."""
    question = await Question.about(ask)
    now, before = await _growing(question), await _growing(question.over(question.span.before()))
    return {f"{name}_growth": grown(before[name], now[name]) for name in now}


def grown(before: float, now: float) -> float:
    """0 when both are nothing, 1 when there was nothing before (2026-04, contract 9)."""
    if before == 0:
        return 0.0 if now == 0 else 1.0
    return (now - before) / before


async def _growing(question: Question) -> Mapping[str, float]:
    counts, custom = await question.total(), await custom_metric(question)
    (seconds,) = await question.numbers(M.VISIT_DURATION)
    return {
        "visitors": counts.visitors,
        "views": counts.views,
        "sessions": counts.visits,
        "bounces": counts.bounce_rate,
        "time_spent": seconds,
        "cr": share(counts.visitors, await everybody(question, counts.visitors)),
        "custom_metric_avg": custom.average if custom else 0.0,
        "custom_metric_total": custom.total if custom else 0.0,
    }
