"""One gateway with the demo site on its own store, and a second tenant that reaches it as a Plausible server."""

from collections.abc import Iterator

import pytest

from fixtures.twins.plausible import EVENTS
from tests.api.conftest import NOW, Api, client, new_owner, new_site
from tests.serving import Served, serve

DEMO = "demo.example.com"
GOALS = ({"event_name": "Purchase", "currency": "EUR"}, {"page_path": "/pricing"})


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One gateway for all tests of this folder; its backends may live on loopback."""
    with serve(
        tmp_path_factory.mktemp("facade"), NOW=NOW, ALLOW_HTTP="true", ALLOW_PRIVATE_NETWORKS="127.0.0.0/8"
    ) as running:
        yield running


@pytest.fixture(scope="session")
def platform(served: Served) -> Api:
    """The administrator of the installation."""
    return Api(served.base, served.key)


@pytest.fixture
def owner(platform: Api) -> Api:
    """The administrator of a new tenant."""
    return new_owner(platform)


@pytest.fixture
def site(owner: Api) -> str:
    """The domain of a new site on our own store."""
    return new_site(owner)


@pytest.fixture(scope="session")
def demo(platform: Api) -> Api:
    """A tenant that has the demo site with its goals and 25 events on our own store."""
    tenant = new_owner(platform)
    load_demo(tenant)
    return tenant


@pytest.fixture(scope="session")
def mirrored(platform: Api, demo: Api) -> Api:
    """A tenant whose only site is the demo site, behind a Plausible connection to the first one's facade."""
    tenant = new_owner(platform)
    connection = tenant.ok("POST", "/v1/connections", as_plausible(demo))
    assert tenant.ok("POST", f"/v1/connections/{connection['id']}/check")["ok"]
    added = tenant.ok("POST", f"/v1/connections/{connection['id']}/sync")["added"]
    assert [site["domain"] for site in added] == [DEMO]
    return tenant


def load_demo(tenant: Api, first_goal: int = 1) -> None:
    """Its numbers are counted by hand in fixtures/events/demo-site.md; goals are numbered from `first_goal` on."""
    tenant.ok("POST", "/v1/sites", {"domain": DEMO})
    for number in range(1, first_goal):
        tenant.ok("PUT", f"/v1/sites/{DEMO}/goals", {"event_name": "Forgotten"})
        tenant.ok("DELETE", f"/v1/sites/{DEMO}/goals/{number}")
    for goal in GOALS:
        tenant.ok("PUT", f"/v1/sites/{DEMO}/goals", goal)
    lines = (EVENTS / "demo-site.jsonl").read_bytes()
    job = tenant.ok("POST", f"/v1/sites/{DEMO}/imports?format=ndjson&wait=true", content=lines)
    assert (job["rows"], job["skipped"]) == (25, 0)


def as_plausible(tenant: Api) -> dict[str, object]:
    """The body of `POST /v1/connections` that reaches a tenant's sites through our facade."""
    return {
        "name": "A Plausible of our own",
        "backend": "plausible",
        "options": {"base_url": f"{tenant.base}/plausible", "requests_per_hour": 1_000_000},
        "credential": {"api_key": tenant.key},
    }


def facade(api: Api) -> Api:
    """The same key at the facade's address."""
    return Api(f"{api.base}/plausible", api.key)


def error(api: Api, status: int, method: str, path: str, **more: object) -> str:
    """The text of an answer in Plausible's error shape."""
    answer = api.send(method, path, **more)  # type: ignore[arg-type] # keyword arguments of httpx2
    assert answer.status_code == status, (method, path, answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["error"]
    return str(body["error"])


__all__ = ["client", "error", "facade"]
