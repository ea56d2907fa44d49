"""Threads that several tenants share: round robin between them, a bounded line for each, none can hold them all."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from models.errors import Overloaded

T = TypeVar("T")
MOST_WAITING = 64
RETRY_AFTER_SECONDS = 1.0


class FairThreads:
    """`threads` in all, `share` of them at most for one tenant; `waiting` may stand in line for each.

    For one event loop.
    """

    def __init__(self, name: str, threads: int, share: int, waiting: int = MOST_WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads, self._share, self._waiting = threads, share, waiting
        self._working: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def working(self) -> int:
        """Threads at work, also for those who have left."""
        return self._working.total()

    async def run(self, tenant: str, work: Callable[[], T]) -> T:
        """The result of the work. A place is taken until the work has really ended, also when nobody waits any more.

        Raises Overloaded when the tenant's line is full.
        """
        await self._turn(tenant)
        try:
            doing = asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)
        except BaseException:
            self._leave(tenant)
            raise
        doing.add_done_callback(lambda done: self._ended(tenant, done))
        return await asyncio.shield(doing)

    def _ended(self, tenant: str, done: "asyncio.Future[T]") -> None:
        if not done.cancelled():
            done.exception()  # who waits has it; work that nobody waits for must not warn
        self._leave(tenant)

    def _fits(self, tenant: str) -> bool:
        return self.working < self._threads and self._working[tenant] < self._share

    async def _turn(self, tenant: str) -> None:
        if self._fits(tenant):
            self._working[tenant] += 1
            return
        line = self._lines.setdefault(tenant, deque())
        if len(line) >= self._waiting:
            raise Overloaded(
                f"{self._waiting} questions of yours wait for the event store already; ask fewer at once",
                retry_after=RETRY_AFTER_SECONDS,
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(tenant)  # its turn came in the same moment
            else:
                self._forget(tenant, turn)
            raise

    def _forget(self, tenant: str, turn: asyncio.Future[None]) -> None:
        line = self._lines.get(tenant, deque())
        if turn in line:
            line.remove(turn)
        if not line:
            self._lines.pop(tenant, None)

    def _leave(self, tenant: str) -> None:
        self._working[tenant] -= 1
        if not self._working[tenant]:
            del self._working[tenant]
        for other in list(self._lines):
            if not self._fits(other):
                continue
            turn = self._lines[other].popleft()
            self._lines.move_to_end(other)  # the next place is somebody else's
            if not self._lines[other]:
                del self._lines[other]
            if not turn.done():
                self._working[other] += 1
                turn.set_result(None)

    def close(self) -> None:
        """Wait for what is being done; blocks."""
        self._pool.shutdown()
