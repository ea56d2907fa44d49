"""Plausible's CSV archive: which file is which table, and its rows as columns of the store (contracts: Plausible 8).

An archive is distrusted: sizes, names and headers are checked before any row is read, and rows are read as a stream.
"""

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from adapters.local.enrich.channel import channel
from adapters.local.store.schema import IMPORTED
from models.job import LineProblem

MOST_FILES = 50
MOST_BYTES = 4 << 30
"""Uncompressed size of all files together."""
MOST_RATIO, FREE_BYTES = 200, 1 << 20
"""How many times its packed size a file may have, and up to which size that does not matter."""
BATCH_ROWS = 20_000
MOST_ROW = 1 << 20
"""Characters of a row, which is held as a whole: without it a file of one line would be."""
IGNORED = "imported_custom_props"
"""Exported by Plausible, and not read by it either (2026-07, contract 8)."""
NAME = re.compile(r"(?:imported_)?([a-z_]+?)_(\d{8})_(\d{8})\.csv")
OURS = frozenset({"site", "import", "channel"})
"""Columns that we add."""
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2149, 6, 6)
"""What the store's dates can hold."""
MOST_COUNT = 10**11
"""The largest number in a cell; sums of them stay exact."""


class ArchiveRefused(Exception):
    """The archive as a whole cannot be taken; says where and why."""

    def __init__(self, file: str, reason: str, line: int = 0) -> None:
        super().__init__(f"{file}: {reason}" if file else reason)
        self.problem = LineProblem(line=line, reason=reason, file=file)


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file of the archive: its table, the days its name covers, and its columns in their order."""

    name: str
    table: str
    first: date
    last: date
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Archive:
    """A checked archive. `first` and `last` are the days that the names of all its files cover."""

    path: Path
    files: tuple[TableFile, ...]

    @property
    def first(self) -> date:
        return min(file.first for file in self.files)

    @property
    def last(self) -> date:
        return max(file.last for file in self.files)


@dataclass(slots=True)
class Rows:
    """Some rows of a file as columns of its table, without `site` and `import`; `outside` the days, and broken ones."""

    columns: dict[str, list[Any]]
    count: int = 0
    outside: int = 0
    problems: list[LineProblem] = field(default_factory=list)


def open_archive(path: Path) -> Archive:
    """Check everything but the rows. Raises ArchiveRefused, OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_sizes(entries)
            files = [_table_file(archive, entry) for entry in entries]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ArchiveRefused("", "is no readable zip archive") from error
    known = [file for file in files if file is not None]
    if not known:
        raise ArchiveRefused("", "holds none of the tables that can be imported")
    for file in known:
        if sum(other.table == file.table for other in known) > 1:
            raise ArchiveRefused(file.name, f"the table {file.table} is there more than once")
    return Archive(path, tuple(known))


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_FILES:
        raise ArchiveRefused("", f"holds more than {MOST_FILES} files")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise ArchiveRefused("", f"unpacks to more than {MOST_BYTES >> 30} GiB")
    for entry in entries:
        if entry.file_size > FREE_BYTES and entry.file_size > MOST_RATIO * max(1, entry.compress_size):
            raise ArchiveRefused(_shown(entry), f"unpacks to more than {MOST_RATIO} times its size")
        if entry.flag_bits & 1:
            raise ArchiveRefused(_shown(entry), "is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveRefused(_shown(entry), "is packed by another method than deflate")


def _shown(entry: zipfile.ZipInfo) -> str:
    return entry.filename[:100]


def _table_file(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> TableFile | None:
    """The file of an entry; None for a table that is left out."""
    shown, found = _shown(entry), NAME.fullmatch(entry.filename)
    table = f"imported_{found[1]}" if found else ""
    if not found or (table not in IMPORTED and table != IGNORED):
        raise ArchiveRefused(shown, "a file is called imported_<table>_<YYYYMMDD>_<YYYYMMDD>.csv, with a known table")
    first, last = (_day(f"{text[:4]}-{text[4:6]}-{text[6:]}") for text in (found[2], found[3]))
    if first is None or last is None or not FIRST_DAY <= first <= last <= LAST_DAY:
        raise ArchiveRefused(shown, "the name must hold two dates, the first not after the second")
    if table == IGNORED:
        return None
    try:
        with _text(archive, entry.filename) as text:
            header = next(csv.reader(_Lines(text), strict=True), [])
    except (csv.Error, UnicodeError) as error:
        raise ArchiveRefused(shown, "the header is not readable CSV", 1) from error
    return TableFile(shown, table, first, last, _checked(shown, table, header))


def _text(archive: zipfile.ZipFile, name: str) -> TextIOWrapper:
    return TextIOWrapper(archive.open(name), encoding="utf-8-sig", newline="")


class _Lines:
    """The lines of a text for a reader of CSV, as many as a row may have until `row_ended`.

    Raises csv.Error beyond that.
    """

    def __init__(self, text: TextIOWrapper) -> None:
        self._text, self._room = text, MOST_ROW

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._room + 1)
        if not line:
            raise StopIteration
        self._room -= len(line)
        if self._room < 0:
            raise csv.Error(f"a row may have at most {MOST_ROW} characters")
        return line

    def row_ended(self) -> None:
        self._room = MOST_ROW


def _checked(file: str, table: str, header: list[str]) -> tuple[str, ...]:
    columns = tuple(name.strip() for name in header)
    known = [name for name in IMPORTED[table] if name not in OURS]
    unknown = sorted({name for name in columns if name not in known})
    if unknown:
        raise ArchiveRefused(file, f"unknown columns: {', '.join(unknown)[:200]}; known: {', '.join(known)}", 1)
    if len(set(columns)) < len(columns):
        raise ArchiveRefused(file, "a column is there more than once", 1)
    if "date" not in columns:
        raise ArchiveRefused(file, "the column date is missing", 1)
    return columns


def read_rows(archive: Archive, file: TableFile, size: int = BATCH_ROWS) -> Iterator[Rows]:
    """The rows of a file, at most `size` at a time. Raises ArchiveRefused when it cannot be read on, OSError."""
    reader = _RowReader(file)
    line = 1
    try:
        with zipfile.ZipFile(archive.path) as opened, _text(opened, file.name) as text:
            lines = _Lines(text)
            found = csv.reader(lines, strict=True)
            next(found, None)
            rows = reader.empty()
            lines.row_ended()
            for cells in found:
                lines.row_ended()
                line = found.line_num
                if cells:
                    reader.add(rows, cells, line)
                if rows.count + rows.outside + len(rows.problems) >= size:
                    yield rows
                    rows = reader.empty()
            yield rows
    except csv.Error as error:
        raise ArchiveRefused(file.name, f"not readable as CSV: {error}", line + 1) from error
    except (UnicodeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ArchiveRefused(file.name, "the file is damaged or not UTF-8", line + 1) from error


class _CellError(ValueError):
    """A cell that cannot be taken."""


class _RowReader:
    """Turns cells into columns; Plausible's files may leave some out (2026-07, contract 8): those are 0 or empty."""

    def __init__(self, file: TableFile) -> None:
        self._file = file
        wanted = [name for name in IMPORTED[file.table] if name not in ("site", "import", "date", "channel")]
        self._date = file.columns.index("date")
        self._given = [(name, file.columns.index(name), _reader_of(file.table, name)) for name in wanted
                       if name in file.columns]  # fmt: skip
        self._absent = {
            name: 0 if IMPORTED[file.table][name] == "UInt64" else "" for name in wanted if name not in file.columns
        }

    def empty(self) -> Rows:
        names = [name for name in IMPORTED[self._file.table] if name not in ("site", "import")]
        return Rows({name: [] for name in names})

    def add(self, rows: Rows, cells: list[str], line: int) -> None:
        """Take a row, or say why not."""
        try:
            day, values = self._read(cells)
        except _CellError as error:
            rows.problems.append(LineProblem(file=self._file.name, line=line, reason=str(error)))
            return
        if not self._file.first <= day <= self._file.last:
            rows.outside += 1
            return
        rows.count += 1
        rows.columns["date"].append(day)
        for name, value in values.items():
            rows.columns[name].append(value)

    def _read(self, cells: list[str]) -> tuple[date, Mapping[str, Any]]:
        if len(cells) != len(self._file.columns):
            raise _CellError(f"has {len(cells)} cells, the header {len(self._file.columns)}")
        day = _day(cells[self._date])
        if day is None:
            raise _CellError(f"date: {cells[self._date][:40]!r} is no date (YYYY-MM-DD)")
        values: dict[str, object] = dict(self._absent)
        for name, at, read in self._given:
            try:
                values[name] = read(cells[at])
            except _CellError as error:
                raise _CellError(f"{name}: {error}") from error
        if self._file.table == "imported_sources":
            named = (str(values[n]) for n in ("source", "utm_medium", "utm_campaign", "utm_source"))
            values["channel"] = channel(*named)
        return day, values


def _day(text: str) -> date | None:
    """A day as `2026-01-31`; the standard library would read `2026-W05-6` as well."""
    try:
        return date.fromisoformat(text) if len(text) == 10 and text[7] == "-" else None
    except ValueError:
        return None


def _count(text: str) -> int:
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) < 20 and (value := int(text)) <= MOST_COUNT:
        return value
    if not text:
        return 0
    raise _CellError(f"{text[:40]!r} is no count (a whole number from 0 to {MOST_COUNT})")


def _place(text: str) -> str:
    """A city's id; Plausible writes 0 for none (2026-07, contract 5)."""
    return "" if text == "0" else text


def _reader_of(table: str, name: str) -> Callable[[str], object]:
    return _READERS.get(name, _count if IMPORTED[table][name] == "UInt64" else str)


_READERS: Mapping[str, Callable[[str], object]] = MappingProxyType({"city": _place})
