"""Canonical values as Pirsch writes them: blanks are empty, countries in lower case, stamps at midnight. Pure."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from models.result import Value
from models.vocabulary import DIRECT, NO_PROP, NOT_SET, Dimension

BLANKS = frozenset({NOT_SET, NO_PROP, DIRECT})
STAMPS = ("day", "week", "month", "year", "minute")


def shown(dimension: str, value: Value) -> str:
    """A group's value."""
    text = "" if value is None else str(value)
    if text in BLANKS:
        return ""
    return text.lower() if dimension == Dimension.COUNTRY else text


def stamped(scale: str, bucket: str) -> Mapping[str, str | None]:
    """All time keys of a row, the one of the scale set: midnight, written as UTC, of the local date.

    (2026-07, contract 3; fixtures/pirsch/visitor_day.json.)
    """
    at = f"{bucket[:10]}T{bucket[11:] or '00:00:00'}Z"
    return MappingProxyType({name: at if name == scale else None for name in STAMPS})


def year_start(day: date) -> date:
    return day.replace(month=1, day=1)


Row = dict[str, Any]
