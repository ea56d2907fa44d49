"""Our connections to a vendor over httpcore2's own pool and streams: what a call costs, and whether either loses one.

python -m bench.pools [--calls 300] [--rounds 7] [--faults 10000] [--seconds 3]

In one process, interleaved: a call through each kind and through a bare httpx2 client. Then, each kind by itself: calls
that fail in eight ways or are cancelled at any moment, and what is left of them. Then whole gateways of each kind that
pass events on to a vendor, in turns. docs/decisions/0035 says what it is for.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from http.client import HTTPConnection
from ipaddress import ip_network
from statistics import median
from typing import Any
from unittest import mock

import httpcore2
import httpx2
import uvloop
from starlette.types import Receive, Scope, Send

import adapters.http
from adapters.address import GuardedNetwork, Network, read_base_url
from adapters.base import Request
from adapters.http import MAX_BYTES, HttpTransport, Timeouts
from adapters.pool import Pool
from adapters.sockets import LoopNetwork
from adapters.wire import Wire
from bench import load
from bench.miss import Call, measured
from bench.servers import ADMIN_KEY, Running, bare, free_port, serving
from fixtures.twins.plausible import TwinStore, plausible_twin

OURS, POOL, STREAMS, BOTH = "ours", "httpcore2's pool", "httpcore2's streams", "httpcore2's both"
KINDS = (OURS, POOL, STREAMS, BOTH)
LOOPBACK = (ip_network("127.0.0.0/8"),)
KEY = "bench-key"
AT_ONCE = 8
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GZIP = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain"
FAULTS: Sequence[tuple[bytes, bool]] = (
    (b"", True),
    (b"", False),
    (b"garbage\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf", True),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf", False),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", False),
    (GZIP, False),
    (OK + OK, False),
)
"""What is said, and whether the vendor hangs up then."""


class LibraryPool(httpcore2.AsyncConnectionPool):
    """httpcore2's pool, which by itself would use a connection again on which more came than was asked for."""

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface:
        return _Checked(
            origin, self._ssl_context, keepalive_expiry=self._keepalive_expiry, network_backend=self._network_backend
        )


class _Checked(httpcore2.AsyncHTTPConnection):
    def has_expired(self) -> bool:
        parser = getattr(self._connection, "_h11_state", None)
        return super().has_expired() or (parser is not None and self.is_idle() and bool(parser.trailing_data[0]))


def pool_of(kind: str, base: str, allowed: Sequence[Network], most: int) -> Wire:
    parts = read_base_url(base, allow_http=True, allow_private=allowed)
    origin = httpcore2.Origin(parts.scheme.encode(), parts.host.encode(), parts.port)
    inner = LoopNetwork() if kind in (OURS, POOL) else httpcore2.AnyIOBackend()
    network = GuardedNetwork(allowed, inner=inner)
    if kind in (OURS, STREAMS):
        return Pool(origin, network, None, most=most)
    return LibraryPool(max_connections=most, keepalive_expiry=30.0, network_backend=network)


def transport_of(kind: str, base: str, total: float = 5.0) -> HttpTransport:
    parts = read_base_url(base, allow_http=True, allow_private=LOOPBACK)
    return HttpTransport(parts, pool_of(kind, base, LOOPBACK, AT_ONCE), {}, Timeouts(total=total), MAX_BYTES, "bench")


async def calls(base: str, rounds: int, count: int) -> None:
    client = httpx2.AsyncClient(trust_env=False)
    transports = {kind: transport_of(kind, base) for kind in KINDS}
    body = {"metrics": ["visitors"]}

    def through(transport: HttpTransport) -> Call:
        return lambda _: transport.send(Request("POST", "/api/v2/query", json=body))

    ways = {kind: through(transport) for kind, transport in transports.items()}
    ways["bare httpx2"] = lambda _: client.post(f"{base}/api/v2/query", json=body)
    for way in ways.values():
        await measured(way, 0, 50)
    gc.freeze()
    found = [{name: (await measured(way, 0, count))[1] for name, way in ways.items()} for _ in range(rounds)]
    print(f"a call, load {os.getloadavg()[0]:.1f}")
    for name in ways:
        ratio = median(one[name] / one["bare httpx2"] for one in found)
        print(f"  {name:22} CPU {median(one[name] for one in found):5.0f} us {ratio:5.2f} x bare")


@asynccontextmanager
async def vendor(draw: random.Random) -> AsyncIterator[str]:
    """A server that answers in one of the ways of `FAULTS`, soon, in pieces, or too late; its address."""
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                said, ends = draw.choice(FAULTS) if draw.random() < 0.7 else (OK, False)
                await asyncio.sleep(draw.random() * 0.004)
                writer.write(said[:20])
                await asyncio.sleep(draw.random() * 0.002)
                writer.write(said[20:])
                if ends:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):
            pass
        finally:
            open_now.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for writer in list(open_now):
        writer.transport.abort()
    server.close()


async def troubles(kind: str, count: int) -> None:
    """Calls that fail or are cancelled, and what is left open after them."""
    draw, ends = random.Random(5), Counter[str]()
    async with vendor(draw):
        pass  # what a loop opens once
    await asyncio.sleep(0.1)
    before = _open()
    async with vendor(draw) as base:
        transport = transport_of(kind, base, total=0.05)

        async def one() -> None:
            call = asyncio.ensure_future(transport.send(Request("GET", "/")))
            if draw.random() < 0.3:
                asyncio.get_running_loop().call_later(draw.random() * 0.01, call.cancel)
            (end,) = await asyncio.gather(call, return_exceptions=True)
            ends[type(end).__name__] += 1

        for _ in range(count // AT_ONCE):
            await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        await transport.close()
    for _ in range(100):
        gc.collect()
        await asyncio.sleep(0.02)
        if _open() <= before:
            break
    left = [max(0, now - then) for now, then in zip(_open(), before, strict=True)]
    shown = ", ".join(f"{name} {n}" for name, n in sorted(ends.items()))
    print(f"  {kind:22} left: {left[0]} descriptors, {left[1]} tasks; {shown}")


def _open() -> tuple[int, int]:
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())


_store = TwinStore()
_store.add_key(KEY)
_store.add_site(load.DOMAIN)
_twin = plausible_twin(_store)


async def plausible(scope: Scope, receive: Receive, send: Send) -> None:
    """A Plausible that takes events without looking at them."""
    if scope["type"] != "http" or scope["path"] != "/api/event":
        await _twin(scope, receive, send)
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def forwarding(seconds: int, rounds: int) -> None:
    """Events a second through whole gateways to a vendor that takes as many as come."""
    with ExitStack() as stack:
        taker = stack.enter_context(bare("bench.pools:plausible", core=1))
        gateways = {kind: _gateway(stack, kind, taker) for kind in KINDS}
        stack.enter_context(mock.patch.object(load, "CONNECTIONS", 32))
        for gateway in gateways.values():
            load.burst(gateway, 2)
        found = [{kind: load.burst(gateway, seconds) for kind, gateway in gateways.items()} for _ in range(rounds)]
    print(f"events passed on, load {os.getloadavg()[0]:.1f}")
    for kind in KINDS:
        rate = median(one[kind].answered / one[kind].seconds for one in found)
        cpu = median(one[kind].cpu / one[kind].answered for one in found) * 1e6
        print(f"  {kind:22} {rate:6,.0f}/s, CPU {cpu:5.0f} us each, {sum(one[kind].failed for one in found)} failed")


def _gateway(stack: ExitStack, kind: str, taker: Running) -> Running:
    port = free_port()
    gateway = stack.enter_context(
        serving(
            [sys.executable, "-m", "bench.pools", "--serve", kind, "--port", str(port)], port, "/readyz",
            TALLYWAY_DATA=stack.enter_context(tempfile.TemporaryDirectory()), TALLYWAY_ADMIN_KEY=ADMIN_KEY,
            TALLYWAY_ALLOW_HTTP="true", TALLYWAY_ALLOW_PRIVATE_NETWORKS="127.0.0.0/8", TALLYWAY_ACCESS_LOG="false",
        )
    )  # fmt: skip
    options = {"base_url": f"http://127.0.0.1:{taker.port}", "requests_per_hour": 10_000_000}
    made = _asked(
        gateway, "/v1/connections", {"backend": "plausible", "options": options, "credential": {"api_key": KEY}}
    )
    _asked(gateway, f"/v1/connections/{made['id']}/sync", {})
    return gateway


def _asked(gateway: Running, path: str, body: Any) -> Any:
    connection = HTTPConnection("127.0.0.1", gateway.port)
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    return json.loads(connection.getresponse().read())


def serve(kind: str, port: int) -> None:
    """A gateway whose connections are of a kind."""
    from gateway.cli import main as tallyway

    def pool(base: str, allowed: Sequence[Network], most: int) -> Wire:
        return pool_of(kind, base, allowed, most)

    sys.argv = ["tallyway", "serve", "--port", str(port)]
    with mock.patch.object(adapters.http, "guarded_pool", pool):
        tallyway()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("calls", 300), ("rounds", 7), ("faults", 10_000), ("seconds", 3), ("port", 0)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.port)
        return
    with bare("bench.miss:app") as server:
        uvloop.run(calls(f"http://127.0.0.1:{server.port}", given.rounds, given.calls))
    print(f"{given.faults:,} calls that fail or are cancelled")
    for kind in KINDS:
        uvloop.run(troubles(kind, given.faults))
    forwarding(given.seconds, given.rounds)


if __name__ == "__main__":
    main()
