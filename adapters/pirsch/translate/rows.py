"""Tallies as rows of canonical metrics, in order: the last step of a read. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.pirsch.translate.plan import Part, Plan
from adapters.pirsch.translate.selection import Selection
from adapters.pirsch.translate.statistics import Grouped, Key, Tally
from adapters.pirsch.vocabulary import Field
from adapters.rows import arranged, names_of, page, time_labels
from models.query import ResolvedQuery
from models.result import Answer, Money, Row, Value
from models.vocabulary import TIME_DIMENSIONS, Dimension, Metric

D, F, M = Dimension, Field, Metric


@dataclass(frozen=True, slots=True)
class Denominators:
    """Visitors that rates are shares of: of the query, and by group of the query without its goal (`()` for all)."""

    everybody: float
    without_goal: Mapping[Key, float]


def answer_of(plan: Plan, counted: Sequence[Grouped], totals: Grouped | None, of: Denominators) -> Answer:
    """The answer made of what every part was counted to; sorted and paged here."""
    query, depth = plan.query, len(plan.query.dimensions)
    rows = [row for part, found in zip(plan.parts, counted, strict=True) for row in _rows(query, part, found, of)]
    by_name = sorted(rows, key=lambda row: tuple(str(value) for value in row[:depth]))
    ordered = arranged(by_name, names_of(query), query.order_by)
    reasons = [r for found in (*counted, *((totals,) if totals else ())) for r in found.reasons]
    return Answer(
        rows=page(ordered, query),
        reasons=tuple(dict.fromkeys((*plan.filter_reasons, *reasons))),
        totals=_values(query, plan.totals, (), totals.tallies[()], of) if plan.totals and totals else None,
        total_rows=len(ordered) if query.include.total_rows else None,
        time_labels=time_labels(query) if query.include.time_labels else None,
    )


def _rows(query: ResolvedQuery, part: Part, found: Grouped, of: Denominators) -> Iterator[Row]:
    dimensions = part.question.dimensions
    empty_too = query.include.zero_fill and len(dimensions) == 1 and dimensions[0] in TIME_DIMENSIONS
    for key, tally in found.tallies.items():
        if query.dimensions and not any(tally.values()) and not empty_too:
            continue
        named = iter(key)
        shown = (part.goal if d == D.GOAL else next(named) for d in query.dimensions)
        yield (*shown, *_values(query, part, key, tally, of))


def _values(query: ResolvedQuery, part: Part, key: Key, tally: Tally, of: Denominators) -> Row:
    return tuple(_value(metric, tally, part.question.selection, key, of) for metric in query.metrics)


def _value(metric: Metric, tally: Tally, selection: Selection, key: Key, of: Denominators) -> Value:
    """A metric in canonical units; None where the vendor has no number."""
    match metric:
        case M.VISITORS:
            return _whole(tally.get(F.VISITORS))
        case M.VISITS:
            return _whole(tally.get(F.VISITS))
        case M.PAGEVIEWS:
            return 0 if selection.of_event_hits else _whole(tally.get(F.VIEWS))
        case M.EVENTS | M.CONVERSIONS if selection.viewed:
            return _whole(tally.get(F.VIEWS))
        case M.EVENTS if not selection.events:
            return _sum(tally, F.VIEWS, F.EVENT_COUNT)
        case M.EVENTS | M.CONVERSIONS:
            return _whole(tally.get(F.EVENT_COUNT))
        case M.VIEWS_PER_VISIT:
            return _ratio(tally, F.VIEWS, F.VISITS, lambda q: round(q * 100) / 100, 0.0)
        case M.BOUNCE_RATE:
            return _ratio(tally, F.BOUNCES, F.VISITS, lambda q: round(100 * q), 0)
        case M.EXIT_RATE:
            return _ratio(tally, F.VISITS, F.VIEWS, lambda q: round(100 * q, 1), None)
        case M.VISIT_DURATION:
            return _whole(tally.get(F.DURATION) or 0) if F.DURATION in tally else None
        case M.TIME_ON_PAGE:
            return _whole(tally.get(F.TIME_ON_PAGE) or None)
        case M.PERCENTAGE:
            return _share(tally, of.everybody, None)
        case M.CONVERSION_RATE:
            return _share(tally, of.without_goal.get((), 0), 0.0)
        case M.GROUP_CONVERSION_RATE:
            return _share(tally, of.without_goal.get(key, 0), 0.0)
        case M.TOTAL_REVENUE | M.AVERAGE_REVENUE:
            amount = tally.get(F.REVENUE if metric is M.TOTAL_REVENUE else F.AVERAGE_REVENUE)
            return None if amount is None else Money(round(amount, 2), selection.currency)
        case _:
            raise ValueError(f"{metric} is no number of Pirsch")


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _sum(tally: Tally, *fields: Field) -> int | None:
    numbers = [tally.get(f) for f in fields]
    return None if None in numbers else round(sum(n or 0 for n in numbers))


def _ratio(tally: Tally, part: Field, of: Field, shown: Callable[[float], Value], empty: Value) -> Value:
    above, below = tally.get(part), tally.get(of)
    if above is None or below is None:
        return None
    return shown(above / below) if below else empty


def _share(tally: Tally, whole: float, empty: float | None) -> float | None:
    visitors = tally.get(F.VISITORS)
    if visitors is None:
        return None
    return round(100 * visitors / whole * 100) / 100 if whole else empty
