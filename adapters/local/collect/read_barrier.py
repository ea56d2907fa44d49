"""Reads that see both tables of one moment: events and visits of a batch are stored one after the other.

A read that overlapped the storing of its site's events is made again; after a few tries it holds the next batch back,
but one read at a time and not for long, so that no reader keeps events from being stored. What saw half of a batch
nevertheless says so.
Holds within one process, which is where the embedded store lives; on a server another process may be in between.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

Result = TypeVar("Result")
TRIES = 3
HOLD_SECONDS = 0.5
"""Longest that reading holds a batch back."""


class ReadBarrier:
    """Counts, for each site, the batches that were stored and the one being stored."""

    def __init__(self) -> None:
        self._stored: Counter[str] = Counter()
        self._storing: frozenset[str] = frozenset()
        self._idle = asyncio.Event()
        self._idle.set()
        self._turn = asyncio.Lock()
        self._held = False

    @asynccontextmanager
    async def storing(self, sites: Iterable[str]) -> AsyncIterator[None]:
        """While both tables of a batch are written."""
        async with self._turn:
            self._storing = frozenset(sites)
            self._idle.clear()
            try:
                yield
            finally:
                self._stored.update(self._storing)
                self._storing = frozenset()
                self._idle.set()

    async def read(
        self, site: str, work: Callable[[], Awaitable[Result]], torn: Callable[[Result], Result] = lambda result: result
    ) -> Result:
        """The result of `work`, which saw no half of a batch of the site; `torn` says so where it did."""
        for _ in range(TRIES):
            result, whole = await self._tried(site, work)
            if whole:
                return result
        async with self._holding_back():
            result, whole = await self._tried(site, work)
        return result if whole else torn(result)

    async def _tried(self, site: str, work: Callable[[], Awaitable[Result]]) -> tuple[Result, bool]:
        if site in self._storing:
            await self._idle.wait()
        before = self._stored[site]
        result = await work()
        return result, self._stored[site] == before and site not in self._storing

    @asynccontextmanager
    async def _holding_back(self) -> AsyncIterator[None]:
        """While no batch is stored, for `HOLD_SECONDS` at most; where another read does so already, nothing is held."""
        if self._held:
            yield
            return
        self._held, releasing = True, False

        def release() -> None:
            nonlocal releasing
            if not releasing:
                releasing, self._held = True, False
                self._turn.release()

        try:
            await self._turn.acquire()
        except BaseException:
            self._held = False
            raise
        timer = asyncio.get_running_loop().call_later(HOLD_SECONDS, release)
        try:
            yield
        finally:
            timer.cancel()
            release()
