"""The filter tree of a query: comparisons joined by and, or, not, and two behavioural questions about a visitor.

Written as lists, read once into frozen values: `["is", "page", ["/"]]`, `["and", [f, ...]]`, `["not", f]`,
`["has_done", f]`. A fourth element of a comparison holds `{"case_sensitive": bool}`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import Problem
from models.vocabulary import Dimension, Operator, dimension_of

MAX_DEPTH = 20
MAX_VALUES = 1000
MAX_VALUE_LENGTH = 4000
JOINS = ("and", "or")
BEHAVIOURS = ("has_done", "has_not_done")
OPERATORS = tuple(str(o) for o in Operator)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One dimension against one or more values; `is` and its kin hold when any value fits, negations when none does."""

    operator: Operator
    dimension: str
    values: tuple[str, ...]
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


@dataclass(frozen=True, slots=True)
class HasDone:
    """Visits in whose range some event fits the part (`done`), or none does."""

    part: "Filter"
    done: bool = True


Filter = Comparison | And | Or | Not | HasDone


def comparisons(node: Filter) -> Iterator[Comparison]:
    """Every comparison of a tree, left to right."""
    match node:
        case Comparison():
            yield node
        case And(parts) | Or(parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part) | HasDone(part):
            yield from comparisons(part)


def dimensions_in(filters: Sequence[Filter]) -> frozenset[str]:
    """The names of all dimensions that filters speak of, at any depth."""
    return frozenset(c.dimension for f in filters for c in comparisons(f))


def to_list(node: Filter) -> list[Any]:
    """The written form of a filter, as it stands in JSON."""
    match node:
        case Comparison(operator, dimension, values, case_sensitive):
            written: list[Any] = [str(operator), dimension, list(values)]
            return written if case_sensitive else [*written, {"case_sensitive": False}]
        case And(parts):
            return ["and", [to_list(p) for p in parts]]
        case Or(parts):
            return ["or", [to_list(p) for p in parts]]
        case Not(part):
            return ["not", to_list(part)]
        case HasDone(part, done):
            return ["has_done" if done else "has_not_done", to_list(part)]


def read_filters(written: Any, where: str = "filters") -> tuple[tuple[Filter, ...], list[Problem]]:
    """The filters of a query (joined by and) and everything wrong with them."""
    if not isinstance(written, list):
        return (), [Problem(where, "must be a list of filters")]
    reader = _Reader()
    found = tuple(
        f for i, part in enumerate(written) if (f := reader.read(part, f"{where}[{i}]", 0, False)) is not None
    )
    return found, reader.problems


class _Reader:
    """Reads a tree and collects every problem, each with its place."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def _refuse(self, where: str, reason: str, allowed: tuple[str, ...] = ()) -> None:
        self.problems.append(Problem(where, reason, allowed))

    def read(self, written: Any, where: str, depth: int, inside: bool) -> Filter | None:
        if depth > MAX_DEPTH:
            self._refuse(where, f"filters are nested deeper than {MAX_DEPTH}")
            return None
        if not isinstance(written, list) or not written or not isinstance(written[0], str):
            self._refuse(
                where, "a filter is a list that starts with an operator", (*OPERATORS, *JOINS, "not", *BEHAVIOURS)
            )
            return None
        head = written[0]
        if head in JOINS:
            return self._join(written, where, depth, inside)
        if head == "not" or head in BEHAVIOURS:
            return self._wrap(written, where, depth, inside)
        return self._comparison(written, where)

    def _join(self, written: list[Any], where: str, depth: int, inside: bool) -> Filter | None:
        if len(written) != 2 or not isinstance(written[1], list) or not written[1]:
            self._refuse(where, f"`{written[0]}` takes a list of one filter or more")
            return None
        parts = tuple(
            f
            for i, part in enumerate(written[1])
            if (f := self.read(part, f"{where}[1][{i}]", depth + 1, inside)) is not None
        )
        return And(parts) if written[0] == "and" else Or(parts)

    def _wrap(self, written: list[Any], where: str, depth: int, inside: bool) -> Filter | None:
        head = written[0]
        if len(written) != 2:
            self._refuse(where, f"`{head}` takes one filter")
            return None
        if head in BEHAVIOURS and inside:
            self._refuse(where, "behavioural filters (has_done, has_not_done) cannot be nested")
            return None
        part = self.read(written[1], f"{where}[1]", depth + 1, inside or head in BEHAVIOURS)
        if part is None:
            return None
        return Not(part) if head == "not" else HasDone(part, done=head == "has_done")

    def _comparison(self, written: list[Any], where: str) -> Filter | None:
        if written[0] not in OPERATORS:
            self._refuse(
                f"{where}[0]", f"no such operator: {written[0][:60]!r}", (*OPERATORS, *JOINS, "not", *BEHAVIOURS)
            )
            return None
        if len(written) not in (3, 4) or not isinstance(written[1], str):
            self._refuse(where, "a comparison is [operator, dimension, [values]] with optional modifiers")
            return None
        known, values = self._dimension(written[1], written[0], where), self._values(written[2], where)
        case_sensitive = self._modifiers(written[3], where) if len(written) == 4 else True
        if not known or values is None or case_sensitive is None:
            return None
        return Comparison(Operator(written[0]), written[1], values, case_sensitive)

    def _dimension(self, name: str, operator: str, where: str) -> bool:
        found = dimension_of(name)
        if found is None:
            allowed = tuple(str(d) for d in Dimension if not d.startswith("time:") and d not in ("prop", "site"))
            self._refuse(f"{where}[1]", f"no such dimension: {name[:60]!r}", (*allowed, "prop:<name>"))
        elif found.startswith("time:") or found is Dimension.SITE:
            self._refuse(f"{where}[1]", f"{name} cannot be filtered on; use date_range or site")
            return False
        elif found is Dimension.SEGMENT and operator != Operator.IS:
            self._refuse(f"{where}[0]", "a segment can only be filtered with `is`", ("is",))
            return False
        return found is not None

    def _values(self, values: Any, where: str) -> tuple[str, ...] | None:
        fits = isinstance(values, list) and values and all(_is_value(v) for v in values)
        if not fits:
            self._refuse(f"{where}[2]", "must be a list of one string or more")
            return None
        if len(values) > MAX_VALUES or any(len(str(v)) > MAX_VALUE_LENGTH for v in values):
            self._refuse(f"{where}[2]", f"at most {MAX_VALUES} values of {MAX_VALUE_LENGTH} characters")
            return None
        return tuple(str(v) for v in values)

    def _modifiers(self, modifiers: Any, where: str) -> bool | None:
        if not isinstance(modifiers, dict) or set(modifiers) - {"case_sensitive"}:
            self._refuse(f"{where}[3]", "the only modifier is case_sensitive", ("case_sensitive",))
            return None
        chosen = modifiers.get("case_sensitive", True)
        if not isinstance(chosen, bool):
            self._refuse(f"{where}[3].case_sensitive", "must be true or false")
            return None
        return chosen


def _is_value(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64)
