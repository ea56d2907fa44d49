"""The real service in a process of its own, and a tenant of its own for every test."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import httpx2
import pytest

from tests.serving import Served, serve

NOW = "2026-06-17T12:00:00Z"
_numbers = count(1)


@cache
def client() -> httpx2.Client:
    """One client for all tests: making one reads the machine's certificates, which takes longer than a request."""
    return httpx2.Client(timeout=100)


@dataclass(frozen=True)
class Api:
    """A client with one key."""

    base: str
    key: str

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        """The raw response; a `None` value takes a header away."""
        given = {"Authorization": f"Bearer {self.key}"} | (headers or {})
        return client().request(method, self.base + path, headers=given, **more)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The decoded answer of a request that must succeed."""
        answer = self.send(method, path, json=body, **more) if body is not None else self.send(method, path, **more)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text[:500])
        return answer.json() if answer.content else None

    def problem(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The problem document of a request that must fail with the status."""
        answer = self.send(method, path, json=body, **more) if body is not None else self.send(method, path, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text[:500])
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert document["status"] == status
        assert document["request_id"] == answer.headers["x-request-id"]
        return document

    def with_key(self, key: str) -> "Api":
        return Api(self.base, key)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One gateway for all tests of this folder; its backends may live on loopback."""
    with serve(
        tmp_path_factory.mktemp("api"), NOW=NOW, ALLOW_HTTP="true", ALLOW_PRIVATE_NETWORKS="127.0.0.0/8"
    ) as running:
        yield running
        client().close()


@pytest.fixture
def platform(served: Served) -> Api:
    """The administrator of the installation."""
    return Api(served.base, served.key)


@pytest.fixture
def owner(platform: Api) -> Api:
    """The administrator of a new tenant."""
    return new_owner(platform)


def new_owner(platform: Api) -> Api:
    slug = f"tenant-{next(_numbers)}"
    tenant = platform.ok("POST", "/v1/tenants", {"name": slug, "slug": slug})
    made = platform.ok("POST", "/v1/keys", {"name": "owner", "scopes": ["admin"], "tenant": tenant["id"]})
    return platform.with_key(made["key"])


@pytest.fixture
def site(owner: Api) -> str:
    """The domain of a new site on our own store."""
    return new_site(owner)


def new_site(owner: Api) -> str:
    domain = f"site-{next(_numbers)}.example.com"
    owner.ok("POST", "/v1/sites", {"domain": domain, "timezone": "Europe/Berlin"})
    return domain


def limited(owner: Api, *scopes: str, sites: list[str] | None = None) -> Api:
    """The same tenant by a key with these scopes only."""
    body = {"name": "limited", "scopes": list(scopes)} | ({"sites": sites} if sites else {})
    return owner.with_key(owner.ok("POST", "/v1/keys", body)["key"])
