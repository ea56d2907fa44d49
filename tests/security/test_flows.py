"""Sensitive flows: what can be made for others to use is not made without end, tenant by tenant."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.api.conftest import Api, new_owner, new_site
from tests.serving import Served, serve

MOST = 5
EVENT = b'{"name":"pageview","time":"2026-06-15T10:00:00Z","visitor":"%d","path":"/"}\n'
Make = Callable[[Api, str, int], httpx2.Response]


def key(api: Api, site: str, n: int) -> httpx2.Response:
    return api.send("POST", "/v1/keys", json={"name": f"k{n}", "scopes": ["read"]})


def client(api: Api, site: str, n: int) -> httpx2.Response:
    return api.send("POST", f"/v1/sites/{site}/pirsch-clients", json={})


def link(api: Api, site: str, n: int) -> httpx2.Response:
    return api.send("PUT", f"/v1/sites/{site}/shared-links", json={"name": f"l{n}"})


def facade_link(api: Api, site: str, n: int) -> httpx2.Response:
    return api.send("PUT", "/plausible/api/v1/sites/shared-links", json={"site_id": site, "name": f"l{n}"})


def guest(api: Api, site: str, n: int) -> httpx2.Response:
    return api.send("PUT", f"/v1/sites/{site}/guests", json={"email": f"g{n}@example.com", "role": "viewer"})


def import_(api: Api, site: str, n: int) -> httpx2.Response:
    return api.send("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=EVENT % n)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Its clock is frozen; limits are counted by another."""
    folder = tmp_path_factory.mktemp("flows")
    with serve(folder, NOW="2026-06-17T12:00:00Z", CREATION_RATE_LIMIT=str(MOST), LOG_LEVEL="error") as running:
        yield running


@pytest.mark.parametrize("make", [key, client, link, facade_link, guest, import_])
def test_a_tenant_makes_so_many_a_minute_and_no_more(slow: Served, make: Make) -> None:
    platform = Api(slow.base, slow.key)
    owner, other = new_owner(platform), new_owner(platform)
    site, theirs = new_site(owner), new_site(other)
    answers = [make(owner, site, n) for n in range(MOST + 1)]
    assert [a.status_code < 300 for a in answers[:MOST]] == [True] * MOST, [a.text for a in answers[:MOST]]
    refused = answers[-1]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    if make is not facade_link:
        document: dict[str, Any] = refused.json()
        assert (document["code"], document["retryable"]) == ("rate_limited", True)
        assert f"at most {MOST} a minute" in document["detail"]
    assert make(other, theirs, 0).status_code < 300


@pytest.mark.parametrize("make", [key, client, link, guest, import_])
def test_whoever_runs_the_installation_has_no_such_limit(slow: Served, make: Make) -> None:
    platform = Api(slow.base, slow.key)
    site = new_site(platform)
    assert [make(platform, site, n).status_code < 300 for n in range(MOST + 3)] == [True] * (MOST + 3)


def test_inviting_a_known_guest_again_is_no_new_invitation(slow: Served) -> None:
    owner = new_owner(Api(slow.base, slow.key))
    site = new_site(owner)
    assert {guest(owner, site, 0).status_code for _ in range(MOST + 3)} == {200}
