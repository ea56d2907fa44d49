"""What each question about the demo site must give: from the plain-Python reference, or counted by hand.

The reference speaks Plausible's words; the table here is written from the model's documentation, not from an adapter.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from fixtures.reference import Invalid
from fixtures.reference import Site as Reference
from fixtures.twins.plausible import EVENTS
from models.filters import And, Comparison, Filter, HasDone, Not, Or, comparisons
from models.query import MAX_LIMIT, ResolvedQuery
from models.result import Money, Row, Value
from models.vocabulary import OURS, Dimension, Metric, Operator, dimension_of
from tests.contract.harness import NOW, WEEK

EVENT_WORDS = {"page": "event:page", "hostname": "event:hostname", "event": "event:name", "goal": "event:goal"}
VISIT_WORDS = {"entry_hostname": "visit:entry_page_hostname", "exit_hostname": "visit:exit_page_hostname"}

MATCHES = frozenset({Operator.MATCHES, Operator.MATCHES_NOT})
PATTERNS = MATCHES | {Operator.WILDCARD, Operator.WILDCARD_NOT}

UNKNOWN = {Dimension.TITLE, Dimension.LANGUAGE, Dimension.SCREEN, Dimension.TIME_MINUTE, *OURS}
"""Dimensions the reference has no word for; what is asked of them was counted by hand."""

UNKNOWN_METRICS = {Metric.EXIT_RATE}
"""The same of metrics."""


@cache
def demo(zone: str = "Etc/UTC") -> Reference:
    """The demo site, its days cut in a zone."""
    told = json.loads((EVENTS / "demo-site.expected.json").read_text("utf-8"))
    rows = [json.loads(line) for line in (EVENTS / "demo-site.jsonl").read_text("utf-8").splitlines()]
    return Reference(zone, told["goals"], rows, now=NOW)


def rows(query: ResolvedQuery) -> tuple[Row, ...]:
    """The reference's answer in canonical columns."""
    metrics = [_metric(m) for m in query.metrics]
    period = query.period
    dates: Sequence[Any] = (period.first_date.isoformat(), period.last_date.isoformat())
    if not period.whole_days:
        dates = (period.first.isoformat(), period.last.isoformat())
    answer = demo(period.zone.key).query(
        metrics,
        [_word(d) for d in query.dimensions],
        [_filter(f) for f in joined(query.filters)],
        list(dates),
        order_by=[(_word(o.by), str(o.direction)) for o in query.order_by],
        limit=query.limit,
        offset=query.offset,
    )
    return tuple((*row["dimensions"], *(_value(v) for v in row["metrics"])) for row in answer["results"])


@cache
def values_of(name: str) -> tuple[str, ...]:
    """The values of a dimension in the demo week."""
    answer = demo().query(["visitors"], [_word(name)], [], list(WEEK))
    return tuple(row["dimensions"][0] for row in answer["results"])


def truth(query: ResolvedQuery) -> tuple[Row, ...] | None:
    """The reference's answer; None where it has no word for the question, or refuses it as Plausible does."""
    kinds = {dimension_of(name) for name in query.names}
    if kinds & UNKNOWN or UNKNOWN_METRICS & set(query.metrics):
        return None
    goals = {leaf.operator for f in query.filters for leaf in comparisons(f) if leaf.dimension == Dimension.GOAL}
    if goals - {Operator.IS, Operator.CONTAINS}:
        return None
    try:
        return rows(query)
    except Invalid:
        return None


def without_zeros(query: ResolvedQuery) -> tuple[Row, ...]:
    """The same of a backend that has no row where all numbers are zero, on no page."""
    every = truth(replace(query, limit=MAX_LIMIT, offset=0)) or ()
    told = [row for row in every if any(row[len(query.dimensions) :])]
    return tuple(told[query.offset : query.offset + query.limit])


def joined(filters: Sequence[Filter]) -> list[Filter]:
    """Filters with the `and`s of the top level taken apart: the reference takes goals and hostnames only there."""
    found: list[Filter] = []
    for node in filters:
        match node:
            case And(parts):
                found += joined(parts)
            case Or((only,)):
                found += joined((only,))
            case _:
                found.append(node)
    return found


def _metric(metric: Metric) -> str:
    return "events" if metric is Metric.CONVERSIONS else str(metric)


def _word(name: str) -> str:
    if name in set(Metric):
        return _metric(Metric(name))
    if name.startswith("prop:"):
        return "event:props:" + name.removeprefix("prop:")
    if name.startswith("time:"):
        return name
    return EVENT_WORDS.get(name) or VISIT_WORDS.get(name) or f"visit:{name}"


def _filter(node: Filter) -> list[Any]:
    match node:
        case Comparison(operator, name, values, case_sensitive) if operator in PATTERNS:
            # Plausible folds what is compared, not the pattern; a canonical pattern that ignores case is one of RE2's.
            clauses = [
                v if operator in MATCHES else "^" + ".*".join(map(re.escape, v.split("*"))) + "$" for v in values
            ]
            folded = [clause if case_sensitive else f"(?i){clause}" for clause in clauses]
            return [str(operator).replace("wildcard", "matches"), _word(name), folded]
        case Comparison(operator, name, values, case_sensitive):
            leaf: list[Any] = [str(operator), _word(name), list(values)]
            return leaf if case_sensitive else [*leaf, {"case_sensitive": False}]
        case And(parts):
            return ["and", [_filter(p) for p in parts]]
        case Or(parts):
            return ["or", [_filter(p) for p in parts]]
        case Not(part):
            return ["not", _filter(part)]
        case HasDone(part, done):
            return ["has_done" if done else "has_not_done", _filter(part)]


def _value(value: Any) -> Value:
    if isinstance(value, dict):
        return Money(float(value["value"]), value["currency"])
    found: Value = value
    return found
