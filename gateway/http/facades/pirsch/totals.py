"""Numbers of the whole and by time: total, visitor, duration, growth, overview, active, hours, minutes, weekdays."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from gateway.http.facades.pirsch.asking import NOTHING, Asking, Figures, share
from gateway.http.facades.pirsch.call import Call
from gateway.http.facades.pirsch.parameters import Span
from gateway.http.facades.pirsch.selection import event_filters, filters_of
from gateway.http.facades.pirsch.wording import invalid
from gateway.http.facades.pirsch.words import Row, stamped, year_start
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


def metrics_of(figures: Figures, everybody: float, custom: Aggregate | None = None) -> Row:
    """The metrics that total, visitor, hours and minutes share. `everybody`: visitors without filters."""
    return {
        "visitors": figures.visitors,
        "views": figures.views,
        "sessions": figures.visits,
        "bounces": figures.bounces,
        "bounce_rate": figures.bounce_rate,
        "cr": share(figures.visitors, everybody),
        "custom_metric_avg": custom.average if custom else 0.0,
        "custom_metric_total": custom.total if custom else 0.0,
    }


async def everybody(asking: Asking, found: float) -> float:
    """Visitors without any filter, which is what Pirsch's rates divide by."""
    return (await asking.unfiltered().numbers(M.VISITORS))[0] if asking.filters else found


async def custom_metric(asking: Asking) -> Aggregate | None:
    """Sum and mean of `custom_metric_key` over the events; None when it is not asked. Raises Refused."""
    given = asking.call.given
    key, kind = given.first("custom_metric_key"), given.first("custom_metric_type") or "float"
    if not key:
        return None
    if kind not in UNIT_TYPES:
        raise invalid("custom_metric_type", "must be integer or float")
    filters: tuple[Filter, ...] = (*filters_of(given, event=False), *event_filters(given))
    about = replace(asking, filters=filters)
    insights = asking.call.services.insights
    return await insights.aggregate(about.record, about.query(), key, whole=kind == "integer")


async def total(call: Call) -> Any:
    """`GET /statistics/total`."""
    asking = await Asking.about(call)
    figures = await asking.total()
    return metrics_of(figures, await everybody(asking, figures.visitors), await custom_metric(asking))


async def visitor(call: Call) -> Any:
    """`GET /statistics/visitor`: a row for every bucket of the range, by `scale`."""
    asking = await Asking.about(call)
    return await _visitor_rows(asking)


async def _visitor_rows(asking: Asking) -> list[Row]:
    given = asking.call.given
    scale = given.first("scale") or ("minute" if given.first("from_time") else "day")
    if scale == "minute":
        return await _minutes(asking)
    if scale == "year":
        return [await _year(asking, span) for span in _years(asking.span)]
    interval = _interval(scale)
    figures = await asking.series(SCALES[scale])
    reference = await asking.unfiltered().series(SCALES[scale]) if asking.filters else figures
    rows = []
    for span in _spans(asking.span, labels(asking.span, interval)):
        label = span.first.isoformat() if scale != "month" else span.first.isoformat()[:8] + "01"
        row = figures.get(label, NOTHING)
        stamp = stamped(scale, _bucket_start(scale, label))
        custom = await custom_metric(asking.over(span))
        rows.append({**stamp, **metrics_of(row, reference.get(label, NOTHING).visitors, custom)})
    return rows


async def _minutes(asking: Asking) -> list[Row]:
    """The minutes of a day, or of the part of it between `from_time` and `to_time`. Raises Refused."""
    span = asking.span
    if span.days > 1 and isinstance(span.spec, tuple) and "T" not in span.spec[0]:
        raise invalid("scale", "minutes are given for one day")
    period = resolve(span.spec, zone=span.zone, now=asking.call.services.settings.clock())
    figures = await asking.series(D.TIME_MINUTE)
    reference = await asking.unfiltered().series(D.TIME_MINUTE) if asking.filters else figures
    return [
        {
            **stamped("minute", label),
            **metrics_of(figures.get(label, NOTHING), reference.get(label, NOTHING).visitors),
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


async def _year(asking: Asking, span: Span) -> Row:
    about = asking.over(span)
    figures = await about.total()
    stamp = stamped("year", year_start(span.first).isoformat())
    return {**stamp, **metrics_of(figures, await everybody(about, figures.visitors), await custom_metric(about))}


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


async def session_duration(call: Call) -> Any:
    """`GET /statistics/duration/session`: mean seconds of a visit, by `scale`."""
    return await _durations(await Asking.about(call), M.VISIT_DURATION)


async def page_duration(call: Call) -> Any:
    """`GET /statistics/duration/page`: mean engaged seconds on pages, by `scale`; of a visit on all its pages together
    where no page is asked, which the header says."""
    asking = await Asking.about(call)
    if not any(c.dimension == D.PAGE for f in asking.filters for c in comparisons(f)):
        call.reasons.append(OF_ALL_PAGES)
        asking = asking.also(Comparison(Operator.WILDCARD, str(D.PAGE), ("*",)))
    return await _durations(asking, M.TIME_ON_PAGE)


async def _durations(asking: Asking, metric: Metric) -> list[Row]:
    scale = asking.call.given.first("scale") or "day"
    if scale == "year":
        found = [
            (year_start(s.first).isoformat(), (await asking.over(s).numbers(metric))[0]) for s in _years(asking.span)
        ]
    else:
        interval = _interval(scale)
        seconds = {str(key[0]): row[0] for key, row in (await asking.table((metric,), SCALES[scale])).items()}
        found = [(_bucket_start(scale, label), seconds.get(label, 0.0)) for label in labels(asking.span, interval)]
    return [
        {**stamped(scale, at), "path": "", "title": "", "average_time_spent_seconds": round(value)}
        for at, value in found
    ]


async def growth(call: Call) -> Any:
    """`GET /statistics/growth`: against the same length before; a single day against that weekday a week ago."""
    asking = await Asking.about(call)
    now, before = await _growing(asking), await _growing(asking.over(asking.span.before()))
    return {f"{name}_growth": grown(before[name], now[name]) for name in now}


def grown(before: float, now: float) -> float:
    """0 when both are nothing, 1 when there was nothing before."""
    if before == 0:
        return 0.0 if now == 0 else 1.0
    return (now - before) / before


async def _growing(asking: Asking) -> Mapping[str, float]:
    figures, custom = await asking.total(), await custom_metric(asking)
    (seconds,) = await asking.numbers(M.VISIT_DURATION)
    return {
        "visitors": figures.visitors,
        "views": figures.views,
        "sessions": figures.visits,
        "bounces": figures.bounce_rate,
        "time_spent": seconds,
        "cr": share(figures.visitors, await everybody(asking, figures.visitors)),
        "custom_metric_avg": custom.average if custom else 0.0,
        "custom_metric_total": custom.total if custom else 0.0,
    }
