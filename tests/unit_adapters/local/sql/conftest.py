"""One embedded store for a module: the engine takes one path a process, so it is closed when the module ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.local.store.event_store import EventStore


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventStore]:
    path: Path = tmp_path_factory.mktemp("events")
    opened = asyncio.run(EventStore.open(f"chdb://{path}", threads=1))
    yield opened
    asyncio.run(opened.close())
