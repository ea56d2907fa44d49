"""Time over real sockets: one deadline for a request's whole work, and no work for a client that has left."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Api, client
from tests.api.held import HeldVendor, held_vendor, until

QUERY = {"metrics": ["visitors"], "date_range": "7d"}
WITHOUT = 10.0
"""Seconds that a request is given which asks for no less."""


@contextmanager
def sooner_than_without() -> Iterator[None]:
    """Whoever asks for less is answered before the others' time is over."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < WITHOUT


@pytest.fixture
def held() -> Iterator[tuple[HeldVendor, str]]:
    with held_vendor() as found:
        yield found


def test_a_silent_vendor_makes_a_query_over_sites_partial(owner: Api, site: str, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    silent = vendor.connect(owner, base)
    vendor.holding.set()
    with sooner_than_without():
        answer = owner.send("POST", "/v1/query", json={"sites": "all", **QUERY}, headers={"Request-Timeout": "2"})

    assert answer.status_code == 200, answer.text
    meta = answer.json()["meta"]
    assert meta["partial"] is True
    assert {s["site"]: s["status"] for s in meta["sites"]} == {site: "ok", silent: "error"}
    error = next(s["error"] for s in meta["sites"] if s["site"] == silent)
    assert (error["code"], error["retryable"]) == ("backend_timeout", True)


def test_sites_that_are_all_silent_are_an_error_in_time(owner: Api, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    for _ in range(2):
        vendor.connect(owner, base)
    vendor.holding.set()
    body = {"sites": "all", **QUERY}
    with sooner_than_without():
        document = owner.problem(504, "POST", "/v1/query", body, headers={"Request-Timeout": "1"})

    assert document["code"] == "backend_timeout"


READS: Mapping[str, tuple[str, str, dict[str, Any] | None]] = MappingProxyType(
    {
        "query": ("POST", "/v1/query", {"site": "{site}", **QUERY}),
        "realtime": ("GET", "/v1/sites/{site}/realtime", None),
        "goals": ("GET", "/v1/sites/{site}/goals", None),
        "facade's query": ("POST", "/plausible/api/v2/query", {"site_id": "{site}", **QUERY}),
        "facade's realtime": ("GET", "/plausible/api/v1/stats/realtime/visitors?site_id={site}", None),
        "facade's goals": ("GET", "/plausible/api/v1/sites/goals?site_id={site}", None),
        "facade's goals, head only": ("HEAD", "/plausible/api/v1/sites/goals?site_id={site}", None),
    }
)


def request_of(name: str, site: str) -> tuple[str, str, Any]:
    method, path, body = READS[name]
    said = {k: v.format(site=site) if isinstance(v, str) else v for k, v in (body or {}).items()}
    return method, path.format(site=site), said or None


@pytest.mark.parametrize("name", READS)
def test_the_callers_time_is_kept_on_every_read(owner: Api, held: tuple[HeldVendor, str], name: str) -> None:
    vendor, base = held
    method, path, body = request_of(name, vendor.connect(owner, base))
    vendor.holding.set()
    with sooner_than_without():
        answer = owner.send(method, path, headers={"Request-Timeout": "0.5"}, json=body)

    assert answer.status_code == 504, answer.text
    until(lambda: len(vendor.hung_up) == len(vendor.asked) == 1)


@pytest.mark.parametrize("name", ["goals", "facade's goals"])
def test_a_time_that_is_no_number_is_refused_in_the_shape_of_the_api(owner: Api, site: str, name: str) -> None:
    method, path, body = request_of(name, site)
    answer = owner.send(method, path, headers={"Request-Timeout": "soon"}, json=body)

    assert answer.status_code == 400
    assert "Request-Timeout" in answer.text


def impatient(api: Api, name: str, site: str) -> socket.socket:
    """A connection on which a read was sent, and whose answer nobody has read yet."""
    return sent(api, *request_of(name, site))


def sent(api: Api, method: str, path: str, body: Any = None) -> socket.socket:
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {api.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    place = urlsplit(api.base)
    connection = socket.create_connection((place.hostname, place.port))
    connection.sendall(head.encode() + content)
    return connection


@pytest.mark.parametrize("name", ["query", "goals", "facade's query", "facade's realtime"])
def test_a_client_that_leaves_ends_the_vendors_call_at_once(
    owner: Api, held: tuple[HeldVendor, str], name: str
) -> None:
    vendor, base = held
    site = vendor.connect(owner, base)
    vendor.holding.set()
    for number in range(1, 8):
        connection = impatient(owner, name, site)
        until(lambda asked=number: len(vendor.asked) == asked)  # type: ignore[misc] # a default binds the number
        connection.close()
        until(lambda asked=number: len(vendor.hung_up) == asked)  # type: ignore[misc]

    assert max(vendor.hung_up) < WITHOUT  # it was not the deadline that ended them


def test_the_pirsch_facade_keeps_the_callers_time_and_notices_that_it_left(
    owner: Api, held: tuple[HeldVendor, str]
) -> None:
    vendor, base = held
    site = owner.ok("GET", f"/v1/sites/{vendor.connect(owner, base)}")["id"]
    made = owner.ok("POST", f"/v1/sites/{site}/pirsch-clients", {})
    wanted = {name: made[name] for name in ("client_id", "client_secret")}
    token = client().post(f"{owner.base}/pirsch/api/v1/token", json=wanted).json()["access_token"]
    api, path = owner.with_key(token), f"/pirsch/api/v1/statistics/visitor?id={site}&from=2026-06-01&to=2026-06-07"
    vendor.asked.clear()
    vendor.holding.set()
    answer = api.send("GET", path, headers={"Request-Timeout": "0.5"})
    assert (answer.status_code, answer.json()["error"]) == (504, ["The deadline has passed"])
    until(lambda: len(vendor.hung_up) == len(vendor.asked) > 0)
    before = len(vendor.asked)
    connection = sent(api, "GET", path)
    until(lambda: len(vendor.asked) > before)
    connection.close()
    until(lambda: len(vendor.hung_up) == len(vendor.asked))
    assert max(vendor.hung_up) < WITHOUT


@pytest.mark.parametrize("name", ["query", "facade's query"])
def test_a_client_that_leaves_takes_nothing_from_one_that_stays(
    owner: Api, held: tuple[HeldVendor, str], name: str
) -> None:
    vendor, base = held
    site = vendor.connect(owner, base)
    vendor.holding.set()
    leaving, staying = impatient(owner, name, site), impatient(owner, name, site)
    method, path, body = request_of(name, site)
    behind = sent(owner, method, path, body | {"date_range": "30d"})
    until(lambda: len(vendor.asked) == 2)  # the one behind them has come through, so both have arrived
    leaving.close()
    time.sleep(0.3)
    assert vendor.hung_up == []
    vendor.holding.clear()

    assert staying.recv(12) == b"HTTP/1.1 200"
    assert len(vendor.asked) == 2
    staying.close()
    behind.close()


def test_a_write_goes_on_when_its_client_leaves(owner: Api, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    site = vendor.connect(owner, base)
    vendor.holding.set()
    place = urlsplit(owner.base)
    content = json.dumps({"event_name": "Signup"}).encode()
    with socket.create_connection((place.hostname, place.port)) as connection:
        head = (
            f"PUT /v1/sites/{site}/goals HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {owner.key}\r\n"
            f"Request-Timeout: 0.1\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        connection.sendall(head.encode() + content)
        until(lambda: len(vendor.asked) == 1)
    time.sleep(0.3)
    assert vendor.hung_up == []
    vendor.holding.clear()
    until(lambda: any(row["action"] == "goal.put" for row in owner.ok("GET", "/v1/audit")["audit"]))
