"""Canonical queries into Sparklytics' terms and its numbers back. Pure: no I/O.

Sparklytics cuts days at UTC midnights whatever zone is asked (2026-04, trap 1). Additive numbers of other zones are
added up from hours where the zone is whole hours away; everything else is then marked as counted in UTC days.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from urllib.parse import urlsplit

from adapters.sparklytics.calendar import GRANULARITY, bucket_dates, by_hours, in_utc, whole_hours
from adapters.sparklytics.capabilities import BREAKDOWN_DIMENSIONS, GOAL_ONLY, MIDNIGHT_CODE, UTC_CODE
from adapters.sparklytics.vocabulary import FILTERS, name_of, source_of, words_of
from adapters.sparklytics.wire import Row as WireRow
from adapters.sparklytics.wire import Stats
from adapters.translate import MOST_BUCKETS, Shape, against_shape, filtered_twice, joined_by_and, shape_for
from models.filters import Filter
from models.query import ResolvedQuery
from models.result import Reason, Value
from models.vocabulary import DIRECT, METRICS, NOT_SET, Dimension, Interval, Metric

Params = tuple[tuple[str, str], ...]
SERIES_METRICS = frozenset({Metric.VISITORS, Metric.EVENTS, Metric.PAGEVIEWS})
ADDITIVE = frozenset(m for m in SERIES_METRICS if METRICS[m].additive)
NAMES_DAYS = 90
"""./events and its kin refuse longer spans (source of 2026-04-12, contract 4.2)."""
_COUNTRY = re.compile(r"^[A-Z]{2}$")


def shape_of(query: ResolvedQuery) -> Shape:
    metrics = set(query.metrics)

    def is_series(interval: Interval) -> bool:
        one_call = metrics <= SERIES_METRICS and interval in GRANULARITY
        return one_call or interval is Interval.HOUR or (metrics <= ADDITIVE and by_hours(query.period))

    return shape_for(query, of_goals=bool(goal_name(query.filters)), is_series=is_series)


def refusals(query: ResolvedQuery) -> tuple[str, ...]:
    """Reasons against the query that no table can say."""
    return tuple(dict.fromkeys((*_of_shape(query), *_of_filters(query))))


def _of_shape(query: ResolvedQuery) -> Iterator[str]:
    shape, metrics = shape_of(query), set(query.metrics)
    yield from against_shape(query, shape, GOAL_ONLY, len(bucket_dates(query)) if shape is Shape.BUCKETS else 0)
    if Metric.PERCENTAGE in metrics and shape not in (Shape.BREAKDOWN, Shape.GOALS):
        yield "percentage: needs a dimension that is broken down"
    too_long = query.period.days > NAMES_DAYS
    if shape is Shape.NAMES and too_long:
        yield f"event names cover at most {NAMES_DAYS} days, not {query.period.days}"
    if shape is Shape.SERIES and Metric.PAGEVIEWS in metrics and too_long:
        yield f"page views over time cover at most {NAMES_DAYS} days, not {query.period.days}"


def _of_filters(query: ResolvedQuery) -> Iterator[str]:
    leaves = joined_by_and(query.filters)
    for leaf in leaves:
        value = leaf.values[0]
        # Left to Sparklytics, these would be zeros or the numbers of more than was asked (2026-04, traps 5 and 7).
        if value in (DIRECT, NOT_SET):
            yield f"{leaf.dimension}: Sparklytics cannot filter for missing values"
        if len(words := words_of(Dimension(leaf.dimension), value) if leaf.dimension in FILTERS else ()) > 1:
            yield f"{leaf.dimension}: {value} is several values here ({', '.join(words)}), and one can be filtered on"
        if leaf.dimension == Dimension.COUNTRY and not _COUNTRY.match(value):
            yield f"country: {value[:20]!r} is not two upper-case letters"
        if leaf.dimension == Dimension.PAGE and set(value) & set("%_"):
            yield "page: Sparklytics reads % and _ in a page filter as wildcards"
    yield from filtered_twice(leaves, "Sparklytics")


def inexact(query: ResolvedQuery) -> tuple[Reason, ...]:
    """Why the answer will not be what was asked, beyond what the declaration says."""
    found = []
    if not in_utc(query.period) and query.relative != "realtime":
        exact = (
            ADDITIVE if whole_hours(query.period) and shape_of(query) in (Shape.TOTALS, Shape.SERIES) else frozenset()
        )
        hourly = query.dimensions == (Dimension.TIME_HOUR,) and whole_hours(query.period)
        if shifted := sorted(set(query.metrics) - exact - ({Metric.VISITORS} if hourly else set())):
            found.append(
                Reason(UTC_CODE, f"{', '.join(shifted)}: counted in UTC days, not in those of {query.period.zone.key}")
            )
    if query.time_dimension and Metric.VISITORS in query.metrics and not ADDITIVE & set(query.metrics):
        found.append(Reason(MIDNIGHT_CODE, "visitors: who is active over midnight counts on both days"))
    if query.relative == "realtime":
        found.append(Reason("sparklytics.realtime_30_minutes", "visitors: of the last 30 minutes, not 5"))
    return tuple(found)


def most_calls(query: ResolvedQuery) -> int:
    """How many calls answering takes at most."""
    views = Metric.PAGEVIEWS in query.metrics
    match shape_of(query):
        case Shape.TOTALS:
            return 2 + views + by_hours(query.period) * (1 + views * (MOST_BUCKETS + 1))
        case Shape.REALTIME:
            return 1
        case Shape.SERIES:
            return 1 + views * (MOST_BUCKETS + 1) + by_hours(query.period)
        case Shape.BUCKETS:
            return len(bucket_dates(query)) * (1 + views)
        case Shape.BREAKDOWN:
            return 25 + (Metric.PERCENTAGE in query.metrics)
        case Shape.NAMES:
            return 2
        case Shape.GOALS:
            return 25


def filter_params(filters: Sequence[Filter]) -> Params:
    """The parameters of filters that were not refused; goals are not among them."""
    found = [(Dimension(leaf.dimension), leaf.values[0]) for leaf in joined_by_and(filters)]
    return tuple((FILTERS[d], words_of(d, value)[0]) for d, value in found if d is not Dimension.GOAL)


def goal_name(filters: Sequence[Filter]) -> str:
    """The goal that a query filters on, or nothing."""
    return next((leaf.values[0] for leaf in joined_by_and(filters) if leaf.dimension == Dimension.GOAL), "")


def date_params(first: date, last: date) -> Params:
    """Sparklytics replaces dates it cannot read by its own (source of 2026-04-12, trap 6); these are real dates."""
    return (("start_date", first.isoformat()), ("end_date", last.isoformat()))


def total_value(metric: Metric, stats: Stats, pageviews: int) -> Value:
    """A metric of ./stats, where `pageviews` are all events and bounces a fraction."""
    match metric:
        case Metric.VISITORS:
            return stats.visitors
        case Metric.VISITS:
            return stats.sessions
        case Metric.EVENTS:
            return stats.pageviews
        case Metric.PAGEVIEWS:
            return pageviews
        case Metric.VIEWS_PER_VISIT:
            return round(pageviews / stats.sessions, 2) if stats.sessions else 0.0
        case Metric.BOUNCE_RATE:
            return round(stats.bounce_rate * 100)
        case Metric.VISIT_DURATION:
            return round(stats.avg_duration_seconds)
        case _:
            raise ValueError(f"{metric} is no total")


def breakdown_value(metric: Metric, row: WireRow, whole: int) -> Value:
    """A metric of a breakdown's row, where bounces are percent already."""
    match metric:
        case Metric.VISITORS:
            return row.visitors
        case Metric.PAGEVIEWS:
            return row.pageviews
        case Metric.BOUNCE_RATE:
            return round(row.bounce_rate)
        case Metric.VISIT_DURATION:
            return round(row.avg_duration_seconds)
        case Metric.PERCENTAGE:
            return round(100 * row.visitors / whole, 2) if whole else None
        case _:
            raise ValueError(f"{metric} is not part of a breakdown")


def value_of(dimension: Dimension, text: str) -> str:
    """A breakdown's value in canonical words."""
    match dimension:
        case Dimension.PAGE:  # a page is its whole address there, query included (source of 2026-04-12, contract 6.2)
            return urlsplit(text).path or "/"
        case Dimension.SOURCE | Dimension.REFERRER:
            return source_of(text)
        case _:
            return name_of(dimension, text)


def merged(dimension: Dimension, rows: Iterable[WireRow]) -> tuple[WireRow, ...]:
    """Rows in canonical words; addresses of one path become one row.

    Page views add up; visitors of merged rows are an upper bound, bounces and duration a mean by visitors.
    """
    if dimension not in BREAKDOWN_DIMENSIONS:
        raise ValueError(f"{dimension} is not broken down")
    found: dict[str, WireRow] = {}
    for row in rows:
        value = value_of(dimension, row.value)
        found[value] = _joined(found[value], row) if value in found else _renamed(row, value)
    return tuple(found.values())


def _renamed(row: WireRow, value: str) -> WireRow:
    return WireRow(value, row.visitors, row.pageviews, row.bounce_rate, row.avg_duration_seconds)


def _joined(one: WireRow, other: WireRow) -> WireRow:
    visitors = one.visitors + other.visitors

    def mean(a: float, b: float) -> float:
        return (a * one.visitors + b * other.visitors) / visitors if visitors else 0.0

    return WireRow(
        one.value,
        visitors,
        one.pageviews + other.pageviews,
        mean(one.bounce_rate, other.bounce_rate),
        mean(one.avg_duration_seconds, other.avg_duration_seconds),
    )
