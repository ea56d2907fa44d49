"""Canonical query -> body of POST /api/v2/query, and its answer -> canonical rows. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, assert_never

from adapters.plausible.vocabulary import METRICS, METRICS_READ, OPERATORS, WILDCARDS, vendor_dimension
from adapters.plausible.wire import Amount, Cell, QueryAnswer, QueryMeta
from adapters.translate import flat
from models.errors import Unintelligible
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.query import Include, ResolvedQuery
from models.result import ImportsNote, ImportsSkipped, MetricWarning, Money, Row, Value
from models.vocabulary import GOAL_METRICS, NOT_SET, REVENUE, TIME_DIMENSIONS, Dimension, Metric
from models.vocabulary import METRICS as FACTS

MOST_ROWS = 10_000
WHOLE = frozenset(m for m, facts in FACTS.items() if facts.decimals == 0)
"""Whole numbers, however the server writes them (2021: `53.0` in fixtures/plausible/sample_v1_aggregate_2021.json)."""
NO_CITY = 0
"""How Plausible writes that a city is not known."""
READ = frozenset({*TIME_DIMENSIONS, Dimension.CITY})
"""Dimensions whose texts are not yet labels."""

WARNINGS: Mapping[str, str] = MappingProxyType(
    {
        "no_imported_scroll_depth": "the imported history has no scroll depth",
        "no_imported_bounce_rate": "the imported history has no bounce rate under a page filter",
        "revenue_goals_unavailable": "the site's plan does not include revenue",
        "no_single_revenue_currency": "the goals are in several currencies, so there is no one sum",
        "no_revenue_goals_matching": "no goal of this query carries revenue",
        "legacy_time_on_page_used": "part of the time on page was counted by an older method",
    }
)


# Query -> body


def body_of(site: str, query: ResolvedQuery) -> dict[str, Any]:
    """The request body. Rows that have to be arranged on our side are asked for from the first one."""
    local = arranged_here(query)
    body: dict[str, Any] = {
        "site_id": site,
        "metrics": list(columns(query.metrics)),
        "date_range": date_range(query),
        "dimensions": [vendor_dimension(d) for d in query.dimensions],
        "filters": [written(f) for f in flat(query.filters)],
        "include": {name: True for name, wanted in _included(query.include) if wanted},
        "pagination": {"limit": MOST_ROWS, "offset": 0} if local else {"limit": query.limit, "offset": query.offset},
    }
    if query.order_by and not local:
        body["order_by"] = [[_order_name(o.by), str(o.direction)] for o in query.order_by]
    return body


def arranged_here(query: ResolvedQuery) -> bool:
    """Whether rows are sorted and paged by us: Plausible does not sort by goals and does not fill empty buckets.

    (2026-07, contract 4.1 and 7.9.)
    """
    by_goal = any(o.by == Dimension.GOAL for o in query.order_by)
    return by_goal or (query.include.zero_fill and query.time_dimension is not None)


def _included(include: Include) -> tuple[tuple[str, bool], ...]:
    return (("imports", include.imports), ("total_rows", include.total_rows))


def columns(metrics: Iterable[Metric]) -> tuple[str, ...]:
    """Plausible's metric names, each once: `events` and `conversions` are one column."""
    return tuple(dict.fromkeys(METRICS[m] for m in metrics))


def date_range(query: ResolvedQuery) -> list[str]:
    """Two dates for whole days, else two instants with the site's offset."""
    period = query.period
    if period.whole_days:
        return [period.first_date.isoformat(), period.last_date.isoformat()]
    return [moment.astimezone(period.zone).isoformat() for moment in (period.first, period.last)]


def _order_name(name: str) -> str:
    return METRICS[Metric(name)] if name in METRICS else vendor_dimension(name)


def written(node: Filter) -> list[Any]:
    """A filter as Plausible writes it."""
    match node:
        case Comparison():
            return _comparison(node)
        case And(parts):
            return ["and", [written(p) for p in parts]]
        case Or(parts):
            return ["or", [written(p) for p in parts]]
        case Not(part):
            return ["not", written(part)]
        case HasDone(part, done):
            return ["has_done" if done else "has_not_done", written(part)]
        case _:
            assert_never(node)


def _comparison(leaf: Comparison) -> list[Any]:
    name, values = vendor_dimension(leaf.dimension), list(leaf.values)
    if leaf.operator in WILDCARDS:
        return [WILDCARDS[leaf.operator], name, [anchored(v) for v in values]]
    clauses: list[str | int] = [*values]
    if leaf.dimension == Dimension.CITY:
        clauses = [NO_CITY if v == NOT_SET else int(v) if v.isascii() and v.isdigit() else v for v in values]
    found: list[Any] = [OPERATORS[leaf.operator], name, clauses]
    return found if leaf.case_sensitive else [*found, {"case_sensitive": False}]


def anchored(wildcard: str) -> str:
    """The expression of a wildcard: `*` stands for any characters, the rest for itself, anchored at both ends."""
    return "^" + ".*".join(re.escape(part) for part in re.split(r"\*+", wildcard)) + "$"


# Answer -> rows


def rows_of(query: ResolvedQuery, answer: QueryAnswer) -> tuple[Row, ...]:
    """Rows in the asked columns. Raises Unintelligible when a row has other columns than were asked for."""
    asked, width, rows = columns(query.metrics), len(query.dimensions), answer.results
    for row in rows:
        if len(row.dimensions) != width or len(row.metrics) != len(asked):
            raise Unintelligible("The backend's rows have other columns than were asked for", backend="plausible")
    found: list[Sequence[Value]] = []
    for at, name in enumerate(query.dimensions):
        found.append(_labels(query, name, [row.dimensions[at] for row in rows]))
    for metric in query.metrics:
        at = asked.index(METRICS[metric])
        found.append(_numbers(metric, [row.metrics[at] for row in rows]))
    return tuple(zip(*found, strict=True))


def _labels(query: ResolvedQuery, name: str, values: Sequence[str | int | None]) -> Sequence[str]:
    """A column of labels. Most are texts as they are, and a call for each costs as much as the rest of a row."""
    if name in READ:
        return [label(query, name, value) for value in values]
    return [value if type(value) is str else label(query, name, value) for value in values]


def _numbers(metric: Metric, cells: Sequence[Cell]) -> Sequence[Value]:
    """A column of numbers."""
    if metric in REVENUE:
        return [number(metric, cell) for cell in cells]
    return [cell if type(cell) is int else number(metric, cell) for cell in cells]


def label(query: ResolvedQuery, name: str, value: str | int | float | None) -> str:
    """A dimension's value as text. Times may come as instants (seed 003) and become wall-clock labels."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if name == Dimension.CITY and text == str(NO_CITY):
        return ""
    if name not in TIME_DIMENSIONS or "T" not in text:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unintelligible("The backend's time labels cannot be read", backend="plausible") from error
    wall = moment.astimezone(query.period.zone) if moment.tzinfo else moment
    return wall.strftime("%Y-%m-%d %H:00:00" if name == Dimension.TIME_HOUR else "%Y-%m-%d")


def number(metric: Metric, cell: Cell) -> Value:
    """A metric's value. Raises Unintelligible on money where a number belongs, and the other way round."""
    if cell is None or (type(cell) is int and metric not in REVENUE):
        return cell
    money = metric in REVENUE
    match cell:
        case Amount(value, currency) if money:
            return Money(float(value), currency)
        case int() | float() if not money:
            whole = metric in WHOLE and float(cell).is_integer()
            return int(cell) if whole else cell
        case _:
            raise Unintelligible(f"The backend's {metric} is of another type than documented", backend="plausible")


def imports_of(query: ResolvedQuery, meta: QueryMeta) -> ImportsNote | None:
    """Whether imported history is part of the answer, where it was asked for."""
    if not query.include.imports:
        return None
    reason = meta.imports_skip_reason
    skipped = ImportsSkipped(reason) if reason in set(ImportsSkipped) else None
    return ImportsNote(bool(meta.imports_included), skipped)


def warnings_of(query: ResolvedQuery, meta: QueryMeta) -> tuple[MetricWarning, ...]:
    """Notes on metrics, in our words; a code we do not know speaks for itself."""
    found = []
    for name, note in meta.metric_warnings.items():
        code = str(note.get("code") or "unknown")
        metric = METRICS_READ.get(name)
        if metric in query.metrics and metric is not None:
            found.append(MetricWarning(metric, code, WARNINGS.get(code, code.replace("_", " "))))
    return tuple(found)


# Totals


def totals_query(query: ResolvedQuery) -> ResolvedQuery | None:
    """The same question without dimensions, for the row of totals; None when no metric of it has a total."""
    metrics = tuple(m for m in query.metrics if _has_total(query, m))
    if not metrics:
        return None
    return ResolvedQuery(
        metrics=metrics,
        period=query.period,
        now=query.now,
        filters=query.filters,
        include=Include(imports=query.include.imports),
        limit=1,
    )


def _has_total(query: ResolvedQuery, metric: Metric) -> bool:
    """Whether the metric means something without dimensions: goal and page metrics need their filter then."""
    filtered = {part.dimension for part in flat(query.filters) if isinstance(part, Comparison)}
    if metric in GOAL_METRICS:
        return Dimension.GOAL in filtered
    if metric in (Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH):
        return Dimension.PAGE in filtered
    return True


def totals_row(query: ResolvedQuery, asked: ResolvedQuery | None, rows: Sequence[Row]) -> Row:
    """Totals in the query's columns; None where there is no total."""
    known = dict(zip(asked.metrics, rows[0], strict=True)) if asked and rows else {}
    return tuple(known.get(m) for m in query.metrics)
