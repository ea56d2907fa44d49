"""How Pirsch would answer a resolved query: the plan, its cost, its inexactness or every refusal. Pure.

`script` decides by the same `shape_of`, so what is run is what was announced.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.pirsch.capabilities import PIRSCH
from adapters.pirsch.translate import measure as m
from adapters.pirsch.translate.call import ROWS, Span, refuse, span_of
from adapters.pirsch.translate.groups import free_listing, order_cut, outer_and_inner
from adapters.pirsch.translate.selection import Selection, combined, of_goal, select
from adapters.pirsch.translate.series import days_of
from adapters.pirsch.vocabulary import FILTERS, LISTINGS, SESSION_KEYS, Field
from models.capability import Feature
from models.errors import UnsupportedQuery
from models.filters import And, Comparison, Filter, HasDone, Not, Or, dimensions_in
from models.goal import Goal
from models.period import buckets
from models.query import ResolvedQuery
from models.result import Foreseen, PlanKind, Reason
from models.site import Site
from models.vocabulary import OURS, TIME_DIMENSIONS, Dimension, Interval, Metric, Operator, dimension_of, interval_of

D, F, M = Dimension, Field, Metric
WALKED = frozenset({F.VISITORS, F.VISITS, F.VIEWS, F.BOUNCES, F.DURATION})
FEW_VISITS = 1000
"""Up to so many visits, visit_duration is read from the list of visits: exactly, at 100 visits a call."""
WALK = "session_walk"
"""`extra.pirsch.session_walk: true` reads every session, for an exact visit_duration."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most calls of one query, and of one that reads every session."""

    calls: int
    walk: int


@dataclass(frozen=True, slots=True)
class Shape:
    """How one selection will be asked: walked or grouped, for which fields; `calls` is the most it takes."""

    walked: bool
    fields: frozenset[Field]
    calls: int
    reasons: tuple[Reason, ...] = ()


_SAMPLES = (
    Goal(id="1", event_name="any event", currency="EUR", display_name="?"),
    Goal(id="2", page_path="/any", display_name="?"),
)
"""Stand for the site's goals, whose kinds are not known before they were read."""


def foresee(site: Site, query: ResolvedQuery, caps: Caps) -> Foreseen:
    """Plan, calls at most, reasons and refusals, before anything is asked."""
    if declared := declared_refusals(query):
        return Foreseen(refusals=declared)
    refused: UnsupportedQuery | None = None
    shapes = []
    for sample in _SAMPLES if asks_goals(query) else (None,):
        try:
            shapes.append(_foreseen_shape(site, query, sample, caps))
        except UnsupportedQuery as refusal:
            refused = refused or refusal
    if not shapes and refused is not None:
        return Foreseen(refusals=refused.reasons)
    most = max(shape.calls for shape in shapes)
    common = [r for r in shapes[0].reasons if all(r in s.reasons for s in shapes)]
    return Foreseen(PlanKind.NATIVE if most == 1 else PlanKind.FAN_OUT, most, tuple(dict.fromkeys(common)))


def _foreseen_shape(site: Site, query: ResolvedQuery, sample: Goal | None, caps: Caps) -> Shape:
    filters = tuple(_sampled(f, sample) for f in query.filters) if sample else query.filters
    selection = select(filters, (sample,) if sample else ())
    if D.GOAL in query.dimensions and sample is not None:
        selection = combined(selection, of_goal(sample))
    shape = shape_of(span_of(site, query), replace(query, filters=filters), selection, caps)
    dimensions = [d for d in query.dimensions if d != D.GOAL]
    reading = 0 if shape.walked else exact_duration_calls(dimensions, selection, shape.fields)
    more = reading + (1 if sample else 0) + len(selection.unlisted) * 3 + _context_calls(query, shape)
    reasons = (*shape.reasons, *selection.reasons)
    most = caps.walk if shape.walked else caps.calls
    if D.GOAL in query.dimensions:  # as often as the site has goals
        return Shape(shape.walked, shape.fields, most, reasons)
    return Shape(shape.walked, shape.fields, min(most, shape.calls * (2 if selection.without else 1) + more), reasons)


def _sampled(node: Filter, sample: Goal) -> Filter:
    """A filter whose goals all name the sample."""
    match node:
        case Comparison(dimension=D.GOAL):
            return replace(node, operator=Operator.IS, values=(sample.shown_as,))
        case HasDone(part, done):
            return HasDone(_sampled(part, sample), done)
        case Not(part):
            return Not(_sampled(part, sample))
        case _:
            return node


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


def asks_goals(query: ResolvedQuery) -> bool:
    return D.GOAL in query.names


def shape_of(span: Span, query: ResolvedQuery, selection: Selection, caps: Caps) -> Shape:
    """Raises UnsupportedQuery with every reason why the query cannot be answered truly."""
    dimensions = [d for d in query.dimensions if d != D.GOAL]
    fields = m.needs(query.metrics, selection)
    against = [*m.objections(query.metrics, selection), *_time_objections(span, dimensions)]
    must = _why_walk(query, selection, dimensions, fields)
    if must or _walk_asked(query):
        against += _walk_objections(query, selection, dimensions, fields, must)
    else:
        against += _grouping_objections(query, selection, dimensions, fields)
    if against:
        raise refuse(*dict.fromkeys(against))
    if must or _walk_asked(query):
        return Shape(True, fields, caps.walk, tuple(_walk_reasons(selection)))
    return Shape(
        False, fields, _calls(span, query, dimensions, fields, caps), tuple(_reasons(query, dimensions, fields))
    )


def exact_duration_calls(dimensions: Sequence[str], selection: Selection, fields: frozenset[Field]) -> int:
    """Calls that reading every visit may take before visit_duration is estimated instead; 0 where it cannot be read."""
    readable = all(dimension_of(d) in SESSION_KEYS or d in TIME_DIMENSIONS for d in dimensions)
    return 1 + FEW_VISITS // ROWS if F.DURATION in fields and readable and not selection.without else 0


def _walk_asked(query: ResolvedQuery) -> bool:
    return bool(query.extra.get("pirsch", {}).get(WALK))


def _why_walk(query: ResolvedQuery, selection: Selection, dimensions: Sequence[str], fields: frozenset[Field]) -> str:
    """Why only reading every session answers; empty when a list or total does."""
    if selection.residual:
        return "or, not"
    subtractable = m.subtractable(query.metrics, selection) and _one_list(dimensions, fields, selection)
    if selection.without and not subtractable:
        return "has_not_done"
    if F.DURATION in fields and selection.events and not selection.by_page:
        return "visit_duration beside an event"  # the vendor answers an empty list
    if M.VIEWS_PER_VISIT in query.metrics and selection.by_page:
        return "views_per_visit beside a filter on pages"
    if len(dimensions) < 2 or free_listing(dimensions) is not None:
        return ""
    if len(dimensions) > 2:
        return "more than two dimensions"
    _, inner = outer_and_inner(dimensions)
    return "" if fields <= _offered(inner, selection) and _has_values(dimensions) else "two dimensions"


def _has_values(dimensions: Sequence[str]) -> bool:
    """Whether the outer dimension can be listed and each value asked for."""
    outer = dimension_of(outer_and_inner(dimensions)[0])
    return outer in FILTERS and (outer in LISTINGS or outer in (D.DEVICE, D.EVENT))


def _offered(name: str, selection: Selection) -> frozenset[Field]:
    """Fields that one grouped call knows."""
    totals = frozenset({F.VISITORS, F.VISITS, F.VIEWS, F.BOUNCES})
    match dimension_of(name):
        case D.TIME_DAY | D.TIME_WEEK | D.TIME_MONTH:
            return totals | {F.DURATION, F.TIME_ON_PAGE, F.REVENUE, F.AVERAGE_REVENUE}
        case D.TIME_HOUR | D.TIME_MINUTE:
            return totals
        case D.EVENT:
            return frozenset({F.VISITORS, F.EVENT_COUNT, F.VIEWS})
        case D.PROP:
            return frozenset({F.VISITORS, F.EVENT_COUNT})
        case D.REFERRER:
            return frozenset(LISTINGS[D.SOURCE].offers)
        case D.DEVICE:
            return frozenset({F.VISITORS})
        case D.PAGE if selection.events and not selection.whole:
            return frozenset({F.VISITORS, F.VISITS, F.BOUNCES})
        case D.PAGE | D.ENTRY_PAGE as page:
            return frozenset(LISTINGS[page].offers) | {F.TIME_ON_PAGE}
        case None:
            return frozenset()
        case found:
            return frozenset(LISTINGS[found].offers) if found in LISTINGS else frozenset()


def _grouping_objections(
    query: ResolvedQuery, selection: Selection, dimensions: Sequence[str], fields: frozenset[Field]
) -> list[str]:
    """Fields that neither a list knows nor a question per value truly gives."""
    if M.EXIT_RATE in query.metrics and len(dimensions) != 1:
        return ["exit_rate: needs the dimension page or exit_page, alone"]
    if len(dimensions) != 1:
        if D.EVENT in dimensions and F.VIEWS in fields:
            return ["event: Pirsch does not count page views by event and another dimension"]
        return [] if free_listing(dimensions) is None else _versions(dimensions, fields)
    name, known = dimensions[0], _offered(dimensions[0], selection)
    missing, found = sorted(fields - known), list[str]()
    match dimension_of(name):
        case D.TIME_DAY | D.TIME_WEEK | D.TIME_MONTH:
            missing = [f for f in missing if f is not F.EVENT_COUNT]
        case D.PAGE:
            found += [f"{metric} by page: Pirsch counts it for visits that viewed a page, not that entered there"
                      for metric in (M.VIEWS_PER_VISIT, M.VISIT_DURATION) if metric in query.metrics]  # fmt: skip
            missing = [f for f in missing if f is not F.EVENT_COUNT or selection.events]
        case D.EVENT | D.PROP:
            missing = [f for f in missing if f is not F.VISITS]
            if selection.whole and selection.events:
                found.append(f"{name}: beside has_done, Pirsch lists only the event that was done")
            alone = dimension_of(name) is D.PROP and (len(selection.events) != 1 or selection.multiplied)
            if alone and (selection.events or fields - {F.VISITORS}):
                found.append(f"{name}: Pirsch counts it only beside a filter on exactly one event")
        case D.TIME_HOUR | D.TIME_MINUTE | D.REFERRER | D.TITLE:
            pass
        case D.BROWSER_VERSION | D.OS_VERSION:
            return _versions(dimensions, fields)
        case _:
            missing = []
    if M.EXIT_RATE in query.metrics and name not in (D.EXIT_PAGE, D.PAGE):
        found.append("exit_rate: needs the dimension page or exit_page")
    if M.EXIT_RATE in query.metrics and name == D.PAGE and M.VISITS in query.metrics:
        found.append("exit_rate by page: not together with visits; group by exit_page")
    if missing:
        found.append(f"{name}: Pirsch does not count {', '.join(missing)} by it")
    return found


def _versions(dimensions: Sequence[str], fields: frozenset[Field]) -> list[str]:
    missing = sorted(fields - {F.VISITORS})
    return (
        [f"{' and '.join(dimensions)}: Pirsch knows only visitors there, not {', '.join(missing)}"] if missing else []
    )


def _time_objections(span: Span, dimensions: Sequence[str]) -> list[str]:
    if span.start and any(d in TIME_DIMENSIONS for d in dimensions):
        return ["realtime: Pirsch's last minutes cannot be cut by time; ask for the range `day`"]
    return []


def _walk_objections(
    query: ResolvedQuery, selection: Selection, dimensions: Sequence[str], fields: frozenset[Field], why: str
) -> list[str]:
    found = []
    if strangers := [d for d in dimensions if dimension_of(d) not in SESSION_KEYS and d not in TIME_DIMENSIONS]:
        found.append(f"{why or WALK}: Pirsch's list of sessions does not know {', '.join(strangers)}")
    if missing := sorted(fields - WALKED):
        found.append(f"{why or WALK}: Pirsch's list of sessions does not know {', '.join(missing)}")
    if selection.by_page and (views := [x for x in query.metrics if x in (M.PAGEVIEWS, M.CONVERSIONS, M.EVENTS)]):
        found.append(f"{why or WALK}: {', '.join(views)} of some pages only are not in Pirsch's list of sessions")
    if rates := [x for x in query.metrics if x in (M.CONVERSION_RATE, M.GROUP_CONVERSION_RATE)]:
        found.append(f"{why or WALK}: {', '.join(rates)} cannot be counted together with it")
    return found


def _one_list(dimensions: Sequence[str], fields: frozenset[Field], selection: Selection) -> bool:
    """Whether one list or total has every field."""
    return not dimensions or (len(dimensions) == 1 and fields <= _offered(dimensions[0], selection))


def _walk_reasons(selection: Selection) -> list[Reason]:
    if selection.multiplied:
        return [Reason("definition_differs", "visits with several matching events are read once")]
    return []


def _reasons(query: ResolvedQuery, dimensions: Sequence[str], fields: frozenset[Field]) -> list[Reason]:
    """Why the numbers will not be exact, where the declaration cannot say it."""
    found = []
    if F.DURATION in fields:
        text = "visit_duration: estimated from rounded daily averages; extra.pirsch.session_walk reads every visit"
        found.append(Reason("definition_differs", text))
    if M.BOUNCE_RATE in query.metrics and D.PAGE in dimensions:
        found.append(
            Reason("definition_differs", "bounce_rate by page: of visits that viewed it, not that entered there")
        )
    if query.relative == "realtime":
        found.append(Reason("definition_differs", "realtime: visits active in the last five minutes count whole"))
    if len(dimensions) == 1 and dimensions[0] in (D.BROWSER_VERSION, D.OS_VERSION):
        found.append(Reason("summed_visitors", f"{dimensions[0]}: visitors of several programs are summed"))
    if {D.TIME_HOUR, D.TIME_MINUTE} & set(dimensions) and _clock_changes(query):
        found.append(Reason("repeated_hour", "a clock change lies in the range: Pirsch joins the repeated hour"))
    return found


def _clock_changes(query: ResolvedQuery) -> bool:
    zone = query.period.zone
    return query.period.first.astimezone(zone).utcoffset() != query.period.last.astimezone(zone).utcoffset()


# Cost


def _calls(span: Span, query: ResolvedQuery, dimensions: Sequence[str], fields: frozenset[Field], caps: Caps) -> int:
    """The most calls; where only the data can tell, the cap. Raises UnsupportedQuery when it is more than allowed."""
    most = _most_calls(span, query, dimensions, fields, caps)
    if most is None:
        return caps.calls
    if most > caps.calls:
        raise refuse(f"{most} calls to Pirsch would be needed, at most {caps.calls}; ask for a shorter range")
    return most


def _most_calls(
    span: Span, query: ResolvedQuery, dimensions: Sequence[str], fields: frozenset[Field], caps: Caps
) -> int | None:
    if not dimensions:
        return m.calls_for(fields) or 1
    if len(dimensions) > 1 and free_listing(dimensions) is None:
        return None
    if (interval := interval_of(dimensions[0])) is not None:
        return _series_calls(span, fields, interval, len(tuple(buckets(query.period, interval))))
    cut = order_cut(query.order_by, query.dimensions, query.offset + query.limit)
    listing = free_listing(dimensions)
    if dimensions[0] == D.DEVICE:
        return 1 + 3 * m.calls_for(fields - {F.VISITORS})
    if listing is None or len(listing.keys) > 1 or cut is None or cut.by is not F.VISITORS or not listing.own_order:
        return None
    read = -(-cut.rows // ROWS)
    missing = fields - _offered(dimensions[0], Selection())
    return read if not missing else min(caps.calls, read + cut.rows * m.calls_for(missing))


def _series_calls(span: Span, fields: frozenset[Field], interval: Interval, count: int) -> int:
    match interval:
        case Interval.HOUR:
            return len(days_of(span))
        case Interval.MINUTE:
            return 24 * len(days_of(span))
        case _:
            return (
                1 + 3 * bool(fields & {F.DURATION, F.TIME_ON_PAGE}) + bool(fields & {F.REVENUE, F.AVERAGE_REVENUE})
                + (count * m.EVENT_PAGES if F.EVENT_COUNT in fields else 0)
            )  # fmt: skip


def _context_calls(query: ResolvedQuery, shape: Shape) -> int:
    wanted = set(query.metrics)
    return (
        (M.PERCENTAGE in wanted and not shape.walked) + (M.CONVERSION_RATE in wanted)
        + (shape.calls if M.GROUP_CONVERSION_RATE in wanted else 0) + (M.EXIT_RATE in wanted)
        + (m.calls_for(shape.fields) if query.include.totals and query.dimensions else 0)
    )  # fmt: skip
