"""Regular expressions and wildcards as RE2 reads them, and what is wrong with those it refuses."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

import re2

MAX_PROGRAM = 1 << 20
"""Bytes of memory RE2 may take for one expression: compiling holds the interpreter, 50 ms at this size and 0.2 s at
RE2's own 8 MiB. RE2's module keeps the last 128 expressions."""
MOST_INSTRUCTIONS = 100_000
"""Of all expressions of one query together; a tenth of a second to compile."""
TOO_LARGE_COSTS = MOST_INSTRUCTIONS // 2
LEAST_COSTS = 50
TOGETHER = (
    f"the query's expressions together are too large: more than {MOST_INSTRUCTIONS} instructions of RE2; "
    "ask with fewer or shorter values"
)


def wildcard(pattern: str) -> str:
    r"""The expression of a wildcard: `*` and `**` are any text, `\|` is `|`, all else itself; anchored at both ends."""
    parts = pattern.replace("\\|", "|").replace("**", "*").split("*")
    return "^" + ".*".join(re.escape(part) for part in parts) + "$"


def any_of(patterns: Sequence[str]) -> str:
    """One expression that matches where any of them does."""
    return patterns[0] if len(patterns) == 1 else "|".join(f"(?:{p})" for p in patterns)


def literally(text: str) -> str:
    """An expression for the text itself."""
    return re.escape(text)


_TOKEN = re.compile(r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\^?\w*:\]|\\.|[^\]\\])*\]|.", re.DOTALL)
"""A quoted stretch, an escaped character, a class, or one character."""
PARSED_ONLY = 1 << 16
MOST_TRIED = 50
"""Places where a faulty piece may stand, each of which costs a compilation."""


class Allowance:
    """How much of one query's expressions may still be compiled."""

    def __init__(self) -> None:
        self.left = MOST_INSTRUCTIONS

    def fault(self, pattern: str) -> str | None:
        """As `fault`; `TOGETHER` once the allowance is used up, without compiling any more."""
        if self.left > 0:
            said = _refusal(pattern)
            if said is None:
                self.left -= max(LEAST_COSTS, compiled(pattern).programsize)
            else:
                self.left -= TOO_LARGE_COSTS if "too large" in said else LEAST_COSTS * 10
                return fault(pattern)
        return TOGETHER if self.left <= 0 else None


def fault(pattern: str) -> str | None:
    """Why RE2 refuses the expression, with the position where that is known; None when it accepts it."""
    said = _refusal(pattern)
    if said is None:
        return None
    reason, _, piece = said.partition(": ")
    at = _position(pattern, said)
    if at is None:
        return f"not a regular expression (RE2): {reason}"
    shown = pattern[at:] if piece == pattern or not piece else piece
    return f"not a regular expression (RE2): {reason} at position {at}: {shown[:80]!r}"


def compiled(pattern: str, memory: int = MAX_PROGRAM) -> Any:
    """The expression as RE2 has it. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    return re2.compile(pattern, options=options)


def _refusal(pattern: str, memory: int = MAX_PROGRAM) -> str | None:
    try:
        compiled(pattern, memory)
    except re2.error as error:
        said = error.args[0]
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return None


def _position(pattern: str, said: str) -> int | None:
    """Where the fault is. RE2 names a piece, but for groups the whole expression, and for a last backslash nothing."""
    reason, _, piece = said.partition(": ")
    if reason.startswith("trailing"):
        return len(pattern) - 1
    if reason.endswith(")"):
        opened, closed = _groups(pattern)
        return closed if reason.startswith("unexpected") else opened
    return _first_refused(pattern, piece, said) if piece else None


def _first_refused(pattern: str, piece: str, said: str) -> int | None:
    """The place of the piece up to which the expression is refused alike; RE2 reads from left to right."""
    starts = [match.start() for match in islice(re.finditer(f"(?={re.escape(piece)})", pattern), MOST_TRIED)]
    ends = [at + len(piece) - 1 for at in starts[1:]]
    for at, end in zip(starts, [*ends, len(pattern)], strict=True):
        if _refusal(pattern[:end], PARSED_ONLY) == said:  # faults show before anything is compiled
            return at
    return None


def _groups(pattern: str) -> tuple[int | None, int | None]:
    """The innermost parenthesis that is not closed, and the first that closes nothing."""
    opened: list[int] = []
    for token in _TOKEN.finditer(pattern):
        if token[0] == "(":
            opened.append(token.start())
        elif token[0] == ")":
            if not opened:
                return None, token.start()
            opened.pop()
    return (opened[-1] if opened else None), None


def found(pattern: str, text: str, case_sensitive: bool = True) -> bool:
    """Whether the expression matches somewhere in the text, as the store would decide."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PROGRAM
    options.case_sensitive = case_sensitive
    options.dot_nl = True
    return re2.compile(pattern, options=options).search(text) is not None
