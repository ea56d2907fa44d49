"""Removing rows for good: deleted sites, and events older than a site keeps them. In the background, with proof."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from adapters.base import Ledger
from adapters.local.ddl import LAYOUTS
from adapters.local.management import SETTINGS
from adapters.local.store import EventStore
from models.errors import BackendError
from models.settings import SiteSettings

log = structlog.get_logger(__name__)

DELETED = "deleted_sites"
"""Ledger documents by site id: domain, deleted_at, and when it is done purged_at and the rows removed by table."""
PAUSE = 3600.0
RETRY = 30.0
AGES = {"events": "time", "sessions": "time", **{name: "date" for name in LAYOUTS if name.startswith("imported_")}}


class Purge:
    """One task that works off deletions as they come and looks for expired rows once an hour."""

    def __init__(
        self, store: EventStore, ledger: Ledger, *, flush: Callable[[], Awaitable[None]], now: Callable[[], datetime]
    ) -> None:
        self._store, self._ledger, self._flush, self._now = store, ledger, flush, now
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
            except BackendError as error:
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
                await self._flush()
                rows = {table: await self._remove(table, "site = {site:String}", {"site": site}) for table in LAYOUTS}
                proof = {"purged_at": self._now().isoformat(), "rows": rows, "remaining": 0}
                await self._ledger.put(DELETED, site, {**told, **proof})
        for site, value in await self._ledger.list(SETTINGS):
            if days := SiteSettings(**value).retention_days:
                await self._expire(site, days)

    async def _expire(self, site: str, days: int) -> None:
        """Whole days only: a day goes when its last moment is too old."""
        oldest = (self._now() - timedelta(days=days)).date().isoformat()
        for table, column in AGES.items():
            condition = f"site = {{site:String}} AND toDate({column}) < {{oldest:Date}}"
            await self._remove(table, condition, {"site": site, "oldest": oldest})

    async def _remove(self, table: str, condition: str, values: dict[str, str]) -> int:
        """Delete and count again. Raises BackendError when rows are left."""
        count = f"SELECT count() FROM {table} WHERE {condition}"
        found = int((await self._store.query(count, values))[0][0])
        if found:
            await self._store.delete(table, condition, values)
            if int((await self._store.query(count, values))[0][0]):
                raise BackendError(f"rows are left in {table}")
        return found
