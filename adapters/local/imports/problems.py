"""Every refused line of a file with its reason, in a file beside the job: written as blocks are read, paged from disk.

A line of it is `[number, "reason"]`. How much of it counts stands in the notes of the import, so that what a crash left
behind is cut off and written again.
"""

import os
from pathlib import Path

import msgspec

from models.errors import InvalidRequest, Problem
from models.job import LineProblem, ProblemPage

SUFFIX = ".problems"
MOST_BYTES = 256 << 20
"""Some millions of lines; a file with more is wrong as a whole, and must not fill the disk in being told so."""

encoded = msgspec.json.Encoder().encode
_decoded = msgspec.json.Decoder(tuple[int, str]).decode


def written(number: int, reason: str) -> bytes:
    """One refused line."""
    return encoded((number, reason)) + b"\n"


def beside(path: Path) -> Path:
    """The problems of the file of an import."""
    return path.with_suffix(SUFFIX)


def cut(path: Path, length: int) -> None:
    """Forget what was written after a length. Blocking. Raises OSError."""
    if path.exists():
        os.truncate(path, length)


def add(path: Path, length: int, lines: bytes) -> int:
    """Write lines after the length that counts; the new length, once they are on disk. Blocking. Raises OSError."""
    room = MOST_BYTES - length
    if len(lines) > room:
        lines = lines[: lines.rfind(b"\n", 0, max(0, room)) + 1]
    if not lines:
        return length
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "wb") as file:
        file.truncate(length)
        file.seek(length)
        file.write(lines)
        file.flush()
        os.fdatasync(descriptor)
    return length + len(lines)


def page(path: Path, offset: int, limit: int) -> ProblemPage | None:
    """Problems from a place on that is 0 or the `next` of a page; None without a file. Blocking.

    Raises InvalidRequest for another place, OSError.
    """
    found: list[LineProblem] = []
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, min(offset, size) - 1))
        if offset and file.read(1) != b"\n":
            raise InvalidRequest([Problem("offset", "is not the next of a page")])
        end = file.tell()
        while len(found) < limit and (text := file.readline()).endswith(b"\n"):
            number, reason = _decoded(text)
            found.append(LineProblem(line=number, reason=reason))
            end += len(text)
    return ProblemPage(problems=tuple(found), next=end if end < size else None)


def page_of(problems: tuple[LineProblem, ...], offset: int, limit: int) -> ProblemPage:
    """The same of problems that stand in the job itself."""
    end = offset + limit
    return ProblemPage(problems=problems[offset:end], next=end if end < len(problems) else None)
