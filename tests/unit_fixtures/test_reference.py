"""Rules of the reference that no conformance case decides, each counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fixtures.reference import Invalid, Site, ranges
from fixtures.reference.imported import Import
from fixtures.reference.metrics import money

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def hit(time: str, visitor: str = "v", name: str = "pageview", path: str = "/", **more: Any) -> dict[str, Any]:
    return {"name": name, "time": time, "visitor": visitor, "path": path, **more}


def site(*events: dict[str, Any], zone: str = "Etc/UTC", **more: Any) -> Site:
    return Site(zone, more.pop("goals", ()), events, now=NOW, **more)


def rows(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(*row["dimensions"], *row["metrics"]) for row in answer["results"]]


@pytest.mark.parametrize(("second", "visits"), [("12:30:59", 1), ("12:31:00", 2)])
def test_a_visit_ends_after_thirty_whole_minutes(second: str, visits: int) -> None:
    told = site(hit("2026-06-01T12:00:00Z"), hit(f"2026-06-01T{second}Z"))
    assert rows(told.query(["visits"])) == [(visits,)]


def test_engagement_keeps_a_visit_alive_but_adds_no_duration() -> None:
    told = site(
        hit("2026-06-01T12:00:00Z"),
        hit("2026-06-01T12:20:00Z", name="engagement"),
        hit("2026-06-01T12:45:00Z", path="/b"),
        hit("2026-06-01T12:59:00Z", name="engagement"),
    )
    assert rows(told.query(["visits", "visit_duration", "bounce_rate"])) == [(1, 45 * 60, 0)]


def test_a_visit_over_midnight_is_active_on_both_days_and_counted_on_the_last() -> None:
    told = site(hit("2026-06-01T23:50:00Z"), hit("2026-06-02T00:10:00Z"))
    assert rows(told.query(["visits"], date_range=["2026-06-01", "2026-06-01"])) == [(1,)]
    assert rows(told.query(["visits"], date_range=["2026-06-02", "2026-06-02"])) == [(1,)]
    assert rows(told.query(["visits"], ["time:day"], date_range=["2026-06-01", "2026-06-02"])) == [("2026-06-02", 1)]


def test_hours_are_smeared_but_only_for_visitors_and_visits() -> None:
    told = site(hit("2026-06-01T10:50:00Z"), hit("2026-06-01T11:10:00Z"), hit("2026-06-01T11:35:00Z"))
    answer = told.query(["visitors", "visit_duration"], ["time:hour"], date_range=["2026-06-01", "2026-06-01"])
    assert rows(answer) == [("2026-06-01 10:00:00", 1, 0), ("2026-06-01 11:00:00", 1, 45 * 60)]


def test_hours_with_views_are_joined_in_full() -> None:
    told = site(hit("2026-06-01T10:50:00Z"), hit("2026-06-01T11:10:00Z", name="Signup", interactive=False))
    answer = told.query(["pageviews", "bounce_rate"], ["time:hour"], date_range=["2026-06-01", "2026-06-01"])
    assert rows(answer) == [("2026-06-01 10:00:00", 1, 0), ("2026-06-01 11:00:00", 0, 100)]


def test_hours_are_those_of_a_zone_with_a_half_hour() -> None:
    told = site(hit("2026-06-01T10:40:00Z"), zone="Asia/Kolkata")
    answer = told.query(["visitors"], ["time:hour"], date_range=["2026-06-01", "2026-06-01"])
    assert rows(answer) == [("2026-06-01 16:00:00", 1)]


def test_the_first_week_is_labelled_with_the_range_start() -> None:
    told = site(hit("2026-06-03T10:00:00Z"), hit("2026-06-09T10:00:00Z"))
    answer = told.query(
        ["visitors"], ["time:week"], date_range=["2026-06-03", "2026-06-20"], include={"time_labels": True}
    )
    assert rows(answer) == [("2026-06-03", 1), ("2026-06-08", 1)]
    assert answer["meta"]["time_labels"] == ["2026-06-03", "2026-06-08", "2026-06-15"]


@pytest.mark.parametrize(
    ("spec", "first", "last"),
    [
        ("day", date(2026, 6, 17), date(2026, 6, 17)),
        ("7d", date(2026, 6, 10), date(2026, 6, 16)),
        ("28d", date(2026, 5, 20), date(2026, 6, 16)),
        ("month", date(2026, 6, 1), date(2026, 6, 30)),
        ("6mo", date(2025, 12, 1), date(2026, 5, 31)),
        ("12mo", date(2025, 6, 1), date(2026, 5, 31)),
        ("year", date(2026, 1, 1), date(2026, 12, 31)),
        ("all", date(2026, 2, 3), date(2026, 6, 17)),
        (["2026-06-09", "2026-06-02"], date(2026, 6, 2), date(2026, 6, 9)),
    ],
)
def test_a_named_range_means_these_days(spec: Any, first: date, last: date) -> None:
    assert ranges.resolve(spec, BERLIN, NOW, start=date(2026, 2, 3)).days == (first, last)


def test_today_ends_now_unless_a_day_is_named() -> None:
    assert ranges.resolve("day", BERLIN, NOW).last == NOW
    named = ranges.resolve("day", BERLIN, NOW, relative=date(2026, 6, 17))
    assert named.last == datetime(2026, 6, 17, 21, 59, 59, tzinfo=UTC)


def test_the_day_of_a_lost_hour_has_23() -> None:
    spring = ranges.days(date(2026, 3, 29), date(2026, 3, 29), BERLIN)
    assert len(ranges.labels("time:hour", spring)) == 23


def test_a_gap_at_midnight_starts_the_day_after_it() -> None:
    # Havana leaps from 00:00 to 01:00 on 2024-03-10, at 05:00 UTC.
    assert ranges.day_start(date(2024, 3, 10), ZoneInfo("America/Havana")) == datetime(2024, 3, 10, 5, tzinfo=UTC)


def test_trimming_cuts_what_lies_ahead() -> None:
    told = site(hit("2026-06-17T10:00:00Z"))
    include = {"time_labels": True, "trim_relative_date_range": True}
    labels = told.query(["visitors"], ["time:day"], date_range="month", include=include)["meta"]["time_labels"]
    assert (labels[0], labels[-1], len(labels)) == ("2026-06-01", "2026-06-17", 17)


def test_exit_pages_are_narrowed_by_the_exit_hostname() -> None:
    told = site(
        hit("2026-06-01T10:00:00Z", hostname="a.example.com", path="/in"),
        hit("2026-06-01T10:01:00Z", hostname="b.example.com", path="/out"),
    )
    for host, found in (("a.example.com", []), ("b.example.com", [("/out", 1)])):
        assert rows(told.query(["visits"], ["visit:exit_page"], [["is", "event:hostname", [host]]])) == found


def test_two_event_filters_must_hold_on_the_same_event() -> None:
    told = site(hit("2026-06-01T10:00:00Z", path="/a"), hit("2026-06-01T10:01:00Z", name="Buy", path="/b"))
    both = [["is", "event:page", ["/a"]], ["is", "event:name", ["Buy"]]]
    assert rows(told.query(["visits"], filters=both)) == [(0,)]
    assert rows(told.query(["visits"], filters=both[:1])) == [(1,)]


def test_a_property_filter_knows_none_and_missing() -> None:
    told = site(
        hit("2026-06-01T10:00:00Z", "a", props={"plan": "pro"}),
        hit("2026-06-01T10:00:00Z", "b", props={"plan": "free"}),
        hit("2026-06-01T10:00:00Z", "c"),
    )
    name = "event:props:plan"
    counts = {
        str(f): rows(told.query(["visitors"], filters=[f]))[0][0]
        for f in (
            ["is", name, ["(none)"]], ["is_not", name, ["pro"]], ["is_not", name, ["pro", "(none)"]],
            ["contains_not", name, ["pro"]], ["matches", name, ["^(pro|free)$"]],
        )
    }  # fmt: skip
    assert list(counts.values()) == [1, 2, 1, 1, 2]


def test_several_currencies_make_revenue_null_with_a_warning() -> None:
    goals = [{"event_name": "Buy", "currency": "EUR"}, {"event_name": "Pay", "currency": "USD"}]
    told = site(
        hit("2026-06-01T10:00:00Z", name="Buy", revenue={"amount": "10", "currency": "EUR"}),
        hit("2026-06-01T10:00:00Z", name="Pay", revenue={"amount": "7", "currency": "USD"}),
        goals=goals,
    )
    answer = told.query(["total_revenue"])
    assert rows(answer) == [(None,)]
    assert answer["meta"]["metric_warnings"]["total_revenue"]["code"] == "no_single_revenue_currency"
    by_goal = told.query(["total_revenue"], ["event:goal"])
    assert [(row["dimensions"], row["metrics"][0]["value"]) for row in by_goal["results"]] == [
        (["Buy"], 10),
        (["Pay"], 7),
    ]


@pytest.mark.parametrize(
    ("amount", "long", "short"),
    [
        (0, "$0.00", "$0.0"),
        (100.3, "$100.30", "$100.3"),
        (1234.5, "$1,234.50", "$1.2K"),
        (2e6, "$2,000,000.00", "$2.0M"),
    ],
)
def test_money_is_written_long_and_short(amount: float, long: str, short: str) -> None:
    assert money(amount, "USD") == {"currency": "USD", "long": long, "short": short, "value": amount}


@pytest.mark.parametrize(
    ("dimensions", "filters", "span", "reason"),
    [
        (["time:hour"], [], ["2026-06-01", "2026-06-01"], "unsupported_interval"),
        (["visit:source"], [["is", "visit:os", ["Mac"]]], ["2026-06-01", "2026-06-01"], "unsupported_query"),
        ([], [["has_done", ["is", "event:page", ["/"]]]], ["2026-06-01", "2026-06-01"], "unsupported_query"),
        ([], [], ["2026-05-01", "2026-05-02"], "out_of_range"),
        ([], [], ["2026-06-01", "2026-06-01"], None),
    ],
)
def test_imports_stay_out_for_a_reason(dimensions: Any, filters: Any, span: Any, reason: str | None) -> None:
    row = {"table": "imported_visitors", "date": "2026-06-01", "visitors": 5, "visits": 6, "pageviews": 7}
    told = site(hit("2026-06-01T10:00:00Z"), imports=[Import(date(2026, 6, 1), date(2026, 6, 2), (row,))])
    answer = told.query(["visitors"], dimensions, filters, span, include={"imports": True})
    assert answer["meta"].get("imports_skip_reason") == reason
    if reason is None:
        assert rows(answer) == [(6,)]


def test_an_event_without_a_visitor_is_no_event_for_the_reference() -> None:
    with pytest.raises(ValueError, match="without a visitor"):
        site({"name": "pageview", "time": "2026-06-01T10:00:00Z"})


def test_a_query_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(Invalid, match="cannot be queried along with event dimension"):
        site().query(["bounce_rate"], ["event:name"])
