"""Taking hits: what is wrong is named, what is not counted is said, batches keep their order and times."""

from typing import Any

import pytest

from tests.facades.pirsch.served import CHROME, Client

HIT: dict[str, Any] = {"url": "https://demo.example.com/", "ip": "203.0.113.7", "user_agent": CHROME}


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/hit", {}, {"url", "ip", "user_agent"}),
        ("/hit", {**HIT, "ip": ""}, {"ip"}),
        ("/hit", {**HIT, "tags": ["a"]}, {"tags"}),
        ("/hit", {**HIT, "tags": {f"k{n}": "v" for n in range(31)}}, {"props"}),
        ("/event", HIT, {"event_name"}),
        ("/event", {**HIT, "event_name": "x" * 121}, {"name"}),
        ("/event", {**HIT, "event_name": "pageview"}, {"event_name"}),
        ("/event", {**HIT, "event_name": "a", "event_duration": -1}, {"event_duration"}),
        ("/session", {"ip": "203.0.113.7"}, {"user_agent"}),
    ],
)
def test_wrong_fields_are_named(demo: Client, path: str, body: dict[str, Any], fields: set[str]) -> None:
    answered = demo.pirsch("POST", path, body)
    assert (answered.status, answered.json["validation"].keys()) == (400, fields)


@pytest.mark.parametrize("body", [b"{", b"[]", b"1"])
def test_a_body_that_is_no_object_is_refused(demo: Client, body: bytes) -> None:
    assert demo.pirsch("POST", "/hit", body).status == 400


def test_a_batch_with_one_wrong_item_is_refused_as_a_whole(empty: Client) -> None:
    assert empty.pirsch("POST", "/hit/batch", [HIT, {**HIT, "url": ""}]).status == 400
    assert empty.pirsch("POST", "/hit/batch", HIT).status == 400
    assert empty.pirsch("POST", "/hit/batch", [HIT] * 1001).status == 400
    assert empty.pirsch("POST", "/hit/batch", []).status == 200
    assert empty.day("total")["views"] == 0


def test_bots_are_answered_and_not_counted(empty: Client) -> None:
    answered = empty.pirsch("POST", "/hit", {**HIT, "user_agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"})
    assert (answered.status, answered.headers["x-tallyway-dropped"]) == (200, "bot")
    assert empty.day("total")["visitors"] == 0


def test_a_batch_has_its_own_times_and_its_order(empty: Client) -> None:
    pages = ["/a", "/b", "/c"]
    batch = [
        {**HIT, "url": f"https://demo.example.com{page}", "time": f"2026-06-05T10:0{n}:00Z"}
        for n, page in enumerate(pages)
    ]
    assert empty.pirsch("POST", "/hit/batch", batch).status == 200
    empty.day("total")
    (visit,) = empty.statistics("session/list")
    assert (visit["start"], visit["duration_seconds"]) == ("2026-06-05T10:00:00Z", 120)
    assert (visit["entry_path"], visit["exit_path"], visit["page_views"]) == ("/a", "/c", 3)


def test_a_keep_alive_prolongs_a_visit_and_is_no_event(empty: Client) -> None:
    """Half an hour after the first page the visit would be over; a keep-alive in between carries it on."""
    batch = [{**HIT, "time": "2026-06-05T10:00:00Z"}]
    alive = [{"ip": HIT["ip"], "user_agent": CHROME, "time": "2026-06-05T10:25:00Z"}]
    later = [{**HIT, "time": "2026-06-05T10:50:00Z"}]
    for path, body in (("/hit/batch", batch), ("/session/batch", alive), ("/hit/batch", later)):
        assert empty.pirsch("POST", path, body).status == 200
    empty.day("total")
    total = empty.statistics("total")
    assert (total["sessions"], total["views"]) == (1, 2)


def test_an_event_may_leave_the_bounce(empty: Client) -> None:
    for name, quiet in (("Seen", True), ("Clicked", False)):
        other = {**HIT, "ip": "203.0.113.8"} if quiet else HIT
        empty.pirsch("POST", "/hit", other)
        empty.pirsch("POST", "/event", {**other, "event_name": name, "non_interactive": quiet})
    assert empty.day("total")["bounces"] == 1


def test_titles_languages_and_screens_are_kept(empty: Client) -> None:
    full = {**HIT, "title": "Home", "accept_language": "de-DE,en;q=0.8", "screen_width": 1440}
    empty.pirsch("POST", "/hit", full)
    (page,) = empty.day("page", include_title="true")
    assert (page["path"], page["title"]) == ("/", "Home")
    assert [row["language"] for row in empty.day("language")] == ["de"]
    assert [row["screen_class"] for row in empty.day("screen")] == ["HD"]
    assert empty.day("total", screen_class="HD")["visitors"] == 1


def test_metadata_wins_over_tags_of_its_name(empty: Client) -> None:
    body = {**HIT, "event_name": "Sale", "tags": {"a": "1", "b": "1"}, "event_meta": {"b": 2.5, "ok": True}}
    empty.pirsch("POST", "/event", body)
    (row,) = empty.day("event/list")
    assert row["meta"] == {"a": "1", "b": "2.5", "ok": "true"}


def test_custom_metrics_by_day(empty: Client) -> None:
    sales = [("2026-06-01", "3"), ("2026-06-02", "4.5"), ("2026-06-02", "x")]
    batch = [
        {**HIT, "event_name": "Sale", "event_meta": {"amount": amount}, "time": f"{day}T10:00:00Z"}
        for day, amount in sales
    ]
    empty.pirsch("POST", "/event/batch", batch)
    empty.day("total")
    asked = {"event": "Sale", "custom_metric_key": "amount", "custom_metric_type": "float"}
    days = empty.statistics("visitor", **asked)
    assert [row["custom_metric_total"] for row in days] == [3.0, 4.5, 0, 0, 0, 0, 0]
    total = empty.statistics("total", **asked)
    assert (total["custom_metric_total"], total["custom_metric_avg"]) == (7.5, 3.75)
    whole = empty.statistics("total", **{**asked, "custom_metric_type": "integer"})
    assert whole["custom_metric_total"] == 3
