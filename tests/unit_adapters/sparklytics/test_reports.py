"""Statistics over the demo site: exact where Sparklytics is, marked or refused where it is not, and every trap."""

from typing import Any

import pytest

from adapters.sparklytics.adapter import SparklyticsAdapter
from fixtures.twins.sparklytics import Store, Website, load
from models.errors import UnknownGoal, UnsupportedQuery
from models.result import Money, Row
from models.site import Site
from models.vocabulary import Dimension
from tests.unit_adapters.shared import (
    answer,
    asked,
    assert_buckets_are_filled_where_asked,
    assert_exact,
    assert_refused_before_any_call,
)

EXACT: list[dict[str, Any]] = [
    {"metrics": ["visitors"]},
    {"metrics": ["visitors", "events", "pageviews"]},
    {"metrics": ["visitors"], "date_range": ["2026-06-02", "2026-06-03"]},
    {"metrics": ["visitors", "events"], "filters": [["is", "country", ["DE"]], ["is", "device", ["Mobile"]]]},
    {"metrics": ["pageviews"], "filters": [["is", "browser", ["Chrome"]]]},
    {"metrics": ["visitors"], "filters": [["is", "os", ["Mac"]]]},
    {"metrics": ["events"], "filters": [["is", "hostname", ["shop.example.com"]]]},
    {"metrics": ["events", "visitors"], "dimensions": ["time:hour"], "date_range": ["2026-06-01", "2026-06-01"]},
    {"metrics": ["pageviews", "visitors"], "dimensions": ["time:day"]},
    {"metrics": ["events"], "dimensions": ["time:month"]},
    {"metrics": ["events", "visitors"], "dimensions": ["time:week"]},
    {"metrics": ["events"], "dimensions": ["event"]},
    {"metrics": ["pageviews", "events"], "timezone": "Europe/Berlin"},
    {"metrics": ["pageviews"], "dimensions": ["time:day"], "timezone": "America/Los_Angeles"},
    {"metrics": ["events"], "dimensions": ["time:week"], "timezone": "Asia/Tokyo"},
    {"metrics": ["visitors", "events"], "dimensions": ["time:hour"], "timezone": "America/New_York"},
    {"metrics": ["events"], "dimensions": ["time:day"], "timezone": "Africa/Abidjan"},
]


@pytest.mark.parametrize("body", EXACT, ids=str)
async def test_what_is_said_to_be_exact_equals_the_reference(
    adapter: SparklyticsAdapter, site: Site, body: dict[str, Any]
) -> None:
    await assert_exact(adapter, site, body)


async def test_days_of_another_zone_are_marked_where_they_do_not_add_up(
    adapter: SparklyticsAdapter, site: Site
) -> None:
    found = await answer(adapter, site, metrics=["visitors", "pageviews"], timezone="America/New_York")
    assert [reason.code for reason in found.reasons] == ["sparklytics.utc_days"]
    assert "visitors" in found.reasons[0].detail
    assert "pageviews" not in found.reasons[0].detail


async def test_visitors_of_hours_are_never_added_up(adapter: SparklyticsAdapter, site: Site) -> None:
    found = await answer(
        adapter, site, metrics=["pageviews", "visitors"], dimensions=["time:day"], timezone="America/New_York"
    )
    # In New York, anna and ben are the only ones on the 1st; by hours they would be three.
    assert found.rows[0] == ("2026-06-01", 4, 2)
    assert [reason.code for reason in found.reasons] == ["sparklytics.utc_days"]


async def test_a_zone_with_half_hours_cannot_be_made_of_hours(adapter: SparklyticsAdapter, site: Site) -> None:
    found = await answer(adapter, site, metrics=["events"], timezone="Asia/Kolkata")
    assert [reason.code for reason in found.reasons] == ["sparklytics.utc_days"]


async def test_the_sites_own_zone_is_no_way_out(adapter: SparklyticsAdapter, site: Site) -> None:
    query = asked("Europe/Berlin", metrics=["visits"])
    assert [reason.code for reason in adapter.foresee(site, query).reasons] == ["sparklytics.utc_days"]


async def test_all_events_are_not_taken_for_page_views(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    found = await answer(adapter, site, metrics=["pageviews", "events"])
    assert found.rows == ((15, 19),)  # ./stats calls all 19 of them pageviews
    assert [request.path.rsplit("/", 1)[1] for request in store.requests] == ["stats", "events"]


async def test_page_views_of_a_long_range_are_the_sum_over_pages(
    adapter: SparklyticsAdapter, site: Site, store: Store
) -> None:
    found = await answer(adapter, site, metrics=["pageviews"], date_range=["2026-01-01", "2026-06-30"])
    assert found.rows == ((15,),)
    assert store.requests[-1].query["type"] == "page"


async def test_both_kinds_of_bounce_rates_become_percent(adapter: SparklyticsAdapter, site: Site) -> None:
    whole = await answer(adapter, site, metrics=["bounce_rate"])
    assert whole.rows == ((46,),)  # 5 of 11 sessions, 0.455 on the wire
    by_country = await answer(adapter, site, metrics=["bounce_rate"], dimensions=["country"])
    # DE: anna 3 events, anna 1, ben 1, finn 2, ben 2 -> 2 of 5; 40.0 on the wire
    assert ("DE", 40) in by_country.rows


async def test_a_breakdown_is_read_to_its_end(adapter: SparklyticsAdapter, site: Site, website: Website) -> None:
    events = [
        {"name": "pageview", "time": f"2026-06-05T12:{n % 60:02d}:00Z", "visitor": f"v{n}", "hostname": "h.example.com",
         "path": f"/p/{n:03d}", "country": "DE"}
        for n in range(230)
    ]  # fmt: skip
    load(website, events)
    found = await answer(
        adapter, site, metrics=["pageviews"], dimensions=["page"], limit=2, offset=1, include={"total_rows": True},
        order_by=[["page", "desc"]],
    )  # fmt: skip
    assert found.rows == (("/pricing", 4), ("/p/229", 1))
    assert (found.total_rows, found.calls) == (234, 3)


async def test_addresses_of_one_path_are_one_row(adapter: SparklyticsAdapter, site: Site, website: Website) -> None:
    load(
        website,
        [
            {"name": "pageview", "time": "2026-06-05T12:00:00Z", "visitor": "x", "hostname": "a.example.com", "path": p}
            for p in ("/docs?q=1", "/docs?q=2", "/docs")
        ],
    )
    found = await answer(adapter, site, metrics=["pageviews"], dimensions=["page"])
    assert ("/docs", 3) in found.rows


async def test_values_come_in_canonical_words(adapter: SparklyticsAdapter, site: Site) -> None:
    found = await answer(adapter, site, metrics=["visitors"], dimensions=["os"])
    assert found.rows == (("Android", 2), ("Windows", 2), ("Mac", 1), ("iOS", 1), ("iPadOS", 1))


async def test_direct_visitors_are_a_label_that_cannot_be_filtered_on(
    adapter: SparklyticsAdapter, site: Site, store: Store
) -> None:
    found = await answer(adapter, site, metrics=["visitors"], dimensions=["referrer"])
    assert found.rows[0] == ("Direct / None", 5)
    before = len(store.requests)
    with pytest.raises(UnsupportedQuery, match="missing values"):
        await answer(adapter, site, metrics=["visitors"], filters=[["is", "referrer", ["Direct / None"]]])
    assert len(store.requests) == before


async def test_values_that_are_missing_are_missing_from_a_breakdown(adapter: SparklyticsAdapter, site: Site) -> None:
    found = await answer(adapter, site, metrics=["visitors"], dimensions=["utm_campaign"])
    assert found.rows == (("launch", 1),)
    assert adapter.can.dimensions[Dimension.UTM_CAMPAIGN].approximate == "sparklytics.blanks_dropped"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"metrics": ["visitors"], "filters": [["contains", "page", ["100%"]]]}, "wildcards"),
        ({"metrics": ["visitors"], "filters": [["is", "country", ["de"]]]}, "upper-case"),
        ({"metrics": ["visitors"], "filters": [["is", "os", ["Mac"]], ["is", "os", ["iOS"]]]}, "one filter on each"),
        ({"metrics": ["visits"], "dimensions": ["time:day"], "date_range": ["2026-05-01", "2026-06-07"]}, "24"),
        ({"metrics": ["events"], "dimensions": ["event"], "date_range": ["2026-01-01", "2026-06-07"]}, "90 days"),
        ({"metrics": ["visitors"], "filters": [["is", "os", ["Windows"]]]}, "several values"),
        ({"metrics": ["total_revenue"]}, "name a goal"),
        ({"metrics": ["visits"], "date_range": "realtime"}, "realtime"),
    ],
    ids=str,
)
async def test_what_cannot_be_said_is_refused_before_any_call(
    adapter: SparklyticsAdapter, site: Site, store: Store, body: dict[str, Any], words: str
) -> None:
    await assert_refused_before_any_call(adapter, site, store, body, words)


async def test_dates_on_the_wire_are_real_ones(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    await answer(adapter, site, metrics=["events"], date_range=["2026-02-01", "2026-02-28"])
    sent = store.requests[0].query
    assert (sent["start_date"], sent["end_date"]) == ("2026-02-01", "2026-02-28")


async def test_an_alternative_of_one_is_not_forgotten(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    found = await answer(adapter, site, metrics=["visitors"], filters=[["or", [["is", "country", ["US"]]]]])
    assert found.rows == ((2,),)
    assert store.requests[0].query["filter_country"] == "US"


async def test_goals_are_counted_one_by_one(adapter: SparklyticsAdapter, site: Site) -> None:
    found = await answer(adapter, site, metrics=["conversions", "total_revenue"], dimensions=["goal"])
    rows: dict[Any, Row] = {row[0]: row for row in found.rows}
    assert rows["Purchase"] == ("Purchase", 2, Money(69.0, "EUR"))
    assert rows["Visit /pricing"] == ("Visit /pricing", 4, None)
    with pytest.raises(UnknownGoal):
        await answer(adapter, site, metrics=["conversions"], filters=[["is", "goal", ["Nothing"]]])


async def test_empty_buckets_come_only_where_they_are_asked(adapter: SparklyticsAdapter, site: Site) -> None:
    await assert_buckets_are_filled_where_asked(adapter, site, "events", 2)


async def test_statistics_start_with_the_website(adapter: SparklyticsAdapter, site: Site) -> None:
    found = await adapter.stats_start(site)
    assert found is not None
    assert found.isoformat() == "2026-05-31"  # DuckDB's text on the wire, not RFC 3339


async def test_realtime_is_the_last_half_hour(adapter: SparklyticsAdapter, site: Site, website: Website) -> None:
    load(
        website,
        [{"name": "pageview", "time": "2026-06-17T11:40:00Z", "visitor": "x", "hostname": "a.example", "path": "/"}],
    )
    assert await adapter.realtime(site) == 1  # 20 minutes ago: Plausible would say 0
