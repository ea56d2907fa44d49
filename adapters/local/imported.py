"""What the store knows of imported history: which days each completed import covers, and with which tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

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


def overlapping(imports: Sequence[ImportedRange], first: date, last: date) -> tuple[ImportedRange, ...]:
    """The imports with days in a range of days, ends included."""
    return tuple(each for each in imports if each.overlaps(first, last))
