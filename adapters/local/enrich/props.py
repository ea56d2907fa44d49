"""Custom properties of an event, as trackers send them (contract section 6)."""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.local.enrich.page import EventFieldError

MAX_PROPS = 30
MAX_KEY_BYTES = 300
MAX_VALUE_BYTES = 2000
TOO_LONG = f"keys should have at most {MAX_KEY_BYTES} bytes and values {MAX_VALUE_BYTES} bytes"


def read_props(value: object) -> dict[str, str]:
    """Properties as text, from an object or a JSON string of one; the first 30 that carry a value.

    Lists, maps and blank values are left out, and so is anything that is no object at all. Raises EventFieldError
    when a key has more than 300 bytes or a value more than 2000.
    """
    taken: dict[str, str] = {}
    for key, item in _mapping(value).items():
        if len(taken) == MAX_PROPS:
            break
        text = _text(item)
        if not key.strip() or not text.strip():
            continue
        if (
            len(key.encode("utf-8", "replace")) > MAX_KEY_BYTES
            or len(text.encode("utf-8", "replace")) > MAX_VALUE_BYTES
        ):
            raise EventFieldError("props", TOO_LONG)
        taken[key] = text
    return taken


def _mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return ""
