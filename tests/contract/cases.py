"""One question for each word of the model: what proves that a backend means the word as we do.

A word without a question cannot be declared native (test_cells). Rows given here were counted by hand in
fixtures/events/demo-site.md, where the reference has no such word; all others come from the reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.capability import Feature
from models.result import Row
from models.vocabulary import Dimension, Metric, Operator

D, F, M, O = Dimension, Feature, Metric, Operator  # noqa: E741 - the tables below read as tables

PURCHASE = [["is", "goal", ["Purchase"]]]
MONDAY = ["2026-06-01", "2026-06-01"]
GOOGLE = ["is", "source", ["Google"]]


@dataclass(frozen=True)
class Case:
    """A question in canonical words (the demo week unless it says otherwise) and, where counted by hand, its rows."""

    body: Mapping[str, Any]
    rows: tuple[Row, ...] | None = None
    total_rows: int | None = None


def _metric(metric: Metric, *, rows: tuple[Row, ...] | None = None, **more: Any) -> Case:
    return Case({"metrics": [str(metric)], **more}, rows)


_DEFAULT_METRICS = {m: _metric(m) for m in Metric}

METRICS: Mapping[Metric, Case] = _DEFAULT_METRICS | {
    M.VISITORS: _metric(M.VISITORS, rows=((7,),)),
    M.VISITS: _metric(M.VISITS, rows=((10,),)),
    M.PAGEVIEWS: _metric(M.PAGEVIEWS, rows=((15,),)),
    M.EVENTS: _metric(M.EVENTS, rows=((19,),)),
    M.VIEWS_PER_VISIT: _metric(M.VIEWS_PER_VISIT, rows=((1.5,),)),
    M.BOUNCE_RATE: _metric(M.BOUNCE_RATE, rows=((40,),)),
    M.VISIT_DURATION: _metric(M.VISIT_DURATION, rows=((425,),)),
    M.TIME_ON_PAGE: Case(
        {"metrics": ["visitors", "time_on_page"], "dimensions": ["page"]},
        rows=(("/", 6, 37), ("/pricing", 4, 120), ("/blog", 3, 120), ("/signup", 1, None)),
    ),
    M.SCROLL_DEPTH: _metric(
        M.SCROLL_DEPTH,
        dimensions=["page"],
        rows=(("/", 73), ("/blog", 60), ("/pricing", 50), ("/signup", None)),
    ),
    M.CONVERSIONS: _metric(M.CONVERSIONS, filters=PURCHASE, rows=((2,),)),
    M.CONVERSION_RATE: _metric(M.CONVERSION_RATE, filters=PURCHASE, rows=((28.57,),)),
    M.GROUP_CONVERSION_RATE: _metric(
        M.GROUP_CONVERSION_RATE, filters=PURCHASE, dimensions=["source"], rows=(("Google", 66.67),)
    ),
    M.PERCENTAGE: _metric(
        M.PERCENTAGE,
        dimensions=["source"],
        rows=(("Direct / None", 71.43), ("Google", 42.86), ("Twitter", 28.57)),
    ),
    M.EXIT_RATE: _metric(
        M.EXIT_RATE,
        dimensions=["page"],
        filters=[["is", "page", ["/", "/pricing", "/blog"]]],
        # exits over views: /pricing 3 of 4, /blog 2 of 3, / 5 of 8
        rows=(("/pricing", 75.0), ("/blog", 66.7), ("/", 62.5)),
    ),
    M.TOTAL_REVENUE: _metric(M.TOTAL_REVENUE, filters=PURCHASE),
    M.AVERAGE_REVENUE: _metric(M.AVERAGE_REVENUE, filters=PURCHASE),
}

_DEFAULT_DIMENSIONS = {d: Case({"metrics": ["visitors"], "dimensions": [str(d)]}) for d in Dimension}

DIMENSIONS: Mapping[Dimension, Case] = _DEFAULT_DIMENSIONS | {
    D.PROP: Case({"metrics": ["visitors"], "dimensions": ["prop:plan"]}),
    D.TIME_HOUR: Case({"metrics": ["visitors", "visits"], "dimensions": ["time:hour"], "date_range": MONDAY}),
    # the demo events carry neither title nor language nor screen
    D.TITLE: Case({"metrics": ["pageviews"], "dimensions": ["title"]}, rows=(("", 15),)),
    D.LANGUAGE: Case({"metrics": ["visitors"], "dimensions": ["language"]}, rows=(("(not set)", 7),)),
    D.SCREEN: Case({"metrics": ["visitors"], "dimensions": ["screen"]}, rows=(("(not set)", 7),)),
    D.TIME_MINUTE: Case(
        {"metrics": ["pageviews"], "dimensions": ["time:minute"], "date_range": MONDAY},
        rows=(
            ("2026-06-01 10:00:00", 1),
            ("2026-06-01 10:01:00", 1),
            ("2026-06-01 10:05:00", 0),  # a purchase, no view
            ("2026-06-01 11:00:00", 1),
            ("2026-06-01 15:00:00", 1),
        ),
    ),
}


def _filtered(operator: Operator, *values: str, **modifiers: Any) -> Case:
    leaf: list[Any] = [str(operator), "source", list(values)]
    return Case({"metrics": ["visitors", "visits"], "filters": [[*leaf, modifiers] if modifiers else leaf]})


OPERATORS: Mapping[Operator, Case] = {
    O.IS: _filtered(O.IS, "Google", "Twitter"),
    O.IS_NOT: _filtered(O.IS_NOT, "Google", "Twitter"),
    O.CONTAINS: _filtered(O.CONTAINS, "oog", "itt"),
    O.CONTAINS_NOT: _filtered(O.CONTAINS_NOT, "oog"),
    O.MATCHES: _filtered(O.MATCHES, "^Goo", "tter$"),
    O.MATCHES_NOT: _filtered(O.MATCHES_NOT, "^Goo"),
    O.WILDCARD: _filtered(O.WILDCARD, "Goo*", "*tt*"),
    O.WILDCARD_NOT: _filtered(O.WILDCARD_NOT, "Goo*"),
}


def _shape(*filters: Any, **more: Any) -> Case:
    return Case({"metrics": ["visitors", "visits"], "filters": list(filters), **more})


FEATURES: Mapping[Feature, Case] = {
    F.OR: _shape(["or", [GOOGLE, ["is", "country", ["US"]]]]),
    F.NOT: _shape(["not", GOOGLE]),
    F.BEHAVIOUR: Case(
        {"metrics": ["visitors", "visits"], "filters": [["has_not_done", ["is", "goal", ["Purchase"]]]]}, rows=((6, 8),)
    ),
    F.CASE_INSENSITIVE: _shape(["is", "source", ["google"], {"case_sensitive": False}]),
    F.ANY_ZONE: Case({"metrics": ["pageviews"], "dimensions": ["time:day"], "timezone": "America/New_York"}),
    F.PART_OF_DAY: Case(
        {"metrics": ["pageviews"], "date_range": ["2026-06-01T10:00:30Z", "2026-06-01T14:59:59Z"]}, rows=((2,),)
    ),
    F.ORDER_BY: Case(
        {"metrics": ["visitors"], "dimensions": ["source"], "order_by": [["source", "desc"]]},
        rows=(("Twitter", 2), ("Google", 3), ("Direct / None", 5)),
    ),
    F.TOTAL_ROWS: Case(
        {"metrics": ["visitors"], "dimensions": ["source"], "limit": 1, "include": {"total_rows": True}},
        rows=(("Direct / None", 5),),
        total_rows=3,
    ),
    # anna, cleo, dan, eva reached /pricing; gus bought without it
    F.NESTED_GOAL: Case(
        {
            "metrics": ["visitors"],
            "filters": [["or", [["is", "goal", ["Purchase"]], ["is", "goal", ["Visit /pricing"]]]]],
        },
        rows=((5,),),
    ),
}
