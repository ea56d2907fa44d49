"""A local backend on a folder of the test, with a ledger in memory and a clock that stands."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Context, Reply, Request
from adapters.local.adapter import LocalAdapter
from adapters.local.options import LocalOptions
from models.site import Site

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SITE = Site(id="site_1", domain="example.com")
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)


class MemoryLedger:
    """The ledger's contract over a dictionary."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.numbers: dict[str, int] = {}

    async def get(self, kind: str, key: str) -> dict[str, Any] | None:
        return self.documents.get((kind, key))

    async def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        self.documents[kind, key] = dict(value)

    async def delete(self, kind: str, key: str) -> bool:
        return self.documents.pop((kind, key), None) is not None

    async def change(
        self, puts: Mapping[tuple[str, str], Mapping[str, Any]], deletes: Iterable[tuple[str, str]] = ()
    ) -> None:
        for place in deletes:
            self.documents.pop(place, None)
        for (kind, key), value in puts.items():
            self.documents[kind, key] = dict(value)

    async def list(self, kind: str, prefix: str = "") -> tuple[tuple[str, dict[str, Any]], ...]:
        found = {key: value for (held, key), value in self.documents.items() if held == kind and key.startswith(prefix)}
        return tuple(sorted(found.items()))

    async def next_id(self, kind: str) -> int:
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return self.numbers[kind]


class NoTransport:
    """The local backend calls nobody."""

    async def send(self, request: Request) -> Reply:
        raise AssertionError(f"called {request.path}")

    async def close(self) -> None:
        return None


class HeldDisk:
    """A disk that takes its time over what the journal writes, but for the first few, until it is `let` go on."""

    def __init__(self, after: int) -> None:
        self._passing = iter(range(after))
        self._asked, self._let = threading.Event(), threading.Event()
        self._real = os.fdatasync

    def sync(self, descriptor: int) -> None:
        if next(self._passing, None) is None:
            self._asked.set()
            self._let.wait(100)
        self._real(descriptor)

    async def asked(self) -> None:
        """Return when a record is being written."""
        assert await asyncio.to_thread(self._asked.wait, 60)

    def let(self) -> None:
        self._let.set()


@asynccontextmanager
async def held_disk(monkeypatch: pytest.MonkeyPatch, after: int = 0) -> AsyncIterator[HeldDisk]:
    disk = HeldDisk(after)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", disk.sync)
        try:
            yield disk
        finally:
            disk.let()


def local_adapter(
    folder: Path, ledger: MemoryLedger | None = None, now: Callable[[], datetime] = lambda: NOW, **options: Any
) -> LocalAdapter:
    """Not started yet."""
    context = Context(NoTransport(), ledger or MemoryLedger(), now, folder, "https://stats.example.com")
    return LocalAdapter(LocalOptions(**options), context)


@asynccontextmanager
async def started(
    folder: Path, ledger: MemoryLedger | None = None, now: Callable[[], datetime] = lambda: NOW, **options: Any
) -> AsyncIterator[LocalAdapter]:
    """A running one, closed whatever happens."""
    adapter = local_adapter(folder, ledger, now, **options)
    await adapter.start()
    try:
        yield adapter
    finally:
        await adapter.close()
