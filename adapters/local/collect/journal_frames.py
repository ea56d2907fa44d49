"""How a record lies in a segment of the journal:

    length u32 | crc32 u32 | first seq u64 | count u32 | arrival u32 (Unix seconds) | mark u16 (length) | mark | payload

The checksum covers everything after itself. A record is whole or not at all.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_FRAME = struct.Struct("<IIQIIH")
_LEAD, _REST = struct.Struct("<II"), struct.Struct("<QIIH")
_CHECKED = _LEAD.size
MAX_RECORD = 64 << 20

Mark = tuple[str, int]
"""A sender of many records and how far it is; kept with the events, so that it resumes where they end."""


class Record(NamedTuple):
    """One record. `end` is the offset after it in its segment."""

    first: int
    events: int
    arrival: int
    payload: bytes
    end: int
    mark: Mark | None = None

    @property
    def last(self) -> int:
        return self.first + self.events - 1


def frame(first: int, count: int, arrival: int, payload: bytes, mark: Mark | None = None) -> bytes:
    """A record as bytes."""
    tag = f"{mark[1]}:{mark[0]}".encode() if mark else b""
    rest = _REST.pack(first, count, arrival, len(tag)) + tag
    checksum = zlib.crc32(payload, zlib.crc32(rest))
    return _LEAD.pack(len(payload), checksum) + rest + payload


def _mark(tag: bytes) -> Mark | None:
    position, _, sender = tag.decode().partition(":")
    return (sender, int(position)) if sender else None


def records_of(data: bytes | memoryview, offset: int = 0, *, start_at: int = 0) -> Iterator[Record]:
    """Whole records from an offset on; stops at the first that is cut off or damaged.

    `start_at` is where in its segment the data begins.
    """
    view, end = memoryview(data), len(data)
    while offset + _FRAME.size <= end:
        length, checksum, first, count, arrival, tag = _FRAME.unpack_from(view, offset)
        start = offset + _FRAME.size + tag
        if length > MAX_RECORD or start + length > end or not count:
            return
        if zlib.crc32(view[offset + _CHECKED : start + length]) != checksum:
            return
        mark, offset = _mark(bytes(view[start - tag : start])) if tag else None, start + length
        yield Record(first, count, arrival, bytes(view[start:offset]), start_at + offset, mark)
