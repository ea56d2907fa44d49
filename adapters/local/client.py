"""What reading shares: the event store, what a site has set up, and a query's conditions on events and on visits."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from adapters import asker
from adapters.local.collect.read_barrier import ReadBarrier
from adapters.local.sql import checks
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.filters import Window, on_events, on_visits
from adapters.local.store.fair_threads import FairThreads
from adapters.local.store.imported import ImportedRange
from models.errors import InvalidRequest
from models.filters import Filter
from models.goal import Goal
from models.query import ResolvedQuery
from models.site import Site

SETTINGS = " SETTINGS do_not_merge_across_partitions_select_final = 1"
"""See `adapters.local.sql.tables`: a state and what takes it back lie in one month."""
Rows = list[tuple[Any, ...]]
T = TypeVar("T")


class Queries(Protocol):
    """What answering needs of the event store."""

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> Rows: ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """A query's filters as SQL, with the bindings that statements add their own values to."""

    window: Window
    filters: tuple[Filter, ...]

    @property
    def bind(self) -> Bindings:
        return self.window.bind

    def events(self) -> str:
        """On rows of the events table, engagement left out."""
        return " AND ".join(on_events(self.filters, self.window, engagement=False))

    def visits(self) -> str:
        """On rows of the visits table."""
        return " AND ".join(on_visits(self.filters, self.window, engagement=False))

    def one_event(self, filters: Sequence[Filter]) -> str:
        """That one event fits all of the filters, period and site left out."""
        known = len(self.window.events_in_period(engagement=False))
        return " AND ".join(on_events(filters, self.window, engagement=False)[known:]) or "1"


@dataclass(frozen=True, slots=True)
class StoreClient:
    """The store, and what is known of a site: goals and imports are asked anew for each question."""

    store: Queries
    goals_of: Callable[[Site], Awaitable[Sequence[Goal]]]
    imports_of: Callable[[Site], Awaitable[Sequence[ImportedRange]]]
    now: Callable[[], datetime]
    attribution: str = ""
    """What the licence of the file of addresses asks to be shown."""
    barrier: ReadBarrier = field(default_factory=ReadBarrier)
    patterns: FairThreads = field(default_factory=lambda: FairThreads("patterns", threads=1, share=1))

    async def conditions(self, site: Site, query: ResolvedQuery, others: Sequence[Filter] = ()) -> Conditions:
        """`others` are further filters to check. Raises InvalidRequest for an unknown goal or a bad expression."""
        goals = tuple(await self.goals_of(site))
        await self.check(replace(query, filters=(*query.filters, *others)), goals)
        return Conditions(Window(site.id, query.period, goals, Bindings()), query.filters)

    async def check(self, query: ResolvedQuery, goals: Sequence[Goal]) -> None:
        """Raises InvalidRequest for an unknown goal, a bad expression, or too much to compile."""
        if problems := await self.apart(query, lambda: checks.problems(query, goals)):
            raise InvalidRequest(problems)

    async def apart(self, query: ResolvedQuery, work: Callable[[], T]) -> T:
        """Do what may compile expressions of a query; off the event loop, where there are any."""
        if not checks.compiles(query.filters):
            return work()
        return await self.patterns.run(asker.tenant.get(), work)

    async def rows(self, sql: str, conditions: Conditions) -> Rows:
        return await self.store.query(sql + SETTINGS, conditions.bind.values)


def page_of(query: ResolvedQuery) -> str:
    """The asked page of rows, as SQL."""
    return f"LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
