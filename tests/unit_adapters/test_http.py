"""The transport: what it sends, what it refuses to take, and which error each fault becomes."""

import asyncio
import gzip
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network

import httpx2
import msgspec
import pytest

from adapters.base import Reply, Request
from adapters.http import (
    HttpTransport,
    Timeouts,
    check_status,
    json_of,
    open_transport,
    path_of,
    retry_after,
    shaped,
)
from models.errors import (
    BackendError,
    GatewayError,
    MissingAtBackend,
    Overloaded,
    RateLimited,
    RefusedByBackend,
    RejectedCredentials,
    TimedOut,
    Unintelligible,
    Unreachable,
)

NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)
SECRET = "sk-planted-secret"


def over(handler: Callable[[httpx2.Request], httpx2.Response], base: str = "https://stats.example/p") -> HttpTransport:
    return open_transport(
        base, headers={"authorization": f"Bearer {SECRET}"}, backend="plausible", wire=httpx2.MockTransport(handler)
    )


async def test_a_request_goes_below_the_base_url_with_its_headers() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"a": 1}, headers={"X-Seen": "1"})

    reply = await over(answer).send(Request("POST", "/api/v2/query", json={"q": [1]}, headers={"x-a": "b"}))
    assert str(seen[0].url) == "https://stats.example/p/api/v2/query"
    assert seen[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (seen[0].headers["content-type"], seen[0].headers["x-a"]) == ("application/json", "b")
    assert seen[0].content == b'{"q":[1]}'
    assert (reply.status, reply.headers["x-seen"], reply.body) == (200, "1", b'{"a":1}')


async def test_a_path_that_names_a_host_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="slash"):
        await over(lambda request: httpx2.Response(200)).send(Request("GET", "https://elsewhere.example/"))


async def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(302, headers={"location": "http://169.254.169.254/", "set-cookie": "a=b; path=/"})

    transport = over(answer)
    assert (await transport.send(Request("GET", "/x"))).status == 302
    await transport.send(Request("GET", "/x"))
    assert len(seen) == 2
    assert "cookie" not in seen[1].headers


async def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://203.0.113.1:8080")
    monkeypatch.setenv("ALL_PROXY", "http://203.0.113.1:8080")
    async with serving(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok") as transport:
        assert (await transport.send(Request("GET", "/"))).body == b"ok"


async def test_a_header_cannot_end_its_line() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    await over(answer).send(Request("GET", "/", headers={"user-agent": "a\r\nx-evil: 1\x00", "x-name": "Zoë 漢"}))
    sent = dict(seen[0].headers.raw)
    assert (sent[b"user-agent"], sent[b"x-name"]) == (b"ax-evil: 1", "Zoë 漢".encode())


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        (httpx2.ConnectTimeout, TimedOut),
        (httpx2.ReadTimeout, TimedOut),
        (httpx2.PoolTimeout, Overloaded),
        (httpx2.ConnectError, Unreachable),
        (httpx2.ReadError, Unreachable),
        (httpx2.WriteError, Unreachable),
        (httpx2.RemoteProtocolError, Unintelligible),
        (httpx2.LocalProtocolError, Unreachable),
        (httpx2.DecodingError, Unintelligible),
        (httpx2.TooManyRedirects, Unreachable),
    ],
)
async def test_each_fault_of_the_client_has_one_meaning(
    fault: type[httpx2.RequestError], meaning: type[GatewayError]
) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise fault(f"it broke at {SECRET}" if fault is httpx2.LocalProtocolError else "it broke")

    with pytest.raises(GatewayError) as caught:
        await over(fail).send(Request("GET", "/"))
    assert type(caught.value) is meaning
    assert caught.value.backend == "plausible"
    assert SECRET not in "".join(traceback.format_exception(caught.value))


async def test_no_secret_stands_in_a_repr() -> None:
    transport = over(lambda request: httpx2.Response(200))
    assert SECRET not in repr(transport)
    assert "stats.example" in repr(transport)


async def test_a_body_beyond_the_cap_is_cut_off() -> None:
    transport = open_transport(
        "https://stats.example",
        max_bytes=1000,
        wire=httpx2.MockTransport(lambda r: httpx2.Response(200, content=b"x" * 1001)),
    )
    with pytest.raises(Unintelligible, match="larger than 1000 bytes"):
        await transport.send(Request("GET", "/"))


async def test_a_gzip_bomb_is_counted_after_decompression() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n\r\n".encode()
    async with serving(head + bomb, max_bytes=1_000_000) as transport:
        with pytest.raises(Unintelligible, match="larger than"):
            await transport.send(Request("GET", "/"))


async def test_a_server_that_never_answers_times_out() -> None:
    async with serving(b"", hold=True, timeouts=Timeouts(total=0.1)) as transport:
        with pytest.raises(TimedOut):
            await transport.send(Request("GET", "/"))


async def test_a_slow_drip_is_held_to_the_total_time() -> None:
    async with serving(
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n", drip=b"x" * 50, timeouts=Timeouts(total=0.2)
    ) as transport:
        with pytest.raises(TimedOut):
            await transport.send(Request("GET", "/"))


async def test_a_truncated_body_is_unintelligible() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort") as transport:
        with pytest.raises(Unintelligible):
            await transport.send(Request("GET", "/"))


async def test_garbage_is_unintelligible() -> None:
    async with serving(b"\x00\x01\x02 garbage\r\n\r\n") as transport:
        with pytest.raises(Unintelligible):
            await transport.send(Request("GET", "/"))


async def test_nobody_listening_is_unreachable() -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    transport = local(port)
    with pytest.raises(Unreachable):
        await transport.send(Request("GET", "/"))
    await transport.close()


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (401, RejectedCredentials), (403, RejectedCredentials), (404, MissingAtBackend), (402, RefusedByBackend),
        (400, RefusedByBackend), (422, RefusedByBackend), (429, RateLimited), (500, Unreachable), (502, Unreachable),
        (503, Unreachable), (504, TimedOut), (302, Unintelligible), (304, Unintelligible),
    ],
)  # fmt: skip
def test_statuses_have_a_meaning(status: int, meaning: type[BackendError]) -> None:
    with pytest.raises(GatewayError) as caught:
        check_status(Reply(status, {}, b"Bearer " + SECRET.encode()), now=NOW, backend="x")
    assert type(caught.value) is meaning
    assert SECRET not in str(caught.value)


def test_a_vendor_may_mean_something_else_by_a_status() -> None:
    with pytest.raises(RefusedByBackend):
        check_status(Reply(401, {}, b""), {401: RefusedByBackend}, now=NOW)
    check_status(Reply(202, {}, b""), now=NOW)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0), (" 7 ", 7.0), ("Wed, 17 Jun 2026 12:02:00 GMT", 120.0), ("Wed, 17 Jun 2026 11:00:00 GMT", 0.0),
        ("999999999999999", 86_400.0), ("soon", None), ("-5", None), ("", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(Reply(429, {"retry-after": header}, b""), NOW) == seconds


def test_a_rate_limit_carries_its_wait() -> None:
    with pytest.raises(RateLimited) as caught:
        check_status(Reply(429, {"retry-after": "12"}, b""), now=NOW)
    assert caught.value.retry_after == 12.0


JSON = {"content-type": "application/json; charset=utf-8"}


class Point(msgspec.Struct):
    x: int


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/html"}, b"<html>"), ({}, b'{"x":1}'), (JSON, b'{"x":'), (JSON, b""),
        (JSON, b'{"x":NaN}'), (JSON, b"\xff"), (JSON, b"[" * 5000),
    ],
)  # fmt: skip
def test_what_is_no_json_is_unintelligible(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Unintelligible):
        json_of(Reply(200, headers, body))
    with pytest.raises(Unintelligible):
        shaped(Reply(200, headers, body), Point)


@pytest.mark.parametrize("body", [b'{"x":"1"}', b"{}", b"[]", b"null", b'{"x":1.5}'])
def test_json_of_another_shape_is_unintelligible(body: bytes) -> None:
    with pytest.raises(Unintelligible):
        shaped(Reply(200, JSON, body), Point)


def test_json_of_the_right_shape_is_read() -> None:
    assert shaped(Reply(200, JSON, b'{"x":1,"new":2}'), Point) == Point(1)
    assert json_of(Reply(200, {"content-type": "application/problem+json"}, b"7")) == 7


def test_a_path_is_escaped_and_cannot_climb() -> None:
    assert path_of("api", "sites", "a/b?c#d é") == "/api/sites/a%2Fb%3Fc%23d%20%C3%A9"
    for segment in ("..", ".", ""):
        with pytest.raises(MissingAtBackend):
            path_of("api", segment)


def local(port: int, **options: object) -> HttpTransport:
    return open_transport(
        f"http://127.0.0.1:{port}",
        allow_http=True,
        allow_private=[ip_network("127.0.0.0/8")],
        **options,  # type: ignore[arg-type] # passed through
    )


@asynccontextmanager
async def serving(
    answer: bytes, *, hold: bool = False, drip: bytes = b"", **options: object
) -> AsyncIterator[HttpTransport]:
    """A transport to a server that sends the bytes, then lingers (`hold`), drips, or hangs up."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            for i in range(len(drip)):
                await asyncio.wait({asyncio.ensure_future(done.wait())}, timeout=0.05)
                if done.is_set():
                    break
                writer.write(drip[i : i + 1])
            if hold:
                await done.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = local(server.sockets[0].getsockname()[1], **options)
    try:
        yield transport
    finally:
        done.set()
        await transport.close()
        server.close()
        await server.wait_closed()
