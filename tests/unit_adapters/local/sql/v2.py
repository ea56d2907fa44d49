"""Plausible v2 bodies as canonical queries, and canonical answers as v2 results: the small part that tests need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fixtures.reference.metrics import money
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.period import Period, resolve
from models.query import Direction, Include, Order, ResolvedQuery, default_order
from models.result import Answer, Money
from models.vocabulary import Metric, Operator

NAMES = {
    "event:name": "event", "event:page": "page", "event:hostname": "hostname", "event:goal": "goal",
    "visit:entry_page_hostname": "entry_hostname", "visit:exit_page_hostname": "exit_hostname",
    "visit:screen": "device", "own:title": "title", "own:screen": "screen", "own:language": "language",
}  # fmt: skip
OPERATORS = {"matches_wildcard": "wildcard", "matches_wildcard_not": "wildcard_not"}


def dimension(name: str) -> str:
    if name.startswith("event:props:"):
        return "prop:" + name.removeprefix("event:props:")
    return NAMES.get(name, name.removeprefix("visit:"))


def filter_of(written: Sequence[Any]) -> Filter:
    head = written[0]
    match head:
        case "and" | "or":
            parts = tuple(map(filter_of, written[1]))
            return And(parts) if head == "and" else Or(parts)
        case "not":
            return Not(filter_of(written[1]))
        case "has_done" | "has_not_done":
            return HasDone(filter_of(written[1]), done=head == "has_done")
        case _:
            return _comparison(written)


def _comparison(written: Sequence[Any]) -> Comparison:
    options = written[3] if len(written) > 3 else {}
    values = tuple(str(v) for v in written[2])
    operator = Operator(OPERATORS.get(written[0], written[0]))
    return Comparison(operator, dimension(written[1]), values, options.get("case_sensitive", True))


def query_of(body: Mapping[str, Any], zone: str, now: datetime, start: date | None) -> ResolvedQuery:
    """The canonical query of a valid v2 body."""
    metrics = tuple(Metric(m) for m in body["metrics"])
    period = _period(body["date_range"], ZoneInfo(zone), now, start)
    dimensions = tuple(dict.fromkeys(map(dimension, body.get("dimensions") or ())))
    order = tuple(
        Order(by if by in body["metrics"] else dimension(by), Direction(way)) for by, way in body.get("order_by") or ()
    )
    include, paging = body.get("include") or {}, body.get("pagination") or {}
    return ResolvedQuery(
        metrics, period, now, dimensions, tuple(map(filter_of, body.get("filters") or ())),
        order or default_order(metrics, dimensions), paging.get("limit", 10_000), paging.get("offset", 0),
        Include(time_labels=include.get("time_labels", False), total_rows=include.get("total_rows", False),
                imports=include.get("imports", False)),
    )  # fmt: skip


def _period(spec: Any, zone: ZoneInfo, now: datetime, start: date | None) -> Period:
    if isinstance(spec, list):
        return resolve((spec[0], spec[1]), zone=zone, now=now)
    return resolve(spec, zone=zone, now=now, start=start)


def results_of(body: Mapping[str, Any], query: ResolvedQuery, answer: Answer) -> list[dict[str, Any]]:
    count = len(query.dimensions)
    asked = body.get("dimensions") or []
    rows = []
    for row in answer.rows:
        held = dict(zip(query.dimensions, row[:count], strict=True))
        rows.append({
            "dimensions": [held[dimension(d)] for d in asked],
            "metrics": [money(v.amount, v.currency) if isinstance(v, Money) else v for v in row[count:]],
        })  # fmt: skip
    return rows


def answer_of(body: Mapping[str, Any], query: ResolvedQuery, answer: Answer) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if answer.imports is not None:
        meta["imports_included"] = answer.imports.included
        if answer.imports.skipped is not None:
            meta["imports_skip_reason"] = str(answer.imports.skipped)
    if answer.warnings:
        meta["metric_warnings"] = {str(w.metric): {"code": w.code, "warning": w.detail} for w in answer.warnings}
    if answer.total_rows is not None:
        meta["total_rows"] = answer.total_rows
    if answer.time_labels is not None:
        meta["time_labels"] = list(answer.time_labels)
    return {"results": results_of(body, query, answer), "meta": meta}
