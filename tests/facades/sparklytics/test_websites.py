"""Websites and collect as Sparklytics documents them (seed 002; contracts: Sparklytics 2 to 4)."""

import re
from itertools import count
from typing import Any

import pytest

from tests.api.conftest import Api, limited, new_owner

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_numbers = count(1)


def new_domain() -> str:
    return f"spark-{next(_numbers)}.example.com"


def created(api: Api, **fields: Any) -> dict[str, Any]:
    body = {"name": "My Blog", "domain": new_domain(), **fields}
    answer = api.send("POST", "/sparklytics/api/websites", json=body)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def refusal(api: Api, status: int, method: str, path: str, **more: Any) -> tuple[str, str | None]:
    """Code and field of an error answer."""
    answer = api.send(method, f"/sparklytics{path}", **more)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert list(error) == ["code", "message", "field"]
    return error["code"], error["field"]


def test_a_website_is_created_as_documented(owner: Api) -> None:
    domain = new_domain()

    data = created(owner, domain=domain, timezone="America/New_York")

    assert list(data) == ["id", "tenant_id", "name", "domain", "timezone", "tracking_snippet", "created_at"]
    assert re.fullmatch(r"site_[a-z0-9]{10}", data["id"])
    assert (data["tenant_id"], data["name"], data["domain"]) == (None, "My Blog", domain)
    assert data["timezone"] == "America/New_York"
    assert f'data-website-id="{data["id"]}"' in data["tracking_snippet"]
    assert re.fullmatch(r"2026-06-17T12:00:\d\dZ", data["created_at"])


def test_the_default_zone_is_utc_and_domains_are_lowered(owner: Api) -> None:
    domain = new_domain()

    data = created(owner, domain=domain.upper())

    assert (data["domain"], data["timezone"]) == (domain, "UTC")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"domain": "https://example.com"}, "domain"),
        ({"domain": "example.com:3000"}, "domain"),
        ({"domain": "com"}, "domain"),
        ({"domain": "co.uk"}, "domain"),
        ({"domain": None}, "domain"),
        ({"name": "  "}, "name"),
        ({"name": None}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ],
)
def test_invalid_fields_are_named(owner: Api, fields: dict[str, Any], field: str) -> None:
    body = {"name": "My Blog", "domain": "valid.example.com", **fields}

    assert refusal(owner, 400, "POST", "/api/websites", json=body) == ("validation_error", field)


def test_a_website_is_read_changed_and_deleted(owner: Api) -> None:
    path = f"/sparklytics/api/websites/{created(owner)['id']}"

    changed = owner.ok("PUT", path, {"name": "Renamed", "timezone": "Europe/London"})["data"]
    found = owner.ok("GET", path)["data"]
    gone = owner.send("DELETE", path)

    assert list(changed) == ["id", "name", "domain", "timezone", "updated_at"]
    assert (found["name"], found["timezone"], found["share_id"]) == ("Renamed", "Europe/London", None)
    assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(owner, 404, "GET", path.removeprefix("/sparklytics")) == ("not_found", None)


def test_lists_are_paged_by_id(owner: Api) -> None:
    ids = sorted(created(owner)["id"] for _ in range(3))

    first = owner.ok("GET", "/sparklytics/api/websites?limit=2")
    rest = owner.ok("GET", f"/sparklytics/api/websites?limit=2&cursor={first['pagination']['cursor']}")

    assert [site["id"] for site in first["data"] + rest["data"]] == ids
    assert first["pagination"] == {"total": 3, "limit": 2, "cursor": ids[1], "has_more": True}
    assert rest["pagination"] == {"total": 3, "limit": 2, "cursor": None, "has_more": False}


@pytest.mark.parametrize(("asked", "used"), [("", 20), ("0", 1), ("-5", 1), ("1000", 100), ("x", 20)])
def test_limits_are_clamped(owner: Api, asked: str, used: int) -> None:
    assert owner.ok("GET", f"/sparklytics/api/websites?limit={asked}")["pagination"]["limit"] == used


def test_sharing_is_idempotent_and_can_be_ended(owner: Api) -> None:
    path = f"/sparklytics/api/websites/{created(owner)['id']}/share"

    one, two = owner.send("POST", path), owner.send("POST", path)
    ended, again = owner.send("DELETE", path), owner.send("DELETE", path)

    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json() == two.json()
    assert set(one.json()["data"]) == {"share_id", "share_url"}
    assert (ended.status_code, again.status_code) == (204, 404)


def test_keys_are_needed_and_their_scopes_count(owner: Api) -> None:
    assert refusal(owner.with_key("spk_selfhosted_" + "0" * 32), 401, "GET", "/api/websites") == ("unauthorized", None)
    body = {"name": "x", "domain": new_domain()}
    assert refusal(limited(owner, "read"), 403, "POST", "/api/websites", json=body) == ("forbidden", None)


def test_other_peoples_websites_are_not_found(served: Any, owner: Api) -> None:
    stranger = new_owner(Api(served.base, served.key))
    path = f"/api/websites/{created(stranger)['id']}"

    assert refusal(owner, 404, "GET", path) == ("not_found", None)
    assert refusal(owner, 404, "DELETE", path) == ("not_found", None)


def collected(owner: Api, events: Any) -> Any:
    return owner.send(
        "POST", "/sparklytics/api/collect", json=events, headers={"User-Agent": CHROME, "Authorization": ""}
    )


def test_collected_events_are_counted(owner: Api) -> None:
    website = created(owner)
    url = f"https://{website['domain']}"
    events = [
        {"website_id": website["id"], "type": "pageview", "url": f"{url}/", "referrer": "https://www.google.com/"},
        {"website_id": website["id"], "type": "pageview", "url": f"{url}/pricing"},
        {"website_id": website["id"], "type": "event", "url": url, "event_name": "Signup", "event_data": {"n": 1}},
    ]

    answer = collected(owner, events)
    site = website["domain"]
    owner.ok("POST", f"/v1/sites/{site}/events?wait=true", {"name": "pageview", "path": "/last", "visitor": "other"})
    totals = owner.ok(
        "POST",
        "/v1/query",
        {"site": site, "metrics": ["visitors", "pageviews", "events"], "date_range": "day"},
    )["results"]

    assert (answer.status_code, answer.json()) == (202, {"ok": True})
    assert answer.headers["x-sparklytics-ingest-accepted"] == "3"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert totals == [{"visitors": 2, "pageviews": 3, "events": 4}]


def test_a_client_that_names_its_visitors_has_as_many(owner: Api) -> None:
    """As a server does that reports for its visitors: all of them come from one address."""
    website = created(owner)
    view = {"website_id": website["id"], "type": "pageview", "url": f"https://{website['domain']}/"}

    collected(owner, [view | {"visitor_id": name} for name in ("a", "b", "a")])
    site = website["domain"]
    owner.ok("POST", f"/v1/sites/{site}/events?wait=true", {"name": "Marker", "visitor": "m"})
    asked = {"site": site, "metrics": ["visitors", "pageviews"], "date_range": "day"}
    counted = owner.ok("POST", "/v1/query", {**asked, "filters": [["is", "event", ["pageview"]]]})["results"]

    assert counted == [{"visitors": 2, "pageviews": 3}]


def test_what_is_not_counted_is_said(owner: Api) -> None:
    answer = collected(owner, {"website_id": "site_0000000000", "type": "pageview", "url": "https://x.example/"})

    assert answer.status_code == 202
    assert answer.headers["x-sparklytics-dropped-events"] == "1"
    assert answer.headers["x-sparklytics-drop-reason"] == "unknown_website"


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([], "batch_too_large"),
        ([{}] * 51, "batch_too_large"),
        ({"website_id": "a", "type": "pageview"}, "validation_error"),
        (
            {"website_id": "a", "type": "pageview", "url": "https://x.example/", "visitor_id": "v" * 65},
            "validation_error",
        ),
        ({"website_id": "a", "type": "click", "url": "https://x.example/"}, "validation_error"),
        ({"website_id": "a", "type": "pageview", "url": "https://x.example/", "ts": 1}, "validation_error"),
        (
            {"website_id": "a", "type": "event", "event_name": "x", "url": "https://x.example/",
             "event_data": {"long": "x" * 5000}},
            "payload_too_large",
        ),
    ],
)  # fmt: skip
def test_bad_batches_are_refused(owner: Api, events: Any, code: str) -> None:
    answer = collected(owner, events)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_the_script_names_its_website_by_id(owner: Api) -> None:
    script = owner.send("GET", "/sparklytics/s.js")

    assert script.headers["content-type"].startswith("text/javascript")
    assert "dataset.websiteId" in script.text
