"""One grouped question, decided: which calls give its rows, what they leave out, and what it costs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from adapters.pirsch.translate.selection import Selection
from adapters.pirsch.translate.statistics import (
    EVENT_PAGES,
    MONEY,
    ROWS,
    TOTALS,
    VALUE_PAGES,
    Fields,
    Span,
    calls_for,
    refuse,
)
from adapters.pirsch.vocabulary import LISTINGS, SESSION_KEYS, Field, Listing
from models.event import PAGEVIEW
from models.period import buckets
from models.query import ResolvedQuery
from models.vocabulary import TIME_DIMENSIONS, Dimension, Interval, Metric, dimension_of, interval_of

D, F, M = Dimension, Field, Metric


FEW_VISITS = 1000
"""Up to so many visits, visit_duration is read from the list of visits: exactly, at 100 visits a call."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The most calls of one query, and of one that reads every session."""

    fan_out: int
    session_walk: int


class Shape(StrEnum):
    """Which calls give the rows."""

    TOTAL = "total"
    SERIES = "series"
    HOURS = "hours"
    MINUTES = "minutes"
    LISTING = "listing"
    DEVICES = "devices"
    EVENTS = "events"
    PROPERTIES = "properties"
    REFERRERS = "referrers"
    BY_VALUE = "by_value"
    SESSION_WALK = "session_walk"


@dataclass(frozen=True, slots=True)
class TopRows:
    """Which rows will be shown: by a field descending, then by the values ascending; the first `rows` of them."""

    by: Field
    rows: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is counted, of which visits, by what. `at_most` caps its calls; without `top` every row is needed."""

    shape: Shape
    span: Span
    selection: Selection
    dimensions: tuple[str, ...]
    fields: Fields
    at_most: int
    top: TopRows | None = None
    first_rows: int = 0
    """So many, in the vendor's own order, are the top rows; 0 where all have to be read."""
    by_row: Fields = frozenset()
    """Fields that the calls of the shape do not know: asked for once for each row, in `row_calls` each."""
    row_calls: int = 0
    listing: Listing | None = None
    outer: "Question | None" = None
    """Of BY_VALUE: lists the values that `inner` is asked for one by one."""
    inner: "Question | None" = None
    inner_of_views: "Question | None" = None
    """`inner` where the value is a page view, which is no event at Pirsch."""

    def without(self, field: Field) -> "Question":
        inner, views = (q.without(field) if q else None for q in (self.inner, self.inner_of_views))
        left, by_row = self.fields - {field}, self.by_row - {field}
        asked = replace(self, fields=left, by_row=by_row, row_calls=calls_for(by_row))
        return replace(asked, inner=inner, inner_of_views=views)

    def of_all_rows(self) -> "Question":
        return replace(self, top=None, first_rows=0)


_EVENT_PAGE: Mapping[Field, str] = MappingProxyType(
    {F.VISITORS: "visitors", F.VISITS: "sessions", F.BOUNCES: "bounces"}
)
_SERIES = TOTALS | {F.DURATION, F.TIME_ON_PAGE} | MONEY
_SHAPES: Mapping[Dimension, tuple[Shape, Fields]] = MappingProxyType(
    {
        D.TIME_DAY: (Shape.SERIES, _SERIES),
        D.TIME_WEEK: (Shape.SERIES, _SERIES),
        D.TIME_MONTH: (Shape.SERIES, _SERIES),
        D.TIME_HOUR: (Shape.HOURS, TOTALS),
        D.TIME_MINUTE: (Shape.MINUTES, TOTALS),
        D.DEVICE: (Shape.DEVICES, frozenset({F.VISITORS})),
        D.EVENT: (Shape.EVENTS, frozenset({F.VISITORS, F.EVENT_COUNT, F.VIEWS})),
        D.PROP: (Shape.PROPERTIES, frozenset({F.VISITORS, F.EVENT_COUNT})),
        D.REFERRER: (Shape.REFERRERS, frozenset(LISTINGS[D.SOURCE].offers)),
    }
)
"""Dimensions without a list of their own, and what the calls for them know."""


def question(
    span: Span,
    selection: Selection,
    dimensions: Sequence[str],
    fields: Fields,
    at_most: int,
    top: TopRows | None = None,
) -> Question:
    """The question by its dimensions, in their order."""
    named = tuple(dimensions)
    asked = Question(Shape.TOTAL, span, selection, named, fields, at_most)
    if not named:
        return asked
    if (listing := free_listing(named)) is not None:
        shape, endpoint = Shape.LISTING, _endpoint(listing, selection, fields)
        offers = frozenset(endpoint.offers)
    elif len(named) == 1 and (kind := dimension_of(named[0])) and kind in _SHAPES:
        (shape, offers), endpoint = _SHAPES[kind], None
    elif len(named) == 2:
        return _by_value(asked)
    else:
        raise refuse(f"{', '.join(named)}: Pirsch does not group by it")
    by_row = fields - offers if len(named) == 1 else frozenset()
    asked = replace(asked, shape=shape, by_row=by_row, row_calls=calls_for(by_row), listing=endpoint)
    if shape not in (Shape.LISTING, Shape.DEVICES) or top is None or top.by in by_row:
        return asked
    by_visitors = endpoint is not None and endpoint.own_order and len(endpoint.keys) == 1 and top.by is F.VISITORS
    return replace(asked, top=top, first_rows=top.rows if by_visitors else 0)


def _by_value(asked: Question) -> Question:
    """List the values of one dimension, then group by the other with each of them as a filter."""
    outer, inner = outer_and_inner(asked.dimensions)

    def under(selection: Selection) -> Question:
        return question(asked.span, selection, (inner,), asked.fields, asked.at_most)

    values = question(asked.span, asked.selection, (outer,), frozenset({F.VISITORS}), asked.at_most)
    asked = replace(asked, shape=Shape.BY_VALUE, outer=values)
    if outer != D.EVENT:
        return replace(asked, inner=under(asked.selection))
    of_views = under(asked.selection.having(outer, PAGEVIEW))
    return replace(asked, inner=under(asked.selection.having(outer, "any event")), inner_of_views=of_views)


def offered(name: str, selection: Selection) -> Fields:
    """Fields that the calls for one dimension know."""
    kind = dimension_of(name)
    if kind and kind in _SHAPES:
        return _SHAPES[kind][1]
    listing = LISTINGS.get(kind) if kind else None
    return frozenset(_endpoint(listing, selection, frozenset(F)).offers) if listing else frozenset()


def free_listing(dimensions: Sequence[str]) -> Listing | None:
    """The endpoint whose rows carry all these dimensions."""
    for listing in LISTINGS.values():
        if set(dimensions) <= {str(d) for d in listing.dimensions} and listing.dimensions[-1] in dimensions:
            return listing
    return None


def _endpoint(listing: Listing, selection: Selection, fields: Fields) -> Listing:
    """The endpoint with what it offers here. Under an event, pages are those the event fired on."""
    if listing.path == "page" and selection.of_event_hits:
        return replace(listing, path="event/page", offers=_EVENT_PAGE)
    if F.TIME_ON_PAGE in fields and listing.path in ("page", "page/entry"):
        offers = {**listing.offers, F.TIME_ON_PAGE: "average_time_spent_seconds"}
        return replace(listing, offers=offers, params=(("include_avg_time_on_page", "true"),))
    return listing


_EXPECTED_VALUES: Mapping[str, int] = MappingProxyType(
    {"device": 3, "hostname": 5, "os": 10, "screen": 10, "channel": 15, "browser": 15, "event": 20, "country": 60,
     "language": 60, **{f"time:{i}": 10_000 for i in Interval}}
)  # fmt: skip


def outer_and_inner(dimensions: Sequence[str]) -> tuple[str, str]:
    """Of two dimensions the one whose values are asked for one by one, and the one that is grouped by then."""
    ranked = sorted(dimensions, key=lambda d: (_EXPECTED_VALUES.get(d, 1000), d))
    return ranked[0], ranked[1]


# Cost


def calls_of(question: Question, query: ResolvedQuery, limits: CallLimits) -> int:
    """The most calls of one question. Raises UnsupportedQuery when it is more than allowed."""
    most = _foreseeable(question, query, limits)
    if most is None:
        return limits.fan_out
    if most > limits.fan_out:
        raise refuse(f"{most} calls to Pirsch would be needed, at most {limits.fan_out}; ask for a shorter range")
    return most


def _foreseeable(question: Question, query: ResolvedQuery, limits: CallLimits) -> int | None:
    match question.shape:
        case Shape.TOTAL:
            return calls_for(question.fields) or 1
        case Shape.HOURS:
            return len(question.span.days)
        case Shape.MINUTES:
            return 24 * len(question.span.days)
        case Shape.SERIES:
            return _series_calls(question, query)
        case Shape.DEVICES:
            return 1 + 3 * question.row_calls
        case Shape.LISTING if question.first_rows:
            read, again = -(-question.first_rows // ROWS), question.first_rows * question.row_calls
            return min(limits.fan_out, read + again) if again else read
        case _:
            return None


def _series_calls(question: Question, query: ResolvedQuery) -> int:
    fields, interval = question.fields, interval_of(question.dimensions[0])
    counted = len(tuple(buckets(query.period, interval))) if interval and F.EVENT_COUNT in fields else 0
    return 1 + 3 * bool(fields & {F.DURATION, F.TIME_ON_PAGE}) + bool(fields & MONEY) + counted * EVENT_PAGES


def exact_duration_calls(dimensions: tuple[str, ...], selection: Selection, fields: Fields) -> int:
    """Calls that reading every visit may take before visit_duration is estimated instead; 0 where it cannot be read."""
    readable = all(dimension_of(d) in SESSION_KEYS or d in TIME_DIMENSIONS for d in dimensions)
    return 1 + FEW_VISITS // ROWS if F.DURATION in fields and readable and not selection.without else 0


def besides(query: ResolvedQuery, question: Question, calls: int) -> int:
    """Calls for what the rows of a question, that take `calls`, are shown with: goals, values, denominators, totals."""
    wanted, fields, selection = set(query.metrics), question.fields, question.selection
    return (
        (D.GOAL in query.names) + len(selection.unlisted) * VALUE_PAGES
        + (M.PERCENTAGE in wanted and question.shape is not Shape.SESSION_WALK)
        + (M.CONVERSION_RATE in wanted) + (calls if M.GROUP_CONVERSION_RATE in wanted else 0)
        + (M.EXIT_RATE in wanted) + (calls_for(fields) if query.include.totals and query.dimensions else 0)
    )  # fmt: skip
