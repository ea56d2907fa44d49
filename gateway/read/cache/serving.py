"""Serve a kept value, an older one while a new one is fetched, an older one because the backend failed, or a new one.

fresh              serve it
stale, revalidate  serve it now and send one flight of the lowest priority, unless the budget is low
older or absent    join or start the flight; nobody waits longer than its own deadline
flight failed      the older value with the reason, while the policy allows it; else the error
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

from gateway.outbound.backends import GOOD, Standing
from gateway.outbound.budget.priority import REFRESH_LEVEL, Priority, prioritised
from gateway.read.cache.flight import Flights
from gateway.read.cache.policy import NEGATIVE_SECONDS, Policy
from gateway.read.cache.size import size_of
from gateway.read.cache.store import TENANT_SHARE, Entry, Store
from models.errors import BackendError, GatewayError, MissingAtBackend, Overloaded
from models.result import Freshness, Reason

T = TypeVar("T")
MOST_REMEMBERED = 10_000
REFRESH_PAUSE_SECONDS = 5.0
"""After a refresh failed, the next one waits this long."""
FLIGHT_SECONDS = 30.0
REVALIDATING = Reason("revalidating", "an earlier answer; a new one is being fetched")
SPARING = Reason("budget_low", "an earlier answer; the backend's request limit is nearly used up")
PAUSED = Reason("refresh_failed", "an earlier answer; fetching a new one failed a moment ago")
WITHOUT_ASKING = (REVALIDATING, SPARING, PAUSED)
"""Why an earlier answer was served without waiting for the backend."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value is kept: its owner, its key, and the digest of the subject a backend may not know (a site)."""

    tenant: str
    key: bytes
    subject: bytes


@dataclass(frozen=True, slots=True)
class Served(Generic[T]):
    """What was served. `fresh_for` is seconds it stays fresh; `stale` says why it is an earlier value; `collapsed`
    that another request had asked already."""

    value: T
    as_of: datetime
    freshness: Freshness
    fresh_for: float = 0.0
    stale: Reason | None = None
    collapsed: bool = False


class Keeper:
    """Values of one process, bounded in bytes. Concurrent misses of one key make one call; errors are never kept."""

    def __init__(
        self,
        *,
        max_bytes: int,
        now: Callable[[], datetime],
        tenant_share: float = TENANT_SHARE,
        flight_seconds: float = FLIGHT_SECONDS,
    ) -> None:
        self._now = now
        self._store: Store[Any] = Store(max_bytes, now, tenant_share=tenant_share)
        self._flights: Flights[Entry[Any]] = Flights(seconds=flight_seconds)
        self._missing: TTLCache[bytes, MissingAtBackend] = TTLCache(MOST_REMEMBERED, NEGATIVE_SECONDS, self._timer)
        self._paused: TTLCache[bytes, bool] = TTLCache(MOST_REMEMBERED, REFRESH_PAUSE_SECONDS, self._timer)

    def _timer(self) -> float:
        return self._now().timestamp()

    @property
    def bytes(self) -> int:
        """Roughly the memory of everything kept."""
        return self._store.used

    @property
    def flights(self) -> int:
        """Calls under way."""
        return len(self._flights)

    async def serve(
        self, location: Location, policy: Policy, produce: Callable[[], Awaitable[T]], standing: Standing = GOOD
    ) -> Served[T]:
        """The value of a location. Raises what `produce` raises, and TimedOut at the waiter's own deadline."""
        entry: Entry[T] | None = self._store.get(location.tenant, location.key)
        if entry is not None:
            now = self._now()
            fresh_for = (entry.policy.fresh_for(standing.level)).total_seconds() - entry.age(now)
            if fresh_for > 0:
                return Served(entry.value, entry.as_of, Freshness.HIT, fresh_for)
            if entry.age(now) < entry.policy.revalidate.total_seconds():
                why = self._refresh(location, policy, produce, standing)
                return Served(entry.value, entry.as_of, Freshness.STALE, stale=why)
        if (missing := self._missing.get(location.subject)) is not None:
            raise MissingAtBackend(missing.detail, backend=missing.backend)
        try:
            found, joined = await self._flights.join(location.key, lambda: self._fetch(location, policy, produce))
        except (BackendError, Overloaded) as error:
            return self._instead(location, entry, error)
        fresh_for = found.policy.fresh_for(standing.level).total_seconds()
        return Served(found.value, found.as_of, Freshness.MISS, fresh_for, collapsed=joined)

    async def _fetch(self, location: Location, policy: Policy, produce: Callable[[], Awaitable[T]]) -> Entry[T]:
        try:
            value = await produce()
        except MissingAtBackend as error:
            self._missing[location.subject] = error.with_traceback(None)
            raise
        entry = Entry(value, self._now(), policy, size_of(value))
        self._store.put(location.tenant, location.key, entry)
        return entry

    def _refresh(
        self, location: Location, policy: Policy, produce: Callable[[], Awaitable[T]], standing: Standing
    ) -> Reason:
        """Send for a new value, unless that has to wait; what there is to say of the earlier one."""
        if standing.level < REFRESH_LEVEL:
            return SPARING
        if location.key in self._paused:
            return PAUSED

        async def work() -> Entry[T]:
            with prioritised(Priority.REFRESH):
                try:
                    return await self._fetch(location, policy, produce)
                except GatewayError:
                    self._paused[location.key] = True
                    raise

        self._flights.send(location.key, work)
        return REVALIDATING

    def _instead(self, location: Location, entry: Entry[T] | None, error: BackendError | Overloaded) -> Served[T]:
        """The older value instead of an error that another moment would not have brought; else the error."""
        if entry is None or not error.retryable:
            raise error
        if entry.age(self._now()) >= entry.policy.on_error.total_seconds():
            raise error
        return Served(entry.value, entry.as_of, Freshness.STALE, stale=Reason(error.code, error.detail))

    async def close(self) -> None:
        """Cancel whatever is under way."""
        await self._flights.close()
