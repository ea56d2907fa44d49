"""Language and screen class of a visitor, from what the browser sends."""

import re
from functools import lru_cache

_TAG = re.compile(r"[a-z]{2,3}(?=[-_]|$)")
_QUALITY = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)\s*$", re.IGNORECASE)
MAX_HEADER = 512

# Upper bounds in CSS pixels, exclusive, of the class beside them.
SCREENS = ((576, "Mobile"), (992, "Tablet"), (1440, "Laptop"))
WIDEST = "Desktop"


@lru_cache(maxsize=2048)
def language(accept_language: str) -> str:
    """Primary language subtag (`de`) of an Accept-Language header or a single tag; "" when it names none."""
    best, weight = "", 0.0
    for item in accept_language[:MAX_HEADER].lower().split(","):
        tag, _, parameter = item.strip().partition(";")
        quality = _QUALITY.search(parameter)
        found, wanted = _TAG.match(tag), float(quality[1]) if quality else 1.0
        if found and wanted > weight:
            best, weight = found[0], wanted
    return best


def screen_class(width: int | None) -> str:
    """Mobile, Tablet, Laptop or Desktop by the window's width in CSS pixels; "" without a positive one."""
    if width is None or width <= 0:
        return ""
    return next((name for bound, name in SCREENS if width < bound), WIDEST)
