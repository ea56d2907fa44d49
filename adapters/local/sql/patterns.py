"""Regular expressions and wildcards as RE2 reads them, and what is wrong with those it refuses."""

import re
from collections.abc import Sequence

import re2

MAX_PROGRAM = 8 << 20
"""RE2's own bound on the memory of a compiled expression; the store applies the same."""


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


def fault(pattern: str) -> str | None:
    """Why RE2 refuses the expression, with the position where that is known; None when it accepts it."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PROGRAM
    try:
        re2.compile(pattern, options=options)
    except re2.error as error:
        said = error.args[0]
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        reason, _, piece = text.partition(": ")
        at = pattern.find(piece) if piece else -1
        where = f" at position {at}: {piece[:80]!r}" if at >= 0 else ""
        return f"not a regular expression (RE2): {reason}{where}"
    return None


def found(pattern: str, text: str, case_sensitive: bool = True) -> bool:
    """Whether the expression matches somewhere in the text, as the store would decide."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = case_sensitive
    options.dot_nl = True
    return re2.compile(pattern, options=options).search(text) is not None
