"""Time over real sockets: one deadline for a request's whole work, and no work for a client that has left."""

import time
from collections.abc import Iterator

import pytest

from tests.api.conftest import Api
from tests.api.held import HeldVendor, held_vendor

QUERY = {"metrics": ["visitors"], "date_range": "7d"}


@pytest.fixture
def held() -> Iterator[tuple[HeldVendor, str]]:
    with held_vendor() as found:
        yield found


def test_a_silent_vendor_makes_a_query_over_sites_partial(owner: Api, site: str, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    silent = vendor.connect(owner, base)
    vendor.holding.set()
    began = time.monotonic()
    answer = owner.send("POST", "/v1/query", json={"sites": "all", **QUERY}, headers={"Request-Timeout": "2"})

    assert answer.status_code == 200, answer.text
    assert time.monotonic() - began < 2.5
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
    began = time.monotonic()
    body = {"sites": "all", **QUERY}
    document = owner.problem(504, "POST", "/v1/query", body, headers={"Request-Timeout": "1"})

    assert document["code"] == "backend_timeout"
    assert time.monotonic() - began < 1.5
