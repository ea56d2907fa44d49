"""Questions of those who ask: in threads of their own, with a bound of memory and time that ends the work itself."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog

from adapters import asker
from adapters.local.store.fair_threads import FairThreads
from models.errors import BackendError

if TYPE_CHECKING:
    from adapters.local.store.event_store import EventStore

log = structlog.get_logger(__name__)

THREADS = 4
SHARE = 2
"""Threads that one tenant may hold; the rest are there for the others."""
MOST_SECONDS = 30.0
LEAST_SECONDS = 0.05
MOST_MEMORY = 512 << 20
LIMITS: Mapping[str, Any] = {
    "max_threads": 2,
    "max_memory_usage": MOST_MEMORY,
    "max_bytes_before_external_group_by": MOST_MEMORY // 4,
    "max_bytes_before_external_sort": MOST_MEMORY // 4,
    "max_block_size": 16_384,  # time and an end are looked at between blocks
    "timeout_overflow_mode": "throw",
}
MARK = "log_comment"
"""The setting that a statement is known by while it runs; the embedded engine takes no name for one."""
KILL = f"KILL QUERY WHERE Settings['{MARK}'] = {{mark:String}} ASYNC"


class Reads:
    """The store's lane for questions. Never the way of an insert."""

    def __init__(self, store: "EventStore", threads: int = THREADS, share: int = SHARE) -> None:
        self._store = store
        self._threads = FairThreads("read", threads, share)
        self._killing: set[asyncio.Task[None]] = set()

    @property
    def working(self) -> int:
        """Statements that run, also those that nobody waits for any more."""
        return self._threads.working

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Rows of a SELECT. When nobody waits any more the statement is ended.

        Raises TimedOut, Overloaded (too much memory, or too many in line), Unreachable and BackendError.
        """
        mark, given = f"read-{uuid4().hex}", dict(parameters)
        loop, until = asyncio.get_running_loop(), asker.until.get()
        gone = False

        def work() -> list[tuple[Any, ...]]:
            left = MOST_SECONDS if until is None else min(MOST_SECONDS, until - loop.time())
            if gone or left <= 0:
                return []  # nobody waits for it
            limits = {**LIMITS, "max_execution_time": round(max(LEAST_SECONDS, left), 3), MARK: mark}
            return self._store.select(sql, given, limits)

        try:
            return await self._threads.run(asker.tenant.get(), work)
        except asyncio.CancelledError:
            gone = True
            self._end(mark)
            raise

    def _end(self, mark: str) -> None:
        task = asyncio.create_task(self._kill(mark), name="kill")
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)

    async def _kill(self, mark: str) -> None:
        try:
            await self._store.query(KILL, {"mark": mark})
        except BackendError as error:
            log.warning("a statement that nobody waits for was not ended", reason=str(error.__cause__ or error))

    async def close(self) -> None:
        """End what runs, and wait for it."""
        await asyncio.gather(*self._killing)
        await asyncio.to_thread(self._threads.close)
