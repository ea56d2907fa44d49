"""Several requests on one connection, of which the last one does not arrive: whose answer is whose."""

import asyncio
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from fixtures.twins.serve import serve_in_thread
from gateway.http.server.uvicorn_protocol import AT_ONCE, LONGEST_HEAD, PacedHttpProtocol

PATIENCE, LONGER = 0.4, 1.2
TIMED_OUT = b"408 Request Timeout"


told: list[str] = []


class Impatient(PacedHttpProtocol):
    patience = PATIENCE
    last: "Impatient"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        Impatient.last = self


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers after the whole request came; slowly, or in two halves, where the path says so."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    head = [(b"content-length", b"10")]
    if scope["path"] == "/endless":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(40):
            await send({"type": "http.response.body", "body": b"x" * 2**20, "more_body": True})
        told.append((await receive())["type"])
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(LONGER)
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    if scope["path"] == "/halves":
        await asyncio.sleep(LONGER)
    await send({"type": "http.response.body", "body": b"-last"})


class Patient(Impatient):
    patience = 100


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Of a server that waits for everything."""
    with serve_in_thread(app, http=Patient) as url:
        yield url


@pytest.fixture(scope="module")
def impatient() -> Iterator[str]:
    with serve_in_thread(app, http=Impatient) as url:
        yield url


def said(base: str, *parts: bytes) -> bytes:
    """What comes back until the server closes."""
    place = urlsplit(base)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=100) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(0.05)
        found = b""
        try:
            while piece := line.recv(65536):
                found += piece
        except ConnectionError:
            pass
        return found


def post(path: str, body: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)


def statuses(answers: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (.*?)\r\n", answers)


@pytest.mark.parametrize("path", ["/slow", "/halves"])
@pytest.mark.parametrize("half", [b"POST /ne", b"POST /next HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"])
def test_the_time_of_a_request_begins_when_those_before_it_are_answered(impatient: str, path: str, half: bytes) -> None:
    answers = said(impatient, post(path), half)
    assert statuses(answers) == [b"200 OK", TIMED_OUT]
    assert answers.count(b"\r\n\r\nfirst-last") == 1


def test_the_bytes_of_a_body_are_not_those_of_the_head_behind_it(base: str) -> None:
    body = b"x" * 2 * LONGEST_HEAD
    for parts in ((post("/quick", body) + b"GET /n",), (post("/quick", body)[:-10], body[-10:] + b"GET /n")):
        answers = said(base, *parts, b"ext HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert statuses(answers) == [b"200 OK", b"200 OK"]


def test_requests_that_come_at_once_are_answered_one_by_one(base: str) -> None:
    """Of all sizes, so that they are cut anywhere."""
    parts = [post("/quick", b"x" * size) for size in (*range(0, 40_000, 97), 300_000)]
    answers = said(base, b"".join(parts) + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert statuses(answers) == [b"200 OK"] * (len(parts) + 1)
    assert answers.count(b"\r\n\r\nfirst-last") == len(parts) + 1


def test_a_head_without_end_is_refused_behind_another_request(base: str) -> None:
    answers = said(base, post("/quick") + b"GET / HTTP/1.1\r\n", *[b"X-Long: %b\r\n" % (b"x" * 20_000)] * 4)
    assert statuses(answers) == [b"200 OK", b"431 Request Header Fields Too Large"]


@pytest.mark.parametrize("path", ["/slow", "/halves"])
def test_what_is_no_http_is_not_answered_in_the_place_of_another_request(impatient: str, base: str, path: str) -> None:
    assert b"400" not in said(impatient, post(path), b"no http\r\n\r\n")
    for nothing in (b"no http\r\n\r\n", b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert statuses(said(base, nothing)) == [b"400 Bad Request"]
        assert statuses(said(base, post("/quick"), nothing)) == [b"200 OK", b"400 Bad Request"]


def test_few_requests_wait_however_many_are_sent(base: str) -> None:
    """A read brings thousands; and every answer, and every body that is asked for, would let another read through."""
    place, request, most = urlsplit(base), post("/quick"), 0
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=100) as line:
        line.setblocking(False)
        answered, unsent = 0, memoryview(b"")
        while answered < 3000:
            unsent = unsent or memoryview(request * 10_000)
            with suppress(BlockingIOError):
                answered += line.recv(2**20).count(b"first-last")
            with suppress(BlockingIOError):
                unsent = unsent[line.send(unsent) :]
            most = max(most, len(Impatient.last.pipeline))
    assert 0 < most <= AT_ONCE / len(request) + 1


def test_who_leaves_is_known_to_have_left_by_the_request_that_is_answered(base: str) -> None:
    place = urlsplit(base)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=100) as line:
        line.sendall(post("/endless") + post("/quick") * 2)
        line.recv(100)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until = time.monotonic() + 60
    while not told and time.monotonic() < until:
        time.sleep(0.02)
    assert told == ["http.disconnect"]
