"""Files on their way to a backend: written to disk in constant memory, and how many rows they may hold."""

import asyncio
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from models.errors import InvalidRequest, Problem, TooLarge

CHUNK = 1 << 20
MOST_UNPACKED = 1 << 32
"""Archives that unpack to more are refused by whoever imports them; so much is counted."""
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What a damaged, packed otherwise, or encrypted archive raises; the import itself says what is wrong."""


async def spooled(body: AsyncIterator[bytes], folder: Path, most: int) -> Path:
    """The body as a file. Raises InvalidRequest for an empty one, TooLarge."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix="import-", delete=False) as file:
        path, size = Path(file.name), 0
        try:
            async for chunk in body:
                size += len(chunk)
                if size > most:
                    raise TooLarge(f"an import may have at most {most} bytes")
                await asyncio.to_thread(file.write, chunk)
            if not size:
                raise InvalidRequest([Problem("body", "the body is empty")])
        except BaseException:
            await asyncio.to_thread(path.unlink)
            raise
    return path


def rows_in(path: Path) -> int:
    """At most how many rows a file of lines has, or an archive of tables with a line of names each. Blocking."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return _lines(file)
    rows, left = 0, MOST_UNPACKED
    with suppress(*UNREADABLE), zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            left -= entry.file_size
            if left < 0:
                break
            with archive.open(entry) as file:
                rows += max(0, _lines(file) - 1)
    return rows


def _lines(file: IO[bytes]) -> int:
    """Lines with something in them count, the last one also without its end."""
    lines, last = 0, b"\n"
    for chunk in _chunks(file):
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    return lines + (last != b"\n")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
