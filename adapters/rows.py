"""Rows of an answer, put in order, filled up and paged on our side, where a backend does not do it."""

from collections.abc import Iterable, Sequence

from models.period import buckets
from models.query import Direction, Order, ResolvedQuery
from models.result import Money, Row, Value
from models.vocabulary import METRICS, Dimension, interval_of


def names_of(query: ResolvedQuery) -> tuple[str, ...]:
    """The columns of a query's rows."""
    return (*query.dimensions, *(str(m) for m in query.metrics))


def arranged(rows: Iterable[Row], names: Sequence[str], order: Sequence[Order]) -> list[Row]:
    """Rows in the asked order; missing numbers come last in both directions, ids of cities go by number."""
    result = list(rows)
    for entry in reversed(order):
        at, place = names.index(entry.by), _numbered if entry.by == Dimension.CITY else _sortable
        present = sorted(
            (row for row in result if row[at] is not None),
            key=lambda row, at=at, place=place: place(row[at]),  # type: ignore[misc] # mypy cannot infer a default's type
            reverse=entry.direction is Direction.DESC,
        )
        result = present + [row for row in result if row[at] is None]
    return result


def _sortable(value: Value) -> tuple[float, str]:
    match value:
        case Money(amount, _):
            return (amount, "")
        case int() | float():
            return (float(value), "")
        case _:
            return (0.0, str(value))


def _numbered(value: Value) -> tuple[float, str]:
    """Among ids, what is none comes first, as 0."""
    text = str(value)
    return (int(text) if text.isascii() and text.isdigit() else 0, text)


def page(rows: Sequence[Row], query: ResolvedQuery) -> tuple[Row, ...]:
    """The asked page of rows that are in order."""
    return tuple(rows[query.offset : query.offset + query.limit])


def time_labels(query: ResolvedQuery) -> tuple[str, ...] | None:
    """The labels of every bucket of the period; None without a time dimension."""
    interval = interval_of(query.time_dimension or "")
    return None if interval is None else tuple(buckets(query.period, interval))


def zero_filled(rows: Iterable[Row], query: ResolvedQuery) -> list[Row]:
    """Rows of a query grouped by time alone, with a row for each bucket that has none."""
    found = {row[0]: row for row in rows}
    empty = tuple(METRICS[m].zero for m in query.metrics)
    return [found.pop(label, (label, *empty)) for label in time_labels(query) or ()] + list(found.values())
