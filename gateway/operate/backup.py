"""Backup, restore and check of an installation whose events lie in our own store.

A backup is one tar: `catalog.db` and the folder of that store. The vault's key is not part of it, as a safe is
not sent with its key; salts are not part of it, so that old visitors cannot be recognised.
"""

import asyncio
import secrets
import shutil
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

from adapters.maintenance import Finding, MaintainsStore
from adapters.registry import own_store
from gateway.catalog import Catalog
from gateway.catalog.base import FILE
from gateway.catalog.copy import copy_to
from gateway.outbound.connections import Connections
from models.errors import ConfigurationError, UnsupportedQuery

MEDIA_TYPE = "application/x-tar"
PIECE = 1 << 20
STAGING = ".backup-"
KEPT_FILES = frozenset({"vault.key"})
"""What may lie in a data directory that is restored into."""


async def _kept(connections: Connections) -> MaintainsStore:
    adapter = await connections.own_store()
    if not isinstance(adapter, MaintainsStore):
        raise UnsupportedQuery(["there is no store of our own to look after"])
    return adapter


async def backup(connections: Connections, catalog: Catalog, data: Path) -> AsyncIterator[bytes]:
    """The tar in pieces; everything acknowledged before the call is in it. The data directory needs room for it.

    Raises UnsupportedQuery when the events lie on a server, BackendError, OSError.
    """
    kept = await _kept(connections)
    staging = data / f"{STAGING}{secrets.token_hex(4)}"
    await asyncio.to_thread(staging.mkdir, 0o700)
    try:

        async def beside() -> None:
            await catalog.run(copy_to, staging / FILE)

        await kept.copy_to(staging / own_store().folder, beside)
        packed = staging / "backup.tar"
        await asyncio.to_thread(_pack, packed, staging)
        with await asyncio.to_thread(packed.open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece
    finally:
        await asyncio.to_thread(shutil.rmtree, staging, True)


def _pack(target: Path, folder: Path) -> None:
    with tarfile.open(target, "w") as packed:
        for name in (FILE, own_store().folder):
            packed.add(folder / name, name)


def unpack(source: Path, data: Path) -> None:
    """Unpack a backup into an empty data directory. Blocking. Raises ConfigurationError, OSError."""
    data.mkdir(parents=True, exist_ok=True)
    if taken := sorted(path.name for path in data.iterdir() if path.name not in KEPT_FILES):
        raise ConfigurationError(f"{data} is not empty: {', '.join(taken[:5])}")
    try:
        with tarfile.open(source) as packed:
            names = {member.name.partition("/")[0] for member in packed}
            if names != {FILE, own_store().folder}:
                raise ConfigurationError(f"{source} is no backup of this program")
            packed.extractall(data, filter="data")
    except tarfile.TarError as error:
        raise ConfigurationError(f"{source} is no readable backup") from error


async def inspect(connections: Connections, *, repair: bool = False) -> tuple[Finding, ...]:
    """What does not fit together in our own store. Raises BackendError."""
    return await (await _kept(connections)).inspect(repair=repair)
