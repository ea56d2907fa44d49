"""Removing rows for good: deleted sites, and events older than a site keeps them. In the background, with proof."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from adapters.base import Ledger
from adapters.local.collect.writer import Writer
from adapters.local.manage.settings import SETTINGS, ZONE, settings_of
from adapters.local.manage.sites import DELETED
from adapters.local.store.ddl import LAYOUTS
from adapters.local.store.event_store import EventStore
from models.errors import BackendError
from models.period import days_period

log = structlog.get_logger(__name__)

PAUSE = 3600.0
RETRY = 30.0
IMPORTED = tuple(name for name in LAYOUTS if name.startswith("imported_"))
OVER_MIDNIGHT = timedelta(days=1)
"""Far more than may lie between two events of a visit: one that goes on over a midnight has some this near to it."""
EXPIRED = "site = {site:String} AND time < toDateTime({edge:UInt32}, 'UTC')"
GOING_ON = f"""
SELECT DISTINCT session FROM events
WHERE {EXPIRED} AND time >= toDateTime({{before:UInt32}}, 'UTC') AND session IN (
    SELECT session FROM events WHERE site = {{site:String}}
    AND time >= toDateTime({{edge:UInt32}}, 'UTC') AND time < toDateTime({{after:UInt32}}, 'UTC')
) SETTINGS distributed_product_mode = 'local'
"""
"""On a cluster all events of a visit lie on one shard."""


class Purge:
    """One task that works off deletions as they come and looks for expired rows once an hour."""

    def __init__(self, store: EventStore, ledger: Ledger, writer: Writer, *, now: Callable[[], datetime]) -> None:
        self._store, self._ledger, self._writer, self._now = store, ledger, writer, now
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._wanted.set()
        self._task = asyncio.create_task(self._run(), name="purge")

    async def close(self) -> None:
        """Stop; a deletion that is not done goes on at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def delete_site(self, site: str, domain: str) -> None:
        """Write down that a site's rows must go, and begin. The site is hidden by then."""
        at = self._now().isoformat()
        await self._ledger.put(DELETED, site, {"domain": domain, "deleted_at": at})
        self._wanted.set()

    async def _run(self) -> None:
        while True:
            pause = PAUSE
            self._wanted.clear()
            try:
                await self.work_off()
            except Exception as error:  # of the store or of the ledger, which raises what its database does
                log.warning("purge_failed", error=type(error).__name__)
                pause = RETRY
            try:
                async with asyncio.timeout(pause):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def work_off(self) -> None:
        """Everything that is due now. Raises BackendError; what was done stays done."""
        for site, told in await self._ledger.list(DELETED):
            if "purged_at" not in told:
                await self._writer.flush()
                rows = {table: await self._remove(table, "site = {site:String}", {"site": site}) for table in LAYOUTS}
                proof = {"purged_at": self._now().isoformat(), "rows": rows, "remaining": 0}
                await self._ledger.put(DELETED, site, {**told, **proof})
        for site, value in await self._ledger.list(SETTINGS):
            if days := settings_of(value).retention_days:
                await self._expire(site, days, ZoneInfo(value.get(ZONE, "UTC")))

    async def _expire(self, site: str, days: int, zone: ZoneInfo) -> None:
        """Whole days of the site's zone only: a day goes when its last moment is too old."""
        oldest = (self._now() - timedelta(days=days)).astimezone(zone).date()
        for table in IMPORTED:
            condition = "site = {site:String} AND date < {oldest:Date}"
            await self._remove(table, condition, {"site": site, "oldest": oldest.isoformat()})
        edge = days_period(oldest, oldest, zone).first
        near = {"before": edge - OVER_MIDNIGHT, "edge": edge, "after": edge + OVER_MIDNIGHT}
        await self._expire_visits({"site": site, **{name: max(0, int(at.timestamp())) for name, at in near.items()}})

    async def _expire_visits(self, near: Mapping[str, Any]) -> None:
        """A visit over midnight goes as a whole, with its last day: what is left of it would be another visit.

        The visits go first: their events show what is still to be removed when this was cut off.
        """
        if not await self._count("events", *await self._expired(near)):
            return
        await self._writer.flush()
        async with self._writer.paused():
            expired = await self._expired(near)
            for table in ("sessions", "events"):
                await self._remove(table, *expired)

    async def _expired(self, near: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The condition on rows that are too old, and its values."""
        kept = [int(session) for (session,) in await self._store.query(GOING_ON, near)]
        return f"{EXPIRED} AND NOT has({{kept:Array(UInt64)}}, session)", {**near, "kept": kept}

    async def _remove(self, table: str, condition: str, values: Mapping[str, Any]) -> int:
        """Delete and count again. Raises BackendError when rows are left."""
        found = await self._count(table, condition, values)
        if found:
            await self._store.delete(table, condition, values)
            if await self._count(table, condition, values):
                raise BackendError(f"rows are left in {table}")
        return found

    async def _count(self, table: str, condition: str, values: Mapping[str, Any]) -> int:
        return int((await self._store.query(f"SELECT count() FROM {table} WHERE {condition}", values))[0][0])
