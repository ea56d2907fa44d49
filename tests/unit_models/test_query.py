"""Reading a query: what is accepted, and every problem at once where it is not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidRequest
from models.filters import And, Comparison, HasDone, Not, Or, read_filters, to_list
from models.query import Direction, Order, read_query
from models.vocabulary import Dimension, Operator, dimension_of, prop_key

NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)


def problems(body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        read_query(body)
    return {p.field: p.reason for p in caught.value.problems}


def test_the_smallest_query_gets_the_defaults() -> None:
    query = read_query({"metrics": ["visitors"]})

    assert (query.date_range, query.limit, query.offset, query.dimensions) == ("30d", 1000, 0, ())


def test_all_problems_are_named_at_once() -> None:
    found = problems(
        {
            "metrics": ["visitors", "hits"],
            "dimensions": ["page", "colour"],
            "filters": [["is", "page", []], ["like", "page", ["/"]]],
            "date_range": ["2026-02-02", "2026-01-01"],
            "timezone": "Mars/Olympus",
            "limit": 0,
            "order_by": [["events", "desc"]],
            "nonsense": True,
        }
    )

    assert set(found) == {
        "metrics[1]",
        "dimensions[1]",
        "filters[0][2]",
        "filters[1][0]",
        "date_range",
        "timezone",
        "limit",
        "order_by[0][0]",
        "nonsense",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "metrics"),
        ({"metrics": "visitors"}, "metrics"),
        ({"metrics": ["visitors", "visitors"]}, "metrics"),
        ({"metrics": [1]}, "metrics"),
        ({"metrics": ["visitors"], "dimensions": ["time:day", "time:hour"]}, "dimensions"),
        ({"metrics": ["visitors"], "dimensions": ["prop:"]}, "dimensions[0]"),
        ({"metrics": ["visitors"], "filters": {"page": "/"}}, "filters"),
        ({"metrics": ["visitors"], "filters": [["is", "time:day", ["2026-01-01"]]]}, "filters[0][1]"),
        ({"metrics": ["visitors"], "filters": [["is", "page", [True]]]}, "filters[0][2]"),
        ({"metrics": ["visitors"], "filters": [["is", "page", ["/"], {"fold": 1}]]}, "filters[0][3]"),
        ({"metrics": ["visitors"], "filters": [["is_not", "segment", ["1"]]]}, "filters[0][0]"),
        ({"metrics": ["visitors"], "filters": [["and", []]]}, "filters[0]"),
        ({"metrics": ["visitors"], "filters": [["has_done", ["has_done", ["is", "event", ["x"]]]]]}, "filters[0][1]"),
        ({"metrics": ["visitors"], "limit": 10_001}, "limit"),
        ({"metrics": ["visitors"], "limit": True}, "limit"),
        ({"metrics": ["visitors"], "offset": -1}, "offset"),
        ({"metrics": ["visitors"], "include": {"everything": True}}, "include.everything"),
        ({"metrics": ["visitors"], "include": {"totals": 1}}, "include.totals"),
        ({"metrics": ["visitors"], "compare": "last_week"}, "compare"),
        ({"metrics": ["visitors"], "compare": {"mode": "custom"}}, "compare.date_range"),
        ({"metrics": ["visitors"], "accuracy": "roughly"}, "accuracy"),
        ({"metrics": ["visitors"], "date_range": 7}, "date_range"),
        ({"metrics": ["conversion_rate"]}, "metrics"),
        ({"metrics": ["percentage"]}, "metrics"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], field: str) -> None:
    assert field in problems(body)


def test_deep_nesting_is_refused() -> None:
    tree: list[Any] = ["is", "page", ["/"]]
    for _ in range(30):
        tree = ["not", tree]

    assert "deeper" in next(iter(problems({"metrics": ["visitors"], "filters": [tree]}).values()))


def test_a_tree_is_read_as_written() -> None:
    written = [
        ["or", [["is", "page", ["/a", "/b"]], ["not", ["contains", "prop:plan", ["Pro"], {"case_sensitive": False}]]]],
        ["has_not_done", ["is", "event", ["Signup"]]],
    ]

    filters, wrong = read_filters(written)

    assert wrong == []
    assert filters == (
        Or(
            (
                Comparison(Operator.IS, "page", ("/a", "/b")),
                Not(Comparison(Operator.CONTAINS, "prop:plan", ("Pro",), case_sensitive=False)),
            )
        ),
        HasDone(Comparison(Operator.IS, "event", ("Signup",)), done=False),
    )


leaves = st.builds(
    Comparison,
    st.sampled_from(list(Operator)),
    st.sampled_from(["page", "source", "country", "prop:plan", "goal"]),
    st.lists(st.text(max_size=8), min_size=1, max_size=3).map(tuple),
    st.booleans(),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)


@given(st.lists(trees, max_size=4))
def test_writing_and_reading_a_tree_changes_nothing(filters: list[Any]) -> None:
    assert read_filters([to_list(f) for f in filters]) == (tuple(filters), [])


def test_the_default_order_is_total() -> None:
    query = read_query({"metrics": ["visitors"], "dimensions": ["time:day", "page"]})

    assert query.resolved(zone="Etc/UTC", now=NOW).order_by == (
        Order("time:day", Direction.ASC),
        Order("visitors", Direction.DESC),
        Order("page", Direction.ASC),
    )


def test_the_asked_zone_wins_over_the_sites() -> None:
    asked = read_query({"metrics": ["visitors"], "timezone": "Asia/Tokyo", "date_range": "day"})

    assert asked.resolved(zone="Europe/Berlin", now=NOW).period.zone.key == "Asia/Tokyo"


def test_a_property_is_a_dimension_of_its_own_name() -> None:
    assert dimension_of("prop:plan") is Dimension.PROP
    assert prop_key("prop:plan") == "plan"
    assert dimension_of("prop") is None
