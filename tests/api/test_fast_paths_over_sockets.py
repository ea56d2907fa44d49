"""What is answered before the router: over a real socket, in every way a client may ask, and no longer than it may."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.twins.plausible import demo_store, plausible_twin
from fixtures.twins.serve import serve_in_thread
from tests.api.conftest import NOW, Api, new_owner
from tests.serving import serve

SITE = "demo.example.com"
QUERY = json.dumps({"site": SITE, "metrics": ["visitors"], "date_range": ["2026-06-01", "2026-06-07"]}).encode()
EVENT = json.dumps({"n": "pageview", "u": "https://example.com/", "d": "nobody.example"}).encode()


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    with serve_in_thread(plausible_twin(demo_store(key="short-key"))) as url:
        yield url


@pytest.fixture
def warm(owner: Api, vendor: str) -> Api:
    """An owner whose question was answered often enough for its answer to be kept ready."""
    return warmed(owner, vendor)


def warmed(owner: Api, vendor: str) -> Api:
    body = {"backend": "plausible", "options": {"base_url": vendor}, "credential": {"api_key": "short-key"}}
    owner.ok("POST", f"/v1/connections/{owner.ok('POST', '/v1/connections', body)['id']}/sync")
    for _ in range(3):
        owner.ok("POST", "/v1/query", content=QUERY)
    return owner


def request(api: Api, *lines: str, body: bytes = QUERY, version: str = "1.1", path: str = "/v1/query") -> bytes:
    head = [f"POST {path} HTTP/{version}", f"Host: {urlsplit(api.base).netloc}", f"Authorization: Bearer {api.key}"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", *lines, "", ""]).encode() + body


def said(api: Api, *requests: bytes, closed: bool = True) -> bytes:
    """What comes back on one connection until the server closes it, or says nothing for a while."""
    place = urlsplit(api.base)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as line:
        line.sendall(b"".join(requests))
        line.settimeout(5 if closed else 1)
        found = b""
        try:
            while piece := line.recv(65536):
                found += piece
        except TimeoutError:
            assert not closed
        return found


def head_of(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return status, dict(line.split(b": ", 1) for line in lines), body


def test_an_answer_of_prepared_bytes_is_whole_http(warm: Api) -> None:
    status, headers, body = head_of(said(warm, request(warm, "Connection: close")))
    assert (status, headers[b"cache-status"].split(b";")[:2]) == (b"HTTP/1.1 200 OK", [b"tallyway", b" hit"])
    assert len(body) == int(headers[b"content-length"])
    assert json.loads(body)["results"]
    assert headers[b"connection"] == b"close"
    assert b"date" in headers
    kept = head_of(said(warm, request(warm), closed=False))
    assert (kept[0], kept[2], set(headers) - set(kept[1])) == (status, body, {b"connection"})


def test_a_client_of_http_1_0_gets_the_answer_and_the_end(warm: Api) -> None:
    status, headers, body = head_of(said(warm, request(warm, version="1.0")))
    assert status.endswith(b"200 OK")
    assert len(body) == int(headers[b"content-length"])


def test_requests_on_one_connection_are_answered_in_their_order(warm: Api) -> None:
    """A hit, an event, a hit that is known, and what has no short way, sent at once."""
    etag = head_of(said(warm, request(warm, "Connection: close")))[1][b"etag"].decode()
    found = said(
        warm,
        request(warm, "X-Request-Id: first-one"),
        request(warm, "X-Request-Id: second-one", body=EVENT, path="/api/event"),
        request(warm, "X-Request-Id: third-one", f"If-None-Match: {etag}"),
        request(warm, "X-Request-Id: fourth-one", "Connection: close", body=b"{}", path="/v1/nothing"),
    )
    ids = re.findall(rb"x-request-id: (.*?)\r\n", found)
    assert re.findall(rb"HTTP/1\.1 (\d{3}) ", found) == [b"200", b"202", b"304", b"404"]
    assert ids == [b"first-one", b"second-one", b"third-one", b"fourth-one"]


def test_an_empty_name_of_a_tenant_is_nobodys(warm: Api) -> None:
    """As a client sends it whose variable is not set: by the key of the installation it would get another's numbers."""
    for header, status in (("X-Other: ", b"200 OK"), ("Tallyway-Tenant: ", b"403 Forbidden")) * 2:
        assert head_of(said(warm, request(warm, "Connection: close", header)))[0].endswith(status)


def test_a_304_repeats_nothing_that_the_client_has(warm: Api) -> None:
    etag = head_of(said(warm, request(warm, "Connection: close")))[1][b"etag"].decode()
    _, headers, body = head_of(said(warm, request(warm, "Connection: close", f"If-None-Match: {etag}")))
    assert body == b""
    assert set(headers) == {
        b"date", b"etag", b"cache-control", b"age", b"cache-status", b"vary", b"x-request-id", b"connection",
    }  # fmt: skip


def test_a_revoked_key_gets_nothing_kept_the_very_next_time(warm: Api) -> None:
    made = warm.ok("POST", "/v1/keys", {"name": "reader", "scopes": ["read"]})
    reader = Api(warm.base, made["key"])
    for _ in range(5):
        assert reader.send("POST", "/v1/query", content=QUERY).status_code == 200
    warm.ok("DELETE", f"/v1/keys/{made['id']}")
    assert reader.send("POST", "/v1/query", content=QUERY).status_code == 401


def test_what_the_bill_refuses_counts_once_towards_the_limit_of_a_key(tmp_path: Path, vendor: str) -> None:
    """Six of the owner's thirty requests make it warm; twenty more are over its quota, whatever way they went."""
    allowed = {"ALLOW_HTTP": "true", "ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8"}
    with serve(tmp_path, ready_within=30, NOW=NOW, KEY_RATE_LIMIT="30", **allowed) as running:
        platform = Api(running.base, running.key)
        owner = warmed(new_owner(platform), vendor)
        tenant = owner.ok("GET", "/v1/tenants")["tenants"][0]["id"]
        platform.ok("PUT", f"/v1/tenants/{tenant}/quotas", {"api_calls_per_hour": 1})
        assert {owner.send("POST", "/v1/query", content=QUERY).status_code for _ in range(20)} == {402}
