"""What Plausible refuses although the declaration allows it: rules that depend on nesting, values and filters together.

Each rule is a generator of reasons (source of 2026-07-20, contract 4.3, 4.5 and 5). Pure.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from adapters.translate import flat, joined_by_and
from models.filters import And, Comparison, Filter, HasDone, Or, comparisons
from models.query import ResolvedQuery
from models.vocabulary import GOAL_METRICS, GOAL_RATES, NOT_SET, Dimension, Metric, Operator, dimension_of

Rule = Callable[[ResolvedQuery], Iterator[str]]

D, M = Dimension, Metric
EVENT_DIMENSIONS = frozenset({D.PAGE, D.HOSTNAME, D.EVENT, D.GOAL, D.PROP})
PATTERNS = frozenset({Operator.MATCHES, Operator.MATCHES_NOT, Operator.WILDCARD, Operator.WILDCARD_NOT})
EXACT = frozenset({Operator.IS, Operator.IS_NOT})


def refusals(query: ResolvedQuery, *, v1: bool = False) -> tuple[str, ...]:
    """Every reason against the query, each once."""
    return tuple(dict.fromkeys(reason for rule in (V1_RULES if v1 else V2_RULES) for reason in rule(query)))


def _kind(leaf: Comparison) -> Dimension | None:
    return dimension_of(leaf.dimension)


def _leaves(query: ResolvedQuery) -> Iterator[Comparison]:
    for part in query.filters:
        yield from comparisons(part)


def _nested(query: ResolvedQuery) -> Iterator[Comparison]:
    """Comparisons below the top level, behavioural filters left aside."""
    for part in flat(query.filters):
        if not isinstance(part, Comparison | HasDone):
            yield from _outside_behaviour(part)


def _outside_behaviour(part: Filter) -> Iterator[Comparison]:
    match part:
        case Comparison():
            yield part
        case HasDone():
            return
        case And(parts) | Or(parts):
            for inner in parts:
                yield from _outside_behaviour(inner)
        case _:
            yield from _outside_behaviour(part.part)


def _behaviour(query: ResolvedQuery) -> Iterator[str]:
    for part in _behaviours(query.filters):
        if any(_kind(leaf) not in EVENT_DIMENSIONS for leaf in comparisons(part)):
            yield "has_done: Plausible asks for page, hostname, event, goal and properties only"


def _behaviours(filters: Sequence[Filter]) -> Iterator[HasDone]:
    for part in filters:
        match part:
            case HasDone():
                yield part
            case And(parts) | Or(parts):
                yield from _behaviours(parts)
            case Comparison():
                continue
            case _:
                yield from _behaviours((part.part,))


def _nested_hostname(query: ResolvedQuery) -> Iterator[str]:
    if any(_kind(leaf) is D.HOSTNAME for leaf in _nested(query)):
        yield "hostname: Plausible takes hostname filters at the top level only"


def _goal_needed(query: ResolvedQuery) -> Iterator[str]:
    if D.GOAL in query.dimensions or any(_kind(leaf) is D.GOAL for leaf in joined_by_and(query.filters)):
        return
    for metric in query.metrics:
        if metric in GOAL_METRICS:
            yield f"{metric}: Plausible needs a goal filter at the top level, or the goal dimension"


def _rates_and_props(query: ResolvedQuery) -> Iterator[str]:
    if GOAL_RATES & set(query.metrics) and any(_kind(leaf) is D.PROP for leaf in _nested(query)):
        yield "conversion rates: Plausible takes property filters beside them at the top level only"


def _page_needed(query: ResolvedQuery) -> Iterator[str]:
    if D.PAGE in query.dimensions or any(_kind(leaf) is D.PAGE for leaf in joined_by_and(query.filters)):
        return
    if M.SCROLL_DEPTH in query.metrics:
        yield "scroll_depth: Plausible needs the page dimension, or a page filter at the top level"
    if M.TIME_ON_PAGE in query.metrics and not any(_kind(leaf) is D.PAGE for leaf in _nested(query)):
        yield "time_on_page: Plausible needs the page dimension or a page filter"


def _codes(query: ResolvedQuery) -> Iterator[str]:
    # Only `is` and `is_not` mind the form of a code (2026-07; fixtures/plausible/error_country.json).
    exact = [leaf for leaf in _leaves(query) if leaf.operator in EXACT]
    if not all(_is_country(v) for leaf in exact if _kind(leaf) is D.COUNTRY for v in leaf.values):
        yield "country: Plausible compares two-letter codes only"
    if not all(_is_id(v) or v == NOT_SET for leaf in exact if _kind(leaf) is D.CITY for v in leaf.values):
        yield "city: Plausible compares GeoNames ids only"


def _is_country(value: str) -> bool:
    return re.fullmatch("[A-Za-z]{2}", value) is not None


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _case(query: ResolvedQuery) -> Iterator[str]:
    for leaf in _leaves(query):
        if not leaf.case_sensitive and leaf.operator in PATTERNS:
            yield f"{leaf.operator}: Plausible's expressions are always case-sensitive"


def _extra(query: ResolvedQuery) -> Iterator[str]:
    for name in query.extra.get("plausible", {}):
        yield f"extra.plausible.{name}: there is no such option"


def _filling(query: ResolvedQuery) -> Iterator[str]:
    if query.include.zero_fill and query.time_dimension and len(query.dimensions) > 1:
        yield "include.zero_fill: only where time is the only dimension"


V2_RULES: tuple[Rule, ...] = (
    _behaviour,
    _nested_hostname,
    _goal_needed,
    _rates_and_props,
    _page_needed,
    _codes,
    _case,
    _extra,
    _filling,
)


def _v1_values(query: ResolvedQuery) -> Iterator[str]:
    for leaf in _leaves(query):
        exact = leaf.operator in EXACT
        for value in leaf.values:
            if ";" in value or "\\" in value or value != value.strip() or (exact and "*" in value):
                yield f"{leaf.dimension}: Plausible's v1 filters cannot say this value"


def _v1_countries(query: ResolvedQuery) -> Iterator[str]:
    """Plausible silently drops the filter instead (source of 2026-07-20, contract section 5)."""
    for leaf in _leaves(query):
        if _kind(leaf) is D.COUNTRY and not all(re.fullmatch("[A-Z]{2}", value) for value in leaf.values):
            yield "country: Plausible's v1 API compares two capital letters only"


def _v1_hours(query: ResolvedQuery) -> Iterator[str]:
    if query.time_dimension == D.TIME_HOUR and query.period.days > 1:
        yield "time:hour: Plausible's v1 API has hours for a single day only"


def _v1_realtime(query: ResolvedQuery) -> Iterator[str]:
    plain = query.metrics == (M.VISITORS,) and not query.dimensions and not query.filters
    if query.relative == "realtime" and not plain:
        yield "realtime: Plausible's v1 API counts the present visitors of the whole site only"


def _v1_order(query: ResolvedQuery) -> Iterator[str]:
    grouped = bool(query.dimensions) and query.time_dimension is None
    if grouped and query.metrics[0] is M.TIME_ON_PAGE:
        yield "time_on_page: Plausible's v1 API does not order by it; ask another metric first"


V1_RULES: tuple[Rule, ...] = (
    _page_needed,
    _v1_values,
    _v1_countries,
    _v1_hours,
    _v1_realtime,
    _v1_order,
    _extra,
    _filling,
)
