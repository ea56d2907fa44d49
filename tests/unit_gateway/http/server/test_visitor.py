"""Where a request comes from: only what a trusted proxy says is believed."""

from typing import Any

import pytest
from starlette.requests import Request

from gateway.http.server.visitor import Client, _client, client_of, networks, received
from gateway.settings import Settings, read_settings

PROXIES = networks(("127.0.0.0/8", "10.0.0.0/8", "::1/128"))


def visitor(peer: str, **headers: str) -> str:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return received(Request({"type": "http", "headers": raw, "client": (peer, 1)}), PROXIES).ip


def test_a_stranger_is_who_the_socket_says() -> None:
    assert visitor("203.0.113.9", x_forwarded_for="198.51.100.7", cf_connecting_ip="198.51.100.8") == "203.0.113.9"


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, "127.0.0.1"),
        ({"x_forwarded_for": "198.51.100.7"}, "198.51.100.7"),
        ({"x_forwarded_for": "6.6.6.6, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"),
        ({"x_forwarded_for": "10.0.0.3, 10.0.0.2"}, "10.0.0.3"),
        ({"x_forwarded_for": "nonsense"}, "127.0.0.1"),
        ({"x_forwarded_for": "198.51.100.7:4711"}, "198.51.100.7"),
        ({"x_plausible_ip": "198.51.100.9", "x_forwarded_for": "198.51.100.7"}, "198.51.100.9"),
        ({"cf_connecting_ip": "2001:db8::7"}, "2001:db8::7"),
        ({"forwarded": 'for="[2001:db8::8]:4711";proto=https, for=10.0.0.2'}, "2001:db8::8"),
    ],
)
def test_a_trusted_proxy_is_believed_and_a_forged_part_of_its_list_is_not(
    headers: dict[str, str], address: str
) -> None:
    assert visitor("127.0.0.1", **headers) == address


def test_a_mapped_address_of_a_proxy_is_recognised() -> None:
    assert visitor("::ffff:10.0.0.1", x_forwarded_for="198.51.100.7") == "198.51.100.7"


def test_several_lines_of_a_list_are_one_list() -> None:
    """HAProxy adds a line of its own below those that the client sent."""
    raw = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"198.51.100.7")]
    asked = Request({"type": "http", "headers": raw, "client": ("127.0.0.1", 1)})
    assert received(asked, PROXIES).ip == "198.51.100.7"


def client(peer: str, *headers: tuple[str, str], **settings: Any) -> Client:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    made = Settings(trusted_proxies=("127.0.0.0/8", "10.0.0.0/8", "::1/128"), **settings)
    return client_of({"type": "http", "headers": raw, "client": (peer, 1)}, made)


@pytest.mark.parametrize("name", ["x-plausible-ip", "x-real-ip", "cf-connecting-ip", "b-forwarded-for", "forwarded"])
def test_a_header_that_the_proxy_does_not_write_gives_nobody_a_new_identity(name: str) -> None:
    forged = "for=6.6.6.6" if name == "forwarded" else "6.6.6.6"
    assert client("127.0.0.1", (name, forged), ("x-forwarded-for", "198.51.100.7")).name == "198.51.100.7"
    assert client("127.0.0.1", (name, forged)).name == "127.0.0.1"


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        (["6.6.6.6, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        (["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        (["6.6.6.6, unix:"], "127.0.0.1"),
        (["6.6.6.6, nonsense, 10.0.0.2"], "10.0.0.2"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["[2001:db8:1:2::7]:4711"], "2001:db8:1:2::/64"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        ([""], "127.0.0.1"),
    ],
)
def test_the_last_stranger_of_the_operators_header_is_held_responsible(lines: list[str], name: str) -> None:
    assert client("127.0.0.1", *(("x-forwarded-for", line) for line in lines)).name == name


def test_an_address_of_version_six_is_counted_with_its_network() -> None:
    assert client("2001:db8:1:2::1").name == client("2001:db8:1:2:ffff::9").name == "2001:db8:1:2::/64"
    assert client("2001:db8:1:3::1").name == "2001:db8:1:3::/64"


def test_a_stranger_is_counted_by_its_socket_whatever_it_says() -> None:
    assert client("203.0.113.9", ("x-forwarded-for", "198.51.100.7")) == ("203.0.113.9", True)
    assert client("127.0.0.1") == ("127.0.0.1", False)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Real-IP", "198.51.100.7"),
        ("CF-Connecting-IP", "198.51.100.7"),
        ("Forwarded", "for=6.6.6.6, for=198.51.100.7"),
    ],
)
def test_the_operator_names_the_header_of_the_proxy(header: str, value: str) -> None:
    named = read_settings({"TALLYWAY_CLIENT_ADDRESS_HEADER": header}).client_address_header
    sent = (header.lower(), value), ("x-forwarded-for", "6.6.6.6")
    assert client("127.0.0.1", *sent, client_address_header=named).name == "198.51.100.7"


def test_who_asks_is_looked_up_once_and_long_headers_are_not_kept() -> None:
    scope = {"type": "http", "headers": [(b"x-forwarded-for", b"198.51.100.7")] * 2, "client": ("127.0.0.1", 1)}
    settings = Settings()
    client_of(scope, settings)
    before = _client.cache_info()
    for _ in range(100):
        client_of(scope, settings)
    long = ", ".join(["198.51.100.7"] * 5000)
    assert client("127.0.0.1", ("x-forwarded-for", long)).name == "198.51.100.7"
    after = _client.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (100, 0)
