"""Pirsch's JavaScript SDK 2.9.1, unmodified, against the gateway over our own store; numbers counted by hand."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.facades.pirsch.served import CHROME, NOW, Client, gateway

HERE = Path(__file__).parent
ANNA = {"ip": "203.0.113.7", "user_agent": CHROME, "accept_language": "de-DE,en;q=0.8"}


def run(client: Client, *script: list[Any]) -> dict[str, Any]:
    """What each named call returned, or the error it threw."""
    given = {
        "baseUrl": f"{client.base}/pirsch",
        "webUrl": f"{client.base}/pirsch",
        "hostname": "demo.example.com",
        "clientId": client.credentials["client_id"],
        "clientSecret": client.credentials["client_secret"],
        "accessKey": client.client(kind="key")["access_key"],
        "code": client.credentials["identification_code"],
        "userAgent": CHROME,
        "script": script,
    }
    done = subprocess.run(
        ["node", HERE / "run.mjs", json.dumps(given)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with gateway(tmp_path_factory.mktemp("gateway")) as client:
        yield client


FILTERED = (
    "sessionDuration", "timeOnPage", "utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm", "totalVisitors",
    "visitors", "pages", "entryPages", "exitPages", "conversionGoals", "events", "listEvents", "growth",
    "activeVisitors", "timeOfDay", "languages", "referrer", "os", "osVersions", "browser", "browserVersions",
    "country", "region", "city", "platform", "screen", "tagKeys", "keywords", "listFunnel",
)  # fmt: skip
"""Every read that needs no more than a domain and dates; dates travel as Date objects, so as date-times."""


@pytest.fixture(scope="module")
def read(demo: Client) -> dict[str, Any]:
    """What each reading method returned; a method that threw fails here."""
    week = {"id": demo.site, "from": {"$date": "2026-06-01"}, "to": {"$date": "2026-06-07"}}
    calls = [[name, "node", name, week] for name in FILTERED]
    calls.append(["domain", "node", "domain"])
    calls.append(["tags", "node", "tags", {**week, "tag": "plan"}])
    calls.append(["eventMetadata", "node", "eventMetadata", {**week, "event": "Purchase", "event_meta_key": "plan"}])
    calls.append(["eventPages", "node", "eventPages", {**week, "event": "Purchase"}])
    calls.append(["several", "node", "totalVisitors", {**week, "path": ["/blog", "/signup"]}])
    found = run(demo, *calls)
    assert {name: f for name, f in found.items() if "error" in f} == {}
    return {name: f["returned"] for name, f in found.items()}


def test_every_reading_method_works(read: dict[str, Any]) -> None:
    assert set(FILTERED) < set(read)


def test_the_domain_of_a_client_is_its_site(demo: Client, read: dict[str, Any]) -> None:
    assert (read["domain"]["id"], read["domain"]["hostname"]) == (demo.site, "demo.example.com")
    assert len(read["domain"]["identification_code"]) == 32


def test_totals(read: dict[str, Any]) -> None:
    total = read["totalVisitors"]
    assert (total["visitors"], total["views"], total["sessions"], total["bounces"]) == (7, 15, 10, 4)
    assert total["bounce_rate"] == 0.4


def test_several_values_of_one_filter_are_alternatives(read: dict[str, Any]) -> None:
    # /blog: anna, cleo, ben; /signup: dan.
    assert read["several"]["visitors"] == 4


def test_days(read: dict[str, Any]) -> None:
    assert [row["views"] for row in read["visitors"]] == [4, 1, 3, 3, 1, 2, 1]
    assert read["visitors"][0]["day"] == "2026-06-01T00:00:00Z"
    assert {read["visitors"][0][name] for name in ("week", "month", "year")} == {None}


def test_pages(read: dict[str, Any]) -> None:
    assert {row["path"]: (row["visitors"], row["views"]) for row in read["pages"]} == {
        "/": (6, 8), "/pricing": (4, 4), "/blog": (3, 3), "/signup": (1, 0),
    }  # fmt: skip
    assert {row["path"]: row["entries"] for row in read["entryPages"]} == {"/": 6, "/blog": 2, "/pricing": 2}
    assert {row["path"]: row["exits"] for row in read["exitPages"]} == {"/": 5, "/pricing": 3, "/blog": 2}


def test_goals_are_nested(read: dict[str, Any]) -> None:
    stats = {row["page_goal"]["name"]: row["stats"] for row in read["conversionGoals"]}
    assert (stats["Purchase"]["visitors"], stats["Visit /pricing"]["visitors"]) == (2, 4)
    assert stats["Purchase"]["cr"] == pytest.approx(2 / 7)


def test_events_and_their_metadata(read: dict[str, Any]) -> None:
    # Anna's visit with the purchase has two page views, gus's has one.
    assert [(e["name"], e["count"], e["visitors"], e["views"]) for e in read["events"]] == [
        ("Purchase", 2, 2, 3), ("Signup", 1, 1, 1), ("Video played", 1, 1, 1),
    ]  # fmt: skip
    assert [(row["meta_value"], row["count"]) for row in read["eventMetadata"]] == [("basic", 1), ("pro", 1)]
    assert sorted(row["path"] for row in read["eventPages"]) == ["/", "/pricing"]
    assert len(read["listEvents"]) == 4


def test_properties_are_tags(read: dict[str, Any]) -> None:
    assert [(row["key"], row["visitors"]) for row in read["tagKeys"]] == [("plan", 3)]
    assert [row["value"] for row in read["tags"]] == ["basic", "free", "pro"]


def test_places_and_devices(read: dict[str, Any]) -> None:
    assert [(row["country_code"], row["visitors"]) for row in read["country"]] == [("de", 3), ("fr", 2), ("us", 2)]
    assert [(row["browser"], row["visitors"]) for row in read["browser"]] == [
        ("Chrome", 4), ("Safari", 2), ("Firefox", 1),
    ]  # fmt: skip
    platform = read["platform"]
    assert (platform["platform_desktop"], platform["platform_mobile"], platform["platform_unknown"]) == (3, 4, 0)


def test_hours_are_twenty_four(read: dict[str, Any]) -> None:
    assert [row["hour"] for row in read["timeOfDay"]] == list(range(24))
    assert read["timeOfDay"][11]["views"] == 3


def test_a_funnel_without_its_id_is_refused(demo: Client) -> None:
    week = {"id": demo.site, "from": "2026-06-01", "to": "2026-06-07"}
    found = run(demo, ["funnel", "node", "funnel", week])
    assert found["funnel"]["error"] == "funnel_id: is required"


def test_a_key_reads_nothing_and_a_wrong_secret_nobodys_numbers(demo: Client) -> None:
    week = {"id": demo.site, "from": "2026-06-01", "to": "2026-06-07"}
    found = run(demo, ["key", "key", "totalVisitors", week], ["wrong", "wrong", "totalVisitors", week])
    assert "error" in found["key"]
    assert found["wrong"]["code"] == 401


def test_hits_events_and_sessions_arrive(demo: Client) -> None:
    page = {"url": "https://demo.example.com/a?utm_source=news", "title": "A", "tags": {"author": "Jo"}, **ANNA}
    ben = {**ANNA, "ip": "203.0.113.8", "url": "https://demo.example.com/b"}
    client = demo.another_site("hits.example.com")
    found = run(
        client,
        ["hit", "node", "hit", {**page, "screen_width": 1920}],
        ["event", "node", "event", "Sale", page, 42, {"amount": 9.5, "ok": True}],
        ["session", "node", "session", ANNA],
        ["batchHits", "node", "batchHits", [{**ben, "time": "2026-06-08T11:00:00Z"}]],
        ["batchEvents", "node", "batchEvents", [
            {"name": "Sale", "hit": ben, "time": "2026-06-08T11:01:00Z", "meta": {"amount": 3}, "duration": 8},
        ]],
        ["batchSessions", "node", "batchSessions", [{**ANNA, "time": NOW}]],
        ["key", "key", "hit", {**page, "url": "https://demo.example.com/c"}],
        ["webApi", "webApi", "hit", {**page, "url": "https://demo.example.com/d"}],
        ["web", "web", "hit"],
        ["beacon", "web", "event", "Play", 3, {"film": "x"}],
    )  # fmt: skip
    assert {name: f for name, f in found.items() if "error" in f} == {}
    # Anna: /a, /c and /d; ben: /b; the web client's own page: /start, from 127.0.0.1.
    assert client.day("total")["visitors"] == 3
    assert client.day("total")["views"] == 5
    assert {row["path"] for row in client.day("page")} == {"/a", "/b", "/c", "/d", "/start"}
    sales = {row["name"]: row for row in client.day("events")}
    assert (sales["Sale"]["count"], sales["Sale"]["average_duration_seconds"]) == (2, 25)
    assert sales["Sale"]["meta_keys"] == ["amount", "author", "ok"]
    money = client.day("total", event="Sale", custom_metric_key="amount", custom_metric_type="float")
    assert (money["custom_metric_total"], money["custom_metric_avg"]) == (12.5, 6.25)
    assert next((row["language"], row["visitors"]) for row in client.day("language")) == ("de", 2)
    assert "Full HD" in {row["screen_class"] for row in client.day("screen")}
