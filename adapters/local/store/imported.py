"""What the store knows of imported history: which days each completed import covers, and with which tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from typing import Any

from adapters.base import Ledger
from models.result import Reason
from models.site import Site

KIND = "imports"
"""Documents of the ledger that record imports."""


@dataclass(frozen=True, slots=True)
class ImportedRange:
    """A completed import of daily aggregates. `first` and `last` are the days its file names cover, rows or not.

    `tables` are the imported tables (`imported_pages`, ...) that received rows; `scroll_depth` says that some row of
    its pages knows scrolling.
    """

    id: str
    first: date
    last: date
    tables: frozenset[str]
    scroll_depth: bool = True

    def overlaps(self, first: date, last: date) -> bool:
        return self.first <= last and first <= self.last


async def imports_of(ledger: Ledger, site: Site) -> tuple[ImportedRange, ...]:
    """The completed imports of a site."""
    return tuple(_read(document) for _, document in await ledger.list(KIND, f"{site.id}/"))


def _read(document: Mapping[str, Any]) -> ImportedRange:
    return ImportedRange(
        id=document["id"],
        first=datetime.fromisoformat(document["first"]).date(),
        last=datetime.fromisoformat(document["last"]).date(),
        tables=frozenset(document["tables"]),
        scroll_depth=bool(document.get("scroll_depth", True)),
    )


def overlapping(imports: Sequence[ImportedRange], first: date, last: date) -> tuple[ImportedRange, ...]:
    """The imports with days in a range of days, ends included."""
    return tuple(each for each in imports if each.overlaps(first, last))


def added_up(imports: Sequence[ImportedRange], asked: Collection[str], first: date, last: date) -> tuple[Reason, ...]:
    """What to say of days in the range that several imports have in the asked tables: nothing tells them apart."""
    shared = [
        (max(one.first, other.first, first), min(one.last, other.last, last))
        for one, other in combinations(imports, 2)
        if one.tables & other.tables & set(asked) and one.overlaps(other.first, other.last)
    ]
    days = [(begin, end) for begin, end in shared if begin <= end]
    if not days:
        return ()
    begin, end = min(begin for begin, _ in days), max(end for _, end in days)
    return (Reason("imports_overlap", f"several imports have days from {begin} to {end}; their numbers are added up"),)
