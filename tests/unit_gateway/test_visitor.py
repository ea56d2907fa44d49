"""Where a request comes from: only what a trusted proxy says is believed."""

import pytest
from starlette.requests import Request

from gateway.http.visitor import networks, received

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
