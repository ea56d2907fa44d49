"""Each trap of Pirsch's statistics (contract sections 8 and 9), and that the adapter does not step into it.

Every test first has the twin fall for it where the vendor would, then asks the adapter.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.pirsch.capabilities import PIRSCH
from fixtures.twins.pirsch_filters import Asked, fits, like, read
from fixtures.twins.pirsch_model import seeded
from fixtures.twins.pirsch_statistics import ENDPOINTS
from gateway.read.planner import approximations
from models.errors import UnsupportedQuery
from tests.unit_adapters.pirsch.wiring import NOW, Bench, event, view

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 7)


def twin(events: list[dict[str, Any]], endpoint: str, *pairs: tuple[str, str]) -> Any:
    """What the vendor itself answers."""
    asked = read([("id", "x"), ("from", "2026-06-01"), ("to", "2026-06-07"), *pairs], zone="Etc/UTC", now=NOW)
    return ENDPOINTS[endpoint](seeded(events), asked)


THREE = [
    view("01 10:00", "a", "/", country="DE"),
    view("01 10:00", "b", "/blog", country="US"),
    view("02 10:00", "c", "/blog_x", country="FR"),
]


async def test_a_country_filter_that_pirsch_would_drop_is_never_sent(bench: Bench) -> None:
    assert twin(THREE, "total", ("country", "~de,us"))["visitors"] == 3  # dropped without a word
    assert twin(THREE, "total", ("country", "null"))["visitors"] == 3
    bench.twin.seed(THREE)
    assert await bench.rows(metrics=["visitors"], filters=[["contains", "country", ["D"]]]) == [(1,)]
    assert await bench.rows(metrics=["visitors"], filters=[["is", "country", ["de", "US"]]]) == [(2,)]
    for unsayable in ("", "(not set)", "Germany", "d1"):
        assert bench.foresee(metrics=["visitors"], filters=[["is", "country", [unsayable]]]).refusals
    sent = [v for _, values in bench.asked() for v in values.get("country", [])]
    assert sent == ["de", "de", "us"]


async def test_two_negated_contains_are_not_sent_as_an_or_of_negations(bench: Bench) -> None:
    wrong = twin(THREE, "total", ("browser", "^hrom"), ("browser", "^fox"))
    assert wrong["visitors"] == 3  # nearly always true
    sources = [view("01 10:00", "a", source="Google"), view("01 11:00", "b", source="Bing"), view("01 12:00", "c")]
    bench.twin.seed(sources)
    asked: dict[str, Any] = {"metrics": ["visitors"], "filters": [["contains_not", "source", ["oog", "ing"]]]}
    assert await bench.rows(**asked) == [(1,)]
    assert bench.asked()[-1] == ("total", {"referrer_name": ["!Bing", "!Google"]})


async def test_two_clauses_on_one_key_are_joined_by_and(bench: Bench) -> None:
    assert twin(THREE, "total", ("country", "de"), ("country", "us"))["visitors"] == 2  # the vendor's `or`
    bench.twin.seed(THREE)
    both = [["is", "country", ["DE", "US"]], ["is", "country", ["US", "FR"]]]
    assert await bench.rows(metrics=["visitors"], filters=both) == [(1,)]
    none = [["is", "country", ["DE"]], ["is", "country", ["US"]]]
    assert await bench.rows(metrics=["visitors"], filters=none) == [(0,)]
    pieces = [view("01 10:00", "a", utm_source="news-mail"), view("01 11:00", "b", utm_source="mail")]
    bench.twin.seed(pieces)
    two = [["contains", "utm_source", ["news"]], ["contains", "utm_source", ["mail"]]]
    assert await bench.rows(metrics=["visitors"], filters=two) == [(1,)]


async def test_a_value_takes_the_place_of_the_filter_that_listed_it(bench: Bench) -> None:
    """Beside it, it would be one more alternative, and every row would count them all."""
    bench.twin.seed(THREE)
    rows = await bench.rows(
        metrics=["visitors", "visits"], dimensions=["country"], filters=[["is", "country", ["DE", "US"]]]
    )
    assert rows == [("DE", 1, 1), ("US", 1, 1)]
    assert [values["country"] for _, values in bench.asked()[1:]] == [["de"], ["us"]]


async def test_live_wildcards_of_like_are_not_sent(bench: Bench) -> None:
    assert like("/blog-x", "blog_x")  # an underscore is any character there
    assert like("anything", "%")
    bench.twin.seed([view("01 10:00", "a", utm_source="a_b"), view("01 11:00", "b", utm_source="a-b")])
    assert await bench.rows(metrics=["visitors"], filters=[["contains", "utm_source", ["a_b"]]]) == [(1,)]
    bench.twin.seed(THREE)
    assert await bench.rows(metrics=["pageviews"], filters=[["contains", "page", ["blog_"]]]) == [(1,)]


@pytest.mark.parametrize("value", ["!x", "~x", "^x", "null", "NULL"])
def test_a_value_that_begins_with_a_mark_is_refused(bench: Bench, value: str) -> None:
    assert fits("x", ["~X"])
    assert not fits("!x", ["!!x"])  # there is no escape
    for dimension in ("browser", "utm_source", "event"):
        assert bench.foresee(metrics=["visitors"], filters=[["is", dimension, [value]]]).refusals


async def test_path_and_pattern_never_go_together(bench: Bench) -> None:
    both = twin(THREE, "total", ("path", "/blog"), ("pattern", "^/nothing$"))
    assert both["visitors"] == 1  # path wins, the pattern is not looked at
    bench.twin.seed(THREE)
    filters = [["is", "page", ["/", "/blog"]], ["matches", "page", ["^/bl"]]]
    assert await bench.rows(metrics=["pageviews"], filters=filters) == [(1,)]
    assert bench.asked()[-1] == ("total", {"path": ["/blog"]})


def test_two_positive_patterns_are_refused(bench: Bench) -> None:
    two = [["matches", "page", ["^/a"]], ["contains", "page", ["b"]]]
    assert "or" in bench.foresee(metrics=["pageviews"], filters=two).refusals[0]


async def test_percentages_of_goals_are_of_everybody(bench: Bench) -> None:
    bench.twin.seed([view("01 10:00", "a"), event("Buy", "01 10:01", "a"), view("01 11:00", "b")])
    bench.twin.account.new("goal", goal(bench, event_name="Buy"))
    assert await bench.rows(metrics=["percentage"], dimensions=["goal"]) == [("Buy", 50.0)]


async def test_conversion_rate_is_not_pirschs(bench: Bench) -> None:
    events = [
        view("01 10:00", "a", source="Google"), event("Buy", "01 10:01", "a", source="Google"),
        view("01 11:00", "b", source="Google"), view("01 12:00", "c"), view("01 13:00", "d"),
    ]  # fmt: skip
    google = [("event", "Buy"), ("referrer_name", "Google")]
    assert twin(events, "total", *google)["cr"] == 0.25  # of everybody, whatever the filters
    bench.twin.seed(events)
    bench.twin.account.new("goal", goal(bench, event_name="Buy"))
    filters = [["is", "goal", ["Buy"]], ["is", "source", ["Google"]]]
    assert await bench.rows(metrics=["conversion_rate"], filters=filters) == [(50.0,)]


async def test_percentages_are_not_relative_visitors(bench: Bench) -> None:
    bench.twin.seed(THREE)
    rows = await bench.rows(metrics=["percentage"], dimensions=["country"], filters=[["contains", "page", ["/blog"]]])
    assert twin(THREE, "country", ("path", "~/blog"))[0]["relative_visitors"] == pytest.approx(1 / 3)
    assert rows == [("FR", 50.0), ("US", 50.0)]


async def test_null_lists_are_empty(bench: Bench) -> None:
    assert twin([], "country") is None
    bench.twin.seed([])
    assert await bench.rows(metrics=["visitors"], dimensions=["country"]) == []
    assert await bench.rows(metrics=["visitors"]) == [(0,)]


async def test_all_rows_are_read_past_the_hard_limit(bench: Bench) -> None:
    many = [view("01 10:00", f"v{n}", f"/p{n:03d}") for n in range(250)]
    asked = Asked({"limit": ("500",), "offset": ("0",)}, FIRST, LAST, ZoneInfo("Etc/UTC"), NOW)
    assert len(asked.page(list(range(250)))) == 100
    bench.twin.seed(many)
    rows = await bench.rows(metrics=["visitors"], dimensions=["page"], limit=1000)
    assert [path for path, _ in rows] == [f"/p{n:03d}" for n in range(250)]
    pages = [dict(pairs) for path, pairs in bench.twin.queries if path == "page"]
    assert [(p["limit"], p["offset"]) for p in pages] == [("100", "0"), ("100", "100"), ("100", "200")]


async def test_rows_of_other_orders_are_sorted_here_after_all_were_read(bench: Bench) -> None:
    """`sort` of the vendor leaves ties unstable, and entry pages sort inside one page only."""
    many = [view("01 10:00", f"v{n}", f"/p{n:03d}") for n in range(120)]
    bench.twin.seed(many)
    order = [["entry_page", "desc"]]
    rows = await bench.rows(metrics=["visits"], dimensions=["entry_page"], order_by=order, limit=2)
    assert rows == [("/p119", 1), ("/p118", 1)]
    assert not any("sort" in values for _, values in bench.asked())


async def test_entry_pages_do_not_report_everybody_who_viewed_them(bench: Bench) -> None:
    events = [view("01 10:00", "a", "/"), view("01 10:01", "a", "/in"), view("01 11:00", "b", "/in")]
    row = next(r for r in twin(events, "page/entry") if r["path"] == "/in")
    assert (row["visitors"], row["sessions"], row["entries"]) == (2, 2, 1)
    bench.twin.seed(events)
    rows = await bench.rows(metrics=["visits", "visitors"], dimensions=["entry_page"])
    assert rows == [("/", 1, 1), ("/in", 1, 1)]


async def test_pageviews_beside_an_event_are_not_those_of_its_visits(bench: Bench) -> None:
    events = [view("01 10:00", "a", "/"), view("01 10:01", "a", "/x"), event("Buy", "01 10:02", "a", "/x")]
    assert twin(events, "total", ("event", "Buy"))["views"] == 2
    bench.twin.seed(events)
    rows = await bench.rows(metrics=["visitors", "pageviews", "events"], filters=[["is", "event", ["Buy"]]])
    assert rows == [(1, 0, 1)]
    done = await bench.rows(metrics=["visits", "pageviews"], filters=[["has_done", ["is", "event", ["Buy"]]]])
    assert done == [(1, 2)]


def test_metrics_that_the_join_inflates_are_refused(bench: Bench) -> None:
    events = [view("01 10:00", "a"), event("A", "01 10:01", "a"), event("B", "01 10:02", "a")]
    assert twin(events, "total", ("event", "A"), ("event", "B"))["views"] == 2  # one view, counted twice
    two = [["is", "event", ["A", "B"]]]
    assert "inflated" in bench.foresee(metrics=["bounce_rate"], filters=two).refusals[0]
    assert not bench.foresee(metrics=["visitors", "visits"], filters=two).refusals


async def test_has_not_done_is_no_negated_event_filter(bench: Bench) -> None:
    events = [
        view("01 10:00", "a"), event("Buy", "01 10:01", "a"), event("Other", "01 10:02", "a"), view("01 11:00", "b"),
    ]  # fmt: skip
    assert twin(events, "total", ("event", "!Buy"))["visitors"] == 1  # a, who did buy
    bench.twin.seed(events)
    without = [["has_not_done", ["is", "event", ["Buy"]]]]
    assert await bench.rows(metrics=["visitors", "visits"], filters=without) == [(1, 1)]
    assert not any(v.startswith("!") for _, values in bench.asked() for v in values.get("event", []))
    negated = [["is_not", "event", ["Buy"]]]
    assert bench.foresee(metrics=["visitors"], filters=negated).refusals


def test_a_property_without_its_event_is_refused(bench: Bench) -> None:
    events = [view("01 10:00", "a"), event("Buy", "01 10:01", "a", props={"plan": "pro"}), view("01 11:00", "b")]
    assert twin(events, "total", ("meta_plan", "pro"))["visitors"] == 2  # the filter is not looked at
    refusals = bench.foresee(metrics=["visitors"], filters=[["is", "prop:plan", ["pro"]]]).refusals
    assert "beside a filter on its event" in refusals[0]


async def test_durations_beside_an_event_are_read_from_the_visits(bench: Bench) -> None:
    events = [view("01 10:00", "a"), event("Buy", "01 10:02", "a"), view("01 11:00", "b"), view("01 11:10", "b", "/x")]
    assert twin(events, "duration/session", ("event", "Buy")) == []
    bench.twin.seed(events)
    answer = await bench.ask(metrics=["visit_duration"], filters=[["is", "event", ["Buy"]]])
    assert (answer.rows, answer.reasons) == (((120,),), ())


async def test_durations_of_zero_count(bench: Bench) -> None:
    events = [view("01 10:00", "a"), view("01 10:05", "a", "/x"), view("01 11:00", "b")]
    assert twin(events, "duration/session")[0]["average_time_spent_seconds"] == 300  # b's zero left out
    bench.twin.seed(events)
    answer = await bench.ask(metrics=["visit_duration"])
    assert (answer.rows, answer.reasons) == (((150,),), ())


async def test_week_durations_are_no_average_of_daily_averages(bench: Bench) -> None:
    events = [view("01 10:00", "a"), view("01 10:10", "a", "/x"),
              *(view(f"02 1{n}:00", f"b{n}") for n in range(3)),
              *(view(f"02 1{n}:02", f"b{n}", "/x") for n in range(3))]  # fmt: skip
    assert twin(events, "duration/session", ("scale", "week"))[0]["average_time_spent_seconds"] == 360
    bench.twin.seed(events)
    assert await bench.rows(metrics=["visit_duration"], dimensions=["time:week"]) == [("2026-06-01", 240)]


async def test_midnight_stamps_are_local_dates(bench: Bench) -> None:
    """A stamp `2026-06-02T00:00:00Z` is the second of June in the asked zone, not two o'clock in Berlin."""
    bench.twin.seed([view("01 22:30", "a")])
    rows = await bench.rows(metrics=["visitors"], dimensions=["time:day"], timezone="Europe/Berlin")
    assert rows == [("2026-06-02", 1)]


async def test_week_labels_are_cut_to_the_range(bench: Bench) -> None:
    bench.twin.seed([view("03 10:00", "a")])
    series = {"metrics": ["visitors"], "dimensions": ["time:week"], "date_range": ["2026-06-03", "2026-06-12"]}
    assert twin([view("03 10:00", "a")], "visitor", ("scale", "week"))[0]["week"] == "2026-06-01T00:00:00Z"
    assert await bench.rows(**series) == [("2026-06-03", 1)]


async def test_every_statistics_call_names_zone_and_days(bench: Bench) -> None:
    bench.twin.seed(THREE)
    await bench.ask(metrics=["visitors", "events", "visit_duration"], timezone="Asia/Tokyo")
    assert all({"id", "from", "to", "tz"} <= dict(pairs).keys() for _, pairs in bench.twin.queries)
    assert {dict(pairs)["tz"] for _, pairs in bench.twin.queries} == {"Asia/Tokyo"}


async def test_three_platforms_are_asked_for_by_one_value(bench: Bench) -> None:
    events = [
        view("01 10:00", "a", device="Desktop"),
        view("01 11:00", "b", device="Mobile"),
        view("01 12:00", "c", device=""),
    ]
    assert twin(events, "total", ("platform", "~desk"))["visitors"] == 1  # the unknown one
    bench.twin.seed(events)
    for operator, values, expected in (
        ("is", ["Desktop"], 1), ("is", ["Desktop", "Mobile"], 2), ("is_not", ["Mobile"], 2), ("is", ["(not set)"], 1),
    ):  # fmt: skip
        assert await bench.rows(metrics=["visitors"], filters=[[operator, "device", values]]) == [(expected,)]
    assert [values.get("platform") for _, values in bench.asked()] == [
        ["desktop"],
        ["!unknown"],
        ["!mobile"],
        ["unknown"],
    ]
    assert bench.foresee(metrics=["visitors"], filters=[["is", "device", ["Tablet"]]]).refusals


def test_growth_is_never_asked(bench: Bench) -> None:
    """Its base of one day is a week earlier, and 1 stands for "from nothing": comparisons are two questions here."""
    week_before = [view("01 10:00", "a"), view("02 10:00", "b"), view("02 11:00", "c")]
    asked = read([("id", "x"), ("from", "2026-06-02"), ("to", "2026-06-02")], zone="Etc/UTC", now=NOW)
    assert ENDPOINTS["growth"](seeded(week_before), asked)["visitors_growth"] == 1.0  # nothing a week before
    assert bench.foresee(metrics=["visitors"]).calls == 1


def test_sessions_split_at_a_new_referrer_and_events_open_them_with_a_view() -> None:
    """Differences of collection: they are the vendor's, and told in docs/pirsch.md."""
    events = [view("01 10:00", "a", referrer="x.example"), view("01 10:05", "a", "/b", referrer="y.example")]
    assert twin(events, "total")["sessions"] == 2
    opened = twin([event("Buy", "01 10:00", "a")], "total")
    assert (opened["sessions"], opened["views"]) == (1, 1)
    reloaded = twin([view("01 10:00", "a"), view("01 10:01", "a")], "total")
    assert (reloaded["views"], reloaded["bounces"]) == (2, 1)


def test_page_goals_are_read_by_our_own_pattern(bench: Bench) -> None:
    """The vendor's generated pattern ignores case, and `*` of its documentation stops at a slash."""
    planned = bench.foresee(metrics=["visitors"], filters=[["is", "goal", ["Docs"]]])
    assert (planned.refusals, planned.calls) == ((), 2)


async def test_the_case_of_a_page_goal_matters(bench: Bench) -> None:
    paths = {"a": "/docs/a/b", "b": "/DOCS/a", "c": "/doc"}
    bench.twin.seed([view("01 10:00", visitor, path) for visitor, path in paths.items()])
    bench.twin.account.new("goal", goal(bench, path_pattern="/docs/**", pattern="(?i)^/docs/.*$", name="Docs"))
    assert await bench.rows(metrics=["visitors", "conversions"], filters=[["is", "goal", ["Docs"]]]) == [(1, 1)]
    assert bench.asked()[-1] == ("total", {"pattern": [r"^(?:\/docs\/.*)$"]})


async def test_swapped_pattern_fields_are_told_by_content(bench: Bench) -> None:
    swapped = goal(bench, path_pattern="(?i)^/checkout/.*$", pattern="/checkout/**", name="Checkout")
    bench.twin.account.new("goal", swapped)
    assert [g.page_path for g in await bench.adapter.list_goals(bench.site)] == ["/checkout/*"]


async def test_too_many_values_are_refused_after_one_call(bench: Bench) -> None:
    bench.twin.seed([view("01 10:00", f"v{n}", browser=f"Browser {n:03d}") for n in range(101)])
    with pytest.raises(UnsupportedQuery, match="101 values"):
        await bench.ask(metrics=["visitors", "visits"], dimensions=["browser"], order_by=[["visits", "desc"]])
    assert [path for path, _ in bench.asked()] == ["browser", "browser"]


async def test_a_value_that_cannot_be_asked_for_has_no_number_rather_than_zero(bench: Bench) -> None:
    bench.twin.seed([view("01 10:00", "a", country="DE"), view("01 11:00", "b", country="")])
    answer = await bench.ask(metrics=["visitors", "visits"], dimensions=["country"])
    assert answer.rows == (("", 1, None), ("DE", 1, 1)) or answer.rows == (("DE", 1, 1), ("", 1, None))
    assert [r.code for r in answer.reasons] == ["unaskable_value"]


SHOP = [
    view("01 10:00", "a", "/", utm_medium="social", utm_term="x"),
    view("01 10:01", "a", "/pricing", utm_medium="social", utm_term="x"),
    event("Purchase", "01 10:02", "a", "/pricing", utm_medium="social", utm_term="x"),
    view("01 11:00", "b", "/"),
    event("Signup", "01 11:01", "b", "/signup"),
]


@pytest.fixture
def shop(bench: Bench) -> Bench:
    """Two visits: a saw /pricing and bought; b signed up on a page that was not viewed."""
    bench.twin.seed(SHOP)
    bench.twin.account.new("goal", goal(bench, path_pattern="/pricing", pattern="(?i)^/pricing$", name="Pricing"))
    bench.twin.account.new("goal", goal(bench, event_name="Purchase", name="Purchase"))
    return bench


PRICING = ["is", "goal", ["Pricing"]]


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        # a page view of the goal's pages, not of any page
        ({"metrics": ["conversions"], "dimensions": ["event"], "filters": [PRICING]}, [("pageview", 1)]),
        ({"metrics": ["visitors"], "dimensions": ["event"], "filters": [PRICING]}, [("pageview", 1)]),
        # page views are not in the vendor's list of events
        ({"metrics": ["pageviews"], "filters": [["wildcard", "event", ["page*"]]]}, [(3,)]),
    ],
    ids=str,
)
async def test_page_views_are_the_event_of_page_goals(shop: Bench, body: dict[str, Any], rows: list[Any]) -> None:
    assert await shop.rows(**body) == rows


@pytest.mark.parametrize(
    ("body", "words"),
    [
        # the list of sessions knows the views of whole visits, not those of the goal's pages
        (
            {"metrics": ["conversions"], "dimensions": ["utm_medium", "utm_term"], "filters": [PRICING]},
            "list of sessions",
        ),
        ({"metrics": ["conversions"], "filters": [["is", "event", ["Signup"]], PRICING]}, "two filters on events"),
        ({"metrics": ["visitors"], "filters": [["contains", "event", ["Sign"]], PRICING]}, "two filters on events"),
        (
            {"metrics": ["visitors"], "dimensions": ["event"], "filters": [["has_done", ["is", "event", ["Signup"]]]]},
            "only the event that was done",
        ),
    ],
    ids=str,
)
async def test_views_that_pirsch_cannot_tell_apart_are_refused(shop: Bench, body: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedQuery, match=words):
        await shop.ask(**body)


async def test_what_was_done_on_a_page_without_a_view_is_said_to_be_missing(shop: Bench) -> None:
    assert await shop.rows(metrics=["events"], filters=[["is", "page", ["/signup"]]]) == [(0,)]  # Signup is not there
    query = shop.query(metrics=["events"], filters=[["is", "page", ["/signup"]]])
    assert [r.code for r in approximations(query, PIRSCH)] == ["definition_differs"]
    answer = await shop.ask(metrics=["pageviews"], filters=[["has_not_done", ["is", "page", ["/signup"]]]])
    assert "definition_differs" in [r.code for r in answer.reasons]


def goal(bench: Bench, **fields: Any) -> dict[str, Any]:
    """A conversion goal as the vendor keeps it."""
    blank = dict.fromkeys(("path_pattern", "pattern", "event_name", "event_meta_key", "event_meta_value",
                           "custom_metric_key", "custom_metric_type"))  # fmt: skip
    return {"domain_id": bench.site.ref, "name": fields.get("event_name") or "Goal", **blank, **fields}
