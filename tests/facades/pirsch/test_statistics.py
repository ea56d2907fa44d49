"""Statistics over the demo week, counted by hand (fixtures/events/demo-site.md), in Pirsch's shapes."""

import csv
import io
import zipfile
from typing import Any

import pytest

from tests.facades.pirsch.served import WEEK, Client

TOTAL = ("visitors", "views", "sessions", "bounces")


def rows(found: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found]


def test_totals(demo: Client) -> None:
    assert demo.statistics("total") == {
        "visitors": 7, "views": 15, "sessions": 10, "bounces": 4, "bounce_rate": 0.4, "cr": 1.0,
        "custom_metric_avg": 0.0, "custom_metric_total": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "counted"),
    [
        # Visits 1, 4, 5 and 6 saw /pricing; none of them bounced.
        ({"path": "/pricing"}, (4, 4, 4, 0)),
        # Eight visits saw `/`; 2, 7 and 8 saw nothing else.
        ({"path": "/"}, (6, 8, 8, 3)),
        ({"path": "~PRI"}, (4, 4, 4, 0)),
        ({"pattern": "^/p"}, (4, 4, 4, 0)),
        ({"pattern": "^/p", "path": "/"}, (6, 8, 8, 3)),
        ({"entry_path": "/blog"}, (2, 4, 2, 1)),
        ({"exit_path": "/blog"}, (2, 3, 2, 1)),
        ({"country": "de"}, (3, 7, 5, 3)),
        ({"country": "!de"}, (4, 8, 5, 1)),
        ({"country": "~de,fr"}, (5, 11, 8, 4)),
        ({"platform": "desktop"}, (3, 7, 5, 2)),
        ({"platform": "!mobile"}, (3, 7, 5, 2)),
        ({"referrer_name": "Google"}, (3, 4, 3, 1)),
        ({"referrer_name": "null"}, (5, 6, 5, 3)),
        ({"utm_campaign": "launch"}, (1, 2, 1, 0)),
        ({"browser": "~chrome", "country": "fr"}, (2, 4, 3, 1)),
        # Anna's visit with two page views and gus's with one.
        ({"event": "Purchase"}, (2, 3, 2, 0)),
        ({"event": "Purchase", "meta_plan": "pro"}, (1, 2, 1, 0)),
        ({"event": "Purchase", "event_meta_key": "colour"}, (0, 0, 0, 0)),
        # Visits with another event than a purchase: dan's and finn's.
        ({"event": "!Purchase"}, (2, 2, 2, 1)),
    ],
)  # fmt: skip
def test_filters(demo: Client, filters: dict[str, str], counted: tuple[int, ...]) -> None:
    assert tuple(demo.statistics("total", **filters)[name] for name in TOTAL) == counted


def test_the_conversion_rate_is_of_everybody(demo: Client) -> None:
    assert demo.statistics("total", event="Purchase")["cr"] == pytest.approx(2 / 7)


def test_days(demo: Client) -> None:
    found = demo.statistics("visitor")
    assert rows(found, *TOTAL) == [
        (2, 4, 3, 2), (1, 1, 0, 0), (2, 3, 2, 0), (1, 3, 2, 1), (1, 1, 1, 1), (1, 2, 1, 0), (1, 1, 1, 0),
    ]  # fmt: skip
    assert found[6]["day"] == "2026-06-07T00:00:00Z"


@pytest.mark.parametrize(("scale", "stamp"), [("week", "2026-06-01"), ("month", "2026-06-01"), ("year", "2026-01-01")])
def test_wider_buckets_are_labelled_with_their_start(demo: Client, scale: str, stamp: str) -> None:
    (row,) = demo.statistics("visitor", **{"scale": scale, "from": "2026-06-03"})
    assert row[scale] == f"{stamp}T00:00:00Z"
    assert {row[name] for name in ("day", "week", "month", "year", "minute") if name != scale} == {None}
    # Visits 4 to 10 end in these days: cleo, dan, eva, finn, ben, gus.
    assert row["visitors"] == 6


def test_minutes_of_a_part_of_a_day(demo: Client) -> None:
    day = {"from": "2026-06-01", "to": "2026-06-01", "from_time": "10:00", "to_time": "10:02"}
    found = demo.statistics("visitor", **day)
    assert rows(found, "minute", "day", "visitors", "views") == [
        ("2026-06-01T10:00:00Z", None, 1, 1), ("2026-06-01T10:01:00Z", None, 1, 1),
        ("2026-06-01T10:02:00Z", None, 0, 0),
    ]  # fmt: skip
    assert demo.refused("visitor", scale="minute")["validation"].keys() == {"scale"}


def test_durations(demo: Client) -> None:
    found = demo.statistics("duration/session")
    # Zeros count: Monday (300 + 0 + 0) / 3, Thursday (1859 + 0) / 2.
    assert [row["average_time_spent_seconds"] for row in found] == [100, 0, 720, 930, 10, 600, 40]
    pages = demo.statistics("duration/page", path="/blog")
    assert [row["average_time_spent_seconds"] for row in pages] == [0, 0, 0, 0, 0, 120, 0]


def test_growth_from_nothing_is_one(demo: Client) -> None:
    found = demo.statistics("growth")
    assert (found["visitors_growth"], found["custom_metric_total_growth"]) == (1.0, 0.0)


def test_a_single_day_grows_against_its_weekday_a_week_ago(demo: Client) -> None:
    found = demo.statistics("growth", **{"from": "2026-06-08", "to": "2026-06-08"})
    assert found["views_growth"] == -1.0


def test_growth_of_two_days(demo: Client) -> None:
    found = demo.statistics("growth", **{"from": "2026-06-04", "to": "2026-06-05"})
    # Thursday and Friday against Tuesday and Wednesday: eva and finn, 4 views; cleo and dan, 4 views.
    assert (found["visitors_growth"], found["views_growth"]) == (0.0, 0.0)
    # Two bounces of three visits, after none.
    assert found["bounces_growth"] == 1.0


def test_overview_has_both_spellings(demo: Client) -> None:
    found = demo.statistics("overview")
    # The seven days that end on 2026-06-08: without Monday the first, so without three visits.
    assert (found["visitors"], found["views"], found["member"]) == (6, 11, 1)
    assert found["visitor_growth"] == found["visitors_growth"] == 5.0 - 3.0
    assert len(found["visitors_time_series"]) == 7


def test_pages(demo: Client) -> None:
    first = demo.statistics("page", include_avg_time_on_page="true")[0]
    assert first == {
        "path": "/", "title": "", "visitors": 6, "views": 8, "sessions": 8, "bounces": 3,
        "relative_visitors": 6 / 7, "relative_views": 8 / 15, "bounce_rate": 3 / 8, "average_time_spent_seconds": 37,
    }  # fmt: skip
    assert demo.statistics("page")[0]["average_time_spent_seconds"] == 0


def test_lists_are_paged_sorted_and_searched(demo: Client) -> None:
    assert rows(demo.statistics("page", limit="1", offset="1"), "path") == [("/pricing",)]
    assert rows(demo.statistics("page", sort="path", direction="desc"), "path")[0] == ("/signup",)
    assert rows(demo.statistics("page", sort="views", direction="asc"), "path")[0] == ("/signup",)
    assert rows(demo.statistics("page", search="PRIC"), "path") == [("/pricing",)]
    assert len(demo.statistics("page", limit="0")) == 4
    assert demo.refused("page", sort="price")["validation"].keys() == {"sort"}


def test_landings(demo: Client) -> None:
    # Visitors and sessions are of everybody who saw the page, entries of those who came in by it.
    assert rows(demo.statistics("page/entry"), "path", "visitors", "sessions", "entries", "entry_rate") == [
        ("/", 6, 8, 6, 0.6), ("/blog", 3, 3, 2, 0.2), ("/pricing", 4, 4, 2, 0.2),
    ]  # fmt: skip
    assert rows(demo.statistics("page/exit"), "path", "exits", "exit_rate") == [
        ("/", 5, 0.5), ("/pricing", 3, 0.3), ("/blog", 2, 0.2),
    ]  # fmt: skip


def test_sources(demo: Client) -> None:
    found = {(r["referrer"], r["referrer_name"]): r for r in demo.statistics("referrer")}
    assert {key: tuple(row[n] for n in ("visitors", "sessions", "bounces")) for key, row in found.items()} == {
        ("", ""): (5, 5, 3), ("google.com", "Google"): (3, 3, 1),
        ("", "Twitter"): (1, 1, 0), ("t.co", "Twitter"): (1, 1, 0),
    }  # fmt: skip
    assert "views" not in found[("", "")]
    assert rows(demo.statistics("channel"), "channel", *TOTAL)[0] == ("Direct", 5, 6, 5, 3)
    assert rows(demo.statistics("hostname"), "hostname", *TOTAL) == [("shop.example.com", 7, 15, 10, 4)]
    assert rows(demo.statistics("utm/campaign"), "utm_campaign", "visitors", "relative_visitors") == [
        ("launch", 1, 1 / 7)
    ]


def test_devices_and_places(demo: Client) -> None:
    assert rows(demo.statistics("country"), "country_code", "visitors") == [("de", 3), ("fr", 2), ("us", 2)]
    assert rows(demo.statistics("os/version", os="Windows"), "os", "os_version", "visitors") == [("Windows", "11", 2)]
    assert rows(demo.statistics("browser/version"), "browser", "browser_version", "visitors")[0] == (
        "Chrome", "138.0", 3,
    )  # fmt: skip
    assert demo.statistics("platform") == {
        "platform_desktop": 3, "platform_mobile": 4, "platform_unknown": 0,
        "relative_platform_desktop": 3 / 7, "relative_platform_mobile": 4 / 7, "relative_platform_unknown": 0.0,
    }  # fmt: skip


def test_clock(demo: Client) -> None:
    hours = demo.statistics("hours")
    assert rows(hours, "hour", *TOTAL)[11] == (11, 1, 3, 2, 1)
    assert len(demo.statistics("minutes")) == 60
    weekdays = demo.statistics("weekdays")
    assert rows(weekdays, "weekday", "hour", *TOTAL)[0] == (0, 10, 1, 2, 1, 0)
    assert (6, 20, 1, 1, 1, 0) in rows(weekdays, "weekday", "hour", *TOTAL)


def test_part_of_one_day(demo: Client) -> None:
    day = {"from": "2026-06-01", "to": "2026-06-01", "from_time": "11:00", "to_time": "15:00"}
    assert demo.statistics("total", **day)["views"] == 2
    assert demo.refused("total", **{**day, "to_time": "10:00"})["validation"].keys() == {"to_time"}


def test_event_pages(demo: Client) -> None:
    found = demo.statistics("event/page", event="Purchase")
    assert rows(found, "path", "visitors", "sessions", "views") == [("/", 1, 1, 2), ("/pricing", 1, 1, 1)]
    assert demo.refused("event/page")["validation"] == {"event": "is required"}


def test_sessions(demo: Client) -> None:
    found = demo.statistics("session/list", limit="2")
    assert rows(found, "start", "entry_path", "page_views", "country_code", "mobile") == [
        ("2026-06-07T20:00:00Z", "/", 1, "fr", True), ("2026-06-06T11:00:00Z", "/", 2, "de", True),
    ]  # fmt: skip
    assert isinstance(found[0]["visitor_id"], str)
    details = demo.statistics("session/details", visitor_id=found[0]["visitor_id"], session_id=found[0]["session_id"])
    assert [step["event"] is None for step in details] == [True, False]
    assert details[0]["page_view"]["path"] == "/"
    assert (details[1]["event"]["meta_keys"], details[1]["event"]["meta_values"]) == (["plan"], ["basic"])
    assert demo.refused("session/details", visitor_id="x", session_id="1")["validation"].keys() == {"visitor_id"}


@pytest.mark.parametrize(
    ("name", "query", "values"),
    [
        ("page", {}, ["/", "/blog", "/pricing", "/signup"]),
        ("event", {}, ["Purchase", "Signup", "Video played"]),
        ("country", {}, ["de", "fr", "us"]),
        ("referrer/name", {"search": "goo"}, ["Google"]),
        ("tag", {}, ["plan"]),
        ("tag/value", {"tag": "plan"}, ["basic", "free", "pro"]),
        ("metadata", {"event": "Purchase", "event_meta_key": "plan"}, ["basic", "pro"]),
        ("metadata/keys", {"event": "Purchase"}, ["plan"]),
        ("utm/source", {}, ["twitter"]),
    ],
)
def test_options(demo: Client, name: str, query: dict[str, str], values: list[str]) -> None:
    assert demo.statistics(f"options/{name}", **query) == values


def test_values_of_no_tag_are_refused(demo: Client) -> None:
    assert demo.refused("options/tag/value")["validation"].keys() == {"tag"}


def test_the_archive_holds_what_was_asked(demo: Client) -> None:
    query = {"id": demo.site, **WEEK, "visitors": "1", "utm": "true", "conversion_goals": "1"}
    answered = demo.pirsch("GET", "/statistics", query=query)
    assert answered.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answered.body)) as archive:
        assert set(archive.namelist()) == {
            "visitors.csv", "conversion_goals.csv", "utm_source.csv", "utm_medium.csv", "utm_campaign.csv",
            "utm_content.csv", "utm_term.csv",
        }  # fmt: skip
        days = list(csv.DictReader(io.StringIO(archive.read("visitors.csv").decode())))
        goals = list(csv.DictReader(io.StringIO(archive.read("conversion_goals.csv").decode())))
    assert [day["views"] for day in days] == ["4", "1", "3", "3", "1", "2", "1"]
    assert {goal["page_goal.name"]: goal["stats.visitors"] for goal in goals} == {
        "Purchase": "2", "Visit /pricing": "4",
    }  # fmt: skip
    assert demo.pirsch("GET", "/statistics", query={"id": demo.site, **WEEK}).status == 400


def test_active_visitors_by_page_and_country(empty: Client) -> None:
    hit = {"url": "https://shop.example.com/now", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0 Firefox/140.0"}
    assert empty.pirsch("POST", "/hit", hit).status == 200
    empty.day("total")
    found = empty.statistics("active", start="300")
    assert found["visitors"] == 1
    assert rows(found["stats"], "path", "title", "visitors") == [("/now", "", 1)]
    assert [row["relative_visitors"] for row in found["countries"]] == [1.0]


def test_keywords_are_none_and_the_header_says_why(demo: Client) -> None:
    answered = demo.pirsch("GET", "/statistics/keywords", query={"id": demo.site, **WEEK})
    assert (answered.json, answered.headers["x-tallyway-approximate"]) == ([], "no_search_console")


def test_exact_answers_carry_no_mark(demo: Client) -> None:
    answered = demo.pirsch("GET", "/statistics/total", query={"id": demo.site, **WEEK})
    assert "x-tallyway-approximate" not in answered.headers
