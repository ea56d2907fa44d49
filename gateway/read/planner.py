"""Decide how a backend answers a query, before anybody is asked. Pure: no I/O, no adapter imports.

A query is native when the declaration allows it as it is; a fan-out when it has one dimension more than the backend
groups by and asking per value stays exact; otherwise a refusal with every reason at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from models.capability import Capabilities, Conflict, Feature
from models.filters import And, Comparison, Filter, HasDone, Not, Or, comparisons
from models.query import Direction, Include, Order, ResolvedQuery, default_order
from models.result import Reason
from models.vocabulary import (
    DIMENSION_SCOPES,
    METRICS,
    OURS,
    TIME_DIMENSIONS,
    Dimension,
    Metric,
    Operator,
    Scope,
    dimension_of,
)


@dataclass(frozen=True, slots=True)
class Native:
    """Ask once, as it is."""

    query: ResolvedQuery
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class FanOut:
    """List the values of one dimension (`outer`), then ask once for each of them, filtered on it (`inner`)."""

    query: ResolvedQuery
    outer: ResolvedQuery
    inner: ResolvedQuery
    dimension: str
    most_values: int
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Every reason why the backend cannot answer truthfully, and the nearest question that it can, if there is one."""

    reasons: tuple[str, ...]
    nearest: dict[str, Any] | None = None


Plan = Native | FanOut | Refusal


def plan(query: ResolvedQuery, can: Capabilities, *, site_zone: str) -> Plan:
    """How to answer the query. `site_zone` is the zone the backend cuts the site's days in."""
    against = refusals(query, can, site_zone=site_zone)
    if against:
        return Refusal(against, nearest(query, can, site_zone=site_zone))
    reasons = approximations(query, can)
    if len(query.dimensions) <= can.max_dimensions:
        return Native(query, reasons)
    return _fan_out(query, can, reasons)


def refusals(query: ResolvedQuery, can: Capabilities, *, site_zone: str) -> tuple[str, ...]:
    """Every reason against the query, in the order of the rules, each once."""
    found = (reason for rule in _RULES for reason in rule(query, can))
    return tuple(dict.fromkeys((*found, *_zone(query, can, site_zone))))


def approximations(query: ResolvedQuery, can: Capabilities) -> tuple[Reason, ...]:
    """Every declared reason why the answer will not be exact."""
    cells = [(str(m), can.metrics[m]) for m in query.metrics]
    cells += [(d, can.dimensions[_kind(d)]) for d in sorted(query.names) if _kind(d) not in OURS]
    cells += [(str(c.operator), can.operators[c.operator]) for f in query.filters for c in comparisons(f)]
    cells += [(str(feature), can.features[feature]) for feature in sorted(_features(query))]
    found = [Reason(cell.approximate, f"{name}: {cell.reason}") for name, cell in cells if cell.approximate]
    found += [Reason(c.approximate, c.reason) for c in can.conflicts if c.approximate and _applies(c, query)]
    return tuple(dict.fromkeys(found))


def nearest(query: ResolvedQuery, can: Capabilities, *, site_zone: str) -> dict[str, Any] | None:
    """The same question without the parts that are refused one by one; None when nothing useful is left."""
    metrics = tuple(m for m in query.metrics if can.metrics[m].is_native)
    dimensions = tuple(d for d in query.dimensions if _kind(d) in OURS or can.dimensions[_kind(d)].is_native)
    if not metrics:
        return None
    reduced = replace(query, metrics=metrics, dimensions=dimensions, order_by=default_order(metrics, dimensions))
    kept = tuple(f for f in query.filters if not refusals(replace(reduced, filters=(f,)), can, site_zone=site_zone))
    reduced = replace(reduced, filters=kept)
    while refusals(reduced, can, site_zone=site_zone) and len(reduced.metrics) > 1:
        fewer = reduced.metrics[:-1]
        reduced = replace(reduced, metrics=fewer, order_by=default_order(fewer, dimensions))
    return None if refusals(reduced, can, site_zone=site_zone) else reduced.as_json()


def _kind(name: str) -> Dimension:
    """The dimension of a name that was validated before."""
    found = dimension_of(name)
    if found is None:
        raise ValueError(f"no such dimension: {name}")
    return found


def _leaves(query: ResolvedQuery) -> Iterator[Comparison]:
    for part in query.filters:
        yield from comparisons(part)


def _metrics(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    for metric in query.metrics:
        if not (cell := can.metrics[metric]).is_native:
            yield f"{metric}: {cell.reason}"


def _grouping(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    for name in query.dimensions:
        if (kind := _kind(name)) not in OURS and not (cell := can.dimensions[kind]).is_native:
            yield f"{name}: {cell.reason}"


def _filtering(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    for leaf in _leaves(query):
        kind = _kind(leaf.dimension)
        if kind in OURS:
            continue
        if not (cell := can.operators[leaf.operator]).is_native:
            yield f"{leaf.operator}: {cell.reason}"
        elif kind not in can.filters and not can.dimensions[kind].is_native:
            yield f"{leaf.dimension}: {can.dimensions[kind].reason}"
        elif leaf.operator not in can.operators_on(kind):
            yield f"{leaf.operator} on {leaf.dimension}: {can.filter_reasons[kind]}"
        if can.limits.filter_values is not None and len(leaf.values) > can.limits.filter_values:
            yield f"{leaf.dimension}: at most {can.limits.filter_values} values in one filter, not {len(leaf.values)}"


def _shapes(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    for feature in sorted(_features(query)):
        if not (cell := can.features[feature]).is_native:
            yield f"{feature}: {cell.reason}"


def _conflicts(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    for conflict in can.conflicts:
        if not conflict.approximate and _applies(conflict, query):
            yield conflict.reason


def _limits(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    limits = can.limits
    if limits.rows is not None and query.limit > limits.rows:
        yield f"at most {limits.rows} rows at once, not {query.limit}"
    if limits.range_days is not None and query.period.days > limits.range_days:
        yield f"at most {limits.range_days} days at once, not {query.period.days}"
    if limits.metrics is not None and len(query.metrics) > limits.metrics:
        yield f"at most {limits.metrics} metrics at once, not {len(query.metrics)}"


def _strangers(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    for backend in sorted(query.extra):
        if backend != can.backend:
            yield f"extra.{backend}: this site's backend is {can.backend}"


def _width(query: ResolvedQuery, can: Capabilities) -> Iterator[str]:
    """More dimensions than the backend groups by, where asking per value is no way out."""
    over = len(query.dimensions) - can.max_dimensions
    if over <= 0:
        return
    if can.max_dimensions == 0:
        yield "this backend does not group by anything"
    elif over > 1:
        yield f"at most {can.max_dimensions + 1} dimensions at once, not {len(query.dimensions)}"
    elif not _outer_candidates(query, can):
        yield f"{', '.join(query.dimensions)}: this backend groups by {can.max_dimensions} at once; drop one"
    else:
        for metric in query.metrics:
            if METRICS[metric].relative:
                yield f"{metric}: needs all of {', '.join(query.dimensions)} in one call, and this backend has none"


_RULES: tuple[Callable[[ResolvedQuery, Capabilities], Iterator[str]], ...] = (
    _metrics,
    _grouping,
    _filtering,
    _shapes,
    _conflicts,
    _limits,
    _strangers,
    _width,
)


def _zone(query: ResolvedQuery, can: Capabilities, site_zone: str) -> Iterator[str]:
    cell = can.features[Feature.ANY_ZONE]
    if query.period.zone.key != site_zone and not cell.is_native:
        yield f"timezone {query.period.zone.key}: {cell.reason}"


def _features(query: ResolvedQuery) -> frozenset[Feature]:
    """The shapes of question that the query needs."""
    found = {feature for part in query.filters for feature in _shape_of(part, top=True)}
    if any(not leaf.case_sensitive for leaf in _leaves(query)):
        found.add(Feature.CASE_INSENSITIVE)
    if not query.period.whole_days and query.relative != "realtime":
        found.add(Feature.PART_OF_DAY)
    if query.order_by != default_order(query.metrics, query.dimensions):
        found.add(Feature.ORDER_BY)
    if query.include.total_rows:
        found.add(Feature.TOTAL_ROWS)
    return frozenset(found)


def _shape_of(part: Filter, *, top: bool) -> Iterator[Feature]:
    match part:
        case Comparison(dimension=name):
            if name == Dimension.GOAL and not top:
                yield Feature.NESTED_GOAL
        case And(parts):
            for inner in parts:
                yield from _shape_of(inner, top=top)
        case Or(parts):
            if len(parts) > 1:
                yield Feature.OR
            for inner in parts:
                yield from _shape_of(inner, top=top and len(parts) == 1)
        case Not(inner):
            yield Feature.NOT
            yield from _shape_of(inner, top=False)
        case HasDone():
            yield Feature.BEHAVIOUR


def _applies(conflict: Conflict, query: ResolvedQuery) -> bool:
    grouped = {_kind(d) for d in query.dimensions}
    leaves = [(_kind(leaf.dimension), leaf.operator) for leaf in _leaves(query)]
    if conflict.filtered and conflict.operators:
        filters_meet = any(k in conflict.filtered and o in conflict.operators for k, o in leaves)
    else:
        filters_meet = (not conflict.filtered or any(k in conflict.filtered for k, _ in leaves)) and (
            not conflict.operators or any(o in conflict.operators for _, o in leaves)
        )
    return (
        filters_meet
        and (not conflict.metrics or bool(conflict.metrics & set(query.metrics)))
        and (not conflict.grouped or bool(conflict.grouped & grouped))
        and not (conflict.unless_grouped & grouped)
    )


def _outer_candidates(query: ResolvedQuery, can: Capabilities) -> tuple[str, ...]:
    """Dimensions whose values can be listed and then filtered on, cheapest first. Time is never a list of values.

    Both dimensions must speak of the same thing: page and event of one event, source and country of one visit; a filter
    on an event's page keeps whole visits, so grouping them by a visit's country would count other pages' events, and
    a number of whole visits would be of all that saw the page. What is asked for each value must itself be allowed.
    """
    of_visits = any(METRICS[metric].scope is Scope.VISIT for metric in query.metrics)
    exact = [
        d
        for d in query.dimensions
        if d not in TIME_DIMENSIONS
        and Operator.IS in can.operators_on(_kind(d))
        and not can.dimensions[_kind(d)].approximate
        and len({DIMENSION_SCOPES[_kind(other)] for other in query.dimensions if other not in TIME_DIMENSIONS}) == 1
        and not (of_visits and DIMENSION_SCOPES[_kind(d)] is Scope.EVENT)
        and not refusals(_of_a_value(query, can, d), can, site_zone=query.period.zone.key)
    ]
    return tuple(sorted(exact, key=lambda d: (_EXPECTED_VALUES.get(d, 1000), d)))


_EXPECTED_VALUES = {"device": 3, "channel": 15, "os": 10, "browser": 15, "country": 60, "language": 60, "hostname": 5}
"""Roughly how many values a dimension has, for choosing the cheaper one to ask by; others are taken to be many."""


def _inner(query: ResolvedQuery, can: Capabilities, outer: str) -> ResolvedQuery:
    """What is asked for each value of a dimension; the filter on the value is not there yet."""
    rest = tuple(d for d in query.dimensions if d != outer)
    return replace(
        query,
        dimensions=rest,
        order_by=default_order(query.metrics, rest),
        limit=can.limits.rows or query.limit,
        offset=0,
        include=Include(imports=query.include.imports),
    )


def _of_a_value(query: ResolvedQuery, can: Capabilities, outer: str) -> ResolvedQuery:
    """The same with a filter on some value."""
    return replace(_inner(query, can, outer), filters=(*query.filters, Comparison(Operator.IS, outer, ("",))))


def _fan_out(query: ResolvedQuery, can: Capabilities, reasons: tuple[Reason, ...]) -> FanOut:
    outer = _outer_candidates(query, can)[0]
    most = can.limits.fan_out_calls - 1
    listing = replace(
        query,
        metrics=(Metric.VISITORS,),
        dimensions=(outer,),
        order_by=(Order(Metric.VISITORS, Direction.DESC), Order(outer, Direction.ASC)),
        limit=most + 1,
        offset=0,
        include=Include(imports=query.include.imports),
    )
    own = approximations(_of_a_value(query, can, outer), can)
    each = _inner(query, can, outer)
    return FanOut(query, listing, each, outer, most, tuple(dict.fromkeys((*reasons, *own))))
