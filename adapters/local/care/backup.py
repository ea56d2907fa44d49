"""A consistent copy of the local backend while it runs, and taking one into an empty data directory.

The writer stands still while parts are frozen (hard links) and the journal and the files of imports are copied; what
was acknowledged is then in the parts or in the journal. Salts are left out: they must not outlive their two days.
"""

import asyncio
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.local.collect.journal import CHECKPOINT, Journal
from adapters.local.store.ddl import LAYOUTS
from adapters.local.store.event_store import EventStore
from models.errors import ConfigurationError, UnsupportedQuery

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PARTS, JOURNAL, IMPORTS = "parts", "journal", "imports"
FROZEN = "tallyway_backup"


def refuse_server(store: EventStore) -> None:
    """Raises UnsupportedQuery: a server's rows are not ours to copy."""
    if not store.embedded:
        raise UnsupportedQuery(["events lie on a ClickHouse server; back it up with ClickHouse's own BACKUP"])


async def copy(store: EventStore, journal: Journal, imports: Path, target: Path) -> None:
    """Link everything into the new folder `target`; the caller holds the writer still. Raises BackendError, OSError."""
    await asyncio.to_thread(target.mkdir, parents=True)
    shadow = _root(store) / "shadow" / FROZEN
    try:
        await asyncio.to_thread(shutil.rmtree, shadow, True)
        folders = await store.run(_freeze)
        await asyncio.to_thread(_link_parts, _root(store), folders, target / PARTS)
        # The journal before the notes of imports: notes may be ahead of their records, never behind.
        await asyncio.to_thread(_copy_journal, journal, target / JOURNAL)
        await asyncio.to_thread(_link_files, imports, target / IMPORTS)
    finally:
        await asyncio.to_thread(shutil.rmtree, shadow, True)


def _root(store: EventStore) -> Path:
    path = store.target.path
    if path is None:
        raise ConfigurationError("only the embedded event store has a folder")
    return path


def _folders(client: "Client") -> dict[str, Path]:
    """Where the engine keeps each table."""
    found = client.query("SELECT name, data_paths FROM system.tables WHERE database = currentDatabase()")
    return {name: Path(paths[0]) for name, paths in found.result_rows if name in LAYOUTS}


def _freeze(client: "Client") -> dict[str, Path]:
    """Freeze every table; where the engine keeps them."""
    for table in LAYOUTS:
        client.command(f"ALTER TABLE {table} FREEZE WITH NAME '{FROZEN}'")
    return _folders(client)


def _link_parts(root: Path, folders: dict[str, Path], target: Path) -> None:
    """Tables without rows leave nothing behind when they are frozen."""
    for table, folder in folders.items():
        frozen = root / "shadow" / FROZEN / folder.resolve().relative_to(root.resolve())
        if frozen.is_dir():
            shutil.copytree(frozen, target / table, copy_function=os.link)


def _copy_journal(journal: Journal, target: Path) -> None:
    """Segments up to what is synced now, and the checkpoint, which stands still."""
    target.mkdir()
    checkpoint = journal.folder / CHECKPOINT
    if checkpoint.exists():
        shutil.copy2(checkpoint, target / CHECKPOINT)
    for path, size in journal.files():
        with path.open("rb") as source, (target / path.name).open("wb") as copy:
            remaining = size
            while remaining and (piece := source.read(min(remaining, 1 << 20))):
                copy.write(piece)
                remaining -= len(piece)


def _link_files(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.iterdir():
        os.link(path, target / path.name)


async def adopt(store: EventStore, folder: Path) -> None:
    """Attach the parts of an unpacked backup; goes on where it was cut off. Raises BackendError, OSError."""
    parts = folder / PARTS
    if not await asyncio.to_thread(parts.is_dir):
        return
    refuse_server(store)
    await store.run(lambda client: _attach(client, parts))
    await asyncio.to_thread(shutil.rmtree, parts)


def _attach(client: "Client", parts: Path) -> None:
    for table, folder in _folders(client).items():
        for part in sorted((parts / table).glob("*")):
            shutil.move(part, folder / "detached" / part.name)
        waiting = client.query(
            "SELECT name FROM system.detached_parts WHERE database = currentDatabase() AND table = {table:String}"
            " AND reason = ''",
            parameters={"table": table},
        ).result_rows
        for (name,) in waiting:
            client.command(f"ALTER TABLE {table} ATTACH PART {{part:String}}", parameters={"part": name})
