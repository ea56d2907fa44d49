"""The read path: plan, cache, fan-out, comparison, and several sites in one answer."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.read.answers import as_json, change
from gateway.read.cache import ResultCache
from gateway.read.stats import MultiAnswer, Stats
from gateway.tenancy import SiteRecord
from models.capability import NATIVE, Feature, Limits, approximate, never
from models.errors import InvalidRequest, Unreachable, UnsupportedQuery
from models.query import ResolvedQuery, read_query
from models.result import Answer, Money, Reason
from models.site import Site
from models.vocabulary import Metric
from tests.unit_gateway.tables import NOW, TENANT, OneBackend, TableBackend, declared, record, unchanged

DAY = "2026-06-16"


def stats_over(backend: TableBackend) -> Stats:
    cache = ResultCache(max_bytes=1_000_000, now=lambda: NOW)
    return Stats(backends=OneBackend(backend), cache=cache, expand=unchanged, now=lambda: NOW)


async def ask(backend: TableBackend, *sites: SiteRecord, **body: Any) -> dict[str, Any]:
    return as_json(await answers(backend, *sites, **body))


async def answers(backend: TableBackend, *sites: SiteRecord, **body: Any) -> MultiAnswer:
    query = read_query({"metrics": ["visitors"], "date_range": "yesterday", **body})
    return await stats_over(backend).ask(TENANT, sites, query)


async def test_one_site_is_answered_with_its_provenance() -> None:
    body = await ask(
        TableBackend({("a", ("page",), (), DAY): [("/", 10), ("/x", 2)]}), record("a"), dimensions=["page"]
    )

    assert body["results"] == [{"page": "/", "visitors": 10}, {"page": "/x", "visitors": 2}]
    assert body["meta"]["sites"] == [
        {
            "status": "ok",
            "site": "a.example.com",
            "backend": "table",
            "plan": "native",
            "accuracy": "exact",
            "reasons": [],
            "as_of": "2026-06-17T12:00:00Z",
            "cache": "miss",
            "calls": 1,
        }
    ]


async def test_a_refusal_asks_nobody() -> None:
    backend = TableBackend(
        {}, declared(metrics=dict.fromkeys(Metric, NATIVE) | {Metric.VISITORS: never("not counted")})
    )

    with pytest.raises(UnsupportedQuery) as caught:
        await ask(backend, record("a"))

    assert caught.value.reasons == ("visitors: not counted",)
    assert backend.asked == []


async def test_an_approximation_is_marked_and_refused_where_exactness_is_asked() -> None:
    backend = TableBackend(
        {("a", (), (), DAY): [(5,)]},
        declared(
            metrics=dict.fromkeys(Metric, NATIVE) | {Metric.VISITORS: approximate("table.cookies", "counted by cookie")}
        ),
    )

    body = await ask(backend, record("a"))
    with pytest.raises(UnsupportedQuery) as caught:
        await ask(backend, record("a"), accuracy="exact")

    assert body["meta"]["sites"][0]["accuracy"] == "approximate"
    assert body["meta"]["sites"][0]["reasons"] == [{"code": "table.cookies", "detail": "visitors: counted by cookie"}]
    assert caught.value.reasons == ("table.cookies: visitors: counted by cookie",)


class Late(TableBackend):
    """A backend that learns from the data that its numbers are not exact."""

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        return replace(await super().read(site, query), reasons=(Reason("table.late", "some arrived late"),))


async def test_inexactness_that_only_the_data_tell_is_refused_where_exactness_is_asked() -> None:
    backend = Late({("a", (), (), DAY): [(5,)]})

    body = await ask(backend, record("a"))
    with pytest.raises(UnsupportedQuery) as caught:
        await ask(backend, record("a"), accuracy="exact")

    assert body["meta"]["sites"][0]["accuracy"] == "approximate"
    assert caught.value.reasons == ("table.late: some arrived late",)


async def test_a_second_dimension_is_asked_value_by_value() -> None:
    backend = TableBackend(
        {
            ("a", ("device",), (), DAY): [("Mobile", 9), ("Desktop", 7)],
            ("a", ("country",), ("Mobile",), DAY): [("DE", 6), ("FR", 3)],
            ("a", ("country",), ("Desktop",), DAY): [("DE", 7)],
        },
        declared(max_dimensions=1),
    )

    body = await ask(backend, record("a"), dimensions=["country", "device"], limit=2)

    assert body["results"] == [
        {"country": "DE", "device": "Desktop", "visitors": 7},
        {"country": "DE", "device": "Mobile", "visitors": 6},
    ]
    assert body["meta"]["sites"][0]["plan"] == "fan_out"
    assert body["meta"]["sites"][0]["calls"] == 3


async def test_too_many_values_for_a_fan_out_are_refused_not_cut() -> None:
    values = [(f"d{n}", 1) for n in range(5)]
    backend = TableBackend(
        {("a", ("device",), (), DAY): values}, declared(max_dimensions=1, limits=Limits(fan_out_calls=4))
    )

    with pytest.raises(UnsupportedQuery, match="more than 3 values"):
        await ask(backend, record("a"), dimensions=["country", "device"])


async def test_the_second_question_is_answered_from_cache() -> None:
    backend = TableBackend({("a", (), (), DAY): [(5,)]})
    stats, query = stats_over(backend), read_query({"metrics": ["visitors"], "date_range": "yesterday"})

    await stats.ask(TENANT, [record("a")], query)
    again = as_json(await stats.ask(TENANT, [record("a")], query))

    assert len(backend.asked) == 1
    assert again["meta"]["sites"][0]["cache"] == "hit"
    assert again["meta"]["sites"][0]["calls"] == 0


async def test_equal_questions_at_once_make_one_call() -> None:
    backend = TableBackend({("a", (), (), DAY): [(5,)]}, delay=asyncio.Event())
    stats, query = stats_over(backend), read_query({"metrics": ["visitors"], "date_range": "yesterday"})

    waiting = [asyncio.create_task(stats.ask(TENANT, [record("a")], query)) for _ in range(100)]
    await asyncio.sleep(0)
    assert backend.delay is not None
    backend.delay.set()
    await asyncio.gather(*waiting)

    assert len(backend.asked) == 1


async def test_rows_of_several_sites_carry_their_site_and_share_one_page() -> None:
    backend = TableBackend(
        {
            ("a", ("page",), (), DAY): [("/", 10), ("/x", 2)],
            ("b", ("page",), (), DAY): [("/", 7), ("/y", 5)],
        }
    )

    body = await ask(backend, record("a"), record("b"), dimensions=["page"], limit=2, offset=1)

    assert body["results"] == [
        {"site": "b.example.com", "page": "/", "visitors": 7},
        {"site": "b.example.com", "page": "/y", "visitors": 5},
    ]


async def test_totals_over_sites_add_only_what_adds_up() -> None:
    backend = TableBackend(
        {("a", (), (), DAY): [(10, 30)], ("b", (), (), DAY): [(7, 20)]},
        totals=(10, 30),
    )

    body = await ask(backend, record("a"), record("b"), metrics=["visitors", "pageviews"], include={"totals": True})

    assert body["totals"] == {"visitors": None, "pageviews": 60}


async def test_a_failing_site_makes_the_answer_partial_and_withholds_totals() -> None:
    backend = TableBackend({("a", (), (), DAY): [(10,)], ("b", (), (), DAY): Unreachable(retry_after=30)}, totals=(10,))

    body = await ask(backend, record("a"), record("b"), metrics=["pageviews"], include={"totals": True})

    assert body["results"] == [{"site": "a.example.com", "pageviews": 10}]
    assert body["totals"] is None
    assert body["meta"]["partial"] is True
    assert body["meta"]["sites"][1]["status"] == "error"
    assert body["meta"]["sites"][1]["error"]["code"] == "backend_unavailable"


async def test_when_every_site_fails_the_error_is_raised() -> None:
    backend = TableBackend({(s, (), (), DAY): Unreachable() for s in "ab"})

    with pytest.raises(Unreachable):
        await ask(backend, record("a"), record("b"))


async def test_the_compared_row_stands_beside_its_dimension() -> None:
    backend = TableBackend(
        {
            ("a", ("page",), (), DAY): [("/", 10), ("/new", 2)],
            ("a", ("page",), (), "2026-06-15"): [("/gone", 9), ("/", 8)],
        }
    )

    body = await ask(backend, record("a"), dimensions=["page"], compare="previous_period")

    assert body["results"] == [
        {"page": "/", "visitors": 10, "comparison": {"visitors": 8}, "change": {"visitors": 25}},
        {"page": "/new", "visitors": 2, "comparison": {"visitors": 0}, "change": {"visitors": 100}},
    ]
    assert body["comparison"]["date_range"] == ["2026-06-15T00:00:00+00:00", "2026-06-15T23:59:59+00:00"]


@pytest.mark.parametrize(
    ("metric", "then", "now", "expected"),
    [
        (Metric.VISITORS, 8, 9, 13),
        (Metric.VISITORS, 8, 7, -13),
        (Metric.VISITORS, 40, 41, 3),
        (Metric.TOTAL_REVENUE, Money(8.0, "EUR"), Money(9.0, "EUR"), 13),
        (Metric.CONVERSION_RATE, 0.25, 2.5, 2.3),
        (Metric.CONVERSION_RATE, 2.5, 0.25, -2.3),
        (Metric.VISITORS, 1000, 999, 0),
    ],
)
def test_half_a_percent_of_change_counts_as_a_whole_one(metric: Metric, then: Any, now: Any, expected: float) -> None:
    assert str(change(metric, now, then)) == str(expected)


async def test_compared_time_stands_beside_the_bucket_of_the_same_place() -> None:
    backend = TableBackend(
        {
            ("a", ("time:day",), (), "2026-06-15"): [("2026-06-15", 4), ("2026-06-16", 6)],
            ("a", ("time:day",), (), "2026-06-13"): [("2026-06-14", 3)],
        }
    )

    body = await ask(backend, record("a"), date_range="2d", dimensions=["time:day"], compare="previous_period")

    assert [(r["time:day"], r["comparison"]["visitors"]) for r in body["results"]] == [
        ("2026-06-15", 0),
        ("2026-06-16", 3),
    ]


async def test_too_deep_a_page_over_several_sites_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="offset and limit together"):
        await ask(TableBackend({}), record("a"), record("b"), offset=9_500, limit=1000)


async def test_another_zone_is_refused_before_anybody_is_asked() -> None:
    backend = TableBackend(
        {}, declared(features=dict.fromkeys(Feature, NATIVE) | {Feature.ANY_ZONE: never("days are the site's")})
    )

    with pytest.raises(UnsupportedQuery, match="days are the site's"):
        await ask(backend, record("a"), timezone="Asia/Tokyo")

    assert backend.asked == []


async def test_a_compared_row_beyond_the_limit_is_unknown_not_zero() -> None:
    """The compared period has two rows or more, so `/new` may be among those that were not told."""
    backend = TableBackend(
        {
            ("a", ("page",), (), DAY): [("/", 10), ("/new", 2)],
            ("a", ("page",), (), "2026-06-15"): [("/gone", 9), ("/", 8), ("/new", 7)],
        },
        declared(limits=Limits(rows=2)),
    )

    body = await ask(backend, record("a"), dimensions=["page"], limit=2, compare="previous_period")

    assert [(r["page"], r["comparison"]["visitors"], r["change"]["visitors"]) for r in body["results"]] == [
        ("/", 8, 25),
        ("/new", None, None),
    ]
    assert [r["code"] for r in body["meta"]["sites"][0]["reasons"]] == ["truncated_values"]
