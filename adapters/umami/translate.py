"""Canonical queries into Umami's terms and its numbers back. Pure: no I/O."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.translate import Shape, against_shape, shape_for
from adapters.umami import filters as filtering
from adapters.umami.capabilities import GOAL_ONLY, REALTIME_CODE
from adapters.umami.filters import Params
from adapters.umami.vocabulary import UNITS, name_of
from adapters.umami.wire import Expanded, Series, Stats, label_of, number
from models.goal import Goal, GoalKind
from models.period import Edge, Period, buckets, instant
from models.query import ResolvedQuery
from models.result import Reason, Value
from models.vocabulary import Dimension, Interval, Metric, interval_of

SERIES_METRICS = frozenset({Metric.PAGEVIEWS, Metric.VISITORS})


@dataclass(frozen=True, slots=True)
class Counts:
    """Page views and what is made of them, over one period or group; `seconds` over all visits."""

    pageviews: int = 0
    visitors: int = 0
    visits: int = 0
    bounces: int = 0
    seconds: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Of two groups without a visitor in common."""
        return Counts(
            self.pageviews + other.pageviews,
            self.visitors + other.visitors,
            self.visits + other.visits,
            self.bounces + other.bounces,
            self.seconds + other.seconds,
        )


def counts_of(stats: Stats) -> Counts:
    return Counts(*(number(v) for v in (stats.pageviews, stats.visitors, stats.visits, stats.bounces, stats.totaltime)))


def shape_of(query: ResolvedQuery) -> Shape:
    metrics = set(query.metrics)

    def is_series(interval: Interval) -> bool:
        weekly = interval is Interval.WEEK and metrics <= {Metric.PAGEVIEWS}
        return weekly or (interval in UNITS and metrics <= SERIES_METRICS)

    return shape_for(query, of_goals=bool(filtering.goal_names(query.filters)), is_series=is_series)


def refusals(query: ResolvedQuery) -> tuple[str, ...]:
    """Reasons against the query that no table can say."""
    return tuple(dict.fromkeys((*_of_shape(query), *filtering.refusals(query.filters))))


def _of_shape(query: ResolvedQuery) -> Iterator[str]:
    shape = shape_of(query)
    yield from against_shape(query, shape, GOAL_ONLY, len(spans(query)) if shape is Shape.BUCKETS else 0)
    if Metric.PERCENTAGE in query.metrics and shape is not Shape.BREAKDOWN:
        yield "percentage: needs a dimension that is broken down"
    names = filtering.goal_names(query.filters)
    if shape is Shape.GOALS and not query.dimensions and len(names) > 1:
        yield "goal: events that complete several goals would count twice; group by goal, or name one"


def inexact(query: ResolvedQuery) -> tuple[Reason, ...]:
    if query.relative == "realtime":
        return (Reason(REALTIME_CODE, "visitors: everyone with any event in the last five minutes"),)
    return ()


def most_calls(query: ResolvedQuery) -> int:
    """How many calls answering takes at most; an empty answer takes one more, to learn whether the site exists."""
    events = Metric.EVENTS in query.metrics
    match shape_of(query):
        case Shape.REALTIME:
            return 1
        case Shape.TOTALS | Shape.SERIES | Shape.NAMES:
            return 2 + events
        case Shape.BUCKETS:
            return len(spans(query)) * (1 + events) + 1
        case Shape.BREAKDOWN:
            return 22
        case Shape.GOALS:
            return 25


def date_params(first: datetime, last: datetime) -> Params:
    """Milliseconds; Umami includes both ends."""
    return (("startAt", str(int(first.timestamp() * 1000))), ("endAt", str(int(last.timestamp() * 1000) + 999)))


def series_params(query: ResolvedQuery) -> Params:
    interval = interval_of(query.dimensions[0])
    unit = UNITS.get(interval, "day") if interval else "day"
    return (("unit", unit), ("timezone", query.period.zone.key))


def spans(query: ResolvedQuery) -> tuple[tuple[str, datetime, datetime], ...]:
    """Buckets with the instants they are asked by, both included."""
    interval = interval_of(query.dimensions[0])
    if interval is None or interval is Interval.MINUTE:
        return ()
    labels = list(buckets(query.period, interval))
    starts = [max(_start(label, query.period), query.period.first) for label in labels]
    ends = [start - timedelta(seconds=1) for start in starts[1:]] + [query.period.last]
    return tuple(zip(labels, starts, ends, strict=True))


def _start(label: str, period: Period) -> datetime:
    return instant(datetime.fromisoformat(label), period.zone, Edge.FIRST)


def by_bucket(series: Series, query: ResolvedQuery) -> dict[str, dict[Metric, int]]:
    """A series by canonical label. Weeks are sums of days, which only page views may be."""
    interval = interval_of(query.dimensions[0])
    labels = sorted(buckets(query.period, interval)) if interval else []
    found: dict[str, dict[Metric, int]] = defaultdict(lambda: dict.fromkeys(SERIES_METRICS, 0))
    for metric, points in ((Metric.PAGEVIEWS, series.pageviews), (Metric.VISITORS, series.sessions)):
        for point in points:
            found[_label(label_of(point.x), interval, labels)][metric] += number(point.y)
    return found


def _label(text: str, interval: Interval | None, labels: Sequence[str]) -> str:
    match interval:
        case Interval.MINUTE | Interval.HOUR:
            return text
        case Interval.WEEK:
            return max((label for label in labels if label <= text[:10]), default=text[:10])
        case _:
            return text[:10]


def merged(dimension: Dimension, rows: Iterable[Expanded]) -> Mapping[str, Counts]:
    """Rows in canonical words; the several words of a browser or device become one row.

    A visitor has one browser, system and device, so such rows have no visitor in common.
    """
    found: dict[str, Counts] = defaultdict(Counts)
    for row in rows:
        if row.name:
            found[name_of(dimension, row.name)] += counts_of(row)
    return found


def value(metric: Metric, counts: Counts, *, whole: int = 0, events: int = 0) -> Value:
    """A metric of counts; `whole` are the visitors of the query, `events` the custom events beside the page views."""
    match metric:
        case Metric.VISITORS:
            return counts.visitors
        case Metric.VISITS:
            return counts.visits
        case Metric.PAGEVIEWS:
            return counts.pageviews
        case Metric.EVENTS:
            return counts.pageviews + events
        case Metric.VIEWS_PER_VISIT:
            return round(counts.pageviews / counts.visits, 2) if counts.visits else 0.0
        case Metric.BOUNCE_RATE:
            return round(100 * counts.bounces / counts.visits) if counts.visits else 0
        case Metric.VISIT_DURATION:
            return round(counts.seconds / counts.visits) if counts.visits else 0
        case Metric.PERCENTAGE:
            return round(100 * counts.visitors / whole, 2) if whole else None
        case _:
            raise ValueError(f"{metric} is not made of page views")


def goal_value(metric: Metric, reached: Counts, visitors: int) -> Value:
    """A metric of a goal: `reached` counts its completions as page views, `visitors` are those of the whole query."""
    match metric:
        case Metric.CONVERSIONS | Metric.EVENTS:
            return reached.pageviews
        case Metric.VISITORS:
            return reached.visitors
        case Metric.CONVERSION_RATE:
            return round(100 * reached.visitors / visitors, 2) if visitors else 0.0
        case _:
            raise ValueError(f"{metric} is no number of a goal")


def goal_params(goal: Goal) -> Params:
    """What finds the completions of a goal: events of a name, or page views of a path."""
    if goal.kind is GoalKind.EVENT:
        return (("event", f"eq.{goal.event_name}"),)
    path = goal.page_path or ""
    return (("path", f"re.^{filtering.wildcard(path)}$" if "*" in path else f"eq.{path}"),)
