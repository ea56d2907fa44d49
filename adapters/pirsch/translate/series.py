"""Rows by time: days, weeks and months in one call, hours by day, minutes by hour. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from adapters.pirsch.translate import measure as m
from adapters.pirsch.translate.asking import Asking, Grouped, together
from adapters.pirsch.translate.call import Call, Key, Script, Span, Tallies, listed, refuse
from adapters.pirsch.vocabulary import SCALES, TOTAL_KEYS, Field
from models.period import add_months, day_label, monday
from models.vocabulary import Interval

F = Field


def series(asking: Asking, interval: Interval) -> Script[Grouped]:
    match interval:
        case Interval.HOUR:
            return (yield from _hours(asking))
        case Interval.MINUTE:
            return (yield from _minutes(asking))
        case _:
            return (yield from _days(asking, interval))


def _days(asking: Asking, interval: Interval) -> Script[Grouped]:
    span, query, fields = asking.span, asking.selection.query, asking.fields
    wanted = {"series": span.call("visitor", query, scale=SCALES[interval])}
    if fields & {F.DURATION, F.TIME_ON_PAGE}:
        wanted |= {
            "visitor": span.call("visitor", query, scale="day"),
            "session": span.call("duration/session", query, scale="day"),
            "page": span.call("duration/page", query, scale="day"),
        }
    if fields & {F.REVENUE, F.AVERAGE_REVENUE}:
        money = m.revenue_params(asking.selection.currency)
        wanted["money"] = span.call("visitor", (*query, *money), scale=SCALES[interval])
    replies = dict(zip(wanted, (yield tuple(wanted.values())), strict=True))
    tallies: Tallies = {}
    for row in listed(replies["series"]):
        start = m.day_of(row[SCALES[interval]])
        tallies[(day_label(start, interval, span.first),)] = m.tally_of(row, TOTAL_KEYS)
    if "session" in replies:
        _add_durations(tallies, replies, interval, span)
    for row in listed(replies.get("money")):
        key = (day_label(m.day_of(row[SCALES[interval]]), interval, span.first),)
        tallies[key] |= {F.REVENUE: row["custom_metric_total"], F.AVERAGE_REVENUE: row["custom_metric_avg"]}
    if F.EVENT_COUNT in fields:
        yield from _counted(asking, tallies, interval)
    return Grouped(tallies)


def _add_durations(tallies: Tallies, replies: Mapping[str, Any], interval: Interval, span: Span) -> None:
    """Durations of wider buckets from days: the vendor's own would average daily averages."""
    for key, tally in tallies.items():

        def inside(rows: Any, key: Key = key) -> list[Any]:
            return [r for r in listed(rows) if (day_label(m.day_of(r["day"]), interval, span.first),) == key]

        tally[F.DURATION] = m.estimated_duration(inside(replies["visitor"]), inside(replies["session"]))
        spent = [r["average_time_spent_seconds"] for r in inside(replies["page"]) if r["average_time_spent_seconds"]]
        tally[F.TIME_ON_PAGE] = sum(spent) / len(spent) if spent else None


def _counted(asking: Asking, tallies: Tallies, interval: Interval) -> Script[None]:
    """Events of each bucket, one question each."""
    spans = [bucket_span(asking.span, key[0], interval) for key in tallies]
    if len(spans) * m.EVENT_PAGES > asking.calls - 1:
        raise refuse(f"events: {len(spans)} buckets cost a call each, at most {(asking.calls - 1) // m.EVENT_PAGES}")
    counted = yield from together([m.measure(s, asking.selection, frozenset({F.EVENT_COUNT})) for s in spans])
    for key, count in zip(tallies, counted, strict=True):
        tallies[key].update(count)


def bucket_span(span: Span, name: str, interval: Interval) -> Span:
    """The days of one bucket that lie in the range."""
    start = date.fromisoformat(name)
    match interval:
        case Interval.WEEK:
            end = monday(start) + timedelta(days=6)
        case Interval.MONTH:
            end = add_months(start, 1) - timedelta(days=1)
        case _:
            end = start
    return Span(span.domain, max(start, span.first), min(end, span.last), span.zone)


def days_of(span: Span) -> list[date]:
    return [span.first + timedelta(days=n) for n in range((span.last - span.first).days + 1)]


def _hours(asking: Asking) -> Script[Grouped]:
    """Twenty-four rows a day; the vendor has no dates beside hours, so each day is asked for."""
    days = days_of(asking.span)
    replies = yield tuple(asking.span.day(day).call("hours", asking.selection.query) for day in days)
    return Grouped(
        {
            (f"{day.isoformat()} {row['hour']:02d}:00:00",): m.tally_of(row, TOTAL_KEYS)
            for day, rows in zip(days, replies, strict=True)
            for row in listed(rows)
        }
    )


def _minutes(asking: Asking) -> Script[Grouped]:
    """Sixty rows an hour."""
    hours = [(day, hour) for day in days_of(asking.span) for hour in range(24)]
    calls: Iterable[Call] = (
        asking.span.day(day).call(
            "minutes", asking.selection.query, from_time=f"{hour:02d}:00", to_time=f"{hour:02d}:59"
        )
        for day, hour in hours
    )
    replies = yield tuple(calls)
    return Grouped(
        {
            (f"{day.isoformat()} {hour:02d}:{row['minute']:02d}:00",): m.tally_of(row, TOTAL_KEYS)
            for (day, hour), rows in zip(hours, replies, strict=True)
            for row in listed(rows)
        }
    )
