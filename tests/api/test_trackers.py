"""The tracker endpoint in the wire format of Plausible's trackers, and the scripts."""

import json
from typing import Any

import httpx2
import pytest

from tests.api.conftest import Api, client

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


def track(api: Api, payload: Any, **headers: str) -> httpx2.Response:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    given = {"Content-Type": "text/plain", "User-Agent": BROWSER, "X-Forwarded-For": "198.51.100.7"} | headers
    return client().post(f"{api.base}/api/event", content=body, headers=given)


def test_an_event_is_accepted_from_any_origin(owner: Api, site: str) -> None:
    answer = track(owner, {"n": "pageview", "u": f"https://{site}/a", "d": site}, Origin="https://elsewhere.example")
    assert (answer.status_code, answer.text) == (202, "ok")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "x-tallyway-dropped" not in answer.headers


def test_an_accepted_event_is_counted(owner: Api, site: str) -> None:
    for address in ("198.51.100.7", "198.51.100.8"):
        headers = {"X-Forwarded-For": address}
        track(owner, {"n": "pageview", "u": f"https://{site}/a", "d": site}, **headers)
    owner.ok("POST", f"/v1/sites/{site}/events?wait=true", {"name": "Marker", "visitor": "m"})
    asked = {"site": site, "metrics": ["visitors", "pageviews"], "date_range": "day", "dimensions": ["page"]}
    filters = [["is", "event", ["pageview"]]]
    assert owner.ok("POST", "/v1/query", {**asked, "filters": filters})["results"] == [
        {"page": "/a", "visitors": 2, "pageviews": 2}
    ]


def test_pages_with_and_without_www_are_on_one_host(owner: Api, site: str) -> None:
    for host in (site, f"www.{site}", f"WWW.{site}."):
        track(owner, {"n": "pageview", "u": f"https://{host}/a", "d": site})
    owner.ok("POST", f"/v1/sites/{site}/events?wait=true", {"name": "Marker", "visitor": "m"})
    asked = {"site": site, "metrics": ["pageviews"], "date_range": "day", "dimensions": ["hostname"]}
    filters = [["is", "event", ["pageview"]]]
    assert owner.ok("POST", "/v1/query", {**asked, "filters": filters})["results"] == [
        {"hostname": site, "pageviews": 3}
    ]


@pytest.mark.parametrize(
    ("agent", "domain", "reason"),
    [("Googlebot/2.1 (+http://www.google.com/bot.html)", None, "bot"), (BROWSER, "no.example.com", "unknown_site")],
)
def test_what_is_not_counted_is_answered_alike_and_said_in_a_header(
    owner: Api, site: str, agent: str, domain: str | None, reason: str
) -> None:
    payload = {"n": "pageview", "u": f"https://{site}/", "d": domain or site}
    answer = track(owner, payload, **{"User-Agent": agent})
    assert (answer.status_code, answer.text) == (202, "ok")
    assert answer.headers["x-tallyway-dropped"] == reason


@pytest.mark.parametrize(
    ("payload", "errors"),
    [
        (b"{", {"request": ["Unable to parse request body as json"]}),
        (b"[]", {"request": ["Unable to parse request body as json"]}),
        ({"n": "pageview", "d": "a.example"}, {"url": ["is required"]}),
        ({"n": "", "u": "https://a.example/", "d": "a.example"}, {"event_name": ["can't be blank"]}),
        ({"n": "x", "u": "data:text/html,1", "d": "a.example"}, {"url": ["scheme is not allowed"]}),
        ({"n": "x", "u": f"https://{'a' * 501}/", "d": "a.example"}, {"url": ["must be a valid url"]}),
        ({"n": "x", "u": "no address", "d": "a.example"}, {"url": ["must be a valid url"]}),
        ({"n": "x", "u": "https://a.example/", "d": " "}, {"domain": ["can't be blank"]}),
    ],
)
def test_a_payload_that_cannot_be_read_gets_the_trackers_own_errors(
    owner: Api, payload: Any, errors: dict[str, list[str]]
) -> None:
    answer = track(owner, payload)
    assert (answer.status_code, answer.json()) == (400, {"errors": errors})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_preflight_is_allowed_for_trackers_only(owner: Api) -> None:
    answer = client().options(f"{owner.base}/api/event", headers={"Origin": "https://x.example"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert client().options(f"{owner.base}/v1/sites").status_code == 405


def test_a_sites_own_script_knows_its_domain(owner: Api, site: str) -> None:
    script = client().get(owner.ok("GET", f"/v1/sites/{site}")["script"])
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.text.startswith(f'document.currentScript.dataset.domain ||= "{site}";')
    plain = client().get(f"{owner.base}/js/tallyway.js")
    assert script.text.endswith(plain.text)
    assert client().get(f"{owner.base}/js/pa-nothing.js").status_code == 404


def test_what_was_not_counted_is_told_by_day_and_reason(owner: Api, site: str) -> None:
    """Two events of a crawler, seen on the day of the frozen clock."""
    payload = {"n": "pageview", "u": f"https://{site}/", "d": site}
    for _ in range(2):
        answer = owner.send("POST", "/api/event", json=payload, headers={"User-Agent": "Googlebot/2.1"})
        assert answer.headers["x-tallyway-dropped"] == "bot"

    found = owner.ok("GET", f"/v1/sites/{site}/drops")

    assert found == {"days": [{"date": "2026-06-17", "reasons": {"bot": 2}}]}


def test_too_many_days_of_drops_are_refused(owner: Api, site: str) -> None:
    problem = owner.problem(400, "GET", f"/v1/sites/{site}/drops?first=2020-01-01&last=2026-01-01")

    assert problem["problems"][0]["field"] == "first"
