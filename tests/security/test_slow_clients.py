"""Requests that never arrive whole: the connection is closed, over a real socket, whatever is missing."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from gateway.http.server.frame import SECURITY
from tests.serving import Served, serve

PATIENCE = 1.0
HEAD = b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
DRIP = b"x"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("slow"), RECEIVE_TIMEOUT=str(PATIENCE), LOG_LEVEL="error") as running:
        yield running


def connected(served: Served) -> socket.socket:
    parts = urlsplit(served.base)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=100)


def until_closed(wire: socket.socket) -> bytes:
    """What the server says until it closes. Raises TimeoutError when it does not."""
    said = b""
    try:
        while chunk := wire.recv(65536):
            said += chunk
    except ConnectionError:
        pass
    return said


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"POST /v1/qu", b"408"),
        (HEAD, b"408"),
        (HEAD + b"Authorization: Bearer {key}\r\n\r\n{", b"408"),
        (b"POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", b"408"),
        (b"POST /api/event HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"408"),
        (HEAD + b"\r\n{", b"401"),
    ],
    ids=[
        "nothing",
        "half a line",
        "half a head",
        "half a body",
        "half an event",
        "half a chunk",
        "refused before its end",
    ],
)
def test_a_request_that_stops_is_ended(impatient: Served, sent: bytes, status: bytes) -> None:
    began = time.monotonic()
    with connected(impatient) as wire:
        wire.sendall(sent.replace(b"{key}", impatient.key.encode()))
        said = until_closed(wire)
    assert time.monotonic() - began >= PATIENCE * 0.9
    assert said[9:12] == status
    if status == b"408":
        head, _, body = said.partition(b"\r\n\r\n")
        document = json.loads(body)
        assert (document["code"], document["retryable"]) == ("request_timeout", True)
        assert f"\r\nx-request-id: {document['request_id']}\r\n".encode() in head + b"\r\n"
        for header in SECURITY:
            assert b"\r\n%s: %s\r\n" % header in head + b"\r\n"


@pytest.mark.parametrize(
    "sent", [HEAD + b"X-Slow: ", b"POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"]
)
def test_a_client_that_drips_gains_nothing(impatient: Served, sent: bytes) -> None:
    with connected(impatient) as wire:
        wire.sendall(sent)
        wire.settimeout(0.1)
        said = b""
        while not said:
            wire.sendall(DRIP)
            with suppress(TimeoutError):
                said = wire.recv(100)
    assert said[9:12] == b"408"


def test_a_second_request_on_a_connection_may_not_take_for_ever_either(impatient: Served) -> None:
    with connected(impatient) as wire:
        for _ in range(2):
            wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(PATIENCE * 1.5)  # idle between requests is another time, uvicorn's own
            assert b" 200 " in wire.recv(65536)
        wire.sendall(b"GET /heal")
        assert until_closed(wire)[9:12] == b"408"


def test_a_body_that_comes_slowly_but_comes_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A third of the time between two parts, and longer than it in all."""
    body = json.dumps({"n": "pageview", "u": "https://a.example/", "d": "a.example", "pad": "x" * 60_000}).encode()
    patience = 4.5
    with serve(tmp_path_factory.mktemp("slower"), RECEIVE_TIMEOUT=str(patience)) as running, connected(running) as wire:
        wire.sendall(b"POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 20_000):
            wire.sendall(body[start : start + 20_000])
            time.sleep(patience / 3)
        assert b" 202 " in wire.recv(65536)


def test_headers_without_end_are_refused(impatient: Served) -> None:
    with connected(impatient) as wire:
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        try:
            for _ in range(1000):
                wire.sendall(b"X-Long: " + b"x" * 10_000 + b"\r\n")
        except ConnectionError:
            pass
        else:
            pytest.fail("ten megabytes of headers were taken")


def test_what_was_cut_off_leaves_no_trace_of_a_failure(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("quiet")
    with serve(folder, RECEIVE_TIMEOUT="0.3") as running, connected(running) as wire:
        wire.sendall(b"POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert until_closed(wire)[9:12] == b"408"
        time.sleep(0.3)
        assert b"Traceback" not in (folder / "server.log").read_bytes()
        assert b"request failed" not in (folder / "server.log").read_bytes()
