"""A whole local write path over a temporary folder: journal, store, writer, collector and the imports on top."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.local.care.removal import Removal
from adapters.local.collect.derive import Derivation
from adapters.local.collect.drops import DropCounts
from adapters.local.collect.ingest import Collector
from adapters.local.collect.journal import Journal
from adapters.local.collect.rules import Rules, compile_rules
from adapters.local.collect.writer import Writer
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.visitor import Salts
from adapters.local.imports import state
from adapters.local.imports.aggregates import AggregateImport
from adapters.local.imports.events import EventImport
from adapters.local.imports.jobs import Imports
from adapters.local.imports.readers import Readers
from adapters.local.store.event_store import EventStore
from models.job import ImportJob, OnError
from models.settings import SiteSettings
from models.site import Site
from tests.unit_adapters.local.wiring import MemoryLedger

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
BLOCK_BYTES = 100_000
SITE = Site(id="site_1", domain="example.com")


@dataclass
class Desk:
    """The open parts, and short ways to ask them."""

    store: EventStore
    journal: Journal
    writer: Writer
    collector: Collector
    imports: Imports
    folder: Path

    def spooled(self, content: bytes, name: str = "upload") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    async def take(
        self, content: bytes, format: str = "ndjson", on_error: OnError = OnError.SKIP, site: Site = SITE
    ) -> ImportJob:
        """Import and wait."""
        job = await self.imports.start_import(site, format, self.spooled(content), on_error)
        return await self.imports.get_import(site, job.id, wait=True)

    async def one(self, sql: str, **values: Any) -> tuple[Any, ...]:
        return (await self.store.query(sql, values))[0]


@contextlib.asynccontextmanager
async def opened(folder: Path, ledger: MemoryLedger, settings: SiteSettings | None = None) -> AsyncIterator[Desk]:
    """Everything over one data folder; leaving it is an orderly stop."""
    rules = compile_rules(settings or SiteSettings())

    async def rules_of(site: Site) -> Rules | None:
        return rules

    def now() -> datetime:
        return NOW

    spool = folder / "imports"
    spool.mkdir(parents=True, exist_ok=True)
    store = await EventStore.open(f"chdb://{folder / 'events'}", threads=2)
    journal = Journal.open(folder / "journal", keep_after=state.kept_after(spool))
    writer = Writer(store, journal, interval=0.05)
    salts = Salts(folder / "salts.json")
    derivation = Derivation(salts, Geo.open())
    collector = Collector(journal, writer, derivation, DropCounts(ledger), rules_of=rules_of, now=now)
    events = EventImport(
        journal,
        collector,
        Readers(derivation, salts, block_bytes=BLOCK_BYTES),
        removal=Removal(store, writer),
        rules_of=rules_of,
        now=now,
    )
    imports = Imports(ledger, spool, {"ndjson": events, "plausible": AggregateImport(store, ledger)}, now=now)
    await writer.start()
    await imports.start()
    try:
        yield Desk(store, journal, writer, collector, imports, folder)
    finally:
        await imports.close()
        await writer.close()
        await journal.close()
        await store.close()


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
async def desk(tmp_path: Path, ledger: MemoryLedger) -> AsyncIterator[Desk]:
    async with opened(tmp_path, ledger) as found:
        yield found
