"""The same request with the same Idempotency-Key is done once, whatever dialect it is in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx2
import pytest

from tests.api.conftest import Api, client

STEPS = [{"name": name, "filter": {"path": [path]}} for name, path in (("home", "/"), ("buy", "/buy"))]


@dataclass(frozen=True)
class Create:
    """A request that makes something, and how many of it there are afterwards."""

    method: str
    path: str
    body: Mapping[str, Any]
    count: Callable[[Api, str], int]
    other: Mapping[str, Any]
    """A change that makes it another request."""


def pirsch(owner: Api, site: str) -> Api:
    """The owner's client of the Pirsch-shaped API."""
    made = owner.ok("POST", f"/v1/sites/{site}/pirsch-clients", {"scopes": ["read", "ingest", "manage_sites"]})
    wanted = {name: made[name] for name in ("client_id", "client_secret")}
    token = client().post(f"{owner.base}/pirsch/api/v1/token", json=wanted).json()["access_token"]
    return owner.with_key(token)


def funnels(owner: Api, site: str) -> int:
    asked = f"/pirsch/api/v1/funnel?id={site_id(owner, site)}"
    return len(pirsch(owner, site).ok("GET", asked))


def site_id(owner: Api, site: str) -> str:
    return str(owner.ok("GET", f"/v1/sites/{site}")["id"])


def sites(owner: Api, site: str) -> int:
    return len(owner.ok("GET", "/v1/sites")["sites"]) - 1


def visits(owner: Api, site: str) -> int:
    query = {"site": site, "metrics": ["pageviews"], "date_range": "day"}
    return int(owner.ok("POST", "/v1/query", query)["results"][0]["pageviews"])


EVENT = {"name": "pageview", "url": "https://{site}/", "visitor": "v1"}
CREATES: Mapping[str, Create] = MappingProxyType(
    {
        "plausible": Create(
            "POST", "/plausible/api/v1/sites", {"domain": "p-{site}"}, sites, {"timezone": "Europe/Paris"}
        ),
        "sparklytics": Create(
            "POST", "/sparklytics/api/websites", {"domain": "s-{site}", "name": "S"}, sites, {"name": "T"}
        ),
        "pirsch": Create(
            "POST",
            "/pirsch/api/v1/funnel",
            {"domain_id": "{id}", "name": "Sales", "steps": STEPS},
            funnels,
            {"name": "B"},
        ),
        "events": Create("POST", "/v1/sites/{site}/events?wait=true", EVENT, visits, {"visitor": "v2"}),
    }
)


@pytest.mark.parametrize("name", CREATES)
def test_a_create_that_is_sent_twice_is_done_once(owner: Api, site: str, name: str) -> None:
    wanted = CREATES[name]
    known = {"site": site, "id": site_id(owner, site)}
    body = {k: v.format(**known) if isinstance(v, str) else v for k, v in wanted.body.items()}
    api = pirsch(owner, site) if name == "pirsch" else owner

    def send(change: Mapping[str, Any] = MappingProxyType({})) -> httpx2.Response:
        headers = {"Idempotency-Key": f"once-{name}"}
        return api.send(wanted.method, wanted.path.format(**known), json=body | dict(change), headers=headers)

    first, again, other = send(), send(), send(wanted.other)

    assert first.status_code in (200, 201, 202), first.text
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert other.status_code == 409, other.text
    assert wanted.count(owner, site) == 1


def test_a_create_that_failed_may_be_sent_again_with_its_key(owner: Api, site: str) -> None:
    headers, path = {"Idempotency-Key": "mended"}, "/plausible/api/v1/sites"
    refused = owner.send("POST", path, json={"domain": site}, headers=headers)
    made = owner.send("POST", path, json={"domain": f"new-{site}"}, headers=headers)

    assert (refused.status_code, made.status_code) == (400, 200), made.text
