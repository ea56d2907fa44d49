"""Bytes a kept value takes in memory, its place in the store included."""

from sys import getsizeof

from models.result import Answer, Money, Row, Value

PLACE = 1100
"""An entry's own objects: key, policy, age, and its links in the store's dictionaries and heap (measured)."""
SMALL_INT = range(-5, 257)


def size_of(value: object) -> int:
    """Bytes, exact to some percent (tests measure it against the allocator); answers are looked into."""
    if not isinstance(value, Answer):
        return PLACE + getsizeof(value)
    rows = (*value.rows, value.totals) if value.totals is not None else value.rows
    texts = sum(len(reason.code) + len(reason.detail) + 200 for reason in value.reasons)
    labels = sum(60 + len(label) for label in value.time_labels or ())
    return PLACE + getsizeof(value.rows) + sum(map(_row, rows)) + texts + labels + 200 * len(value.warnings)


def _row(row: Row) -> int:
    return getsizeof(row) + sum(map(_cell, row))


def _cell(value: Value) -> int:
    if value is None or (isinstance(value, int) and value in SMALL_INT):
        return 0
    if isinstance(value, Money):
        return getsizeof(value) + getsizeof(value.amount) + getsizeof(value.currency)
    return getsizeof(value)
