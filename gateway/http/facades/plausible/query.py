"""`POST /api/v2/query`: the body as a canonical query, and a canonical answer as the vendor's body.

Texts and shapes: contracts, Plausible section 4; the early document (seed 003) is understood where it differs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from adapters.plausible.vocabulary import METRICS_READ
from gateway.http.facades.plausible import filters as trees
from gateway.http.facades.plausible.filters import canonical_name, kind_of
from gateway.http.facades.plausible.money import revenue
from gateway.http.facades.plausible.query_rules import refuse_broken
from gateway.http.facades.plausible.query_shape import MAX_ROWS, SHAPES
from gateway.http.facades.plausible.wording import refused
from models.period import Period, RangeSpec
from models.query import Direction, Include, Order, Query, ResolvedQuery
from models.result import Answer, ImportsSkipped, Value
from models.vocabulary import METRICS, Dimension, Metric, Unit

SAYS_WHY = "For more information, see: https://plausible.io/docs/stats-api#filtering-imported-stats"
SKIP_WARNINGS = {
    ImportsSkipped.UNSUPPORTED_QUERY: (
        f"Imported stats are not included in the results because query parameters are not supported. {SAYS_WHY}"
    ),
    ImportsSkipped.UNSUPPORTED_INTERVAL: (
        "Imported stats are not included because the time dimension (i.e. the interval) is too short."
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request: what to ask, and the words it was asked in."""

    site_id: str
    query: Query
    body: Mapping[str, Any]
    trimmed: bool = False

    def settled(self, automatic: str) -> Query:
        """The query with its automatic time dimension, if it has one, replaced by the one that fits the range."""
        return replace(
            self.query,
            dimensions=tuple(automatic if d == AUTOMATIC else d for d in self.query.dimensions),
            order_by=tuple(replace(o, by=automatic) if o.by == AUTOMATIC else o for o in self.query.order_by),
        )


def read(body: Any) -> Asked:
    """Raises Refused with Plausible's texts: every shape error at once, then the first broken rule."""
    if not isinstance(body, dict):
        raise refused(f"#: Type mismatch. Expected Object but got {kind_of(body)}.")
    if wrong := [text for check in SHAPES for text in check(body)]:
        raise refused("\n".join(wrong))
    written = body.get("filters")
    filters = trees.read([] if written is None else written)
    refuse_broken(body)
    include, paging = body.get("include") or {}, body.get("pagination") or {}
    query = Query(
        metrics=tuple(METRICS_READ[name] for name in body["metrics"]),
        date_range=_range(body["date_range"]),
        dimensions=tuple(_dimension(name) for name in body.get("dimensions") or []),
        filters=filters,
        order_by=tuple(_order(entry) for entry in body.get("order_by") or []),
        limit=paging.get("limit", MAX_ROWS),
        offset=paging.get("offset", 0),
        include=Include(
            time_labels=include.get("time_labels", False),
            total_rows=include.get("total_rows", False),
            imports=include.get("imports", False),
        ),
    )
    return Asked(body["site_id"], query, body, trimmed=include.get("trim_relative_date_range", False))


def automatic_time(period: Period) -> str:
    """What `time` means for a range: hours up to two days, days up to forty, weeks up to a year, months beyond.

    The vendor counts whole hours, days and weeks from the first second to the last, so 41 calendar days are 40.
    """
    length = period.last - period.first
    if length < timedelta(hours=49):
        return str(Dimension.TIME_HOUR)
    if length.days <= 40:
        return str(Dimension.TIME_DAY)
    return str(Dimension.TIME_WEEK if length.days // 7 <= 52 else Dimension.TIME_MONTH)


AUTOMATIC = "time:auto"


def _dimension(name: str) -> str:
    return AUTOMATIC if name == "time" else canonical_name(name)


def _order(entry: list[str]) -> Order:
    by = str(METRICS_READ[entry[0]]) if entry[0] in METRICS_READ else _dimension(entry[0])
    return Order(by, Direction(entry[1]))


def _range(value: Any) -> RangeSpec:
    """The vendor swaps reversed ranges silently (2026-07, contract 4.1), and so do we here."""
    if isinstance(value, str):
        return value
    first, last = value
    return (last, first) if _is_after(first, last) else (first, last)


def _is_after(first: str, last: str) -> bool:
    read_one: Callable[[str], date | datetime] = date.fromisoformat if len(first) == 10 else datetime.fromisoformat
    return read_one(first) > read_one(last)


def write(asked: Asked, query: ResolvedQuery, answer: Answer) -> dict[str, Any]:
    """The vendor's answer body."""
    width = len(query.dimensions)
    rows = [
        {
            "dimensions": [trees.shown(name, v) for name, v in zip(query.dimensions, row[:width], strict=True)],
            "metrics": [_shown(m, v) for m, v in zip(query.metrics, row[width:], strict=True)],
        }
        for row in answer.rows
    ]
    return {"results": rows, "meta": dict(sorted(_meta(asked, answer))), "query": _echo(asked, query)}


def _shown(metric: Metric, value: Value) -> Any:
    return revenue(value) if METRICS[metric].unit is Unit.MONEY else value


def _meta(asked: Asked, answer: Answer) -> Iterator[tuple[str, Any]]:
    if asked.query.include.imports and (note := answer.imports) is not None:
        yield "imports_included", note.included
        if note.skipped is not None:
            yield "imports_skip_reason", str(note.skipped)
        if note.skipped in SKIP_WARNINGS:
            yield "imports_warning", SKIP_WARNINGS[note.skipped]
    # Whether imports carry scroll depth differs from import to import, so the key is there to say that all is well.
    if answer.warnings or (asked.query.include.imports and Metric.SCROLL_DEPTH in asked.query.metrics):
        yield "metric_warnings", {str(w.metric): {"code": w.code, "warning": w.detail} for w in answer.warnings}
    if asked.query.include.time_labels:
        yield "time_labels", list(answer.time_labels or ())
    if asked.query.include.total_rows:
        yield "total_rows", answer.total_rows


def _echo(asked: Asked, query: ResolvedQuery) -> dict[str, Any]:
    """The query as it was understood, in the words it was asked in; `time` as the interval it became."""
    written, period = asked.body, query.period
    interval = query.time_dimension or ""
    names = [interval if name == "time" else name for name in written.get("dimensions") or []]
    order = [[interval if by == "time" else by, direction] for by, direction in written.get("order_by") or []]
    order = order or [[_written(o.by, query, names), str(o.direction)] for o in _default_order(query)]
    return {
        "site_id": asked.site_id,
        "metrics": written["metrics"],
        "date_range": [m.astimezone(period.zone).isoformat() for m in (period.first, period.last)],
        "filters": written.get("filters") or [],
        "dimensions": names,
        "order_by": order,
        "include": {key: True for key, chosen in (written.get("include") or {}).items() if chosen},
        "pagination": {"offset": asked.query.offset, "limit": asked.query.limit},
    }


def _default_order(query: ResolvedQuery) -> tuple[Order, ...]:
    """The vendor's default: time ascending, then the first metric descending."""
    time = query.time_dimension
    first = Order(str(query.metrics[0]), Direction.DESC)
    return (Order(time, Direction.ASC), first) if time else (first,)


def _written(name: str, query: ResolvedQuery, names: list[str]) -> str:
    """A column of the canonical query in the words of the request."""
    return names[query.dimensions.index(name)] if name in query.dimensions else name
