"""The fields of one selection, as a whole and by time: days, weeks and months in one call, hours by day. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from types import MappingProxyType
from typing import Any

from adapters.pirsch.translate.question import Question
from adapters.pirsch.translate.selection import Selection
from adapters.pirsch.translate.statistics import (
    EVENT_PAGES,
    MONEY,
    TOTALS,
    Fields,
    Grouped,
    Key,
    Params,
    Script,
    Span,
    StatisticsCall,
    Tallies,
    Tally,
    listed,
    pages,
    refuse,
    together,
)
from adapters.pirsch.vocabulary import SCALES, TOTAL_KEYS, Field
from adapters.pirsch.wire import CURRENCY_KEY, REVENUE_KEY
from models.period import add_months, day_label, monday
from models.vocabulary import Interval, interval_of

F = Field
MONEY_KEYS: Mapping[Field, str] = MappingProxyType(
    {F.REVENUE: "custom_metric_total", F.AVERAGE_REVENUE: "custom_metric_avg"}
)
_BY_DAY: Fields = frozenset({F.DURATION, F.TIME_ON_PAGE})


def measure(span: Span, selection: Selection, fields: Fields) -> Script[Tally]:
    """The fields of one selection, side by side."""
    tallies = yield from together([read(span, selection) for known, read in _READERS if fields & known])
    return {f: v for tally in tallies for f, v in tally.items() if f in fields}


def _totals(span: Span, selection: Selection) -> Script[Tally]:
    (reply,) = yield (span.call("total", selection.query),)
    return tally_of(reply, TOTAL_KEYS)


def _event_count(span: Span, selection: Selection) -> Script[Tally]:
    rows = yield from pages(span.call("events", selection.query), at_most=EVENT_PAGES, what="event")
    return {F.EVENT_COUNT: float(sum(row["count"] for row in rows))}


def _duration(span: Span, selection: Selection) -> Script[Tally]:
    days, durations = yield (
        span.call("visitor", selection.query, scale="day"),
        span.call("duration/session", selection.query, scale="day"),
    )
    return {F.DURATION: estimated_duration(listed(days), listed(durations))}


def _time_on_page(span: Span, selection: Selection) -> Script[Tally]:
    (days,) = yield (span.call("duration/page", selection.query, scale="day"),)
    return {F.TIME_ON_PAGE: mean_time_on_page(listed(days))}


def _money(span: Span, selection: Selection) -> Script[Tally]:
    (reply,) = yield (span.call("total", (*selection.query, *revenue_params(selection.currency))),)
    return tally_of(reply, MONEY_KEYS)


_READERS: tuple[tuple[Fields, Callable[[Span, Selection], Script[Tally]]], ...] = (
    (TOTALS, _totals),
    (frozenset({F.EVENT_COUNT}), _event_count),
    (frozenset({F.DURATION}), _duration),
    (frozenset({F.TIME_ON_PAGE}), _time_on_page),
    (MONEY, _money),
)


def revenue_params(currency: str) -> Params:
    """Reads money from an event's metadata, in one currency."""
    wanted = (f"meta_{CURRENCY_KEY}", currency)
    return (wanted, ("custom_metric_key", REVENUE_KEY), ("custom_metric_type", "float"))


def tally_of(row: Mapping[str, Any], keys: Mapping[Field, str]) -> Tally:
    """The documented numbers of a row. Raises KeyError or TypeError when one is missing or is no number."""
    return {field: _number(row[key]) for field, key in keys.items()}


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return value


def estimated_duration(days: list[Any], durations: list[Any]) -> float | None:
    """Seconds a visit lasts, from daily averages weighted by visits that did not bounce.

    The averages are rounded and leave out visits of 0 seconds (2026-07-10, contract section 9), and a visit that
    bounced may have lasted (an event that is not interactive): an estimate.
    """
    averages = {row["day"]: row["average_time_spent_seconds"] for row in durations}
    visits = sum(row["sessions"] for row in days)
    seconds = sum(averages.get(row["day"], 0) * (row["sessions"] - row["bounces"]) for row in days)
    return seconds / visits if visits else None


def mean_time_on_page(days: list[Any]) -> float | None:
    """Seconds, mean of the days that have any."""
    spent = [row["average_time_spent_seconds"] for row in days if row["average_time_spent_seconds"]]
    return sum(spent) / len(spent) if spent else None


def day_of(stamp: str) -> date:
    """A stamp `2026-06-02T00:00:00Z` is that local date, not midnight UTC (fixtures/pirsch/visitor_day.json)."""
    return date.fromisoformat(stamp[:10])


# By time


def series(question: Question) -> Script[Grouped]:
    """Days, weeks or months."""
    span, query = question.span, question.selection.query
    interval = interval_of(question.dimensions[0]) or Interval.DAY
    scale = SCALES[interval]
    wanted = {"series": span.call("visitor", query, scale=scale)}
    if question.fields & _BY_DAY:
        paths = {"visitor": "visitor", "session": "duration/session", "page": "duration/page"}
        wanted |= {name: span.call(path, query, scale="day") for name, path in paths.items()}
    if question.fields & MONEY:
        params = (*query, *revenue_params(question.selection.currency))
        wanted["money"] = span.call("visitor", params, scale=scale)
    replies = {k: listed(v) for k, v in zip(wanted, (yield tuple(wanted.values())), strict=True)}
    tallies: Tallies = {}
    for row in replies["series"]:
        tallies[(day_label(day_of(row[scale]), interval, span.first),)] = tally_of(row, TOTAL_KEYS)
    if "session" in replies:
        _add_durations(tallies, replies, interval, span)
    for row in replies.get("money", ()):
        tallies[(day_label(day_of(row[scale]), interval, span.first),)] |= {
            f: row[key] for f, key in MONEY_KEYS.items()
        }
    if question.by_row:
        yield from _add_by_bucket(question, tallies, interval)
    return Grouped(tallies)


def _add_durations(tallies: Tallies, replies: Mapping[str, list[Any]], interval: Interval, span: Span) -> None:
    """Durations of wider buckets from days; the vendor averages daily averages (2026-07-10, contract section 9)."""
    for key, tally in tallies.items():

        def inside(name: str, key: Key = key) -> list[Any]:
            return [r for r in replies[name] if (day_label(day_of(r["day"]), interval, span.first),) == key]

        tally[F.DURATION] = estimated_duration(inside("visitor"), inside("session"))
        tally[F.TIME_ON_PAGE] = mean_time_on_page(inside("page"))


def _add_by_bucket(question: Question, tallies: Tallies, interval: Interval) -> Script[None]:
    """Events of each bucket, one question each."""
    spans = [_bucket_span(question.span, key[0], interval) for key in tallies]
    most = (question.at_most - 1) // EVENT_PAGES
    if len(spans) > most:
        raise refuse(f"events: {len(spans)} buckets cost a call each, at most {most}")
    counted = yield from together([measure(s, question.selection, question.by_row) for s in spans])
    for tally, count in zip(tallies.values(), counted, strict=True):
        tally.update(count)


def _bucket_span(span: Span, name: str, interval: Interval) -> Span:
    """The days of one bucket that lie in the range."""
    start = date.fromisoformat(name)
    match interval:
        case Interval.WEEK:
            end = monday(start) + timedelta(days=6)
        case Interval.MONTH:
            end = add_months(start, 1) - timedelta(days=1)
        case _:
            end = start
    return replace(span, first=max(start, span.first), last=min(end, span.last))


def hours(question: Question) -> Script[Grouped]:
    """Twenty-four rows a day; hours come without a date (fixtures/pirsch/hours.json), so each day is asked for."""
    days, query = question.span.days, question.selection.query
    return _by_clock("hour", {f"{day} {{:02d}}:00:00": question.span.day(day).call("hours", query) for day in days})


def minutes(question: Question) -> Script[Grouped]:
    """Sixty rows an hour."""
    calls, query = dict[str, StatisticsCall](), question.selection.query
    for day, hour in product(question.span.days, range(24)):
        ends = {"from_time": f"{hour:02d}:00", "to_time": f"{hour:02d}:59"}
        calls[f"{day} {hour:02d}:{{:02d}}:00"] = question.span.day(day).call("minutes", query, **ends)
    return _by_clock("minute", calls)


def _by_clock(key: str, calls: Mapping[str, StatisticsCall]) -> Script[Grouped]:
    """Rows of several calls, each with the form of its labels."""
    replies = yield tuple(calls.values())
    rows = ((form.format(row[key]), row) for form, found in zip(calls, replies, strict=True) for row in listed(found))
    return Grouped({(name,): tally_of(row, TOTAL_KEYS) for name, row in rows})
