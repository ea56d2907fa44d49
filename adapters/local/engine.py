"""The running parts behind the local backend, opened in order and closed in reverse."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import structlog

from adapters import domain
from adapters.base import Context
from adapters.local.care import backup
from adapters.local.care.purge import Purge
from adapters.local.care.removal import Removal
from adapters.local.collect import recovery
from adapters.local.collect.derive import Derivation
from adapters.local.collect.drops import DropCounts
from adapters.local.collect.ingest import Collector, RulesOf
from adapters.local.collect.journal import Journal
from adapters.local.collect.writer import Writer
from adapters.local.enrich import agent, bots, referrer, sources
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.visitor import Salts
from adapters.local.folder_lock import FolderLock
from adapters.local.imports import state
from adapters.local.imports.aggregates import AggregateImport
from adapters.local.imports.events import EventImport
from adapters.local.imports.jobs import Imports
from adapters.local.imports.readers import Readers
from adapters.local.imports.task import Runner
from adapters.local.options import FOLDER, LocalOptions
from adapters.local.store.event_store import EventStore
from models.errors import BackendError

log = structlog.get_logger(__name__)

SAVE_COUNTS = 5.0


class NotRunning:
    """What stands in the place of running parts before they were opened and after they were closed."""

    def __getattr__(self, name: str) -> Any:
        raise BackendError("the local backend is not running", backend="local")


@dataclass(frozen=True, slots=True)
class Engine:
    """Store, journal, writer and what feeds them. Make it with `Engine.open`; `close` drains.

    `folder` holds journal, salts and files of imports.
    """

    folder: Path
    store: EventStore
    journal: Journal
    writer: Writer
    collector: Collector
    counts: DropCounts
    purge: Purge
    imports: Imports
    geo: Geo
    rules_of: RulesOf
    _closing: AsyncExitStack

    @classmethod
    async def open(cls, options: LocalOptions, context: Context, rules_of: RulesOf) -> Self:
        """Raises ConfigurationError, Unreachable, OSError; what was opened is closed again."""
        folder, ledger, now = context.data_dir / FOLDER, context.ledger, context.now
        async with AsyncExitStack() as stack:
            lock = await asyncio.to_thread(FolderLock.take, folder)
            stack.callback(lock.release)
            store = await EventStore.open(options.events or f"chdb://{(folder / 'events').resolve()}")
            stack.push_async_callback(store.close)
            await backup.adopt(store, folder)
            after = await recovery.highest_seq(store)
            journal = await asyncio.to_thread(_journal, folder, options.backlog_bytes, after)
            stack.push_async_callback(journal.close)
            counts = DropCounts(ledger)
            stack.push_async_callback(counts.save)
            writer = Writer(
                store,
                journal,
                dropped=counts.engagement,
                clock=lambda: int(now().timestamp()),
                importing=lambda: state.under_way(folder / "imports"),
            )
            await writer.start()
            stack.push_async_callback(_stop, journal, writer)
            copy = folder / "places.mmdb"
            geo = await asyncio.to_thread(
                lambda: Geo.open(options.geo_mmdb, attribution=options.geo_attribution, copy=copy)
            )
            stack.callback(geo.close)
            await asyncio.to_thread(_warm)
            salts = Salts(folder / "salts.json")
            derivation = Derivation(salts, geo)
            collector = Collector(journal, writer, derivation, counts, rules_of=rules_of, now=now)
            readers = Readers(derivation, salts, copy if options.geo_mmdb else None)
            removal = Removal(store, writer)
            events = EventImport(journal, collector, readers, removal=removal, rules_of=rules_of, now=now)
            runners: dict[str, Runner] = {"ndjson": events, "plausible": AggregateImport(store, ledger)}
            imports = Imports(ledger, folder / "imports", runners, now=now)
            await imports.start()
            stack.push_async_callback(imports.close)
            purge = Purge(store, ledger, writer, now=now)
            purge.start()
            stack.push_async_callback(purge.close)
            saving = asyncio.create_task(_save(counts), name="drop-counts")
            stack.push_async_callback(_cancel, saving)
            return cls(
                folder, store, journal, writer, collector, counts, purge, imports, geo, rules_of, stack.pop_all()
            )

    async def close(self) -> None:
        """Take nothing more, store what was taken, close everything."""
        await self._closing.aclose()


def _journal(folder: Path, backlog_bytes: int, after: int) -> Journal:
    """Open the journal; it keeps what imports that were cut off have to look for."""
    keep_after = state.kept_after(folder / "imports")
    return Journal.open(folder / "journal", after=after, keep_after=keep_after, backlog_bytes=backlog_bytes)


def _warm() -> None:
    for part in (agent, bots, domain, referrer, sources):
        part.warm()


async def _stop(journal: Journal, writer: Writer) -> None:
    await journal.close()
    await writer.close()


async def _save(counts: DropCounts) -> None:
    while True:
        await asyncio.sleep(SAVE_COUNTS)
        try:
            await counts.save()
        except Exception:
            log.exception("drop counts not written; they are kept for the next time")


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
