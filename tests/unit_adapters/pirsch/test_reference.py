"""Numbers of the adapter against the plain-Python reference, wherever an answer says that it is exact.

The twin holds visits cut by Plausible's rules (`already_counted`), so that only asking and merging are compared.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fixtures.reference import Invalid
from fixtures.reference import Site as Reference
from fixtures.twins.pirsch import demo_goals
from fixtures.twins.pirsch_model import already_counted
from gateway.operate.demo.traffic import generate
from models.errors import UnsupportedQuery
from tests.unit_adapters.pirsch.wiring import NOW, WEEK, Bench

EVENTS = Path(__file__).parents[3] / "fixtures/events"
DEMO = [json.loads(line) for line in (EVENTS / "demo-site.jsonl").read_text("utf-8").splitlines()]
GOALS = json.loads((EVENTS / "demo-site.expected.json").read_text("utf-8"))["goals"]


def month() -> list[dict[str, Any]]:
    """Two weeks of generated traffic without visits over midnight, whose days no two tools count alike."""
    events = [dict(e) for e in generate(days=14, visits_per_day=40, seed=11, start=date(2026, 5, 25))]
    late = {e["visitor"] for e in events if e["time"][11:13] in ("23", "00")}
    return [e for e in events if e["visitor"] not in late]


@pytest.fixture
def demo(bench: Bench) -> Bench:
    bench.twin.stores[bench.site.ref] = already_counted(DEMO)
    demo_goals(bench.twin, bench.site.ref)
    return bench


async def test_the_demo_week_as_counted_by_hand(demo: Bench) -> None:
    metrics = ["visitors", "visits", "pageviews", "events", "views_per_visit", "visit_duration", "bounce_rate"]
    assert await demo.rows(metrics=metrics) == [(7, 10, 15, 19, 1.5, 425, 40)]
    assert await demo.rows(metrics=["visits", "visitors"], dimensions=["country"]) == [
        ("DE", 5, 3), ("FR", 3, 2), ("US", 2, 2)]  # fmt: skip
    assert await demo.rows(metrics=["visitors", "events", "conversion_rate"], dimensions=["goal"]) == [
        ("Visit /pricing", 4, 4, 57.14), ("Purchase", 2, 2, 28.57)]  # fmt: skip
    money = await demo.rows(metrics=["total_revenue", "average_revenue"], filters=[["is", "goal", ["Purchase"]]])
    assert [tuple(m) for m in money[0]] == [(69.0, "EUR"), (34.5, "EUR")]
    rates = {"metrics": ["group_conversion_rate"], "dimensions": ["source"], "filters": [["is", "goal", ["Purchase"]]]}
    assert await demo.rows(**rates) == [("Google", 66.67)]
    others = [["has_not_done", ["is", "goal", ["Purchase"]]]]
    assert await demo.rows(metrics=["visitors", "visits"], filters=others) == [(6, 8)]
    plans = {"metrics": ["visitors", "events"], "dimensions": ["prop:plan"], "filters": [["is", "goal", ["Purchase"]]]}
    assert await demo.rows(**plans) == [("basic", 1, 1), ("pro", 1, 1)]
    assert await demo.rows(metrics=["exit_rate"], dimensions=["exit_page"]) == [
        ("/pricing", 75.0), ("/blog", 66.7), ("/", 62.5)]  # fmt: skip


WORDS = {
    "page": "event:page", "event": "event:name", "goal": "event:goal", "source": "visit:source",
    "country": "visit:country", "browser": "visit:browser", "os": "visit:os", "utm_campaign": "visit:utm_campaign",
    "entry_page": "visit:entry_page", "exit_page": "visit:exit_page", "channel": "visit:channel",
    "city_name": "visit:city",
}  # fmt: skip
METRICS = ("visitors", "visits", "pageviews", "views_per_visit", "visit_duration", "percentage")
DIMENSIONS = ("source", "country", "browser", "os", "utm_campaign", "entry_page", "exit_page", "time:day", "time:week")
VALUES = {
    "source": ["Google", "Direct / None"], "country": ["DE", "US"], "browser": ["Chrome", "Safari"],
    "utm_campaign": ["launch", "(not set)"], "entry_page": ["/", "/pricing"],
}  # fmt: skip


def question(dice: Random) -> dict[str, Any]:
    dimensions = dice.sample(DIMENSIONS, dice.choice((0, 1, 1, 1, 2)))
    if len([d for d in dimensions if d.startswith("time:")]) == 2:
        dimensions = dimensions[:1]
    metrics = dice.sample(METRICS, dice.choice((1, 2)))
    metrics = [m for m in metrics if dimensions or m != "percentage"] or ["visitors"]
    return {
        "metrics": metrics,
        "dimensions": dimensions,
        "filters": [tree(dice) for _ in range(dice.choice((0, 1, 1)))],
    }


def tree(dice: Random, depth: int = 0) -> list[Any]:
    kind = dice.choice(("leaf", "leaf", "or", "not", "and")) if depth < 2 else "leaf"
    if kind in ("or", "and"):
        return [kind, [tree(dice, depth + 1), tree(dice, depth + 1)]]
    if kind == "not":
        return ["not", tree(dice, depth + 1)]
    name = dice.choice(sorted(VALUES))
    operator = dice.choice(("is", "is_not", "contains", "matches", "matches_not"))
    return [operator, name, dice.sample(VALUES[name], dice.choice((1, 2)))]


def in_plausibles_words(node: Any) -> Any:
    match node:
        case [("and" | "or") as join, parts]:
            return [join, [in_plausibles_words(p) for p in parts]]
        case ["not", part]:
            return ["not", in_plausibles_words(part)]
        case [operator, name, *rest]:
            return [operator, WORDS[name], *rest]
        case _:
            raise ValueError(node)


async def test_exact_answers_are_the_references(bench: Bench) -> None:
    events = month()
    bench.twin.stores[bench.site.ref] = already_counted(events)
    reference = Reference("Etc/UTC", GOALS, events, now=NOW)
    dice, exact, late = Random(20261121), 0, 0
    for _ in range(120):
        body = question(dice)
        if bench.foresee(**body).refusals:
            continue
        try:
            answer = await bench.ask(**body)
        except UnsupportedQuery:  # only the values of the range could tell: nobody can be asked for the blank country
            late += 1
            continue
        if answer.reasons:
            continue
        names = [WORDS.get(d, d) for d in body["dimensions"]]
        filters = [in_plausibles_words(f) for f in body["filters"]]
        order = [(WORDS.get(o.by, o.by), str(o.direction)) for o in bench.query(**body).order_by]
        try:
            counted = reference.query(body["metrics"], names, filters, WEEK, order_by=order)["results"]
        except Invalid:  # Plausible does not take it
            continue
        assert [list(row) for row in answer.rows] == [[*r["dimensions"], *r["metrics"]] for r in counted], body
        exact += 1
    assert exact >= 60
    assert late <= 5
