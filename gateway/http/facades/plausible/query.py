"""`POST /api/v2/query`: the body as a canonical query, and a canonical answer as the vendor's body.

Texts and shapes: contracts, Plausible section 4; the early document (seed 003) is understood where it differs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from adapters.plausible.vocabulary import METRICS_READ, PROPS, canonical_dimension
from gateway.http.facades.plausible import filters as dialect
from gateway.http.facades.plausible.filters import canonical_name, kind_of, leaves
from gateway.http.facades.plausible.money import revenue
from gateway.http.facades.plausible.wording import Refused, inspected
from models.filters import Comparison
from models.period import Period, RangeSpec, problem_with
from models.query import Direction, Include, Order, Query, ResolvedQuery
from models.result import Answer, ImportsSkipped, Value
from models.vocabulary import METRICS, Dimension, Metric, Unit

KEYS = ("site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination")
INCLUDES = ("imports", "time_labels", "total_rows", "trim_relative_date_range")
MAX_ROWS = 10_000
SESSION_METRICS = ("bounce_rate", "visit_duration", "views_per_visit")
EVENT_METRICS = ("pageviews", "events", "scroll_depth", "time_on_page")
SESSION_ONLY = ("visit:entry_page", "visit:exit_page", "visit:entry_page_hostname", "visit:exit_page_hostname")
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
        raise Refused(f"#: Type mismatch. Expected Object but got {kind_of(body)}.")
    if wrong := [text for check in _SHAPES for text in check(body)]:
        raise Refused("\n".join(wrong))
    written = body.get("filters")
    filters = dialect.read([] if written is None else written)
    _refuse_broken(body)
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


def _refuse_broken(body: Mapping[str, Any]) -> None:
    """Raises Refused with the text of the first broken rule."""
    for rule in _RULES:
        if (text := next(rule(body), None)) is not None:
            raise Refused(text)


RATE_WITHOUT_GOAL = "Metric `{}` can only be queried with event:goal filters or dimensions."


def refuse_rates_without_goals(query: Query) -> None:
    """The same rule once segments have been replaced by their filters. Raises Refused."""
    rate = next((m for m in query.metrics if m in (Metric.CONVERSION_RATE, Metric.GROUP_CONVERSION_RATE)), None)
    filtered = {part.dimension for part in query.filters if isinstance(part, Comparison)}
    if rate is not None and Dimension.GOAL not in filtered.union(query.dimensions):
        raise Refused(RATE_WITHOUT_GOAL.format(rate))


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
    """The vendor swaps reversed ranges silently, and so do we here."""
    if isinstance(value, str):
        return value
    first, last = value
    return (last, first) if _is_after(first, last) else (first, last)


def _is_after(first: str, last: str) -> bool:
    read_one: Callable[[str], date | datetime] = date.fromisoformat if len(first) == 10 else datetime.fromisoformat
    return read_one(first) > read_one(last)


# Shapes: what the vendor's JSON schema refuses, all errors at once.


def _keys(body: Mapping[str, Any]) -> Iterator[str]:
    missing = [key for key in ("site_id", "metrics", "date_range") if key not in body]
    if len(missing) == 1:
        yield f"#: Required property {missing[0]} was not present."
    elif missing:
        yield f"#: Required properties {', '.join(missing)} were not present."
    for key in body:
        if key not in KEYS:
            yield f"#/{key}: Schema does not allow additional properties."


def _site_id(body: Mapping[str, Any]) -> Iterator[str]:
    if "site_id" in body and not isinstance(body["site_id"], str):
        yield f"#/site_id: Type mismatch. Expected String but got {kind_of(body['site_id'])}."


def _names(
    key: str, word: str, known: Callable[[str], bool], least: int
) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    def check(body: Mapping[str, Any]) -> Iterator[str]:
        value = body.get(key)
        if value is None and (not least or key not in body):
            return
        if not isinstance(value, list):
            yield f"#/{key}: Type mismatch. Expected Array but got {kind_of(value)}."
            return
        if len(value) < least:
            yield f"#/{key}: Expected a minimum of {least} items but got {len(value)}."
        for i, name in enumerate(value):
            if not isinstance(name, str) or not known(name):
                yield f"#/{key}/{i}: Invalid {word} {inspected(name)}"
        if len({inspected(v) for v in value}) < len(value):
            yield f"#/{key}: Expected items to be unique but they were not."

    return check


def _date_range(body: Mapping[str, Any]) -> Iterator[str]:
    if "date_range" not in body:
        return
    value = body["date_range"]
    pair = isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) and _MOMENT.match(v) for v in value)
    unknown = value in ("realtime", "yesterday") or not isinstance(value, str | list)
    if unknown or (isinstance(value, list) and not pair) or _problem(value) is not None:
        yield f"#/date_range: Invalid date range {inspected(value)}"


_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|[T ])")
"""How a date starts, or is; ISO 8601 has more spellings, the vendor reads this one."""


def _problem(value: Any) -> str | None:
    if isinstance(value, str):
        return problem_with(value)
    return problem_with((value[0], value[1])) and problem_with((value[1], value[0]))


def _order_by(body: Mapping[str, Any]) -> Iterator[str]:
    value = body.get("order_by")
    if value is None:
        return
    if not isinstance(value, list):
        yield f"#/order_by: Type mismatch. Expected Array but got {kind_of(value)}."
        return
    for i, entry in enumerate(value):
        if not isinstance(entry, list) or len(entry) != 2:
            yield f"#/order_by/{i}: Invalid value in order_by {inspected(entry)}"
        elif not isinstance(entry[0], str) or not (entry[0] in METRICS_READ or _is_dimension(entry[0])):
            yield f"#/order_by/{i}/0: Invalid value in order_by {inspected(entry[0])}"
        elif entry[1] not in ("asc", "desc"):
            yield f"#/order_by/{i}/1: Invalid value in order_by {inspected(entry[1])}"


def _include(body: Mapping[str, Any]) -> Iterator[str]:
    value = body.get("include", {})
    if not isinstance(value, dict):
        yield f"#/include: Type mismatch. Expected Object but got {kind_of(value)}."
        return
    for key, chosen in value.items():
        if key not in INCLUDES:
            yield f"#/include/{key}: Schema does not allow additional properties."
        elif not isinstance(chosen, bool):
            yield f"#/include/{key}: Type mismatch. Expected Boolean but got {kind_of(chosen)}."


def _pagination(body: Mapping[str, Any]) -> Iterator[str]:
    value = body.get("pagination", {})
    if not isinstance(value, dict):
        yield f"#/pagination: Type mismatch. Expected Object but got {kind_of(value)}."
        return
    for key, number in value.items():
        if key not in ("limit", "offset"):
            yield f"#/pagination/{key}: Schema does not allow additional properties."
        elif not isinstance(number, int) or isinstance(number, bool):
            yield f"#/pagination/{key}: Type mismatch. Expected Integer but got {kind_of(number)}."
        elif number < (least := 1 if key == "limit" else 0):
            yield f"#/pagination/{key}: Expected the value to be >= {least}"
        elif key == "limit" and number > MAX_ROWS:
            yield f"#/pagination/limit: Expected the value to be <= {MAX_ROWS}"


def _is_dimension(name: str) -> bool:
    if name == "time":
        return True
    return name != "visit:screen" and canonical_dimension(name) is not None


_SHAPES: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _keys,
    _site_id,
    _names("metrics", "metric", METRICS_READ.__contains__, 1),
    _date_range,
    _names("dimensions", "dimension", _is_dimension, 0),
    _order_by,
    _include,
    _pagination,
)


# Rules: combinations the vendor refuses, the first one wins.

Rule = Callable[[Mapping[str, Any]], Iterator[str]]


def _ordered_by_asked(body: Mapping[str, Any]) -> Iterator[str]:
    asked = (*body["metrics"], *(body.get("dimensions") or []))
    for name, direction in body.get("order_by") or []:
        if name not in asked or name == "event:goal":
            shown_as = f":{name}" if name in METRICS_READ else f'"{name}"'
            yield f"Invalid order_by entry '{{{shown_as}, :{direction}}}'. Entry is not a queried metric or dimension."


def _labels_need_time(body: Mapping[str, Any]) -> Iterator[str]:
    timed = any(d.startswith("time") for d in body.get("dimensions") or [])
    if (body.get("include") or {}).get("time_labels") and not timed:
        yield "Invalid include.time_labels: requires a time dimension."


def _rates_need_goals(body: Mapping[str, Any]) -> Iterator[str]:
    rates = [m for m in body["metrics"] if m in ("conversion_rate", "group_conversion_rate")]
    filtered = list(leaves(body.get("filters") or []))
    at_the_top = {part[1] for depth, part in filtered if depth == 0}
    if rates and not at_the_top & {"event:goal", "segment"} and "event:goal" not in (body.get("dimensions") or []):
        yield RATE_WITHOUT_GOAL.format(rates[0])
    if rates and any(depth > 0 and part[1].startswith(PROPS) for depth, part in filtered):
        yield (
            "Invalid filters. When `conversion_rate` or `group_conversion_rate` metrics are used, "
            "custom property filters can only be used on top level."
        )


def _pages_need_pages(body: Mapping[str, Any]) -> Iterator[str]:
    if "event:page" in (body.get("dimensions") or []):
        return
    about = leaves(body.get("filters") or [], behaviour=False)
    depths = [depth for depth, part in about if part[1] == "event:page"]
    for metric, fits in (("scroll_depth", 0 in depths), ("time_on_page", bool(depths))):
        if metric in body["metrics"] and not fits:
            yield f"Metric `{metric}` can only be queried with event:page filters or dimensions."


def _views_per_visit(body: Mapping[str, Any]) -> Iterator[str]:
    if "views_per_visit" not in body["metrics"]:
        return
    about = leaves(body.get("filters") or [], behaviour=False)
    if any(part[1] == "event:page" for _, part in about):
        yield "Metric `views_per_visit` cannot be queried with a filter on `event:page`."
    if any(not d.startswith("time") for d in body.get("dimensions") or []):
        yield "Metric `views_per_visit` cannot be queried with non-time dimensions."


def _sessions_and_events(body: Mapping[str, Any]) -> Iterator[str]:
    dimensions = body.get("dimensions") or []
    session_metrics = [m for m in body["metrics"] if m in SESSION_METRICS]
    event_dimensions = [d for d in dimensions if d.startswith("event:")]
    if (
        session_metrics
        and event_dimensions
        and set(event_dimensions) not in ({"event:page"}, {"event:page", "event:hostname"})
    ):
        yield (
            f"Session metric(s) {_ticked(session_metrics)} cannot be queried along with "
            f"event dimension(s) {_ticked(event_dimensions)}"
        )
    event_metrics = [m for m in body["metrics"] if m in EVENT_METRICS]
    session_dimensions = [d for d in dimensions if d in SESSION_ONLY]
    if event_metrics and session_dimensions:
        yield (
            f"Event metric(s) {_ticked(event_metrics)} cannot be queried along with "
            f"session dimension(s) {_ticked(session_dimensions)}"
        )


def _ticked(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_RULES: tuple[Rule, ...] = (
    _ordered_by_asked,
    _labels_need_time,
    _rates_need_goals,
    _pages_need_pages,
    _views_per_visit,
    _sessions_and_events,
)


def write(asked: Asked, query: ResolvedQuery, answer: Answer) -> dict[str, Any]:
    """The vendor's answer body."""
    width = len(query.dimensions)
    rows = [
        {
            "dimensions": [dialect.shown(name, v) for name, v in zip(query.dimensions, row[:width], strict=True)],
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
