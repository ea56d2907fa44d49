"""Path patterns of Pirsch: `**` is any text, `*` any text without a slash, in any case (contracts: Pirsch 12)."""

import re

from gateway.http.facades.pirsch.wording import invalid

STARS = re.compile(r"(\*+)")


def expression(pattern: str) -> str:
    """The regular expression of a pattern."""
    parts = {"*": "[^/]*"}
    written = "".join(
        parts.get(part, ".*") if part.startswith("*") else re.escape(part) for part in STARS.split(pattern)
    )
    return f"(?i)^{written}$"


def canonical(pattern: str) -> str:
    """A pattern as a goal's page path, whose `*` crosses slashes. Raises Refused for a single `*`, which does not."""
    if not pattern.startswith("/"):
        raise invalid("path_pattern", "must start with a slash")
    if any(part == "*" for part in STARS.split(pattern)):
        raise invalid("path_pattern", "a single * cannot be kept here; use ** for any text")
    return STARS.sub("*", pattern)


def from_canonical(page_path: str) -> str:
    return STARS.sub("**", page_path)
