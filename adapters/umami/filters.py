"""Canonical filters as Umami's parameters `name=operator.value`, joined by `match`. Pure: no I/O."""

import re
from collections.abc import Iterator, Sequence
from typing import assert_never

from adapters.translate import filtered_twice, joined_by_and
from adapters.umami.vocabulary import FILTERS, words_of
from models.filters import And, Comparison, Filter, Or
from models.vocabulary import DIRECT, NOT_SET, Dimension, Operator

Params = tuple[tuple[str, str], ...]
INSENSITIVE = (Operator.CONTAINS, Operator.CONTAINS_NOT)
_BLANKS = (NOT_SET, DIRECT)


def flat(filters: Sequence[Filter]) -> tuple[Comparison, ...]:
    """All comparisons that stand under `and`, or under one `or` that is the whole filter."""
    if alternatives := _alternatives(filters):
        return alternatives
    return joined_by_and(filters)


def _misplaced(part: Filter) -> bool:
    """Whether there is an `or` of several parts somewhere inside."""
    match part:
        case And(parts) | Or(parts):
            return (isinstance(part, Or) and len(parts) > 1) or any(_misplaced(p) for p in parts)
        case _:
            return False


def _alternatives(filters: Sequence[Filter]) -> tuple[Comparison, ...]:
    match tuple(filters):
        case (Or(parts),) if len(parts) > 1 and all(isinstance(part, Comparison) for part in parts):
            return tuple(part for part in parts if isinstance(part, Comparison))
        case _:
            return ()


def refusals(filters: Sequence[Filter]) -> Iterator[str]:
    """Reasons against filters that the declaration cannot say."""
    if any(map(_misplaced, filters)) and not _alternatives(filters):
        yield "or: Umami joins all filters in one way; `or` has to be the whole filter, over comparisons"
    leaves = flat(filters)
    # Of a parameter that is sent twice the last one wins, without a word (3.1.0, 2026-11, contract 3).
    yield from filtered_twice(leaves, "Umami")
    for leaf in leaves:
        if not leaf.case_sensitive and (leaf.operator not in INSENSITIVE or len(leaf.values) > 1):
            yield f"{leaf.dimension}: Umami ignores case only in `contains` with one value"
        blank = [value for value in leaf.values if value in _BLANKS]
        if blank and (len(leaf.values) > 1 or leaf.operator not in (Operator.IS, Operator.IS_NOT)):
            yield f"{leaf.dimension}: {blank[0]!r} can only be compared alone"


def params(filters: Sequence[Filter]) -> Params:
    """The parameters of filters that were not refused; goals are not among them."""
    found = tuple(
        (FILTERS[Dimension(leaf.dimension)], written(leaf))
        for leaf in flat(filters)
        if leaf.dimension != Dimension.GOAL
    )
    return (*found, ("match", "any")) if _alternatives(filters) else found


def written(leaf: Comparison) -> str:
    """One comparison as `operator.value`.

    Several values become one regular expression. `c` and `dnc` ignore case on PostgreSQL, so a comparison that minds
    the case is a regular expression as well.
    """
    if leaf.values[0] in _BLANKS:
        return "ns.true" if leaf.operator is Operator.IS else "s.true"
    values = [word for value in leaf.values for word in words_of(Dimension(leaf.dimension), value)]
    escaped = [re.escape(value) for value in values]
    match leaf.operator:
        case Operator.IS:
            return f"eq.{values[0]}" if len(values) == 1 else f"re.^(?:{'|'.join(escaped)})$"
        case Operator.IS_NOT:
            return f"neq.{values[0]}" if len(values) == 1 else f"nre.^(?:{'|'.join(escaped)})$"
        case Operator.CONTAINS:
            return f"re.{_any(escaped)}" if leaf.case_sensitive else f"c.{values[0]}"
        case Operator.CONTAINS_NOT:
            return f"nre.{_any(escaped)}" if leaf.case_sensitive else f"dnc.{values[0]}"
        case Operator.MATCHES:
            return f"re.{_any(values)}"
        case Operator.MATCHES_NOT:
            return f"nre.{_any(values)}"
        case Operator.WILDCARD:
            return f"re.^(?:{'|'.join(map(wildcard, values))})$"
        case Operator.WILDCARD_NOT:
            return f"nre.^(?:{'|'.join(map(wildcard, values))})$"
        case _:
            assert_never(leaf.operator)


def _any(patterns: Sequence[str]) -> str:
    return patterns[0] if len(patterns) == 1 else "|".join(f"(?:{p})" for p in patterns)


def wildcard(pattern: str) -> str:
    """`*` as any characters, everything else as itself."""
    return ".*".join(re.escape(part) for part in pattern.split("*"))


def goal_names(filters: Sequence[Filter]) -> tuple[str, ...]:
    """The goals that a query filters on."""
    return next((leaf.values for leaf in flat(filters) if leaf.dimension == Dimension.GOAL), ())
