"""The connections to one origin: how many, which one is used, and that none is lost whatever becomes of a call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import httpcore2
import pytest

from adapters.base import Request
from adapters.http import HttpTransport, Timeouts, open_transport
from adapters.pool import Pool
from adapters.sockets import LoopNetwork
from models.errors import GatewayError, Overloaded, TimedOut, Unintelligible

GET = Request("GET", "/")
Answer = Callable[[int], bytes | None]


class Vendor:
    """A loopback server that answers each request of a connection, after a while; None: it never does."""

    def __init__(self, answer: Answer, seconds: float = 0.0) -> None:
        self._answer, self._seconds = answer, seconds
        self.asked, self.connections, self.most_at_once, self._now = 0, 0, 0, 0
        self.by_connection: list[int] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        self._writers.append(writer)
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self.asked, self._now = self.asked + 1, self._now + 1
            self.by_connection.append(number)
            self.most_at_once = max(self.most_at_once, self._now)
            await asyncio.sleep(self._seconds)
            self._now -= 1
            if (said := self._answer(self.asked)) is not None:
                writer.write(said)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


def said(body: bytes = b"ok", status: int = 200) -> bytes:
    return b"HTTP/1.1 %d OK\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


async def until(seen: Callable[[], bool]) -> None:
    """Wait for what will be seen; the bound only ends what hangs."""
    async with asyncio.timeout(60):
        while not seen():  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(vendor: Vendor, **options: Any) -> AsyncIterator[tuple[HttpTransport, int]]:
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    transport = open_transport(
        f"http://127.0.0.1:{port}", allow_http=True, allow_private=[ip_network("127.0.0.0/8")], **options
    )
    try:
        yield transport, port
    finally:
        await transport.close()
        vendor.hang_up()
        server.close()


async def test_so_many_connections_at_most_serve_everybody() -> None:
    vendor = Vendor(lambda _: said(), 0.01)
    async with serving(vendor, max_connections=3) as (transport, _):
        replies = await asyncio.gather(*(transport.send(GET) for _ in range(20)))
    assert [reply.body for reply in replies] == [b"ok"] * 20
    assert (vendor.asked, vendor.connections, vendor.most_at_once) == (20, 3, 3)


async def test_the_connection_that_was_used_last_is_used_again() -> None:
    vendor = Vendor(lambda _: said(), 0.01)
    async with serving(vendor) as (transport, _):
        await asyncio.gather(transport.send(GET), transport.send(GET), transport.send(GET))
        for _ in range(5):
            await transport.send(GET)
    assert vendor.connections == 3
    assert len(set(vendor.by_connection[3:])) == 1


async def test_whoever_finds_no_place_in_time_is_told_to_come_back() -> None:
    vendor = Vendor(lambda n: None if n == 1 else said())
    async with serving(vendor, max_connections=1, timeouts=Timeouts(pool=0.05, total=3)) as (transport, _):
        slow = asyncio.ensure_future(transport.send(GET))
        await until(lambda: vendor.asked == 1)
        with pytest.raises(Overloaded):
            await transport.send(GET)
        with pytest.raises(TimedOut):
            await slow
        assert (await transport.send(GET)).body == b"ok"  # the place came back


async def test_whoever_gives_up_waiting_takes_no_place() -> None:
    vendor = Vendor(lambda _: said(), 0.1)
    async with serving(vendor, max_connections=1) as (transport, _):
        first, second, third = (asyncio.ensure_future(transport.send(GET)) for _ in range(3))
        await until(lambda: vendor.asked == 1)
        second.cancel()
        assert [(await call).body for call in (first, third)] == [b"ok", b"ok"]
        assert (await transport.send(GET)).body == b"ok"
    assert vendor.connections == 1


@pytest.mark.parametrize(
    ("first", "meaning"),
    [
        (b"garbage\r\n\r\n", Unintelligible),
        (said(b"x" * 2000), Unintelligible),  # beyond the cap
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf", TimedOut),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain", Unintelligible),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Unintelligible),
    ],
)
async def test_a_connection_that_ended_badly_is_not_used_again_and_its_place_comes_back(
    first: bytes, meaning: type[GatewayError]
) -> None:
    vendor = Vendor(lambda n: first if n == 1 else said())
    async with serving(vendor, max_connections=1, max_bytes=1000, timeouts=Timeouts(total=2)) as (transport, _):
        with pytest.raises(meaning):
            await transport.send(GET)
        assert (await transport.send(GET)).body == b"ok"
    assert vendor.connections == 2


@pytest.mark.parametrize("head", [None, b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf"])
async def test_a_call_that_is_cancelled_gives_its_place_back(head: bytes | None) -> None:
    vendor = Vendor(lambda n: head if n <= 2 else said())
    async with serving(vendor, max_connections=1) as (transport, _):
        for _ in range(2):
            asked, call = vendor.asked, asyncio.ensure_future(transport.send(GET))
            await until(lambda asked=asked: vendor.asked > asked)  # type: ignore[misc] # it is called with nothing
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert len(transport._wire) == 0  # type: ignore[arg-type] # it is a pool
        assert (await transport.send(GET)).body == b"ok"


async def test_nobody_listening_takes_no_place() -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    pool = Pool(httpcore2.Origin(b"http", b"127.0.0.1", port), LoopNetwork(), None, most=1)
    for _ in range(3):
        with pytest.raises(httpcore2.ConnectError):
            await pool.handle_async_request(httpcore2.Request("GET", f"http://127.0.0.1:{port}/"))
    assert len(pool) == 0


async def test_a_connection_that_asks_to_be_closed_is_closed() -> None:
    vendor = Vendor(lambda _: b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
    async with serving(vendor) as (transport, _):
        for _ in range(2):
            assert (await transport.send(GET)).body == b"ok"
    assert vendor.connections == 2


class Clock:
    """A clock that only a test moves, in the place of a module `time`."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


async def test_connections_that_nobody_uses_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("httpcore2._async.http11.time", clock)
    vendor = Vendor(lambda _: said(), 0.01)
    async with serving(vendor) as (_, port):
        origin = httpcore2.Origin(b"http", b"127.0.0.1", port)
        pool = Pool(origin, LoopNetwork(), None, most=4, kept=60)

        async def ask() -> bytes:
            url = httpcore2.URL(f"http://127.0.0.1:{port}/")
            response = await pool.handle_async_request(httpcore2.Request("GET", url, headers=[(b"host", b"x")]))
            body = b"".join([chunk async for chunk in response.aiter_stream()])
            await response.aclose()
            await response.aclose()  # a second time changes nothing
            return body

        assert {*await asyncio.gather(ask(), ask(), ask())} == {b"ok"}
        clock.now += 30
        assert await ask() == b"ok"
        assert len(pool) == 3
        clock.now += 40  # the two that were not used are too old now
        assert await ask() == b"ok"
        assert (len(pool), vendor.connections) == (1, 3)
        clock.now += 80
        assert await ask() == b"ok"
        assert (len(pool), vendor.connections) == (1, 4)
        await pool.aclose()
        assert len(pool) == 0


async def test_closing_ends_the_calls_under_way() -> None:
    vendor = Vendor(lambda _: None)
    async with serving(vendor, timeouts=Timeouts(total=2)) as (transport, _):
        call = asyncio.ensure_future(transport.send(GET))
        await until(lambda: vendor.asked == 1)
        await transport.close()
        with pytest.raises(GatewayError):
            await asyncio.wait_for(call, 60)


async def test_what_comes_behind_an_answer_is_nobodys_answer() -> None:
    """A server that answers once too often: the second request is asked on a connection of its own."""
    vendor = Vendor(lambda n: said(b"first") + said(b"forged") if n == 1 else said(b"second"))
    async with serving(vendor) as (transport, _):
        replies = [(await transport.send(GET)).body for _ in range(3)]
    assert replies == [b"first", b"second", b"second"]
    assert vendor.by_connection == [0, 1, 1]


async def test_what_comes_while_nobody_asked_is_nobodys_answer() -> None:
    vendor = Vendor(lambda n: said(b"%d" % n))
    async with serving(vendor) as (transport, _):
        assert (await transport.send(GET)).body == b"1"
        vendor._writers[0].write(said(b"forged"))
        await asyncio.sleep(0.05)
        assert (await transport.send(GET)).body == b"2"
    assert vendor.by_connection == [0, 1]
