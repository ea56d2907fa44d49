"""Which user agents are programs rather than people.

The patterns are those of crawler-user-agents (MIT); `python-requests` and `curl` follow that list.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

EMPTY = "empty user agent"
HEADLESS = "HeadlessChrome"
CHUNK = 100


class Patterns:
    """Regexes searched together: one RE2 set, and the standard library in chunks for what RE2 cannot read."""

    def __init__(self, patterns: Sequence[str]) -> None:
        options = re2.Options()
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        self._in_set: list[str] = []
        others: list[str] = []
        for pattern in patterns:
            try:
                self._set.Add(pattern)
            except re2.error:
                others.append(pattern)
            else:
                self._in_set.append(pattern)
        self._set.Compile()
        self._chunks = list(_chunked(others))

    def find(self, text: str) -> str:
        """The first pattern, in list order, that occurs in the text; "" if none does."""
        hits: list[int] | None = self._set.Match(text)
        if hits:
            return self._in_set[min(hits)]
        for chunk, patterns in self._chunks:
            if chunk.search(text):
                return next(pattern for pattern in patterns if re.search(pattern, text))
        return ""


def _chunked(patterns: Sequence[str]) -> Iterator[tuple[re.Pattern[str], Sequence[str]]]:
    for start in range(0, len(patterns), CHUNK):
        part = patterns[start : start + CHUNK]
        yield re.compile("|".join(f"(?:{pattern})" for pattern in part)), part


@cache
def _known() -> Patterns:
    return Patterns([entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA])


def warm() -> None:
    """Compile the patterns now instead of at the first event."""
    bot_reason("warm")


@lru_cache(maxsize=4096)
def bot_reason(user_agent: str) -> str:
    """Why this user agent is a program: the pattern that matched, or a word of ours; "" for people."""
    if not user_agent.strip():
        return EMPTY
    if HEADLESS in user_agent:
        return HEADLESS
    return _known().find(user_agent)
