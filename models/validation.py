"""Pydantic's findings as problems of the canonical error tree: every one, without the values that caused them."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from models.errors import Problem

_CHOICES = re.compile(r"'([^']*)'")


def problems_of(error: ValidationError, where: str = "") -> tuple[Problem, ...]:
    """One problem for each finding; the place is written `options.base_url` or `events[3].name`, below `where`."""
    return tuple(Problem(_place(e["loc"], where), _reason(e), _allowed(e)) for e in error.errors())


def _place(loc: tuple[int | str, ...], where: str) -> str:
    place = where
    for part in loc:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            place += f".{part[:60]}" if place else part[:60]
    return place or "body"


def _reason(error: Mapping[str, Any]) -> str:
    message: str = error["msg"]
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "no such field"
        case _:
            return message.removeprefix("Value error, ")


def _allowed(error: Mapping[str, Any]) -> tuple[str, ...]:
    expected = error.get("ctx", {}).get("expected")
    return tuple(_CHOICES.findall(expected)) if isinstance(expected, str) else ()
