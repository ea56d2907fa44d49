"""Cursors of list endpoints (contracts: Plausible 3.4): opaque, both ways, null where there is no further page."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.http.facades.plausible.wording import refused

DEFAULT_LIMIT = 100
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items of one page, and its `meta`."""

    items: Sequence[Item]
    meta: dict[str, Any]


def page(items: Sequence[Item], given: Mapping[str, Any], key: Callable[[Item], str]) -> Page[Item]:
    """The page a request asks for of all items in order. A limit outside 1 to 100 counts as 100.

    The vendor does so without a word (2026-07, contract 3.4).
    """
    limit = _limit(given.get("limit"))
    keys = [key(item) for item in items]
    first = 0
    if given.get("after"):
        first = _place(keys, given["after"]) + 1
    elif given.get("before"):
        first = max(0, _place(keys, given["before"]) - limit)
    last = min(first + limit, len(items))
    chosen = items[first:last]
    meta = {
        "after": _cursor(keys[last - 1]) if last < len(items) and chosen else None,
        "before": _cursor(keys[first]) if first > 0 and chosen else None,
        "limit": limit,
    }
    return Page(chosen, meta)


def _limit(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return DEFAULT_LIMIT
    return number if 0 < number <= DEFAULT_LIMIT else DEFAULT_LIMIT


def _cursor(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _place(keys: Sequence[str], cursor: Any) -> int:
    """Where a cursor points. Raises Refused when it points nowhere (an item may have been deleted meanwhile)."""
    try:
        key = urlsafe_b64decode(str(cursor) + "=" * (-len(str(cursor)) % 4)).decode()
        return keys.index(key)
    except (ValueError, binascii.Error):
        raise refused("Invalid pagination cursor.") from None
