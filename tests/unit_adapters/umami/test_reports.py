"""Statistics over the demo site: exact where Umami is, marked or refused where it is not, and every trap."""

from typing import Any

import pytest

from adapters.umami.adapter import SelfHostedAdapter
from adapters.umami.filters import written
from adapters.umami.wire import Expanded, label_of, number
from fixtures.twins.umami import Store, Website, load
from models.errors import MissingAtBackend, Unintelligible, UnknownGoal
from models.filters import Comparison
from models.site import Site
from models.vocabulary import Operator
from tests.unit_adapters.shared import (
    answer,
    asked,
    assert_buckets_are_filled_where_asked,
    assert_exact,
    assert_refused_before_any_call,
)

EXACT: list[dict[str, Any]] = [
    {"metrics": ["pageviews", "events"]},
    {"metrics": ["pageviews"], "timezone": "Asia/Kolkata"},
    {"metrics": ["events"], "date_range": ["2026-06-01T10:00:30Z", "2026-06-03T09:00:00Z"]},
    {"metrics": ["events", "pageviews"], "filters": [["is", "page", ["/pricing"]]]},
    {"metrics": ["pageviews"], "filters": [["is_not", "page", ["/", "/blog"]]]},
    {"metrics": ["pageviews"], "filters": [["matches", "page", ["^/$", "blog"]], ["is", "country", ["DE", "FR"]]]},
    {"metrics": ["pageviews"], "filters": [["is", "device", ["Desktop"]], ["is", "browser", ["Chrome", "Safari"]]]},
    {"metrics": ["pageviews"], "filters": [["or", [["is", "page", ["/blog"]], ["is", "country", ["FR"]]]]]},
    {"metrics": ["pageviews"], "dimensions": ["time:hour"], "timezone": "America/New_York"},
    {"metrics": ["pageviews"], "dimensions": ["time:day"], "timezone": "Asia/Tokyo"},
    {"metrics": ["pageviews"], "dimensions": ["time:week"], "timezone": "Europe/Berlin"},
    {"metrics": ["pageviews"], "dimensions": ["time:month"]},
    {"metrics": ["events"], "dimensions": ["event"]},
    {"metrics": ["conversions"], "dimensions": ["goal"]},
    {"metrics": ["conversions"], "filters": [["is", "goal", ["Visit /pricing"]]]},
]


@pytest.mark.parametrize("body", EXACT, ids=str)
async def test_what_is_said_to_be_exact_equals_the_reference(
    adapter: SelfHostedAdapter, site: Site, body: dict[str, Any]
) -> None:
    await assert_exact(adapter, site, body)


async def test_an_unknown_website_is_not_a_website_without_visitors(adapter: SelfHostedAdapter, store: Store) -> None:
    nobody = Site(id="x", domain="x.example", external_id="11111111-0000-4000-8000-000000000000")
    with pytest.raises(MissingAtBackend):
        await answer(adapter, nobody, metrics=["pageviews"])
    with pytest.raises(MissingAtBackend):
        await answer(adapter, nobody, metrics=["visitors"], dimensions=["page"])
    assert [request.path.count("/") for request in store.requests] == [4, 3, 5, 3]


async def test_an_empty_week_of_a_known_website_is_zero(adapter: SelfHostedAdapter, site: Site) -> None:
    found = await answer(adapter, site, metrics=["pageviews", "bounce_rate"], date_range=["2025-01-01", "2025-01-07"])
    assert found.rows == ((0, 0),)
    assert found.calls == 2


async def test_empty_buckets_come_only_where_they_are_asked(adapter: SelfHostedAdapter, site: Site) -> None:
    await assert_buckets_are_filled_where_asked(adapter, site, "pageviews", 1)


async def test_days_are_cut_in_the_asked_zone(adapter: SelfHostedAdapter, site: Site, store: Store) -> None:
    """The site's zone is the gateway's; Umami has none of its own."""
    query = asked("America/New_York", metrics=["pageviews"], dimensions=["time:day"])
    found = await adapter.read(site, query)
    assert store.requests[-1].query["timezone"] == "America/New_York"
    # cleo's midnight visit (00:10 and 00:12 UTC on the 3rd) is the evening of the 2nd there
    assert found.rows[1] == ("2026-06-02", 3)


async def test_all_its_numbers_about_visits_are_marked(adapter: SelfHostedAdapter) -> None:
    for metric in ("visitors", "visits", "bounce_rate", "visit_duration", "views_per_visit"):
        cells = {str(name): cell for name, cell in adapter.can.metrics.items()}
        assert cells[metric].approximate.startswith("umami.")


async def test_visitors_with_nothing_but_custom_events_are_not_counted(
    adapter: SelfHostedAdapter, site: Site, website: Website
) -> None:
    load(website, [{"name": "Ping", "time": "2026-06-05T12:00:00Z", "visitor": "silent", "hostname": "h", "path": "/"}])
    found = await answer(adapter, site, metrics=["visitors", "events"])
    assert found.rows == ((7, 20),)  # the reference would say 8 visitors: hence the code on the metric


async def test_big_integers_come_as_texts(adapter: SelfHostedAdapter, site: Site, store: Store) -> None:
    found = await answer(adapter, site, metrics=["pageviews", "visits"], dimensions=["page"])
    assert found.rows[0] == ("/", 8, 8)  # eva's two halves of visit 6 and her visit 7 are two of them
    assert store.requests[-1].path.endswith("/metrics/expanded")
    assert number("12345678901234567890") == 12345678901234567890
    assert number(None) == 0
    with pytest.raises(Unintelligible):
        number("many")
    assert Expanded.__struct_fields__[0] == "pageviews"


async def test_the_plain_breakdown_is_not_used_for_page_views(
    adapter: SelfHostedAdapter, site: Site, store: Store
) -> None:
    """Its `y` are visitors: 26 page views gave 18."""
    await answer(adapter, site, metrics=["pageviews"], dimensions=["page"])
    assert all(not request.path.endswith("/metrics") for request in store.requests)


@pytest.mark.parametrize(
    ("operator", "values", "text"),
    [
        (Operator.IS, ("/a",), "eq./a"),
        (Operator.IS, ("/a", "/b.c"), r"re.^(?:/a|/b\.c)$"),
        (Operator.IS_NOT, ("/a",), "neq./a"),
        (Operator.IS_NOT, ("/a", "/b"), "nre.^(?:/a|/b)$"),
        (Operator.CONTAINS, ("a.b",), r"re.a\.b"),
        (Operator.CONTAINS, ("a", "b"), "re.(?:a)|(?:b)"),
        (Operator.CONTAINS_NOT, ("a",), "nre.a"),
        (Operator.MATCHES, ("^/a$",), "re.^/a$"),
        (Operator.MATCHES_NOT, ("^/a$", "b"), "nre.(?:^/a$)|(?:b)"),
        (Operator.WILDCARD, ("/a*", "/b"), "re.^(?:/a.*|/b)$"),
        (Operator.WILDCARD_NOT, ("/a*.html",), r"nre.^(?:/a.*\.html)$"),
        (Operator.IS, ("(not set)",), "ns.true"),
        (Operator.IS_NOT, ("(not set)",), "s.true"),
    ],
)
def test_each_operator_in_the_vendors_words(operator: Operator, values: tuple[str, ...], text: str) -> None:
    assert written(Comparison(operator, "page", values)) == text


def test_a_comparison_that_ignores_case_is_the_vendors_own() -> None:
    assert written(Comparison(Operator.CONTAINS, "page", ("A",), case_sensitive=False)) == "c.A"
    assert written(Comparison(Operator.CONTAINS_NOT, "page", ("A",), case_sensitive=False)) == "dnc.A"


def test_a_canonical_name_is_every_word_of_the_vendor() -> None:
    assert written(Comparison(Operator.IS, "device", ("Desktop",))) == "re.^(?:desktop|laptop)$"
    assert written(Comparison(Operator.IS_NOT, "device", ("Tablet",))) == "neq.tablet"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"metrics": ["pageviews"], "filters": [["is", "page", ["/"]], ["contains", "page", ["b"]]]}, "one filter"),
        ({"metrics": ["pageviews"], "filters": [["is", "page", ["/A"], {"case_sensitive": False}]]}, "ignores case"),
        ({"metrics": ["pageviews"], "filters": [["is", "utm_source", ["(not set)", "a"]]]}, "compared alone"),
        (
            {
                "metrics": ["pageviews"],
                "filters": [["is", "os", ["Mac"]], ["or", [["is", "page", ["/"]], ["is", "country", ["DE"]]]]],
            },
            "whole filter",
        ),
        (
            {
                "metrics": ["pageviews"],
                "filters": [["and", [["or", [["is", "page", ["/"]], ["is", "country", ["DE"]]]]]]],
            },
            "whole filter",
        ),
        ({"metrics": ["visits"], "dimensions": ["time:day"], "date_range": ["2026-05-01", "2026-06-07"]}, "24"),
        ({"metrics": ["conversions"], "filters": [["is", "goal", ["Purchase", "Visit /pricing"]]]}, "count twice"),
        (
            {"metrics": ["conversions"], "filters": [["is", "goal", ["Purchase"]], ["is", "goal", ["Visit /pricing"]]]},
            "one filter",
        ),
        ({"metrics": ["visits"], "date_range": "realtime"}, "realtime"),
    ],
    ids=str,
)
async def test_what_cannot_be_said_is_refused_before_any_call(
    adapter: SelfHostedAdapter, site: Site, store: Store, body: dict[str, Any], words: str
) -> None:
    await assert_refused_before_any_call(adapter, site, store, body, words)


async def test_an_alternative_of_one_is_not_forgotten(adapter: SelfHostedAdapter, site: Site, store: Store) -> None:
    await answer(adapter, site, metrics=["pageviews"], filters=[["or", [["is", "country", ["US"]]]]])
    assert store.requests[0].query["country"] == "eq.US"
    assert "match" not in store.requests[0].query


async def test_goals_are_definitions_of_ours(adapter: SelfHostedAdapter, site: Site, store: Store) -> None:
    found = await answer(adapter, site, metrics=["conversions", "conversion_rate"], dimensions=["goal"])
    assert found.rows == (("Visit /pricing", 4, 57.14), ("Purchase", 2, 28.57))
    assert [request.query.get("path") or request.query.get("event") for request in store.requests] == [
        None, "eq.Purchase", "eq./pricing"
    ]  # fmt: skip
    with pytest.raises(UnknownGoal):
        await answer(adapter, site, metrics=["conversions"], filters=[["is", "goal", ["Nothing"]]])


async def test_statistics_start_on_a_day_of_the_sites_zone(adapter: SelfHostedAdapter, site: Site) -> None:
    found = await adapter.stats_start(site.model_copy(update={"timezone": "Pacific/Kiritimati"}))
    assert found is not None
    assert found.isoformat() == "2026-06-02"  # 10:00 UTC on the 1st is past midnight there


async def test_everyone_of_the_last_five_minutes_is_present(
    adapter: SelfHostedAdapter, site: Site, website: Website
) -> None:
    load(website, [{"name": "Ping", "time": "2026-06-17T11:57:00Z", "visitor": "x", "hostname": "h", "path": "/"}])
    assert await adapter.realtime(site) == 1
    found = await adapter.read(site, asked(metrics=["visitors"], date_range="realtime"))
    assert (found.rows, [reason.code for reason in found.reasons]) == (((1,),), ["umami.realtime"])


def test_wall_clocks_are_read_in_every_form_seen() -> None:
    assert label_of("2026-06-01 10:00:00") == "2026-06-01 10:00:00"
    assert label_of("2026-06-01T10:00:00Z") == "2026-06-01 10:00:00"
    assert label_of("2026-06-01T10:00:00.000Z") == "2026-06-01 10:00:00"
    assert label_of("2026-06-01") == "2026-06-01"
