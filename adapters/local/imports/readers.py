"""Where blocks are read: a small file in a thread, a large one in a process of its own, so that both cores work."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from adapters.local.collect.derive import Derivation
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.visitor import DailySalts, Salts
from adapters.local.imports.ndjson import BLOCK_BYTES, Block, LineReader, Source

LARGE = 16 << 20
"""Bytes from which on a process of its own (a second to start) is worth its while."""


class Blocks(Protocol):
    async def read(self, offset: int, line: int) -> Block:
        """As `LineReader.read`. Raises OSError."""
        ...


class _InThread:
    def __init__(self, reader: LineReader) -> None:
        self._reader = reader

    async def read(self, offset: int, line: int) -> Block:
        return await asyncio.to_thread(self._reader.read, offset, line)


class InProcess:
    """Reads in the process of a pool, and in a thread for as long as that one starts."""

    def __init__(self, pool: ProcessPoolExecutor, meanwhile: LineReader) -> None:
        self._pool, self._meanwhile = pool, _InThread(meanwhile)
        self.started = pool.submit(_is_ready)

    async def read(self, offset: int, line: int) -> Block:
        if not self.started.done():
            return await self._meanwhile.read(offset, line)
        return await asyncio.get_running_loop().run_in_executor(self._pool, _read, offset, line)


@dataclass(frozen=True, slots=True)
class HeldSalts:
    """The salts in force when an import began: a reader apart from the server must not draw new ones."""

    salts: DailySalts

    def at(self, now: datetime) -> DailySalts:
        return self.salts


class Readers:
    """Opens readers. `geo_path` None is the bundled file of places, as `Geo.open` takes it."""

    def __init__(
        self,
        derivation: Derivation,
        salts: Salts,
        geo_path: Path | None = None,
        *,
        large: int = LARGE,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._derivation, self._salts, self._geo_path = derivation, salts, geo_path
        self._large, self._block_bytes = large, block_bytes

    @asynccontextmanager
    async def open(self, source: Source) -> AsyncIterator[Blocks]:
        """Raises OSError."""
        size = (await asyncio.to_thread(source.path.stat)).st_size
        reader = LineReader(source, self._derivation, self._block_bytes)
        if size < self._large:
            yield _InThread(reader)
            return
        setup = (source, self._salts.at(source.now), self._geo_path, self._block_bytes)
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, setup)
        try:
            yield InProcess(pool, reader)
        finally:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)


_reader: list[LineReader] = []
"""The one reader of a process."""


def _begin(source: Source, salts: DailySalts, geo_path: Path | None, block_bytes: int) -> None:
    _reader[:] = [LineReader(source, Derivation(HeldSalts(salts), Geo.open(geo_path)), block_bytes)]


def _is_ready() -> bool:
    return bool(_reader)


def _read(offset: int, line: int) -> Block:
    return _reader[0].read(offset, line)
