"""The address guard: what a base URL may say, and that no socket opens to an address that was not checked."""

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

import httpcore2
import pytest

from adapters.address import (
    Address,
    GuardedNetwork,
    RefusedAddress,
    canonical_host,
    is_allowed,
    problem_with,
    read_base_url,
)
from adapters.base import Request
from adapters.http import open_transport
from models.errors import ConfigurationError, Unreachable

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("１２７.0.0.1", "127.0.0.1"),
        ("127。0。0。1", "127.0.0.1"),
        ("::FFFF:127.0.0.1", "::ffff:127.0.0.1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("Plausible.IO.", "plausible.io"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_read_as_what_it_is(written: str, meant: str) -> None:
    assert (
        ip_address(canonical_host(written)) == ip_address(meant) if ":" in meant else canonical_host(written) == meant
    )


@pytest.mark.parametrize(
    "host",
    ["1.2.3.4.5", "256.1.1.1", "08.1.1.1", "0xzz", "0x.1", "1.2.3.256", "4294967296", "fe80::1%eth0", "::g", "a b", ""],
)
def test_a_host_that_is_neither_name_nor_address_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError):
        canonical_host(host)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://plausible.example", "https://"),
        ("ftp://plausible.example", "https://"),
        ("plausible.example", "https://"),
        ("https://user:pw@plausible.example", "user name"),
        ("https://plausible.example@10.0.0.1", "user name"),
        ("https://plausible.example/#x", "fragment"),
        ("https://plausible.example/?key=1", "query"),
        ("https://plausible.example/a/../b", "dot segments"),
        ("https://plausible.example/%2e%2e/b", "dot segments"),
        ("https://plausible.example\\@10.0.0.1", "backslashes"),
        ("https://plausible.example/\r\nX: y", "control characters"),
        ("https://plausible.example:22", "port"),
        ("https://plausible.example:99999", "cannot be read"),
        ("https://[::1", "cannot be read"),
        ("https://127.0.0.1", "not public"),
        ("https://0x7f.1", "not public"),
        ("https://[::ffff:127.0.0.1]", "not public"),
        ("https://169.254.169.254", "not public"),
        ("https://10.1.2.3", "not public"),
    ],
)
def test_a_base_url_is_refused_with_the_reason(url: str, reason: str) -> None:
    assert reason in (problem_with(url) or "")


def test_a_base_url_is_kept_by_its_parts() -> None:
    assert str(read_base_url("https://Stats.Example:8443/plausible/")) == "https://stats.example:8443/plausible"
    assert str(read_base_url("https://plausible.io")) == "https://plausible.io"
    assert str(read_base_url("http://[2606:4700::1]:8000", allow_http=True)) == "http://[2606:4700::1]:8000"


def test_an_explicitly_allowed_network_may_use_any_port() -> None:
    assert problem_with("http://127.0.0.1:54321", allow_http=True, allow_private=LOOPBACK) is None
    assert problem_with("http://8.8.8.8:54321", allow_http=True, allow_private=LOOPBACK) is not None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.1",
        "224.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1",
        "fd00:ec2::254", "ff02::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001::1",
        "192.0.0.192", "fec0::1", "::7f00:1", "::ffff:0:7f00:1", "5f00::1", "3fff::1", "8000::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_not_allowed(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


class SpyNetwork(httpcore2.AsyncNetworkBackend):
    """Notes where a connection was asked for, and opens none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[object] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.asked.append((host, port))
        raise httpcore2.ConnectError("nobody there")


def answering(*rounds: Sequence[str]):  # type: ignore[no-untyped-def] # the closure's type says nothing more
    """A resolver that gives one list of addresses after the other, the last for ever."""
    left = list(rounds)

    async def resolve(host: str, port: int) -> Sequence[Address]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [ip_address(text) for text in found]

    return resolve


async def test_the_connection_goes_to_the_checked_addresses_not_to_the_name() -> None:
    spy = SpyNetwork()
    network = GuardedNetwork(resolve=answering(["8.8.8.8", "8.8.4.4"]), inner=spy)
    with pytest.raises(httpcore2.ConnectError):
        await network.connect_tcp("stats.example", 443, timeout=1)
    assert spy.asked == [("8.8.8.8", 443), ("8.8.4.4", 443)]


@pytest.mark.parametrize("second", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1"])
async def test_one_bad_address_among_good_ones_opens_no_socket(second: str) -> None:
    spy = SpyNetwork()
    network = GuardedNetwork(resolve=answering(["8.8.8.8", second]), inner=spy)
    with pytest.raises(RefusedAddress):
        await network.connect_tcp("stats.example", 443, timeout=1)
    assert spy.asked == []


async def test_a_name_that_is_rebound_between_connections_is_checked_again() -> None:
    spy = SpyNetwork()
    network = GuardedNetwork(resolve=answering(["8.8.8.8"], ["127.0.0.1"]), inner=spy)
    with pytest.raises(httpcore2.ConnectError):
        await network.connect_tcp("stats.example", 443, timeout=1)
    with pytest.raises(RefusedAddress):
        await network.connect_tcp("stats.example", 443, timeout=1)
    assert spy.asked == [("8.8.8.8", 443)]


async def test_a_port_that_is_not_listed_is_refused_on_public_addresses() -> None:
    spy = SpyNetwork()
    with pytest.raises(RefusedAddress):
        await GuardedNetwork(resolve=answering(["8.8.8.8"]), inner=spy).connect_tcp("stats.example", 6379, timeout=1)
    assert spy.asked == []


async def test_a_literal_address_is_checked_too_and_looked_up_nowhere() -> None:
    spy = SpyNetwork()
    network = GuardedNetwork(resolve=answering([]), inner=spy)
    with pytest.raises(RefusedAddress):
        await network.connect_tcp("10.0.0.1", 443, timeout=1)
    with pytest.raises(httpcore2.ConnectError):
        await network.connect_tcp("8.8.8.8", 443, timeout=1)
    assert spy.asked == [("8.8.8.8", 443)]


async def test_a_name_without_an_address_cannot_be_reached() -> None:
    async def unknown(host: str, port: int) -> Sequence[Address]:
        raise OSError("no such name")

    for resolve in (unknown, answering([])):
        with pytest.raises(httpcore2.ConnectError):
            await GuardedNetwork(resolve=resolve, inner=SpyNetwork()).connect_tcp("stats.example", 443, timeout=1)


async def test_local_sockets_are_refused() -> None:
    with pytest.raises(RefusedAddress):
        await GuardedNetwork().connect_unix_socket("/run/x")


async def test_a_slow_look_up_counts_as_connecting() -> None:
    async def never(host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(httpcore2.ConnectTimeout):
        await GuardedNetwork(resolve=never).connect_tcp("stats.example", 443, timeout=0.01)


async def test_the_transport_calls_the_guard_before_a_socket_opens() -> None:
    """`localhost` resolves to loopback: without an allowance the server must see nothing, with it, the request."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        url = f"http://localhost:{port}"
        elsewhere = open_transport(url, allow_http=True, allow_private=[ip_network("10.0.0.0/8")])
        with pytest.raises(Unreachable, match="not allowed"):
            await elsewhere.send(Request("GET", "/"))
        assert seen == []
        await elsewhere.close()

        allowed = open_transport(url, allow_http=True, allow_private=[*LOOPBACK, ip_network("::1/128")])
        reply = await allowed.send(Request("GET", "/"))
        await allowed.close()
    finally:
        server.close()
        await server.wait_closed()
    assert (reply.status, reply.body) == (200, b"ok")
    assert f"\r\nhost: localhost:{port}\r\n".encode() in seen[0].lower()
