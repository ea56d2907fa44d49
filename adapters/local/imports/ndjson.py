"""NDJSON events, a block of lines at a time: decoded, checked, derived and packed as one record of the journal.

Memory is bound by the block, whatever the size of the file. A block either gives a whole record or, where no line of it
can be taken, only problems.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

import msgspec

from adapters.local.collect.bulk_event import BulkEvent
from adapters.local.collect.derive import EPOCH, FUTURE, Derivation, named_visitor
from adapters.local.collect.hit import NO_DEPTH, Hit, pack_hits
from adapters.local.collect.rules import Rules
from adapters.local.imports.problems import written
from adapters.local.store.schema import VISIT_ATTRIBUTES
from models.event import Drop
from models.job import LineProblem
from models.site import Site

BLOCK_BYTES = 8 << 20
"""Bytes read at once, and more than the longest line that is taken."""
MOST_PROBLEMS = 100
"""Refused lines that are reported with a reason; the rest are only counted."""
MOST_TOLD = 1 << 20
"""Bytes of refused lines with their reasons that one block brings."""
BOM = b"\xef\xbb\xbf"
SHAPES = 50_000
"""Combinations of attributes remembered at once."""

CHOSEN = frozenset(
    {"bot", "spam_referrer", "excluded_address", "excluded_country", "excluded_page", "excluded_hostname"}
)
"""Reasons not to count an event that is well formed; a file with such lines is not a broken file."""

_decode: Callable[[bytes], BulkEvent] = msgspec.json.Decoder(BulkEvent).decode
_attributes = attrgetter(*VISIT_ATTRIBUTES)


class Block(msgspec.Struct, frozen=True):
    """What lines became. `end` is the offset after them; `payload` one journal record of `rows` hits, in file order.

    `refused` counts lines that are not taken, `broken` those among them that are not events at all. `first` and `last`
    are the extreme times in Unix seconds, 0 without rows. `problems` are the first refused lines, `told` all of them as
    `problems.py` writes them.
    """

    end: int
    lines: int
    rows: int = 0
    payload: bytes = b""
    refused: int = 0
    broken: int = 0
    problems: tuple[LineProblem, ...] = ()
    told: bytes = b""
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A file of events for a site. `now` is when the import began: the time that "future" is measured from."""

    path: Path
    site: Site
    rules: Rules
    now: datetime


class LineReader:
    """Reads blocks of one file. Not to be shared by threads."""

    def __init__(self, source: Source, derivation: Derivation, block_bytes: int = BLOCK_BYTES) -> None:
        self._source, self._derivation, self._block_bytes = source, derivation, block_bytes
        self._latest = source.now + FUTURE
        self._free = source.rules.refuse("", "", "", "/") == "" and not _has_exclusions(source.rules)
        self._shapes: dict[tuple[object, ...], bytes] = {}

    def read(self, offset: int, line: int) -> Block:
        """The block at an offset whose first line has this number (from 1). At the end of the file it has no lines.

        Raises OSError.
        """
        with self._source.path.open("rb") as file:
            file.seek(offset)
            data = file.read(self._block_bytes)
            if len(data) == self._block_bytes and not data.endswith(b"\n"):
                cut = data.rfind(b"\n") + 1
                if not cut:
                    return self._overlong(file, line)
                data = data[:cut]
        end = offset + len(data)
        text = data.removeprefix(BOM) if offset == 0 else data
        return self._block(text, line, end)

    def _overlong(self, file: BinaryIO, line: int) -> Block:
        """A line longer than a block is passed over without being held."""
        while piece := file.readline(self._block_bytes):
            if piece.endswith(b"\n"):
                break
        problem = LineProblem(line=line, reason=f"a line may have at most {self._block_bytes - 1} bytes")
        told = written(problem.line, problem.reason)
        return Block(file.tell(), 1, refused=1, broken=1, problems=(problem,), told=told)

    def _block(self, data: bytes, line: int, end: int) -> Block:
        pieces = data.split(b"\n")
        if not pieces[-1]:
            pieces.pop()
        hits: list[Hit] = []
        problems: list[LineProblem] = []
        told = bytearray()
        refused = broken = 0
        for number, piece in enumerate(pieces, line):
            found = self._hit(piece)
            if isinstance(found, Hit):
                hits.append(found)
            elif found is not None:
                refused += 1
                broken += found.reason not in CHOSEN
                reason = _said(found)
                told += written(number, reason)
                if len(problems) < MOST_PROBLEMS:
                    problems.append(LineProblem(line=number, reason=reason))
                if len(told) > MOST_TOLD:  # the rest is the next block
                    rest = pieces[number - line + 1 :]
                    end -= sum(map(len, rest)) + len(rest) - (not data.endswith(b"\n")) if rest else 0
                    pieces = pieces[: number - line + 1]
                    break
        times = [hit.time for hit in hits]
        return Block(
            end=end,
            lines=len(pieces),
            rows=len(hits),
            payload=pack_hits(hits) if hits else b"",
            refused=refused,
            broken=broken,
            problems=tuple(problems),
            told=bytes(told),
            first=min(times, default=0),
            last=max(times, default=0),
        )

    def _hit(self, text: bytes) -> Hit | Drop | None:
        """The hit of a line, why it is refused, or None for a blank one."""
        try:
            given = _decode(text)
        except (msgspec.DecodeError, UnicodeError) as error:
            return Drop(reason="", detail=_why(error)) if text.strip() else None
        shape = _attributes(given)
        packed = self._shapes.get(shape) if self._is_plain(given) else None
        if packed is None:
            found = self._derivation.hit(self._source.site, given, None, self._source.rules, self._source.now)
            if isinstance(found, Hit) and self._is_plain(given):
                if len(self._shapes) >= SHAPES:
                    self._shapes.clear()
                self._shapes[shape] = found.attributes
            return found
        return Hit(
            self._source.site.id, int(given.time.timestamp()), named_visitor(self._source.site.id, given.visitor or ""),
            0, given.name, given.interactive, given.hostname or "", given.path or "/", given.title or "", packed,
            given.engagement_ms or 0, NO_DEPTH if given.scroll_depth is None else given.scroll_depth,
        )  # fmt: skip

    def _is_plain(self, given: BulkEvent) -> bool:
        """Whether nothing but the attributes has to be derived, and those from each other alone."""
        return bool(
            self._free
            and given.visitor
            and given.previous_visitor is None
            and given.url is None
            and given.ip is None
            and given.user_agent is None
            and not given.props
            and given.revenue is None
            and EPOCH <= given.time <= self._latest
            and (given.referrer is None or "://" not in given.referrer)
        )


def _has_exclusions(rules: Rules) -> bool:
    return bool(rules.networks or rules.countries or rules.pages or rules.hostnames or rules.only_hostnames)


def _why(error: Exception) -> str:
    return "the line is not UTF-8" if isinstance(error, UnicodeError) else str(error)


def _said(drop: Drop) -> str:
    return ": ".join(part for part in (drop.reason, drop.detail) if part)
