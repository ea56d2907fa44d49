"""The rows of a statement as a file that the engine itself formats, in pieces; memory does not grow with it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from adapters.local.store.event_store import EventStore

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PIECE = 1 << 20


async def written(
    store: EventStore, sql: str, values: Mapping[str, Any], style: str, folder: Path
) -> AsyncIterator[bytes]:
    """`style` is a format of ClickHouse. The embedded engine writes a file in `folder` first; a server sends it.

    Raises BackendError, OSError.
    """
    if store.embedded:
        with tempfile.TemporaryDirectory(dir=folder, prefix="export-") as name:
            path = Path(name) / "rows"
            await store.run(lambda client: _write(client, sql, values, style, path))
            async for piece in _pieces(await asyncio.to_thread(path.open, "rb")):
                yield piece
    else:
        async for piece in _pieces(await store.run(lambda client: _sent(client, sql, values, style))):
            yield piece


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()


def _write(client: "Client", sql: str, values: Mapping[str, Any], style: str, path: Path) -> None:
    target = str(path.resolve()).replace("\\", "\\\\").replace("'", "\\'")
    client.command(f"INSERT INTO FUNCTION file('{target}', '{style}') {sql}", parameters=dict(values))


def _sent(client: "Client", sql: str, values: Mapping[str, Any], style: str) -> IO[bytes]:
    return cast("IO[bytes]", client.raw_stream(sql, parameters=dict(values), fmt=style))
