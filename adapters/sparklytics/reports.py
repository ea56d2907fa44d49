"""Statistics: the shape of a query decides which calls are made, their numbers become rows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import assert_never

from adapters.reports import assembled, filled, foreseen, has_totals, whole
from adapters.sparklytics.calendar import bucket_dates, by_hours, granularity, label_of, own_granularity, utc_dates
from adapters.sparklytics.client import SparklyticsClient, below
from adapters.sparklytics.stats_calls import StatsCalls
from adapters.sparklytics.translate import (
    ADDITIVE,
    breakdown_value,
    filter_params,
    goal_name,
    inexact,
    merged,
    most_calls,
    refusals,
    shape_of,
    total_value,
)
from adapters.sparklytics.vocabulary import BREAKDOWNS
from adapters.sparklytics.wire import Goal, GoalStats, Realtime, Website
from adapters.translate import Shape, moment
from models.errors import UnknownGoal, UnsupportedQuery
from models.event import PAGEVIEW
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, Money, Row, Value
from models.site import Site
from models.vocabulary import REVENUE, Dimension, Metric

MOST_GOALS = 24


class Reports:
    """Reads and ReadsRealtime."""

    client: SparklyticsClient

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return foreseen(query, most_calls, inexact(query), refusals(query))

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        if against := refusals(query):
            raise UnsupportedQuery(against, backend="sparklytics")
        calls = StatsCalls(self.client, site, filter_params(query.filters))
        rows = await _rows(calls, query)
        totals = (await _rows(calls, whole(query)))[0] if has_totals(query) else None
        reasons = (*inexact(query), *calls.reasons)
        return assembled(query, rows, totals, calls=calls.count, reasons=reasons)

    async def stats_start(self, site: Site) -> date | None:
        """The day the website was made: nothing can be older, as no event carries a time of its own."""
        found = (await self.client.call("GET", below(site), Website)).data
        made = moment(found.created_at)
        return made.date() if made else None

    async def realtime(self, site: Site) -> int:
        """Visitors of the last 30 minutes; Sparklytics knows no shorter window (source of 2026-04-12, contract 4.2)."""
        return (await self.client.call("GET", below(site, "realtime"), Realtime)).data.active_visitors


async def _rows(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    shape = shape_of(query)
    match shape:
        case Shape.TOTALS:
            return [await _totals(calls, query)]
        case Shape.REALTIME:
            return [((await calls.realtime()).active_visitors,)]
        case Shape.SERIES:
            return await _series(calls, query)
        case Shape.BUCKETS:
            return await _buckets(calls, query)
        case Shape.BREAKDOWN:
            return await _breakdown(calls, query)
        case Shape.NAMES:
            return await _names(calls, query)
        case Shape.GOALS:
            return await _goals(calls, query)
        case _:
            assert_never(shape)


async def _totals(calls: StatsCalls, query: ResolvedQuery) -> Row:
    period = query.period
    hours = by_hours(period) and bool(ADDITIVE & set(query.metrics))
    summed = await _hours(calls, query) if hours else {}
    if hours and set(query.metrics) <= ADDITIVE:
        return tuple(summed[m] for m in query.metrics)
    values = await _stats(calls, query.metrics, period.first_date, period.last_date)
    return tuple(summed.get(m, value) for m, value in zip(query.metrics, values, strict=True))


async def _stats(calls: StatsCalls, metrics: Sequence[Metric], first: date, last: date) -> Row:
    stats = await calls.stats(first, last)
    views = await calls.pageviews(first, last, stats) if _VIEWED & set(metrics) else 0
    return tuple(total_value(m, stats, views) for m in metrics)


_VIEWED = {Metric.PAGEVIEWS, Metric.VIEWS_PER_VISIT}


async def _hours(calls: StatsCalls, query: ResolvedQuery) -> dict[Metric, int]:
    """Events and page views of the period in its own zone, added up from UTC hours."""
    first, last = utc_dates(query.period)
    inside = [p for p in (await calls.series(first, last, "hour")).series if label_of(p.date, query) is not None]
    events = sum(p.pageviews for p in inside)
    found = {Metric.EVENTS: events}
    if Metric.PAGEVIEWS in query.metrics:
        custom = await calls.custom(first, last, "hour")
        found[Metric.PAGEVIEWS] = events - sum(custom.get(_key(p.date), 0) for p in inside)
    return found


def _key(point: str) -> str:
    """An hour is `2026-03-01T10:00:00Z` in ./pageviews, `2026-03-01 10:00:00` in ./events/timeseries.

    (2026-11, contract 0 and 4.2.)
    """
    return point.replace(" ", "T").removesuffix("Z")


async def _series(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    step = granularity(query)
    first, last = utc_dates(query.period) if step == "hour" else (query.period.first_date, query.period.last_date)
    points = (await calls.series(first, last, step)).series
    custom = await calls.custom(first, last, step) if Metric.PAGEVIEWS in query.metrics else {}
    found: dict[str, dict[Metric, int]] = defaultdict(lambda: defaultdict(int))
    for point in points:
        label = label_of(point.date, query)
        if label is None:
            continue
        found[label][Metric.EVENTS] += point.pageviews
        found[label][Metric.VISITORS] += point.visitors
        found[label][Metric.PAGEVIEWS] += point.pageviews - custom.get(_key(point.date), 0)
    if Metric.VISITORS in query.metrics and step != own_granularity(query):
        visitors = await _visitors(calls, query)
        for label, counts in found.items():
            counts[Metric.VISITORS] = visitors.get(label, 0)
    rows: list[Row] = [(label, *(counts[m] for m in query.metrics)) for label, counts in found.items()]
    return _filled(rows, query)


async def _visitors(calls: StatsCalls, query: ResolvedQuery) -> dict[str, int]:
    """Visitors by UTC day or month: those of hours do not add up."""
    series = await calls.series(query.period.first_date, query.period.last_date, own_granularity(query))
    return {label: p.visitors for p in series.series if (label := label_of(p.date, query)) is not None}


async def _buckets(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    rows: list[Row] = [
        (bucket.label, *await _stats(calls, query.metrics, bucket.first, bucket.last)) for bucket in bucket_dates(query)
    ]
    return _filled(rows, query)


def _filled(rows: list[Row], query: ResolvedQuery) -> list[Row]:
    """Sparklytics fills empty buckets with zeros; they stay only where that was asked, in the canonical form.

    (Source of 2026-04-12, contract 4.2.)
    """
    active = [row for row in rows if any(row[1:])]
    return filled(active, query)


async def _breakdown(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    dimension = Dimension(query.dimensions[0])
    first, last = query.period.first_date, query.period.last_date
    rows = merged(dimension, await calls.breakdown(BREAKDOWNS[dimension], first, last))
    whole = (await calls.stats(first, last)).visitors if Metric.PERCENTAGE in query.metrics else 0
    return [(row.value, *(breakdown_value(m, row, whole) for m in query.metrics)) for row in rows]


async def _names(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    """Custom events, and the row `pageview` made of what is left of all events."""
    first, last = query.period.first_date, query.period.last_date
    names, stats = await calls.names(first, last), await calls.stats(first, last)
    if names.total > len(names.rows):
        raise UnsupportedQuery([f"more event names ({names.total}) than Sparklytics lists ({len(names.rows)})"])
    known: list[tuple[str, dict[Metric, Value]]] = [
        (row.event_name, {Metric.EVENTS: row.count, Metric.VISITORS: row.visitors}) for row in names.rows
    ]
    views = stats.pageviews - sum(row.count for row in names.rows)
    if views:
        known.append((PAGEVIEW, {Metric.EVENTS: views, Metric.VISITORS: None}))
    return [(name, *(values[m] for m in query.metrics)) for name, values in known]


async def _goals(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    goals, wanted = await calls.goals(), goal_name(query.filters)
    chosen = [g for g in goals if not wanted or g.name == wanted]
    if wanted and not chosen:
        raise UnknownGoal(f"there is no goal {wanted[:100]!r} on this site", backend="sparklytics")
    if len(chosen) > MOST_GOALS:
        raise UnsupportedQuery([f"a call for each of {len(chosen)} goals is more than {MOST_GOALS}; filter on one"])
    rows: list[Row] = []
    for goal in chosen:
        values = await _goal(calls, goal, query)
        rows.append((goal.name, *values) if query.dimensions else values)
    return [row for row in rows if any(row[1:])] if query.dimensions else rows


async def _goal(calls: StatsCalls, goal: Goal, query: ResolvedQuery) -> Row:
    first, last = query.period.first_date, query.period.last_date
    stats = await calls.goal(goal.id, first, last)
    paid = await _revenue(calls, goal, first, last) if REVENUE & set(query.metrics) else {}
    return tuple(paid[m] if m in REVENUE else _goal_value(m, stats) for m in query.metrics)


async def _revenue(calls: StatsCalls, goal: Goal, first: date, last: date) -> dict[Metric, Value]:
    if goal.value_mode == "none" or not goal.currency:
        return dict.fromkeys(REVENUE)
    rows = (await calls.revenue(goal.id, first, last)).rows
    whole, count = sum(r.revenue for r in rows), sum(r.conversions for r in rows)
    return {
        Metric.TOTAL_REVENUE: Money(round(whole, 2), goal.currency),
        Metric.AVERAGE_REVENUE: Money(round(whole / count, 2) if count else 0.0, goal.currency),
    }


def _goal_value(metric: Metric, stats: GoalStats) -> Value:
    match metric:
        case Metric.CONVERSIONS | Metric.EVENTS:
            return stats.conversions
        case Metric.VISITORS:  # goals are counted by sessions, never by visitors (source of 2026-04-12, contract 6.1)
            return stats.converting_sessions
        case Metric.CONVERSION_RATE:
            return round(100 * stats.converting_sessions / stats.total_sessions, 2) if stats.total_sessions else 0.0
        case _:
            raise ValueError(f"{metric} is no number of a goal")
