"""Canonical words to Plausible's and back, where the documented exchanges leave something unsaid."""

from typing import Any

import pytest

from adapters.plausible.translate import anchored, body_of, totals_query, written
from adapters.plausible.translate_v1 import breakdown_pages, filters_of
from adapters.plausible.vocabulary import (
    DIMENSIONS,
    DIMENSIONS_READ,
    METRICS,
    METRICS_READ,
    OPERATORS,
    OPERATORS_READ,
    canonical_dimension,
    vendor_dimension,
)
from adapters.translate import flat
from models.errors import Unintelligible
from models.filters import read_filters
from models.result import MetricWarning, Money
from models.vocabulary import Dimension, Metric
from tests.unit_adapters.plausible.wiring import SITE, always, in_turn, over, query


def test_the_tables_read_the_same_in_both_directions() -> None:
    assert {DIMENSIONS[d]: d for d in DIMENSIONS} == dict(DIMENSIONS_READ)
    assert {OPERATORS[o]: o for o in OPERATORS} == dict(OPERATORS_READ)
    assert all(METRICS[metric] == name for name, metric in METRICS_READ.items())
    assert METRICS_READ["events"] is Metric.EVENTS
    for name in ("prop:plan", *(str(d) for d in DIMENSIONS)):
        assert canonical_dimension(vendor_dimension(name)) == name
    assert canonical_dimension("event:props:") is None
    assert canonical_dimension("event:nonsense") is None


def wire_filters(filters: list[Any]) -> list[Any]:
    read, wrong = read_filters(filters)
    assert wrong == []
    return [written(f) for f in flat(read)]


@pytest.mark.parametrize(
    ("canonical", "vendor"),
    [
        (["is", "goal", ["Purchase"]], ["is", "event:goal", ["Purchase"]]),
        (["is_not", "prop:plan", ["pro"]], ["is_not", "event:props:plan", ["pro"]]),
        (["is", "city", [2950159]], ["is", "visit:city", [2950159]]),
        (["contains", "page", ["/A"], {"case_sensitive": False}],
         ["contains", "event:page", ["/A"], {"case_sensitive": False}]),
        (["wildcard", "page", ["/a.b*"]], ["matches", "event:page", [r"^/a\.b.*$"]]),
        (["wildcard_not", "page", ["**/x"]], ["matches_not", "event:page", ["^.*/x$"]]),
        (["not", ["or", [["is", "os", ["Mac"]], ["is", "os", ["iOS"]]]]],
         ["not", ["or", [["is", "visit:os", ["Mac"]], ["is", "visit:os", ["iOS"]]]]]),
        (["has_not_done", ["is", "page", ["/"]]], ["has_not_done", ["is", "event:page", ["/"]]]),
        (["is", "entry_hostname", ["a"]], ["is", "visit:entry_page_hostname", ["a"]]),
    ],
)  # fmt: skip
def test_a_filter_is_written_in_plausibles_words(canonical: list[Any], vendor: list[Any]) -> None:
    assert wire_filters([canonical]) == [vendor]


def test_a_goal_inside_a_top_level_and_is_brought_to_the_top() -> None:
    inside = ["and", [["is", "goal", ["Purchase"]], ["and", [["is", "source", ["Google"]]]]]]
    assert wire_filters([inside]) == [["is", "event:goal", ["Purchase"]], ["is", "visit:source", ["Google"]]]


def test_a_wildcard_keeps_every_other_character_literal() -> None:
    assert anchored("/a+b (c)|d$*") == r"^/a\+b\ \(c\)\|d\$.*$"


def test_whole_days_go_as_dates_and_anything_else_as_instants_with_offset() -> None:
    assert body_of("a", query({}))["date_range"] == ["2026-06-01", "2026-06-07"]
    part = query({"date_range": ["2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z"]}, zone="Europe/Berlin")
    assert body_of("a", part)["date_range"] == ["2026-06-01T12:00:00+02:00", "2026-06-01T13:00:00+02:00"]


def test_one_word_of_plausible_is_asked_once() -> None:
    asked = query({"metrics": ["events", "conversions", "visitors"], "filters": [["is", "goal", ["Purchase"]]]})
    assert body_of("a", asked)["metrics"] == ["events", "visitors"]


async def test_events_and_conversions_share_their_column() -> None:
    asked = query({"metrics": ["visitors", "conversions", "events"], "filters": [["is", "goal", ["Purchase"]]]})
    async with over(always({"results": [{"dimensions": [], "metrics": [4, 9]}]})) as wire:
        assert (await wire.adapter.read(SITE, asked)).rows == ((4, 9, 9),)


async def test_rows_by_goal_are_sorted_and_paged_here() -> None:
    """Plausible refuses to order by event:goal (contract 4.1)."""
    rows = [{"dimensions": [name], "metrics": [n]} for name, n in (("b", 2), ("a", 2), ("c", 5), ("d", 1))]
    asked = query({"metrics": ["conversions"], "dimensions": ["goal"], "limit": 2, "offset": 1})
    async with over(always({"results": rows})) as wire:
        assert (await wire.adapter.read(SITE, asked)).rows == (("a", 2), ("b", 2))
    assert "order_by" not in wire.bodies[0]
    assert wire.bodies[0]["pagination"] == {"limit": 10_000, "offset": 0}


async def test_rows_sorted_here_say_when_there_may_be_more() -> None:
    rows = [{"dimensions": [f"g{n}"], "metrics": [n]} for n in range(10_000)]
    async with over(always({"results": rows})) as wire:
        answer = await wire.adapter.read(SITE, query({"metrics": ["conversions"], "dimensions": ["goal"]}))
    assert [reason.code for reason in answer.reasons] == ["truncated_values"]


async def test_empty_buckets_are_filled_on_request() -> None:
    body = {
        "metrics": ["visitors", "visit_duration"],
        "dimensions": ["time:day"],
        "date_range": ["2026-06-01", "2026-06-03"],
        "include": {"zero_fill": True, "total_rows": True},
    }
    served = {"results": [{"dimensions": ["2026-06-02"], "metrics": [3, 10]}], "meta": {"total_rows": 1}}
    async with over(always(served)) as wire:
        answer = await wire.adapter.read(SITE, query(body))
    assert answer.rows == (("2026-06-01", 0, None), ("2026-06-02", 3, 10), ("2026-06-03", 0, None))
    assert answer.total_rows == 3


async def test_totals_are_a_second_call_without_dimensions() -> None:
    served = in_turn(
        {"results": [{"dimensions": ["/"], "metrics": [6, 8]}, {"dimensions": ["/b"], "metrics": [3, 3]}]},
        {"results": [{"dimensions": [], "metrics": [7, 11]}]},
    )
    asked = query({"metrics": ["visitors", "pageviews"], "dimensions": ["page"], "include": {"totals": True}})
    async with over(served) as wire:
        answer = await wire.adapter.read(SITE, asked)
        assert wire.adapter.foresee(SITE, asked).calls == 2
    assert (answer.totals, answer.calls, len(wire.seen)) == ((7, 11), 2, 2)
    assert wire.bodies[1]["dimensions"] == []


async def test_totals_of_an_aggregate_are_its_row() -> None:
    async with over(always({"results": [{"dimensions": [], "metrics": [7]}]})) as wire:
        answer = await wire.adapter.read(SITE, query({"include": {"totals": True}}))
    assert (answer.totals, answer.calls) == ((7,), 1)


def test_a_metric_that_means_nothing_without_dimensions_has_no_total() -> None:
    by_goal = query({"metrics": ["visitors", "conversions"], "dimensions": ["goal"]})
    assert (totals := totals_query(by_goal)) is not None
    assert totals.metrics == (Metric.VISITORS,)
    assert totals_query(query({"metrics": ["time_on_page"], "dimensions": ["page"]})) is None


async def test_early_time_labels_become_wall_clock() -> None:
    """Seed 003 shows `2021-01-27T23:43:10Z` for time:hour."""
    asked = query({"dimensions": ["time:hour"], "date_range": ["2021-01-28", "2021-01-28"]}, zone="Europe/Berlin")
    rows = [{"dimensions": ["2021-01-27T23:43:10Z"], "metrics": [1]}]
    async with over(always({"results": rows})) as wire:
        assert (await wire.adapter.read(SITE, asked)).rows == (("2021-01-28 00:00:00", 1),)


async def test_money_null_and_numeric_ids_are_read() -> None:
    asked = query(
        {"metrics": ["total_revenue", "visitors"], "dimensions": ["city"], "filters": [["is", "goal", ["P"]]]}
    )
    rows = [
        {"dimensions": [2950159], "metrics": [{"value": 12.5, "currency": "EUR", "short": "x", "long": "y"}, 1.0]},
        {"dimensions": [None], "metrics": [None, 2]},
    ]
    async with over(always({"results": rows})) as wire:
        assert (await wire.adapter.read(SITE, asked)).rows == (("2950159", Money(12.5, "EUR"), 1), ("", None, 2))


async def test_warnings_on_metrics_are_told_in_our_words() -> None:
    meta = {
        "metric_warnings": {
            "total_revenue": {"code": "no_single_revenue_currency", "warning": "vendor prose"},
            "visitors": {"code": "brand_new_code"},
            "bounce_rate": {"code": "no_imported_bounce_rate"},
        }
    }
    asked = query({"metrics": ["total_revenue", "visitors"], "filters": [["is", "goal", ["P"]]]})
    async with over(always({"results": [{"dimensions": [], "metrics": [None, 3]}], "meta": meta})) as wire:
        answer = await wire.adapter.read(SITE, asked)
    assert answer.warnings == (
        MetricWarning(
            Metric.TOTAL_REVENUE,
            "no_single_revenue_currency",
            "the goals are in several currencies, so there is no one sum",
        ),
        MetricWarning(Metric.VISITORS, "brand_new_code", "brand new code"),
    )


@pytest.mark.parametrize(
    "row",
    [
        {"dimensions": [], "metrics": [1, 2]},
        {"dimensions": ["x"], "metrics": [1]},
        {"dimensions": [], "metrics": ["1"]},
        {"dimensions": [], "metrics": [True]},
        {"dimensions": [], "metrics": [{"value": 1, "currency": "EUR"}]},
        {"dimensions": []},
    ],
)
async def test_rows_of_another_shape_are_unintelligible(row: dict[str, Any]) -> None:
    async with over(always({"results": [row]})) as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.read(SITE, query({}))


# v1


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ([["is", "page", ["/a", "/b|c"]]], r"event:page==/a|/b\|c"),
        ([["is_not", "page", ["/a", "/b"]]], "event:page!=/a;event:page!=/b"),
        ([["wildcard", "page", ["/a*"]], ["is", "goal", ["Visit /x"]]], "event:page==/a*;event:goal==Visit /x"),
        ([["is", "source", ["Direct / None"]]], "visit:source==Direct / None|(Direct / None)"),
        ([["and", [["is", "prop:plan", ["pro"]], ["is_not", "os", ["Mac"]]]]], "event:props:plan==pro;visit:os!=Mac"),
    ],
)
def test_v1_filters_take_the_old_form(filters: list[Any], text: str) -> None:
    assert filters_of(query({"filters": filters})) == text


@pytest.mark.parametrize(
    ("limit", "offset", "size", "pages"),
    [(10, 0, 10, [1]), (10, 30, 10, [4]), (100, 50, 1000, [1]), (500, 700, 1000, [1, 2]), (1000, 1000, 1000, [2])],
)
def test_v1_pages_cover_the_asked_rows(limit: int, offset: int, size: int, pages: list[int]) -> None:
    asked = query({"dimensions": ["source"], "limit": limit, "offset": offset})
    assert breakdown_pages(asked) == (size, range(pages[0], pages[-1] + 1))


async def test_v1_rows_are_cut_out_of_the_pages() -> None:
    first = {"results": [{"source": f"s{n}", "visitors": 5000 - n} for n in range(1000)]}
    second = {"results": [{"source": f"s{n}", "visitors": 5000 - n} for n in range(1000, 1300)]}
    asked = query({"dimensions": ["source"], "limit": 500, "offset": 700})
    async with over(in_turn(first, second), edition="ce", stats_api="v1") as wire:
        answer = await wire.adapter.read(SITE, asked)
    assert [row[0] for row in answer.rows] == [f"s{n}" for n in range(700, 1200)]
    assert answer.calls == wire.adapter.foresee(SITE, asked).calls == 2
    assert [request.url.params["page"] for request in wire.seen] == ["1", "2"]


async def test_v1_finds_the_first_day_by_month_then_by_day() -> None:
    months = {"results": [{"date": "2026-04-01", "visitors": 0}, {"date": "2026-05-01", "visitors": 3}]}
    days = {"results": [{"date": "2026-05-01", "visitors": 0}, {"date": "2026-05-09", "visitors": 3}]}
    async with over(in_turn(months, days), edition="ce", stats_api="v1") as wire:
        assert str(await wire.adapter.stats_start(SITE)) == "2026-05-09"
    assert [r.url.params["interval"] for r in wire.seen] == ["month", "day"]
    async with over(always({"results": []}), edition="ce", stats_api="v1") as wire:
        assert await wire.adapter.stats_start(SITE) is None


async def test_v1_counts_the_present_with_its_own_call() -> None:
    async with over(always(12), edition="ce", stats_api="v1") as wire:
        assert (await wire.adapter.read(SITE, query({"date_range": "realtime"}))).rows == ((12,),)
    assert wire.seen[0].url.path == "/api/v1/stats/realtime/visitors"


async def test_v1_totals_come_from_an_aggregate() -> None:
    served = in_turn({"results": [{"source": "Google", "visitors": 3}]}, {"results": {"visitors": {"value": 7}}})
    asked = query({"dimensions": ["source"], "include": {"totals": True, "imports": True}})
    async with over(served, edition="ce", stats_api="v1") as wire:
        assert (await wire.adapter.read(SITE, asked)).totals == (7,)
    assert [r.url.params["with_imported"] for r in wire.seen] == ["true", "true"]


async def test_v1_totals_of_an_aggregate_are_its_row() -> None:
    async with over(always({"results": {"visitors": {"value": 7}}}), edition="ce", stats_api="v1") as wire:
        assert (await wire.adapter.read(SITE, query({"include": {"totals": True}}))).totals == (7,)
    assert len(wire.seen) == 1


async def test_v1_rows_without_the_asked_columns_are_unintelligible() -> None:
    async with over(always({"results": [{"page": "/", "visitors": 7}]}), edition="ce", stats_api="v1") as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.read(SITE, query({"dimensions": ["source"]}))


async def test_a_time_label_that_is_no_time_is_unintelligible() -> None:
    async with over(always({"results": [{"dimensions": ["soonT"], "metrics": [1]}]})) as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.read(SITE, query({"dimensions": ["time:hour"]}))


async def test_money_is_sorted_by_its_amount() -> None:
    amounts = {"a": 2.0, "b": 10.0, "c": None}
    rows = [
        {"dimensions": [name], "metrics": [None if value is None else {"value": value, "currency": "EUR"}]}
        for name, value in amounts.items()
    ]
    async with over(always({"results": rows})) as wire:
        answer = await wire.adapter.read(SITE, query({"metrics": ["total_revenue"], "dimensions": ["goal"]}))
    assert [row[0] for row in answer.rows] == ["b", "a", "c"]


def test_every_groupable_dimension_has_a_word() -> None:
    ours = {Dimension.SITE, Dimension.SEGMENT, Dimension.PROP}
    assert set(Dimension) - ours - set(DIMENSIONS) == {Dimension.TITLE, Dimension.LANGUAGE, Dimension.TIME_MINUTE}
