"""Bytes a kept value takes in memory, its place in the store included."""

from collections.abc import Iterable, Sequence
from sys import getsizeof

from pydantic import BaseModel

from models.result import Answer, Money, Row

PLACE = 1100
"""An entry's own objects: key, policy, age, and its links in the store's dictionaries and heap (measured)."""


def size_of(value: object) -> int:
    """Bytes, exact to some percent (tests measure it against the allocator)."""
    if not isinstance(value, Answer):
        return PLACE + _whole(value)
    rows = (*value.rows, value.totals) if value.totals is not None else value.rows
    texts = sum(len(reason.code) + len(reason.detail) + 200 for reason in value.reasons)
    labels = sum(60 + len(label) for label in value.time_labels or ())
    return PLACE + getsizeof(value.rows) + _sizes(rows) + texts + labels + 200 * len(value.warnings)


def _whole(value: object) -> int:
    """A value of the lists of goals and sites, with all that is in it."""
    match value:
        case BaseModel():
            held: Iterable[object] = value.__dict__.values()
            return sum(map(getsizeof, (value, value.__dict__, value.model_fields_set))) + sum(map(_whole, held))
        case tuple():
            return getsizeof(value) + sum(map(_whole, value))
        case dict():
            return getsizeof(value) + sum(map(_whole, (*value.keys(), *value.values())))
        case None:
            return 0
        case _:
            return getsizeof(value)


def _sizes(rows: Sequence[Row]) -> int:
    """Rows and their cells. None and small whole numbers are everybody's."""
    cells = [c for row in rows for c in row if c is not None and not (type(c) is int and -5 <= c <= 256)]
    amounts = sum(getsizeof(c.amount) + getsizeof(c.currency) for c in cells if type(c) is Money)
    return sum(map(getsizeof, rows)) + sum(map(getsizeof, cells)) + amounts
