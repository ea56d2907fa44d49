"""Places by name: a query on names becomes one on codes, with the names as labels.

Which codes a site has is asked of the store first; there are few of them, and the tables of names stay out of SQL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from adapters.local.sql import patterns
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.comparisons import POSITIVE
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.query import ResolvedQuery
from models.vocabulary import NOT_SET, Dimension, Operator

CODED: Mapping[str, str] = MappingProxyType(
    {
        str(Dimension.COUNTRY_NAME): str(Dimension.COUNTRY),
        str(Dimension.REGION_NAME): str(Dimension.REGION),
        str(Dimension.CITY_NAME): str(Dimension.CITY),
    }
)
"""Dimensions of names, and those of the codes they name."""

NOWHERE = " "
"""A code that no place has."""

Names = Mapping[str, Mapping[str, str]]
"""By coded dimension: the codes a site has, and their names."""


def asked(query: ResolvedQuery) -> tuple[str, ...]:
    """The coded dimensions that the query wants by name."""
    return tuple(sorted({CODED[name] for name in query.names if name in CODED}))


def codes_of(site: str, kind: str) -> tuple[str, Mapping[str, object]]:
    """The statement that lists a site's codes of one kind, imported ones included."""
    bind = Bindings()
    where = f"WHERE site = {bind.text(site)}"
    tables = ("events", "sessions", "imported_locations")
    parts = [f"SELECT DISTINCT toString({kind}) AS code FROM {table} {where}" for table in tables]
    return f"SELECT DISTINCT code FROM ({' UNION ALL '.join(parts)})", bind.values


def by_code(query: ResolvedQuery, names: Names) -> ResolvedQuery:
    """The query with its filters on names turned into filters on codes; groups by name stay, for the labels."""
    return replace(query, filters=tuple(_coded(part, names) for part in query.filters))


def labels(names: Names) -> dict[str, dict[str, str]]:
    """Shown values by dimension of names."""
    return {name: dict(names[coded]) for name, coded in CODED.items() if coded in names}


def _coded(part: Filter, names: Names) -> Filter:
    match part:
        case Comparison(dimension=name) if name in CODED:
            return _of_codes(part, names[CODED[name]])
        case Comparison():
            return part
        case And(parts):
            return And(tuple(_coded(p, names) for p in parts))
        case Or(parts):
            return Or(tuple(_coded(p, names) for p in parts))
        case Not(inner):
            return Not(_coded(inner, names))
        case HasDone(inner, done):
            return HasDone(_coded(inner, names), done)


def _of_codes(comparison: Comparison, named: Mapping[str, str]) -> Comparison:
    positive = POSITIVE.get(comparison.operator, comparison.operator)
    fits = _FITS[positive](comparison)
    found = tuple(code or NOT_SET for code, name in named.items() if fits(name))
    operator = Operator.IS if positive is comparison.operator else Operator.IS_NOT
    return Comparison(operator, CODED[comparison.dimension], found or (NOWHERE,))


Fits = Callable[[str], bool]


def _is(comparison: Comparison) -> Fits:
    wanted = {_folded("" if v == NOT_SET else v, comparison) for v in comparison.values}
    return lambda name: _folded(name, comparison) in wanted


def _contains(comparison: Comparison) -> Fits:
    wanted = [_folded(value, comparison) for value in comparison.values]
    return lambda name: any(value in _folded(name, comparison) for value in wanted)


def _matches(comparison: Comparison) -> Fits:
    return _expression(comparison, comparison.values)


def _wildcard(comparison: Comparison) -> Fits:
    return _expression(comparison, [patterns.wildcard(value) for value in comparison.values])


def _expression(comparison: Comparison, expressions: Sequence[str]) -> Fits:
    one = patterns.any_of(tuple(expressions))
    return lambda name: patterns.found(one, name, comparison.case_sensitive)


def _folded(text: str, comparison: Comparison) -> str:
    return text if comparison.case_sensitive else text.lower()


_FITS: Mapping[Operator, Callable[[Comparison], Fits]] = MappingProxyType(
    {Operator.IS: _is, Operator.CONTAINS: _contains, Operator.MATCHES: _matches, Operator.WILDCARD: _wildcard}
)
