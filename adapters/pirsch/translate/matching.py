"""Filter trees in a plain form; whether a value fits, as an expression for the vendor and as our own test. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import assert_never

import re2

from adapters.pirsch.translate.statistics import refuse
from adapters.pirsch.vocabulary import from_wire, means_blank, to_wire
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.vocabulary import DIRECT, Dimension, Operator

D, Op = Dimension, Operator
NEGATED = {
    Op.IS: Op.IS_NOT, Op.CONTAINS: Op.CONTAINS_NOT, Op.MATCHES: Op.MATCHES_NOT, Op.WILDCARD: Op.WILDCARD_NOT,
}  # fmt: skip
OPPOSITE = NEGATED | {negative: positive for positive, negative in NEGATED.items()}
POSITIVE = {negative: positive for positive, negative in NEGATED.items()}


def conjuncts(filters: Iterable[Filter]) -> Iterator[Filter]:
    """The parts joined by and, negations pushed down to the comparisons (De Morgan)."""
    for node in filters:
        plain = _pushed(node, negate=False)
        if isinstance(plain, And):
            yield from conjuncts(plain.parts)
        else:
            yield plain


def _pushed(node: Filter, *, negate: bool) -> Filter:
    match node:
        case Comparison(operator):
            return replace(node, operator=OPPOSITE[operator]) if negate else node
        case Not(part):
            return _pushed(part, negate=not negate)
        case And(parts):
            inner = tuple(_pushed(p, negate=negate) for p in parts)
            return _either(inner) if negate else And(inner)
        case Or(parts):
            inner = tuple(_pushed(p, negate=negate) for p in parts)
            return And(inner) if negate else _either(inner)
        case HasDone(part, done):
            return HasDone(part, done=done != negate)
        case _:
            assert_never(node)


def _either(parts: tuple[Filter, ...]) -> Filter:
    """Alternatives; those of one dimension and one positive operator are one comparison with more values."""
    first = parts[0]
    if len(parts) == 1:
        return first
    same = [
        p
        for p in parts
        if isinstance(p, Comparison) and isinstance(first, Comparison) and p.operator in NEGATED
        and (p.dimension, p.operator, p.case_sensitive) == (first.dimension, first.operator, first.case_sensitive)
    ]  # fmt: skip
    if isinstance(first, Comparison) and len(same) == len(parts):
        return replace(first, values=tuple(dict.fromkeys(v for p in same for v in p.values)))
    return Or(parts)


def regex(leaf: Comparison) -> str:
    """One RE2 expression for a comparison's values, without its negation."""
    match POSITIVE.get(leaf.operator, leaf.operator):
        case Op.IS:
            body = "^(?:" + "|".join(re2.escape(v) for v in leaf.values) + ")$"
        case Op.CONTAINS:
            body = "|".join(re2.escape(v) for v in leaf.values)
        case Op.WILDCARD:
            globs = [".*".join(re2.escape(piece) for piece in v.replace("**", "*").split("*")) for v in leaf.values]
            body = "^(?:" + "|".join(globs) + ")$"
        case _:
            body = "|".join(f"(?:{v})" for v in leaf.values) if len(leaf.values) > 1 else leaf.values[0]
    return body if leaf.case_sensitive else f"(?i){body}"


def holds(leaf: Comparison, value: str) -> bool:
    """Whether a canonical value fits a comparison. Raises UnsupportedQuery on a malformed expression."""
    try:
        found = re2.search(regex(leaf), value) is not None
    except re2.error as error:
        raise refuse(f"{leaf.dimension}: not a regular expression of RE2") from error
    return found != (leaf.operator in POSITIVE)


def fits(node: Filter, row: dict[str, str]) -> bool:
    """Whether a session, by dimension, fits a filter tree."""
    match node:
        case Comparison(dimension=name):
            return fits_value(node, D(name), row[name])
        case And(parts):
            return all(fits(p, row) for p in parts)
        case Or(parts):
            return any(fits(p, row) for p in parts)
        case Not(part):
            return not fits(part, row)
        case HasDone():
            raise refuse("has_done inside `or`: Pirsch can only be asked for it beside other filters")
        case _:
            assert_never(node)


def fits_value(leaf: Comparison, dimension: Dimension, value: str) -> bool:
    """Labels of blanks stand for blanks only as whole values; patterns see an empty text.

    A piece of `Direct / None` finds the blanks it labels.
    """
    if not means_blank(dimension, value):
        return holds(leaf, value)
    match leaf.operator:
        case Op.IS | Op.IS_NOT:
            return any(means_blank(dimension, v) for v in leaf.values) == (leaf.operator is Op.IS)
        case Op.CONTAINS | Op.CONTAINS_NOT if means_blank(dimension, DIRECT):
            return holds(leaf, DIRECT)
        case _:
            return holds(leaf, "")


def chosen(leaf: Comparison, wire_values: Iterable[str]) -> Comparison | None:
    """A comparison by pattern as one by exact values, once all values are known; None when it excludes nothing.

    Over the known values, keeping some is leaving out the others: said so that every value can be asked for.
    A pattern that fits nothing is left with a value that nothing has.
    """
    dimension = D(leaf.dimension)
    shown = dict.fromkeys(from_wire(dimension, v) for v in wire_values)
    kept = tuple(v for v in shown if fits(leaf, {leaf.dimension: v}))
    left_out = tuple(v for v in shown if v not in kept)
    if not left_out and kept:
        return None
    if not all(to_wire(dimension, v) for v in kept) or (leaf.operator in POSITIVE and _askable(dimension, left_out)):
        return Comparison(Op.IS_NOT, leaf.dimension, left_out)
    return Comparison(Op.IS, leaf.dimension, kept or (nothing(dimension),))


def _askable(dimension: Dimension, values: Sequence[str]) -> bool:
    return bool(values) and all(to_wire(dimension, v) for v in values)


def nothing(dimension: Dimension) -> str:
    """A value that no visit has."""
    return "ZZ" if dimension is D.COUNTRY else "\x00"
