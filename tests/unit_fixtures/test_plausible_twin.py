"""The Plausible twin is as strict as its contract: keys, limits, sites, pages, errors, events."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fixtures.twins.plausible import TwinStore, demo_store, load_demo, plausible_twin
from fixtures.twins.serve import serve_in_thread

KEY = "twin-key"
DEMO = "demo.example.com"
NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
QUERY = {"site_id": DEMO, "metrics": ["visitors"], "date_range": ["2026-06-01", "2026-06-07"]}
Answer = tuple[int, Any, dict[str, str]]


class Client:
    def __init__(self, base: str) -> None:
        self.base = base

    def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = KEY, kind: str = "application/json"
    ) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"content-type": kind} | ({"authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text, given = answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            status, text, given = error.code, error.read(), dict(error.headers)
        given = {name.lower(): value for name, value in given.items()}
        return status, json.loads(text) if given["content-type"] == "application/json" else text.decode(), given


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[TwinStore, Client]]:
    store = TwinStore(now=NOW)
    with serve_in_thread(plausible_twin(store)) as base:
        yield store, Client(base)


@pytest.fixture
def store(served: tuple[TwinStore, Client]) -> TwinStore:
    served[0].clear()
    load_demo(served[0], key=KEY)
    return served[0]


@pytest.fixture
def twin(served: tuple[TwinStore, Client], store: TwinStore) -> Client:
    return served[1]


def test_a_query_is_answered_in_the_order_of_the_contract_and_written_down(store: TwinStore, twin: Client) -> None:
    status, body, _ = twin.send("POST", "/api/v2/query", QUERY)
    assert status == 200
    assert list(body) == ["results", "meta", "query"]
    assert body["results"] == [{"dimensions": [], "metrics": [7]}]
    assert body["query"]["date_range"] == ["2026-06-01T00:00:00+00:00", "2026-06-07T23:59:59+00:00"]
    (seen,) = store.requests
    assert (seen.method, seen.path, seen.json) == ("POST", "/api/v2/query", QUERY)
    assert seen.headers["authorization"] == f"Bearer {KEY}"


def test_a_missing_and_a_wrong_key_are_told_apart(twin: Client) -> None:
    missing = "Missing API key. Please use a valid Plausible API key as a Bearer Token."
    stats = (
        "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've "
        "requested."
    )
    sites = (
        "Invalid API key. Please make sure you're using a valid API key with access to the resource you've requested."
    )
    assert twin.send("POST", "/api/v2/query", QUERY, key=None)[:2] == (401, {"error": missing})
    assert twin.send("POST", "/api/v2/query", QUERY, key="nope")[:2] == (401, {"error": stats})
    assert twin.send("GET", "/api/v1/sites", key="nope")[:2] == (401, {"error": sites})
    assert twin.send("POST", "/api/v2/query", {**QUERY, "site_id": "no.example.com"})[:2] == (401, {"error": stats})


def test_somebody_elses_site_is_401_and_an_unknown_one_404_for_the_sites_api(store: TwinStore, twin: Client) -> None:
    store.add_site("other.example.com", team="33333333-3333-4333-8333-333333333333")
    assert twin.send("GET", "/api/v1/sites/other.example.com")[0] == 401
    assert twin.send("GET", "/api/v1/sites/no.example.com")[:2] == (404, {"error": "Site could not be found"})
    assert [s["domain"] for s in twin.send("GET", "/api/v1/sites")[1]["sites"]] == [DEMO]


def test_a_reading_key_may_not_write(store: TwinStore, twin: Client) -> None:
    store.add_key("reader", scopes=["stats:read:*"])
    assert twin.send("GET", f"/api/v1/sites/{DEMO}", key="reader")[0] == 200
    assert twin.send("PUT", "/api/v1/sites/custom-props", {"site_id": DEMO, "property": "x"}, key="reader")[0] == 401


def test_the_hourly_limit_answers_429_without_retry_after_until_the_hour_is_over() -> None:
    instants = [0.0]
    store = demo_store(key=KEY, now=NOW)
    store.hourly_limit, store.clock = 2, lambda: instants[0]
    with serve_in_thread(plausible_twin(store)) as base:
        twin = Client(base)
        assert [twin.send("POST", "/api/v2/query", QUERY)[0] for _ in range(2)] == [200, 200]
        status, body, headers = twin.send("POST", "/api/v2/query", QUERY)
        assert (status, "retry-after" in headers) == (429, False)
        assert body["error"].startswith("Too many API requests. The limit is 2 per hour.")
        instants[0] = 3600.0
        assert twin.send("POST", "/api/v2/query", QUERY)[0] == 200


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"metrics": ["visitors", "baa"]}, '#/metrics/1: Invalid metric "baa"'),
        ({"dimensions": ["badproperty"]}, '#/dimensions/0: Invalid dimension "badproperty"'),
        ({"date_range": "bad_period"}, '#/date_range: Invalid date range "bad_period"'),
        ({"filters": [["matches_wildcard", "event:page", ["/x*"]]]},
         '#/filters/0: Invalid filter ["matches_wildcard", "event:page", ["/x*"]]'),
        ({"metrics": ["visitors", "visitors"]}, "#/metrics: Expected items to be unique but they were not."),
        ({"order_by": [["visits", "desc"]]},
         "Invalid order_by entry '{:visits, :desc}'. Entry is not a queried metric or dimension."),
        ({"filters": [["or", [["is", "event:goal", ["Purchase"]], ["is", "visit:os", ["Mac"]]]]]},
         "Invalid filters. Dimension `event:goal` can only be filtered at the top level."),
        ({"metrics": ["conversion_rate"]},
         "Metric `conversion_rate` can only be queried with event:goal filters or dimensions."),
        ({"metrics": ["pageviews"], "dimensions": ["visit:entry_page"]},
         "Event metric(s) `pageviews` cannot be queried along with session dimension(s) `visit:entry_page`"),
        ({"include": {"time_labels": True}}, "Invalid include.time_labels: requires a time dimension."),
        ({"filters": [["has_done", ["has_not_done", ["is", "event:page", ["/"]]]]]},
         "Invalid filters. Behavioral filters (has_done, has_not_done) cannot be nested."),
        ({"filters": [["is", "visit:os", [3]]]}, "Invalid filter '[\"is\", \"visit:os\", [3]]'."),
    ],
)  # fmt: skip
def test_a_query_that_breaks_a_rule_gets_its_text(twin: Client, change: dict[str, Any], text: str) -> None:
    assert twin.send("POST", "/api/v2/query", {**QUERY, **change})[:2] == (400, {"error": text})


def test_unknown_keys_are_refused(twin: Client) -> None:
    status, body, _ = twin.send("POST", "/api/v2/query", {**QUERY, "timezone": "Europe/Berlin"})
    assert (status, body["error"].startswith("#/timezone:")) == (400, True)


def test_sites_come_newest_first_in_pages_with_cursors(store: TwinStore, twin: Client) -> None:
    for number in range(5):
        store.add_site(f"s{number}.example.com")
    seen: list[list[str]] = []
    after: str | None = ""
    for _ in range(3):
        body = twin.send("GET", "/api/v1/sites?" + urllib.parse.urlencode({"limit": 2, "after": after}))[1]
        seen.append([site["domain"].split(".")[0] for site in body["sites"]])
        after = body["meta"]["after"]
    assert seen == [["s4", "s3"], ["s2", "s1"], ["s0", "demo"]]
    assert after is None
    back = twin.send("GET", "/api/v1/sites?" + urllib.parse.urlencode({"limit": 2, "before": body["meta"]["before"]}))[
        1
    ]
    assert [site["domain"].split(".")[0] for site in back["sites"]] == ["s2", "s1"]


def test_a_limit_beyond_100_is_ignored_and_one_that_is_no_number_breaks(twin: Client) -> None:
    assert twin.send("GET", "/api/v1/sites?limit=1000")[1]["meta"]["limit"] == 100
    assert twin.send("GET", "/api/v1/sites?limit=x")[:2] == (500, {"error": "internal server error"})


def test_a_site_is_made_from_a_form_renamed_and_deleted(twin: Client) -> None:
    form = urllib.parse.urlencode({"domain": "https://www.New.example.com/", "timezone": "Europe/London"}).encode()
    status, made, _ = twin.send("POST", "/api/v1/sites", form, kind="application/x-www-form-urlencoded")
    assert (status, made["domain"], made["timezone"]) == (200, "new.example.com", "Europe/London")
    assert twin.send("POST", "/api/v1/sites", {"domain": "new.example.com"})[0] == 400
    assert twin.send("PUT", "/api/v1/sites/new.example.com", {})[0] == 400
    assert twin.send("PUT", "/api/v1/sites/new.example.com", {"domain": "newer.example.com"})[0] == 200
    assert twin.send("GET", "/api/v1/sites/new.example.com")[1]["domain"] == "newer.example.com"
    assert twin.send("DELETE", "/api/v1/sites/newer.example.com")[:2] == (200, {"deleted": True})
    assert twin.send("GET", "/api/v1/sites/newer.example.com")[0] == 404


def test_a_goal_is_found_or_made_and_counted_and_deleted(twin: Client) -> None:
    goal = {"site_id": DEMO, "goal_type": "event", "event_name": "Signup"}
    status, made, _ = twin.send("PUT", "/api/v1/sites/goals", goal)
    assert (status, made["display_name"], made["custom_props"]) == (200, "Signup", {})
    again = twin.send("PUT", "/api/v1/sites/goals", {**goal, "display_name": "Other"})[1]
    assert (again["id"], again["display_name"]) == (made["id"], "Signup")
    query = {**QUERY, "filters": [["is", "event:goal", ["Signup"]]]}
    assert twin.send("POST", "/api/v2/query", query)[1]["results"] == [{"dimensions": [], "metrics": [1]}]
    assert twin.send("DELETE", f"/api/v1/sites/goals/{made['id']}", {"site_id": DEMO})[1] == {"deleted": True}
    assert twin.send("POST", "/api/v2/query", query)[0] == 400


def test_guests_links_and_properties_are_idempotent(twin: Client) -> None:
    guest = {"site_id": DEMO, "email": "guest@example.com", "role": "viewer"}
    for _ in range(2):
        assert twin.send("PUT", "/api/v1/sites/guests", guest)[1]["status"] == "invited"
    assert len(twin.send("GET", f"/api/v1/sites/guests?site_id={DEMO}")[1]["guests"]) == 1
    assert twin.send("DELETE", "/api/v1/sites/guests/nobody@example.com", {"site_id": DEMO})[1] == {"deleted": True}
    link = {"site_id": DEMO, "name": "Board"}
    first, second = (twin.send("PUT", "/api/v1/sites/shared-links", link)[1] for _ in range(2))
    assert first == second
    assert f"/share/{DEMO}?auth=" in first["url"]
    assert twin.send("PUT", "/api/v1/sites/custom-props", {"site_id": DEMO, "property": "a/b"})[1] == {"created": True}
    assert twin.send("DELETE", "/api/v1/sites/custom-props/a/b", {"site_id": DEMO})[1] == {"deleted": True}
    names = twin.send("GET", f"/api/v1/sites/custom-props?site_id={DEMO}")[1]
    assert names == {"custom_properties": [{"property": "plan"}]}


def test_the_community_edition_has_stats_but_no_sites_api_and_no_revenue() -> None:
    with serve_in_thread(plausible_twin(demo_store(edition="ce", key=KEY, now=NOW))) as base:
        twin = Client(base)
        assert twin.send("GET", "/api/v1/sites")[0] == 404
        assert twin.send("POST", "/api/v2/query", QUERY)[0] == 200
        refused = twin.send("POST", "/api/v2/query", {**QUERY, "metrics": ["total_revenue"]})
        assert refused[:2] == (400, {"error": '#/metrics/0: Invalid metric "total_revenue"'})


def test_v1_answers_realtime_as_a_bare_number(store: TwinStore, twin: Client) -> None:
    store.load(DEMO, [{"name": "pageview", "time": "2026-06-17T11:57:00Z", "visitor": "now", "path": "/"}])
    status, body, headers = twin.send("GET", f"/api/v1/stats/realtime/visitors?site_id={DEMO}")
    assert (status, body, headers["content-type"]) == (200, 1, "application/json")


def test_v1_compares_with_the_period_before(twin: Client) -> None:
    path = f"/api/v1/stats/aggregate?site_id={DEMO}&period=day&date=2026-06-04&compare=previous_period"
    body = twin.send("GET", path + "&metrics=visitors,pageviews")[1]
    assert body["results"]["visitors"] == {"value": 1, "comparison_value": 2, "change": -50}
    assert body["results"]["pageviews"] == {"value": 3, "comparison_value": 3, "change": 0}


def test_events_are_taken_whatever_the_content_type_and_written_down(store: TwinStore, twin: Client) -> None:
    event = {"n": "Signup", "u": f"https://{DEMO}/x", "d": DEMO, "p": '{"plan": true}', "$": {"amount": "3"}}
    status, text, headers = twin.send("POST", "/api/event", event, key=None, kind="text/plain")
    assert (status, text, headers["access-control-allow-origin"]) == (202, "ok", "*")
    (got,) = store.received
    assert (got["name"], got["domain"], got["props"]) == ("Signup", DEMO, {"plan": "true"})
    assert got["headers"]["content-type"] == "text/plain"


def test_events_of_unknown_sites_are_dropped_politely(store: TwinStore, twin: Client) -> None:
    event = {"n": "pageview", "u": "https://no.example.com/"}
    status, text, headers = twin.send("POST", "/api/event", event, key=None)
    assert (status, text, headers["x-plausible-dropped"], store.received) == (202, "ok", "1", [])


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b"{", {"request": ["Unable to parse request body as json"]}),
        ({"n": "pageview", "d": DEMO}, {"url": ["is required"]}),
        ({"n": "pageview", "d": DEMO, "u": "data:text/html,x"}, {"url": ["scheme is not allowed"]}),
        ({"d": DEMO, "u": f"https://{DEMO}/"}, {"event_name": ["can't be blank"]}),
        ({"n": "engagement", "d": DEMO, "u": f"https://{DEMO}/"},
         {"event_name": ["engagement event requires a valid integer value for at least one of 'sd' or 'e' fields"]}),
    ],
)  # fmt: skip
def test_a_broken_event_is_told_what_is_wrong(twin: Client, body: Any, errors: dict[str, list[str]]) -> None:
    assert twin.send("POST", "/api/event", body, key=None)[:2] == (400, {"errors": errors})
