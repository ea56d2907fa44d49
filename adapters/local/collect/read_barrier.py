"""Reads that see both tables of one moment: events and visits of a batch are stored one after the other.

A read that overlapped the storing of its site's events is made again; after a few tries it holds the next batch back.
Holds within one process, which is where the embedded store lives; on a server another process may be in between.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

Result = TypeVar("Result")
TRIES = 3


class ReadBarrier:
    """Counts, for each site, the batches that were stored and the one being stored."""

    def __init__(self) -> None:
        self._stored: Counter[str] = Counter()
        self._storing: frozenset[str] = frozenset()
        self._idle = asyncio.Event()
        self._idle.set()
        self._turn = asyncio.Lock()

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

    async def read(self, site: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `work`, which saw no half of a batch of the site."""
        for _ in range(TRIES):
            if site in self._storing:
                await self._idle.wait()
            before = self._stored[site]
            result = await work()
            if self._stored[site] == before and site not in self._storing:
                return result
        async with self._turn:
            return await work()
