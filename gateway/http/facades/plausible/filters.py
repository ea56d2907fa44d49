"""Plausible's filter trees as canonical ones: today's operators, and the early document's (seed 003)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from adapters.plausible.vocabulary import EARLY_DIRECT, OPERATORS_READ, canonical_dimension
from gateway.http.facades.plausible.wording import inspected, refused
from models.filters import And, Comparison, Filter, HasDone, Not, Or, comparisons
from models.result import Value
from models.vocabulary import DIRECT, NOT_SET, Dimension, Operator

# `does_not_match` exists only in the early document, whose examples are wildcards; `matches` has a meaning of its own
# today (a regular expression), so it keeps that (2026-07, contract 1.3). The wildcard names stand in the vendor's
# schema, which refuses them all the same (2026-07, contract 0, row 4.3).
OPERATORS = {
    **OPERATORS_READ,
    "does_not_match": Operator.WILDCARD_NOT,
    "matches_wildcard": Operator.WILDCARD,
    "matches_wildcard_not": Operator.WILDCARD_NOT,
}
__all__ = [
    "OPERATORS", "canonical_name", "comparisons", "is_tree", "kind_of", "leaves", "read", "refuse_deep", "shown",
]  # fmt: skip

MODIFIED = ("is", "is_not", "contains", "contains_not")
TOP_LEVEL_ONLY = ("event:goal", "event:hostname")
INTEGERS = ("visit:city", "segment")
NO_CITY = 0
"""Cities are GeoNames ids, unsigned 64-bit; a blank one is this (contracts: Plausible 5, 8)."""
MAX_CITY = 2**64 - 1
MAX_DEPTH = 100
"""Lists within lists; a filter inside `and` is two deeper than it."""
COUNTRY = "Invalid visit:country filter, visit:country needs to be a valid 2-letter country code."


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where in a tree a filter stands."""

    path: str
    depth: int = 0
    behavioural: bool = False


def read(written: Any) -> tuple[Filter, ...]:
    """Canonical filters. Raises Refused with the vendor's texts: shape errors of all filters first, then rules."""
    if not isinstance(written, list):
        raise refused(f"#/filters: Type mismatch. Expected Array but got {kind_of(written)}.")
    refuse_deep(written)
    wrong = [f"#/filters/{i}: Invalid filter {inspected(f)}" for i, f in enumerate(written) if not _has_shape(f)]
    if wrong:
        raise refused("\n".join(wrong))
    return tuple(_tree(f, Pointer(f"#/filters/{i}")) for i, f in enumerate(written))


def refuse_deep(written: list[Any]) -> None:
    """Raises Refused for filters nested so deep that nobody means them, before they are walked."""
    level = written
    for _ in range(MAX_DEPTH):
        level = [inner for part in level if isinstance(part, list) for inner in part]
        if not level:
            return
    raise refused(f"Invalid filters. They are nested deeper than {MAX_DEPTH} lists.")


def kind_of(value: Any) -> str:
    """The JSON type of a value, as Plausible's schema errors name it."""
    names = {bool: "Boolean", str: "String", int: "Integer", float: "Number", dict: "Object", list: "Array"}
    return names.get(type(value), "Null")


BEHAVIOURAL = ("has_done", "has_not_done")


def leaves(written: Any, depth: int = 0, *, behaviour: bool = True) -> Iterator[tuple[int, list[Any]]]:
    """Every comparison of written filters with its depth (0: top level), behavioural ones left out on request."""
    for part in written:
        if part[0] in ("and", "or"):
            yield from leaves(part[1], depth + 1, behaviour=behaviour)
        elif part[0] == "not" or (behaviour and part[0] in BEHAVIOURAL):
            yield from leaves([part[1]], depth + 1, behaviour=behaviour)
        elif part[0] not in BEHAVIOURAL:
            yield depth, part


def is_tree(written: Any) -> bool:
    """Whether every filter is well formed, unknown dimensions and operators aside."""
    return isinstance(written, list) and all(_is_node(part) for part in written)


def _is_node(part: Any) -> bool:
    if not isinstance(part, list) or len(part) < 2:
        return False
    if part[0] in ("and", "or"):
        return is_tree(part[1])
    if part[0] in ("not", "has_done", "has_not_done"):
        return _is_node(part[1])
    return isinstance(part[1], str)


def _has_shape(part: Any) -> bool:
    if not isinstance(part, list) or not part:
        return False
    head = part[0]
    if head in ("and", "or"):
        return len(part) == 2 and isinstance(part[1], list) and bool(part[1]) and all(map(_has_shape, part[1]))
    if head in ("not", "has_done", "has_not_done"):
        return len(part) == 2 and _has_shape(part[1])
    return isinstance(head, str) and _is_comparison(part)


def _is_comparison(part: list[Any]) -> bool:
    if part[0] not in OPERATORS or len(part) not in (3, 4) or not isinstance(part[1], str):
        return False
    if len(part) == 4 and (part[0] not in MODIFIED or not _is_modifier(part[3])):
        return False
    name, values = part[1], part[2]
    if name == "segment":
        known = part[0] == "is"
    elif name == "event:goal":
        known = part[0] in ("is", "contains")
    else:
        known = canonical_dimension(name) is not None and not name.startswith("time")
    return known and isinstance(values, list) and bool(values) and all(_is_value(v) for v in values)


def _is_modifier(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"case_sensitive"} and isinstance(value["case_sensitive"], bool)


def _is_value(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _tree(part: list[Any], pointer: Pointer) -> Filter:
    match part[0]:
        case "and" | "or":
            inner = tuple(_tree(p, replace(pointer, depth=pointer.depth + 1)) for p in part[1])
            return And(inner) if part[0] == "and" else Or(inner)
        case "not":
            return Not(_tree(part[1], replace(pointer, depth=pointer.depth + 1)))
        case "has_done" | "has_not_done":
            if pointer.behavioural:
                raise refused("Invalid filters. Behavioral filters (has_done, has_not_done) cannot be nested.")
            deeper = replace(pointer, depth=pointer.depth + 1, behavioural=True)
            return HasDone(_tree(part[1], deeper), done=part[0] == "has_done")
        case _:
            return _comparison(part, pointer)


def _comparison(part: list[Any], pointer: Pointer) -> Comparison:
    operator, name, values = part[0], part[1], part[2]
    if pointer.behavioural and not name.startswith("event:"):
        raise refused(
            "Invalid filters. Behavioral filters (has_done, has_not_done) "
            "can only be used with event dimension filters."
        )
    if name in TOP_LEVEL_ONLY and pointer.depth > 0 and not pointer.behavioural:
        raise refused(f"Invalid filters. Dimension `{name}` can only be filtered at the top level.")
    if name == "visit:country" and operator in ("is", "is_not") and any(len(str(v)) != 2 for v in values):
        raise refused(COUNTRY)
    if name not in INTEGERS and any(isinstance(v, int) for v in values):
        raise refused(f"Invalid filter '{inspected(part)}'.")
    sensitive = part[3]["case_sensitive"] if len(part) == 4 else True
    exact = OPERATORS[operator] in (Operator.IS, Operator.IS_NOT)
    read_one = _city if exact and name == "visit:city" else _value
    return Comparison(OPERATORS[operator], canonical_name(name), tuple(read_one(v) for v in values), sensitive)


def canonical_name(name: str) -> str:
    """The canonical name of a dimension that may be filtered.

    Plausible's screen holds the classes of its device, and can be filtered but not grouped by (2026-07, contract 4.2).
    """
    if name == "segment":
        return str(Dimension.SEGMENT)
    if name == "visit:screen":
        return str(Dimension.DEVICE)
    found = canonical_dimension(name)
    if found is None:
        raise ValueError(f"{name} was checked before")
    return found


def shown(name: str, value: Value) -> Value:
    """A dimension's value in the vendor's type: cities are numbers, unless the backend names them instead."""
    if name != Dimension.CITY or not isinstance(value, str):
        return value
    if value in ("", NOT_SET):
        return NO_CITY
    number = int(value) if value.isascii() and value.isdecimal() and len(value) <= len(str(MAX_CITY)) else -1
    return number if 0 <= number <= MAX_CITY and str(number) == value else value


def _city(value: Any) -> str:
    return NOT_SET if str(value) == str(NO_CITY) else str(value)


def _value(value: Any) -> str:
    return DIRECT if value == EARLY_DIRECT else str(value)
