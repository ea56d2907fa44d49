"""The planner: native, fan-out or refusal, decided from the declaration alone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.read.planner import FanOut, Native, Refusal, approximations, plan, refusals
from models.capability import (
    NATIVE,
    Capabilities,
    Conflict,
    Feature,
    Limits,
    Operation,
    approximate,
    never,
    not_yet,
)
from models.query import ResolvedQuery, read_query
from models.vocabulary import OURS, Dimension, Metric, Operator

NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)
DIMENSIONS = [d for d in Dimension if d not in OURS]


def declared(**changes: Any) -> Capabilities:
    table: dict[str, Any] = {
        "backend": "example",
        "title": "Example",
        "metrics": dict.fromkeys(Metric, NATIVE),
        "dimensions": dict.fromkeys(DIMENSIONS, NATIVE),
        "operators": dict.fromkeys(Operator, NATIVE),
        "operations": dict.fromkeys(Operation, NATIVE),
        "features": dict.fromkeys(Feature, NATIVE),
        "max_dimensions": 1,
    }
    return Capabilities(**(table | changes))


def asked(**body: Any) -> ResolvedQuery:
    return read_query({"metrics": ["visitors"], **body}).resolved(zone="Etc/UTC", now=NOW)


def reasons(query: ResolvedQuery, can: Capabilities, zone: str = "Etc/UTC") -> tuple[str, ...]:
    return refusals(query, can, site_zone=zone)


def test_what_is_declared_is_asked_as_it_is() -> None:
    query = asked(dimensions=["page"], filters=[["is", "source", ["Google"]]])

    assert plan(query, declared(), site_zone="Etc/UTC") == Native(query)


def test_refusals_come_all_at_once_with_the_declared_reasons() -> None:
    can = declared(
        metrics=dict.fromkeys(Metric, NATIVE) | {Metric.SCROLL_DEPTH: never("scrolling is not measured")},
        dimensions=dict.fromkeys(DIMENSIONS, NATIVE) | {Dimension.CITY: not_yet("not mapped here")},
        operators=dict.fromkeys(Operator, NATIVE) | {Operator.MATCHES: never("no regular expressions")},
    )
    query = asked(metrics=["visitors", "scroll_depth"], dimensions=["city"], filters=[["matches", "page", ["^/blog"]]])

    assert plan(query, can, site_zone="Etc/UTC") == Refusal(
        (
            "scroll_depth: scrolling is not measured",
            "city: not mapped here",
            "matches: no regular expressions",
        ),
        nearest=asked().as_json(),
    )


def test_nothing_near_is_left_when_every_metric_is_refused() -> None:
    can = declared(metrics=dict.fromkeys(Metric, never("only counts events")) | {Metric.EVENTS: NATIVE})

    planned = plan(asked(), can, site_zone="Etc/UTC")

    assert isinstance(planned, Refusal)
    assert planned.nearest is None


@pytest.mark.parametrize(
    ("body", "feature"),
    [
        ({"filters": [["or", [["is", "page", ["/"]], ["is", "source", ["Google"]]]]]}, Feature.OR),
        ({"filters": [["not", ["is", "page", ["/"]]]]}, Feature.NOT),
        ({"filters": [["has_done", ["is", "event", ["Signup"]]]]}, Feature.BEHAVIOUR),
        ({"filters": [["is", "page", ["/"], {"case_sensitive": False}]]}, Feature.CASE_INSENSITIVE),
        ({"filters": [["not", ["is", "goal", ["Signup"]]]]}, Feature.NESTED_GOAL),
        ({"date_range": "24h"}, Feature.PART_OF_DAY),
        ({"dimensions": ["page"], "order_by": [["page", "asc"]]}, Feature.ORDER_BY),
        ({"include": {"total_rows": True}}, Feature.TOTAL_ROWS),
    ],
)
def test_a_shape_the_backend_does_not_know_is_refused(body: dict[str, Any], feature: Feature) -> None:
    can = declared(features=dict.fromkeys(Feature, NATIVE) | {feature: never("not here")})

    assert f"{feature}: not here" in reasons(asked(**body), can)
    assert reasons(asked(**body), declared()) == ()


def test_another_zone_is_refused_where_days_are_cut_in_the_sites() -> None:
    can = declared(features=dict.fromkeys(Feature, NATIVE) | {Feature.ANY_ZONE: never("days are the site's")})

    assert reasons(asked(), can, zone="Etc/UTC") == ()
    assert reasons(asked(timezone="Asia/Tokyo"), can) == ("timezone Asia/Tokyo: days are the site's",)


def test_a_filter_may_be_allowed_where_grouping_is_not() -> None:
    can = declared(
        dimensions=dict.fromkeys(DIMENSIONS, NATIVE) | {Dimension.SCREEN: never("can only be filtered on")},
        filters={Dimension.SCREEN: frozenset({Operator.IS})},
        filter_reasons={Dimension.SCREEN: "only whole classes"},
    )

    assert reasons(asked(filters=[["is", "screen", ["Mobile"]]]), can) == ()
    assert reasons(asked(filters=[["contains", "screen", ["Mob"]]]), can) == ("contains on screen: only whole classes",)
    assert reasons(asked(dimensions=["screen"]), can) == ("screen: can only be filtered on",)


def test_a_conflict_applies_only_to_its_combination() -> None:
    conflict = Conflict(
        metrics=frozenset({Metric.BOUNCE_RATE}),
        grouped=frozenset({Dimension.EVENT}),
        reason="bounce rate exists for visits only",
    )
    can = declared(conflicts=(conflict,))

    assert reasons(asked(metrics=["bounce_rate"], dimensions=["event"]), can) == ("bounce rate exists for visits only",)
    assert reasons(asked(metrics=["bounce_rate"], dimensions=["page"]), can) == ()
    assert reasons(asked(metrics=["visitors"], dimensions=["event"]), can) == ()


def test_limits_are_kept() -> None:
    can = declared(limits=Limits(rows=100, range_days=90, metrics=1, filter_values=2))
    query = asked(
        metrics=["visitors", "visits"], date_range="91d", limit=101, filters=[["is", "page", ["/a", "/b", "/c"]]]
    )

    assert reasons(query, can) == (
        "page: at most 2 values in one filter, not 3",
        "at most 100 rows at once, not 101",
        "at most 90 days at once, not 91",
        "at most 1 metrics at once, not 2",
    )


def test_what_is_meant_for_another_backend_is_refused() -> None:
    assert reasons(asked(extra={"other": {"x": 1}}), declared()) == ("extra.other: this site's backend is example",)


def test_approximations_carry_their_codes() -> None:
    can = declared(
        metrics=dict.fromkeys(Metric, NATIVE) | {Metric.VISITS: approximate("example.visits", "counted by cookie")},
        operators=dict.fromkeys(Operator, NATIVE)
        | {Operator.CONTAINS: approximate("example.contains", "ignores case")},
    )
    query = asked(metrics=["visits"], filters=[["contains", "page", ["a"]]])

    assert [r.code for r in approximations(query, can)] == ["example.visits", "example.contains"]
    assert approximations(asked(), can) == ()


def test_one_dimension_more_is_asked_value_by_value() -> None:
    planned = plan(asked(dimensions=["page", "event"]), declared(), site_zone="Etc/UTC")

    assert isinstance(planned, FanOut)
    assert planned.dimension in ("page", "event")
    assert planned.outer.dimensions == (planned.dimension,)
    assert planned.inner.dimensions == tuple(d for d in ("page", "event") if d != planned.dimension)
    assert planned.most_values == 24


def test_the_dimension_with_fewer_values_is_listed() -> None:
    planned = plan(asked(dimensions=["country", "device"]), declared(), site_zone="Etc/UTC")

    assert isinstance(planned, FanOut)
    assert planned.dimension == "device"


def test_time_is_never_a_list_of_values() -> None:
    planned = plan(asked(dimensions=["time:day", "source"]), declared(), site_zone="Etc/UTC")

    assert isinstance(planned, FanOut)
    assert planned.dimension == "source"


@pytest.mark.parametrize(
    ("dimensions", "changes"),
    [
        (["page", "country"], {}),  # events and visits: filtering on one counts other things of the other
        (["page", "event", "hostname"], {}),
        (["page", "event"], {"max_dimensions": 0}),
        (["page", "event"], {"operators": dict.fromkeys(Operator, NATIVE) | {Operator.IS: never("no")}}),
    ],
)
def test_a_fan_out_that_would_lie_is_refused(dimensions: list[str], changes: dict[str, Any]) -> None:
    assert isinstance(plan(asked(dimensions=dimensions), declared(**changes), site_zone="Etc/UTC"), Refusal)


def test_a_number_of_whole_visits_is_not_asked_page_by_page() -> None:
    """Of each page it would be of all visits that saw the page, not of those that belong to it."""
    query = asked(metrics=["visit_duration"], dimensions=["time:day", "page"])
    assert isinstance(plan(query, declared(), site_zone="Etc/UTC"), Refusal)
    by_source = asked(metrics=["visit_duration"], dimensions=["time:day", "source"])
    assert isinstance(plan(by_source, declared(), site_zone="Etc/UTC"), FanOut)


def test_what_is_asked_for_each_value_is_held_to_the_declaration() -> None:
    alone = {"grouped": frozenset({Dimension.TIME_DAY}), "filtered": frozenset({Dimension.SOURCE})}
    query = asked(dimensions=["time:day", "source"])
    refused = declared(conflicts=(Conflict(reason="no days of a source", **alone),))
    marked = declared(conflicts=(Conflict(reason="of hits, not of visits", approximate="example.hits", **alone),))

    assert isinstance(plan(query, refused, site_zone="Etc/UTC"), Refusal)
    planned = plan(query, marked, site_zone="Etc/UTC")
    assert isinstance(planned, FanOut)
    assert [reason.code for reason in planned.reasons] == ["example.hits"]


def test_shares_of_a_whole_are_not_asked_value_by_value() -> None:
    planned = plan(
        asked(metrics=["visitors", "percentage"], dimensions=["page", "event"]), declared(), site_zone="Etc/UTC"
    )

    assert isinstance(planned, Refusal)
    assert planned.reasons[0].startswith("percentage: ")


cell = st.sampled_from([NATIVE, never("never here"), not_yet("not here yet"), approximate("x.y", "nearly")])
metrics = st.lists(st.sampled_from(["visitors", "visits", "pageviews", "bounce_rate"]), min_size=1, unique=True)
dimensions = st.lists(st.sampled_from(["page", "event", "source", "device", "time:day"]), max_size=3, unique=True)


@given(metrics, dimensions, st.integers(0, 3), st.data())
def test_every_query_has_one_plan_and_none_passes_a_refused_cell(
    asked_metrics: list[str], grouped: list[str], width: int, data: st.DataObject
) -> None:
    metric_cells: Mapping[Metric, Any] = {m: data.draw(cell) for m in Metric}
    dimension_cells: Mapping[Dimension, Any] = {d: data.draw(cell) for d in DIMENSIONS}
    can = declared(metrics=metric_cells, dimensions=dimension_cells, max_dimensions=width)

    planned = plan(asked(metrics=asked_metrics, dimensions=grouped), can, site_zone="Etc/UTC")

    refused = any(not metric_cells[Metric(m)].is_native for m in asked_metrics) or any(
        not dimension_cells[Dimension(d)].is_native for d in grouped
    )
    assert isinstance(planned, Refusal) or not refused
    if isinstance(planned, FanOut):
        assert len(grouped) == width + 1
    if isinstance(planned, Native):
        assert len(grouped) <= width
