"""Which fields metrics need, why only a walk counts them, and why they cannot be counted truly at all. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from adapters.pirsch.capabilities import PIRSCH
from adapters.pirsch.translate.question import free_listing, offered, outer_and_inner
from adapters.pirsch.translate.selection import Selection
from adapters.pirsch.translate.statistics import Fields, Span
from adapters.pirsch.vocabulary import FILTERS, LISTINGS, SESSION_KEYS, Field
from models.capability import Feature
from models.filters import And, Or, dimensions_in
from models.query import ResolvedQuery
from models.vocabulary import OURS, TIME_DIMENSIONS, Dimension, Metric, dimension_of

D, F, M = Dimension, Field, Metric
WALK = "session_walk"
"""`extra.pirsch.session_walk: true` reads every session, for an exact visit_duration."""
_WALKED = frozenset({F.VISITORS, F.VISITS, F.VIEWS, F.BOUNCES, F.DURATION})
_OF_VIEWS = (M.PAGEVIEWS, M.CONVERSIONS, M.EVENTS)
_RATES = (M.CONVERSION_RATE, M.GROUP_CONVERSION_RATE)
_BY_ROW: Mapping[Dimension, Fields] = MappingProxyType(
    {
        **dict.fromkeys((D.TIME_DAY, D.TIME_WEEK, D.TIME_MONTH), frozenset({F.EVENT_COUNT})),
        **dict.fromkeys((D.TIME_HOUR, D.TIME_MINUTE, D.REFERRER), frozenset()),
        **dict.fromkeys((D.EVENT, D.PROP), frozenset({F.VISITS})),
    }
)
"""Fields that may be asked for row by row where the calls for a dimension do not know them; elsewhere all."""

NEEDS: Mapping[Metric, tuple[Field, ...]] = MappingProxyType(
    {
        M.VISITORS: (F.VISITORS,),
        M.VISITS: (F.VISITS,),
        M.PAGEVIEWS: (F.VIEWS,),
        M.EVENTS: (F.VIEWS, F.EVENT_COUNT),
        M.VIEWS_PER_VISIT: (F.VIEWS, F.VISITS),
        M.BOUNCE_RATE: (F.BOUNCES, F.VISITS),
        M.VISIT_DURATION: (F.DURATION,),
        M.TIME_ON_PAGE: (F.TIME_ON_PAGE,),
        M.CONVERSIONS: (F.EVENT_COUNT,),
        M.CONVERSION_RATE: (F.VISITORS,),
        M.GROUP_CONVERSION_RATE: (F.VISITORS,),
        M.PERCENTAGE: (F.VISITORS,),
        M.EXIT_RATE: (F.VISITS, F.VIEWS),
        M.TOTAL_REVENUE: (F.REVENUE,),
        M.AVERAGE_REVENUE: (F.AVERAGE_REVENUE,),
    }
)


def declared_refusals(query: ResolvedQuery) -> tuple[str, ...]:
    """What the declaration refuses whatever the values: the planner says the same, and asks nobody either."""
    found = [f"{x}: {PIRSCH.metrics[x].reason}" for x in query.metrics if not PIRSCH.metrics[x].is_native]
    for name in query.dimensions:
        kind = dimension_of(name)
        if kind is not None and kind not in OURS and not PIRSCH.dimensions[kind].is_native:
            found.append(f"{name}: {PIRSCH.dimensions[kind].reason}")
    nested = [n for n in query.filters if isinstance(n, And | Or) and D.GOAL in dimensions_in((n,))]
    if nested:
        found.append(f"nested_goal: {PIRSCH.features[Feature.NESTED_GOAL].reason}")
    if not query.period.whole_days and query.relative != "realtime":
        found.append(f"part_of_day: {PIRSCH.features[Feature.PART_OF_DAY].reason}")
    return tuple(found)


def needs(metrics: Iterable[Metric], selection: Selection) -> Fields:
    """The fields the metrics are made of. A page goal's conversions are views; an event has no page views."""
    found: set[Field] = set()
    for metric in metrics:
        match metric:
            case M.PAGEVIEWS if selection.of_event_hits:
                continue
            case M.EVENTS if selection.events:
                found.add(F.EVENT_COUNT)
            case M.CONVERSIONS | M.EVENTS if selection.viewed:
                found.add(F.VIEWS)
            case _:
                found.update(NEEDS[metric])
    return frozenset(found)


def _to_fields(metrics: Iterable[Metric], selection: Selection) -> list[str]:
    """Why metrics cannot be truly counted for a selection, however it is grouped."""
    found: list[str] = []
    for metric in metrics:
        match metric:
            case M.BOUNCE_RATE | M.VIEWS_PER_VISIT if selection.multiplied and not selection.by_page:
                inflated = f"Pirsch counts a visit once for each matching event there, so {metric} would be inflated"
                found.append(f"{metric}: {inflated}; ask for one event without properties")
            case M.PAGEVIEWS if selection.whole and (selection.multiplied or selection.by_page):
                found.append("pageviews: has_done is a filter on pages here, which narrows the views it counts")
            case M.EVENTS if selection.whole or (selection.events and selection.by_page):
                found.append("events: Pirsch counts events by name, not those of whole visits")
            case M.TOTAL_REVENUE | M.AVERAGE_REVENUE if not selection.currency:
                found.append(f"{metric}: needs a filter on one goal that has a currency")
            case _:
                continue
    return found


def _subtractable(metrics: Iterable[Metric], selection: Selection) -> bool:
    """Whether numbers without an event are numbers of all visits less those with it: never so for visitors."""
    fields = {M.VISITS, M.BOUNCE_RATE} | (set() if any(w.by_page for w in selection.without) else {M.PAGEVIEWS})
    return set(metrics) <= fields and not any(w.multiplied for w in selection.without)


def why_walk(query: ResolvedQuery, selection: Selection, dimensions: Sequence[str], fields: Fields) -> str:
    """Why only reading every session answers; empty when a list or total does."""
    if selection.residual:
        return "or, not"
    one_list = not dimensions or (len(dimensions) == 1 and fields <= offered(dimensions[0], selection))
    if selection.without and not (one_list and _subtractable(query.metrics, selection)):
        return "has_not_done"
    if F.DURATION in fields and selection.events and not selection.by_page:
        return "visit_duration beside an event"  # the vendor answers an empty list (2026-07-10, contract section 8)
    if M.VIEWS_PER_VISIT in query.metrics and selection.by_page:
        return "views_per_visit beside a filter on pages"
    if len(dimensions) < 2 or free_listing(dimensions) is not None:
        return ""
    if len(dimensions) > 2:
        return "more than two dimensions"
    _, inner = outer_and_inner(dimensions)
    return "" if fields <= offered(inner, selection) and _has_values(dimensions) else "two dimensions"


def _has_values(dimensions: Sequence[str]) -> bool:
    """Whether the outer dimension can be listed and each value asked for."""
    outer = dimension_of(outer_and_inner(dimensions)[0])
    return outer in FILTERS and (outer in LISTINGS or outer in (D.DEVICE, D.EVENT))


def objections(
    span: Span, query: ResolvedQuery, selection: Selection, dimensions: Sequence[str], fields: Fields, *,
    walk: bool, why: str,
) -> tuple[str, ...]:  # fmt: skip
    """Every reason why the metrics cannot be counted truly, by a walk or by lists."""
    found = _to_fields(query.metrics, selection)
    if span.start and any(d in TIME_DIMENSIONS for d in dimensions):
        found.append("realtime: Pirsch's last minutes cannot be cut by time; ask for the range `day`")
    if walk:
        found += _to_walking(query, selection, dimensions, fields, why or WALK)
    else:
        found += _to_grouping(query, selection, dimensions, fields)
    return tuple(dict.fromkeys(found))


def _to_walking(
    query: ResolvedQuery, selection: Selection, dimensions: Sequence[str], fields: Fields, why: str
) -> list[str]:
    found = []
    if strangers := [d for d in dimensions if dimension_of(d) not in SESSION_KEYS and d not in TIME_DIMENSIONS]:
        found.append(f"{why}: Pirsch's list of sessions does not know {', '.join(strangers)}")
    if missing := sorted(fields - _WALKED):
        found.append(f"{why}: Pirsch's list of sessions does not know {', '.join(missing)}")
    if selection.by_page and (views := [x for x in query.metrics if x in _OF_VIEWS]):
        found.append(f"{why}: {', '.join(views)} of some pages only are not in Pirsch's list of sessions")
    if rates := [x for x in query.metrics if x in _RATES]:
        found.append(f"{why}: {', '.join(rates)} cannot be counted together with it")
    return found


def _to_grouping(query: ResolvedQuery, selection: Selection, dimensions: Sequence[str], fields: Fields) -> list[str]:
    """Fields that neither a list knows nor a question per value truly gives."""
    if M.EXIT_RATE in query.metrics and len(dimensions) != 1:
        return ["exit_rate: needs the dimension page or exit_page, alone"]
    if (len(dimensions) != 1 and free_listing(dimensions)) or dimensions in (("browser_version",), ("os_version",)):
        missing = sorted(fields - {F.VISITORS})
        known = f"{' and '.join(dimensions)}: Pirsch knows only visitors there, not {', '.join(missing)}"
        return [known] if missing else []
    if len(dimensions) != 1:
        return []
    (name,) = dimensions
    found = _about(name, query.metrics, selection, fields)
    if M.EXIT_RATE in query.metrics and name not in (D.EXIT_PAGE, D.PAGE):
        found.append("exit_rate: needs the dimension page or exit_page")
    if M.EXIT_RATE in query.metrics and name == D.PAGE and M.VISITS in query.metrics:
        found.append("exit_rate by page: not together with visits; group by exit_page")
    if missing := sorted(fields - offered(name, selection) - _askable_by_row(name, selection)):
        found.append(f"{name}: Pirsch does not count {', '.join(missing)} by it")
    return found


def _about(name: str, metrics: Sequence[Metric], selection: Selection, fields: Fields) -> list[str]:
    match dimension_of(name):
        case D.PAGE:
            entered = "Pirsch counts it for visits that viewed a page, not that entered there"
            return [f"{x} by page: {entered}" for x in (M.VIEWS_PER_VISIT, M.VISIT_DURATION) if x in metrics]
        case D.EVENT | D.PROP if selection.whole and selection.events:
            return [f"{name}: beside has_done, Pirsch lists only the event that was done"]
        case D.PROP if selection.multiplied or (not selection.events and fields - {F.VISITORS}):
            return [f"{name}: Pirsch counts it only beside a filter on exactly one event"]
        case _:
            return []


def _askable_by_row(name: str, selection: Selection) -> Fields:
    kind = dimension_of(name)
    if kind is D.PAGE:
        return frozenset() if selection.events else frozenset({F.EVENT_COUNT})
    return _BY_ROW.get(kind, frozenset(F)) if kind else frozenset()
