"""Print rows: a table for people, JSON lines and CSV for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def print_table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A table on standard output; numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    found = list(rows)
    table = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        number = bool(found) and all(isinstance(r.get(name), int | float | None) for r in found)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in found:
        table.add_row(*(shown(row.get(name)) for name in columns))
    Console().print(table)


def shown(value: Any) -> str:
    """A cell: nothing for what is unknown, money with its currency."""
    match value:
        case None:
            return "-"
        case {"amount": amount, "currency": currency}:
            return f"{amount:.2f} {currency}"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def print_json_lines(rows: Iterable[Any]) -> None:
    """One JSON value a line."""
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


def print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """CSV with a header."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if row.get(name) is None else shown(row[name]) for name in columns] for row in rows])
