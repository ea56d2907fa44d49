"""Answers that only some backends have: funnels, single visits, tables by the clock, lists of values."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.insights import ListsValues, ListsVisits, ReadsEventTables, ReadsFunnels
from gateway.outbound.backends import Backends, refused
from gateway.read.stats import Expand
from gateway.tenancy import SiteRecord, Tenant
from models.capability import Operation
from models.errors import InvalidRequest, Problem
from models.insight import (
    MAX_STEPS,
    MIN_STEPS,
    Aggregate,
    Clock,
    ClockRow,
    EventDetail,
    EventRow,
    FunnelStep,
    PropRow,
    VisitEvent,
    VisitRow,
)
from models.query import Query, ResolvedQuery


class Insights:
    """Asks the backends that can; every method raises UnsupportedQuery where the site's backend cannot."""

    def __init__(self, backends: Backends, expand: Expand, now: Callable[[], datetime]) -> None:
        self._backends, self._expand, self._now = backends, expand, now

    async def _resolved(self, record: SiteRecord, query: Query) -> ResolvedQuery:
        filters = await self._expand(Tenant(record.tenant), record, query.filters)
        return replace(query, filters=filters).resolved(zone=record.site.timezone, now=self._now())

    async def funnel(self, record: SiteRecord, query: Query, steps: Sequence[FunnelStep]) -> tuple[int, ...]:
        """Visitors at each of 2 to 8 steps. Raises InvalidRequest."""
        if not MIN_STEPS <= len(steps) <= MAX_STEPS:
            raise InvalidRequest([Problem("steps", f"a funnel has {MIN_STEPS} to {MAX_STEPS} steps")])
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ReadsFunnels) or not adapter.can.allows(Operation.FUNNELS):
            raise refused(adapter, Operation.FUNNELS)
        return await adapter.funnel(record.site, await self._resolved(record, query), steps)

    async def _lister(self, record: SiteRecord) -> ListsVisits:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ListsVisits) or not adapter.can.allows(Operation.VISIT_LIST):
            raise refused(adapter, Operation.VISIT_LIST)
        return adapter

    async def visits(self, record: SiteRecord, query: Query) -> tuple[VisitRow, ...]:
        lister = await self._lister(record)
        return await lister.list_visits(record.site, await self._resolved(record, query))

    async def visit_events(self, record: SiteRecord, query: Query, visitor: int, visit: int) -> tuple[VisitEvent, ...]:
        lister = await self._lister(record)
        return await lister.visit_events(record.site, await self._resolved(record, query), visitor, visit)

    async def values(self, record: SiteRecord, query: Query, dimension: str, search: str = "") -> tuple[str, ...]:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ListsValues) or not adapter.can.allows(Operation.VALUE_LISTS):
            raise refused(adapter, Operation.VALUE_LISTS)
        return await adapter.list_values(record.site, await self._resolved(record, query), dimension, search)

    async def _tables(self, record: SiteRecord) -> ReadsEventTables:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ReadsEventTables) or not adapter.can.allows(Operation.EVENT_TABLES):
            raise refused(adapter, Operation.EVENT_TABLES)
        return adapter

    async def clock(self, record: SiteRecord, query: Query, clock: Clock) -> tuple[ClockRow, ...]:
        tables = await self._tables(record)
        return await tables.clock_table(record.site, await self._resolved(record, query), clock)

    async def props(self, record: SiteRecord, query: Query, key: str = "") -> tuple[PropRow, ...]:
        tables = await self._tables(record)
        return await tables.prop_table(record.site, await self._resolved(record, query), key)

    async def events(self, record: SiteRecord, query: Query) -> tuple[EventRow, ...]:
        tables = await self._tables(record)
        return await tables.event_table(record.site, await self._resolved(record, query))

    async def details(self, record: SiteRecord, query: Query) -> tuple[EventDetail, ...]:
        tables = await self._tables(record)
        return await tables.event_details(record.site, await self._resolved(record, query))

    async def aggregate(self, record: SiteRecord, query: Query, key: str, *, whole: bool) -> Aggregate:
        tables = await self._tables(record)
        return await tables.aggregate(record.site, await self._resolved(record, query), key, whole=whole)
