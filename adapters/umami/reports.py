"""Statistics: the shape of a query decides which calls are made, their numbers become rows."""

from datetime import date, datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from adapters.reports import assembled, filled, foreseen, has_totals, whole
from adapters.translate import Shape, moment
from adapters.umami import filters as filtering
from adapters.umami.client import UmamiClient
from adapters.umami.goals import Goals
from adapters.umami.stats_calls import StatsCalls
from adapters.umami.translate import (
    by_bucket,
    counts_of,
    goal_params,
    goal_value,
    inexact,
    merged,
    most_calls,
    refusals,
    series_params,
    shape_of,
    spans,
    value,
)
from adapters.umami.vocabulary import TYPES
from adapters.umami.wire import BACKEND, DateRange
from models.errors import UnknownGoal, UnsupportedQuery
from models.event import PAGEVIEW
from models.goal import Goal, GoalKind
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, Row, Value
from models.site import Site
from models.vocabulary import Dimension, Metric

MOST_GOALS = 20


class Reports:
    """Reads and ReadsRealtime."""

    client: UmamiClient
    goals: Goals

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return foreseen(query, most_calls, inexact(query), refusals(query))

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        if against := refusals(query):
            raise UnsupportedQuery(against, backend=BACKEND)
        calls = StatsCalls(self.client, site, filtering.params(query.filters))
        goals = await self._goals(site, query)
        rows = await _rows(calls, query, goals)
        totals = (await _rows(calls, whole(query), goals))[0] if has_totals(query) else None
        if not any(any(row[len(query.dimensions) :]) for row in rows):
            await calls.exists()
        reasons = (*inexact(query), *calls.reasons)
        return assembled(query, rows, totals, calls=calls.count, reasons=reasons)

    async def _goals(self, site: Site, query: ResolvedQuery) -> tuple[Goal, ...]:
        """The goals a query is about. Raises UnknownGoal, and UnsupportedQuery when they are too many."""
        if shape_of(query) is not Shape.GOALS:
            return ()
        known, wanted = await self.goals.list_goals(site), filtering.goal_names(query.filters)
        if strange := [name for name in wanted if name not in {g.display_name for g in known}]:
            raise UnknownGoal(f"there is no goal {strange[0][:100]!r} on this site", backend=BACKEND)
        chosen = tuple(g for g in known if not wanted or g.display_name in wanted)
        if len(chosen) > MOST_GOALS:
            raise UnsupportedQuery(
                [f"a call for each of {len(chosen)} goals is more than {MOST_GOALS}; filter on some"]
            )
        return chosen

    async def stats_start(self, site: Site) -> date | None:
        found = await self.client.call("GET", self.client.below(site, "daterange"), DateRange)
        first = moment(found.startDate)
        return first.astimezone(ZoneInfo(site.timezone)).date() if first else None

    async def realtime(self, site: Site) -> int:
        """Everyone with any event in the last five minutes."""
        return await StatsCalls(self.client, site, ()).active()


async def _rows(calls: StatsCalls, query: ResolvedQuery, goals: tuple[Goal, ...]) -> list[Row]:
    shape, period = shape_of(query), query.period
    match shape:
        case Shape.TOTALS:
            return [await _totals(calls, query, period.first, period.last)]
        case Shape.REALTIME:
            return [(await calls.active(),)]
        case Shape.SERIES:
            found = by_bucket(await calls.series(period.first, period.last, series_params(query)), query)
            return filled([(label, *(counts[m] for m in query.metrics)) for label, counts in found.items()], query)
        case Shape.BUCKETS:
            rows = [(label, *await _totals(calls, query, first, last)) for label, first, last in spans(query)]
            return filled([row for row in rows if any(row[1:])], query)
        case Shape.BREAKDOWN:
            return await _breakdown(calls, query)
        case Shape.NAMES:
            return await _names(calls, query)
        case Shape.GOALS:
            return await _by_goal(calls, query, goals)
        case _:
            assert_never(shape)


async def _totals(calls: StatsCalls, query: ResolvedQuery, first: datetime, last: datetime) -> tuple[Value, ...]:
    counts = await calls.stats(first, last)
    custom = (await calls.events(first, last)).pageviews if Metric.EVENTS in query.metrics else 0
    return tuple(value(m, counts, events=custom) for m in query.metrics)


async def _breakdown(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    dimension, period = Dimension(query.dimensions[0]), query.period
    rows = await calls.expanded(period.first, period.last, (("type", TYPES[dimension]),))
    whole = (await calls.stats(period.first, period.last)).visitors if Metric.PERCENTAGE in query.metrics else 0
    return [
        (name, *(value(m, counts, whole=whole) for m in query.metrics))
        for name, counts in merged(dimension, rows).items()
    ]


async def _names(calls: StatsCalls, query: ResolvedQuery) -> list[Row]:
    """Custom events by name, and the row `pageview` made of the page views."""
    first, last = query.period.first, query.period.last
    found = {row.name or "": counts_of(row) for row in await calls.expanded(first, last, (("type", "event"),))}
    views = await calls.stats(first, last)
    if views.pageviews:
        found[PAGEVIEW] = views
    return [(name, *(value(m, counts) for m in query.metrics)) for name, counts in found.items()]


async def _by_goal(calls: StatsCalls, query: ResolvedQuery, goals: tuple[Goal, ...]) -> list[Row]:
    first, last = query.period.first, query.period.last
    rated = Metric.CONVERSION_RATE in query.metrics
    visitors = (await calls.stats(first, last)).visitors if rated else 0
    rows: list[Row] = []
    for goal in goals:
        ask = calls.events if goal.kind is GoalKind.EVENT else calls.stats
        reached = await ask(first, last, goal_params(goal))
        values = tuple(goal_value(m, reached, visitors) for m in query.metrics)
        rows.append((goal.display_name, *values) if query.dimensions else values)
    return [row for row in rows if any(row[1:])] if query.dimensions else rows
