"""Protocols for questions below the canonical query: funnels, single visits, tables of events, lists of values."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from models.insight import Aggregate, Clock, ClockRow, EventDetail, EventRow, FunnelStep, PropRow, VisitEvent, VisitRow
from models.query import ResolvedQuery
from models.site import Site


@runtime_checkable
class ReadsFunnels(Protocol):
    async def funnel(self, site: Site, query: ResolvedQuery, steps: Sequence[FunnelStep]) -> tuple[int, ...]:
        """Visitors who, within one visit, got to each step in the order of the steps; the query's filters hold too."""
        ...


@runtime_checkable
class ListsVisits(Protocol):
    async def list_visits(self, site: Site, query: ResolvedQuery) -> tuple[VisitRow, ...]:
        """Visits of the period that fit the filters, the latest first; `limit` and `offset` page them."""
        ...

    async def visit_events(self, site: Site, query: ResolvedQuery, visitor: int, visit: int) -> tuple[VisitEvent, ...]:
        """Every event of one visit of the period, in order; empty when there is none."""
        ...


@runtime_checkable
class ListsValues(Protocol):
    async def list_values(self, site: Site, query: ResolvedQuery, dimension: str, search: str) -> tuple[str, ...]:
        """Values of a dimension that occur in the period, in order; `search` is a part of them in any case.

        The dimension `prop` lists the names of properties. At most `query.limit`.
        """
        ...


@runtime_checkable
class ReadsEventTables(Protocol):
    async def clock_table(self, site: Site, query: ResolvedQuery, clock: Clock) -> tuple[ClockRow, ...]:
        """A row for every hour or minute there is, in order, zeros included."""
        ...

    async def prop_table(self, site: Site, query: ResolvedQuery, key: str = "") -> tuple[PropRow, ...]:
        """Names of properties, or the values of one, most visitors first."""
        ...

    async def event_table(self, site: Site, query: ResolvedQuery) -> tuple[EventRow, ...]:
        """Custom events by name and properties, most visitors first."""
        ...

    async def event_details(self, site: Site, query: ResolvedQuery) -> tuple[EventDetail, ...]:
        """What is known of each name of custom events, by name."""
        ...

    async def aggregate(self, site: Site, query: ResolvedQuery, key: str, *, whole: bool) -> Aggregate:
        """Sum and mean of a numeric property over the events that fit; `whole` leaves out values with a fraction."""
        ...
