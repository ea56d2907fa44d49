"""A question about one or several sites, and its absolute form that adapters answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from models.errors import InvalidRequest, Problem
from models.filters import Filter, dimensions_in, read_filters, to_list
from models.period import RANGES, Comparison, Period, RangeSpec, compared, is_zone, problem_with, resolve
from models.vocabulary import METRICS, TIME_DIMENSIONS, Dimension, Metric, Need, dimension_of

DEFAULT_LIMIT, MAX_LIMIT = 1000, 10_000
MAX_OFFSET = 10_000_000
MAX_DIMENSIONS = 100
"""More than there are words for; it only bounds how many custom properties one statement groups by."""


class Direction(StrEnum):
    ASC = "asc"
    DESC = "desc"


class Accuracy(StrEnum):
    """What a caller will accept: any honest answer, or exact numbers only."""

    ANY = "any"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Order:
    """Sort rows by a queried metric or dimension."""

    by: str
    direction: Direction = Direction.DESC


@dataclass(frozen=True, slots=True)
class Compare:
    """Compare with another period; `date_range` only when the mode is custom."""

    mode: Comparison
    date_range: tuple[str, str] | None = None
    match_day_of_week: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """Extras of an answer: a row of totals, time labels, the count of all rows, imported history, zero-filled rows."""

    totals: bool = False
    time_labels: bool = False
    total_rows: bool = False
    imports: bool = False
    zero_fill: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a caller asks, in canonical words; relative dates still relative. `filters` are joined by and."""

    metrics: tuple[Metric, ...]
    date_range: RangeSpec = "30d"
    dimensions: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    timezone: str | None = None
    compare: Compare | None = None
    order_by: tuple[Order, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    include: Include = Include()
    accuracy: Accuracy = Accuracy.ANY
    extra: Mapping[str, Any] = field(default_factory=dict)

    def resolved(self, *, zone: str, now: datetime, start: date | None = None) -> "ResolvedQuery":
        """The same question with absolute dates, in the asked zone or else the site's."""
        tz = ZoneInfo(self.timezone or zone)
        period = resolve(self.date_range, zone=tz, now=now, start=start)
        return ResolvedQuery(
            metrics=self.metrics,
            period=period,
            dimensions=self.dimensions,
            filters=self.filters,
            order_by=self.order_by or default_order(self.metrics, self.dimensions),
            limit=self.limit,
            offset=self.offset,
            include=self.include,
            relative=self.date_range if isinstance(self.date_range, str) else None,
            now=now,
            extra=self.extra,
        )

    def comparison_period(self, period: Period) -> Period | None:
        """The period to compare with, or None when no comparison is asked."""
        if self.compare is None:
            return None
        if self.compare.mode is Comparison.CUSTOM and self.compare.date_range is not None:
            return resolve(self.compare.date_range, zone=period.zone, now=period.last)
        return compared(period, self.compare.mode, match_day_of_week=self.compare.match_day_of_week)


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    """A question with an absolute period: what planners plan and adapters answer.

    `relative` keeps the named range it came from (`realtime`, `all`, ...), or None. `now` is the clock it was read by.
    """

    metrics: tuple[Metric, ...]
    period: Period
    now: datetime
    dimensions: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    order_by: tuple[Order, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    include: Include = Include()
    relative: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Every dimension the query speaks of, grouped by or filtered on."""
        return dimensions_in(self.filters) | frozenset(self.dimensions)

    @property
    def time_dimension(self) -> str | None:
        return next((d for d in self.dimensions if d in TIME_DIMENSIONS), None)

    def over(self, period: Period) -> "ResolvedQuery":
        """The same question about another period."""
        return replace(self, period=period, relative=None)

    def as_json(self) -> dict[str, Any]:
        """The query as it was understood: absolute dates and zone, defaults filled in."""
        return {
            "metrics": [str(m) for m in self.metrics],
            "dimensions": list(self.dimensions),
            "filters": [to_list(f) for f in self.filters],
            "date_range": [
                self.period.first.astimezone(self.period.zone).isoformat(),
                self.period.last.astimezone(self.period.zone).isoformat(),
            ],
            "timezone": self.period.zone.key,
            "order_by": [[o.by, str(o.direction)] for o in self.order_by],
            "limit": self.limit,
            "offset": self.offset,
        }


def default_order(metrics: tuple[Metric, ...], dimensions: tuple[str, ...]) -> tuple[Order, ...]:
    """Time ascending if time is asked, then the first metric descending, then the other dimensions ascending.

    The last part makes the order total, so that pages neither repeat nor skip rows.
    """
    if not dimensions:
        return ()
    times = [Order(d, Direction.ASC) for d in dimensions if d in TIME_DIMENSIONS]
    rest = [Order(d, Direction.ASC) for d in dimensions if d not in TIME_DIMENSIONS]
    return (*times, Order(metrics[0], Direction.DESC), *rest)


def read_query(body: Mapping[str, Any], *, sites_in_body: bool = True) -> Query:
    """The query in a JSON body. `site` and `sites` are the caller's business and skipped here.

    Raises InvalidRequest with every problem found.
    """
    return _QueryReader(dict(body), sites_in_body).read()


_KEYS = (
    "metrics", "dimensions", "filters", "date_range", "timezone", "compare", "order_by", "limit", "offset", "include",
    "accuracy", "extra",
)  # fmt: skip
METRIC_NAMES = frozenset(Metric)
_DIMENSION_NAMES = (*(str(d) for d in Dimension if d is not Dimension.PROP), "prop:<name>")


class _QueryReader:
    """Reads a body field by field and collects every problem."""

    def __init__(self, body: dict[str, Any], sites_in_body: bool) -> None:
        self.body, self.problems = body, list[Problem]()
        allowed = (*_KEYS, "site", "sites", "cursor") if sites_in_body else _KEYS
        for name in body.keys() - set(allowed):
            self.refuse(str(name)[:60], "no such field", allowed)

    def refuse(self, where: str, reason: str, allowed: tuple[str, ...] = ()) -> None:
        self.problems.append(Problem(where, reason, allowed))

    def read(self) -> Query:
        metrics, dimensions = self.metrics(), self.dimensions()
        filters, wrong = read_filters(self.body.get("filters") or [])
        self.problems += wrong
        query = Query(
            metrics=metrics,
            date_range=self.date_range("date_range", "30d"),
            dimensions=dimensions,
            filters=filters,
            timezone=self.timezone(),
            compare=self.compare(),
            order_by=self.order_by(metrics, dimensions),
            limit=self.whole("limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
            offset=self.whole("offset", 0, 0, MAX_OFFSET),
            include=self.include(),
            accuracy=self.accuracy(),
            extra=self.extra(),
        )
        if not self.problems:
            self.needs_met(query)
        if self.problems:
            raise InvalidRequest(self.problems)
        return query

    def names(self, key: str) -> list[str]:
        value = self.body.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self.refuse(key, "must be a list of names")
            return []
        for name in {v for v in value if value.count(v) > 1}:
            self.refuse(key, f"{name!r} is named twice")
        return value

    def metrics(self) -> tuple[Metric, ...]:
        if not self.body.get("metrics"):
            self.refuse("metrics", "name at least one metric", tuple(str(m) for m in Metric))
            return ()
        found = []
        for i, name in enumerate(self.names("metrics")):
            if name in METRIC_NAMES:
                found.append(Metric(name))
            else:
                self.refuse(f"metrics[{i}]", f"no such metric: {name[:60]!r}", tuple(str(m) for m in Metric))
        return tuple(found)

    def dimensions(self) -> tuple[str, ...]:
        names = self.names("dimensions")
        if len(names) > MAX_DIMENSIONS:
            self.refuse("dimensions", f"at most {MAX_DIMENSIONS}")
        for i, name in enumerate(names):
            if dimension_of(name) is None:
                self.refuse(f"dimensions[{i}]", f"no such dimension: {name[:60]!r}", _DIMENSION_NAMES)
        if len([n for n in names if n in TIME_DIMENSIONS]) > 1:
            self.refuse("dimensions", "only one time dimension at once")
        return tuple(names)

    def date_range(self, key: str, default: RangeSpec) -> RangeSpec:
        value = self.body.get(key, default)
        if isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value):
            value = (value[0], value[1])
        if not isinstance(value, str) and not (isinstance(value, tuple) and len(value) == 2):
            self.refuse(key, "must be a named range or a list of two dates", (*RANGES, "Nd", "Nmo", "[date, date]"))
            return default
        if (reason := problem_with(value)) is not None:
            self.refuse(key, reason, (*RANGES, "Nd", "Nmo", "[date, date]", "[date-time, date-time]"))
            return default
        return value

    def timezone(self) -> str | None:
        value = self.body.get("timezone")
        if value is not None and not (isinstance(value, str) and is_zone(value)):
            self.refuse("timezone", "no such IANA time zone", ("Etc/UTC", "Europe/Berlin", "..."))
            return None
        return value

    def compare(self) -> Compare | None:
        value = self.body.get("compare")
        if value is None:
            return None
        if isinstance(value, str):
            value = {"mode": value}
        modes = tuple(str(c) for c in Comparison)
        if not isinstance(value, dict) or value.get("mode") not in modes:
            self.refuse("compare", "must be a mode, or an object with mode", modes)
            return None
        if unknown := value.keys() - {"mode", "date_range", "match_day_of_week"}:
            self.refuse("compare", f"no such field: {min(unknown)[:60]!r}", ("mode", "date_range", "match_day_of_week"))
        mode, given = Comparison(value["mode"]), value.get("date_range")
        if (mode is Comparison.CUSTOM) != (given is not None):
            self.refuse("compare.date_range", "needed for the custom mode, and only there")
            return None
        matched = value.get("match_day_of_week", False)
        if not isinstance(matched, bool):
            self.refuse("compare.match_day_of_week", "must be true or false")
            return None
        if given is None:
            return Compare(mode, None, matched)
        if not isinstance(given, list) or len(given) != 2 or not all(isinstance(v, str) for v in given):
            self.refuse("compare.date_range", "must be a list of two dates")
            return None
        if (reason := problem_with((given[0], given[1]))) is not None:
            self.refuse("compare.date_range", reason)
            return None
        return Compare(mode, (given[0], given[1]), matched)

    def order_by(self, metrics: tuple[Metric, ...], dimensions: tuple[str, ...]) -> tuple[Order, ...]:
        value, asked = self.body.get("order_by") or [], (*(str(m) for m in metrics), *dimensions)
        if not isinstance(value, list):
            self.refuse("order_by", "must be a list of [name, direction]")
            return ()
        found = []
        for i, entry in enumerate(value):
            if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(e, str) for e in entry):
                self.refuse(f"order_by[{i}]", "must be [name, direction]")
            elif entry[0] not in asked:
                self.refuse(f"order_by[{i}][0]", f"not asked for: {entry[0][:60]!r}", asked)
            elif not isinstance(entry[1], str) or entry[1] not in set(Direction):
                self.refuse(f"order_by[{i}][1]", "no such direction", tuple(str(d) for d in Direction))
            else:
                found.append(Order(entry[0], Direction(entry[1])))
        return tuple(found)

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        value = self.body.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"must be a whole number from {least} to {most}")
            return default
        return value

    def include(self) -> Include:
        value = self.body.get("include") or {}
        allowed = tuple(Include.__dataclass_fields__)
        if not isinstance(value, dict):
            self.refuse("include", "must be an object", allowed)
            return Include()
        for name in value:
            if name not in allowed:
                self.refuse(f"include.{str(name)[:60]}", "no such field", allowed)
            elif not isinstance(value[name], bool):
                self.refuse(f"include.{name}", "must be true or false")
        return Include(**{k: v for k, v in value.items() if k in allowed and isinstance(v, bool)})

    def accuracy(self) -> Accuracy:
        value = self.body.get("accuracy", "any")
        if not isinstance(value, str) or value not in set(Accuracy):
            self.refuse("accuracy", "no such accuracy", tuple(str(a) for a in Accuracy))
            return Accuracy.ANY
        return Accuracy(value)

    def extra(self) -> Mapping[str, Any]:
        value = self.body.get("extra") or {}
        if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
            self.refuse("extra", "must be an object of objects, one for each backend")
            return {}
        return value

    def needs_met(self, query: Query) -> None:
        named = dimensions_in(query.filters) | set(query.dimensions)
        met = {None: True, Need.GOAL: Dimension.GOAL in named, Need.DIMENSION: bool(query.dimensions)}
        for metric in query.metrics:
            if not met[need := METRICS[metric].needs]:
                self.refuse("metrics", f"{metric} needs {need}")
