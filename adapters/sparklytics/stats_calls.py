"""The calls to the statistics endpoints about one website, counted."""

from collections import defaultdict
from datetime import date
from typing import TypeVar

from adapters.sparklytics.capabilities import TRUNCATED_CODE
from adapters.sparklytics.client import Params, SparklyticsClient, below
from adapters.sparklytics.translate import NAMES_DAYS, date_params
from adapters.sparklytics.wire import EventNames, Goal, GoalStats, Realtime, Revenue, Row, Rows, Series, Stats
from models.errors import UnsupportedQuery
from models.result import Reason
from models.site import Site

Body = TypeVar("Body")
PAGE, MOST_PAGES, MOST_NAMES = 100, 25, 24


class StatsCalls:
    """Reads of one site under one set of filters; `count` and `reasons` grow along the way."""

    def __init__(self, client: SparklyticsClient, site: Site, filters: Params) -> None:
        self._client, self._site, self._filters = client, site, filters
        self.count = 0
        self.reasons: dict[Reason, None] = {}

    async def _data(self, path: str, shape: type[Body], *params: tuple[str, str]) -> Body:
        self.count += 1
        place = below(self._site, *path.split("/"))
        return (await self._client.call("GET", place, shape, (*params, *self._filters))).data

    async def stats(self, first: date, last: date) -> Stats:
        return await self._data("stats", Stats, *date_params(first, last))

    async def pageviews(self, first: date, last: date, stats: Stats) -> int:
        """Page views alone: all events less the custom ones, or the sum over pages where those cannot be had.

        `pageviews` of ./stats counts every event (source of 2026-04-12, trap 2; fixtures/sparklytics/stats.json: 19 of
        which fixtures/sparklytics/events.json names 4).
        """
        if (last - first).days < NAMES_DAYS:
            names = await self.names(first, last)
            if names.total <= len(names.rows):
                return stats.pageviews - sum(row.count for row in names.rows)
        return sum(row.pageviews for row in await self.breakdown("page", first, last))

    async def names(self, first: date, last: date) -> EventNames:
        """Custom events by name; at most 200 of them are listed (source of 2026-04-12, contract 4.2)."""
        return await self._data("events", EventNames, *date_params(first, last))

    async def series(self, first: date, last: date, granularity: str) -> Series:
        """All events and visitors by bucket."""
        return await self._data("pageviews", Series, ("granularity", granularity), *date_params(first, last))

    async def custom(self, first: date, last: date, granularity: str) -> dict[str, int]:
        """Custom events by bucket, over all names. Raises UnsupportedQuery when there are too many names."""
        names = await self.names(first, last)
        if names.total > MOST_NAMES:
            raise UnsupportedQuery(
                [f"page views over time take a call for each of {names.total} event names, more than {MOST_NAMES}"]
            )
        found: dict[str, int] = defaultdict(int)
        for row in names.rows:
            params = (("event_name", row.event_name), ("granularity", granularity), *date_params(first, last))
            for point in (await self._data("events/timeseries", Series, *params)).series:
                found[point.date.replace(" ", "T").removesuffix("Z")] += point.pageviews
        return found

    async def breakdown(self, kind: str, first: date, last: date) -> list[Row]:
        """Every row of a breakdown, 100 a page, at most 25 pages."""
        rows: list[Row] = []
        for number in range(MOST_PAGES):
            params = (("type", kind), ("limit", str(PAGE)), ("offset", str(number * PAGE)), *date_params(first, last))
            self.count += 1
            page = await self._client.call("GET", below(self._site, "metrics"), Rows, (*params, *self._filters))
            rows += page.data.rows
            if not page.pagination.get("has_more"):
                return rows
        self.reasons[Reason(TRUNCATED_CODE, f"only the first {len(rows)} values of {kind} were read")] = None
        return rows

    async def goals(self) -> list[Goal]:
        self.count += 1
        return (await self._client.call("GET", below(self._site, "goals"), list[Goal])).data

    async def goal(self, goal_id: str, first: date, last: date) -> GoalStats:
        return await self._data(f"goals/{goal_id}/stats", GoalStats, *date_params(first, last))

    async def revenue(self, goal_id: str, first: date, last: date) -> Revenue:
        return await self._data("revenue/summary", Revenue, ("goal_id", goal_id), *date_params(first, last))

    async def realtime(self) -> Realtime:
        return await self._data("realtime", Realtime)
