"""Where a request comes from: two questions, two answers.

Of a tracker's event we ask where its visitor is. Any header of a trusted proxy may say so: what a client adds by itself
gives the wrong place to its own event and nothing else.
For limits we ask who is to be held responsible (`client_of`). That is believed from the one header which the operator's
proxy writes: everything else comes through the proxy as the client made it up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AF_INET, inet_pton
from types import MappingProxyType
from typing import NamedTuple

from starlette.requests import Request
from starlette.types import Scope

from gateway.settings import Settings
from models.event import Received

SIGNALS = {name.encode(): name for name in ("dnt", "sec-gpc", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform")}
"""Headers that backends may look at, besides the user agent and languages."""
SIGNAL_NAMES, NO_SIGNALS = frozenset(SIGNALS), MappingProxyType[str, str]({})
SINGLE = (b"x-plausible-ip", b"cf-connecting-ip", b"x-real-ip")
"""Headers with one address, set by the proxy in front; asked before the lists."""
LISTS = (b"b-forwarded-for", b"x-forwarded-for")
FORWARDED = b"forwarded"
"""Of RFC 7239."""
SAID = (*SINGLE, *LISTS, FORWARDED)
NOTHING = (b"",) * len(SAID)
JOINED = frozenset({*LISTS, FORWARDED})
"""Headers whose lines are one list, in the order they come."""
LONGEST_REMEMBERED = 200
"""Characters of headers whose meaning is remembered, for the next event of the same browser."""
PREFIX = 64
"""Bits of an IPv6 address that one subscriber has."""


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Networks, each object the same as itself only; and netmask and address of those of IPv4 as numbers."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    masks: tuple[tuple[int, int], ...]


def networks(texts: Sequence[str]) -> Networks:
    """Networks in CIDR form."""
    found = tuple(ip_network(text) for text in texts)
    return Networks(found, tuple((int(n.netmask), int(n.network_address)) for n in found if n.version == 4))


@lru_cache(maxsize=8)
def trusted_networks(texts: tuple[str, ...]) -> Networks:
    """The operator's trusted proxies, read once."""
    return networks(texts)


def received(request: Request, trusted: Networks) -> Received:
    """The visitor's side of a request; lives as long as the request and is never logged."""
    peer = request.client.host if request.client else None
    return received_from(joined(request.scope["headers"]), peer, trusted)


def joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers as ASGI has them, by name: the first line of each, but all lines of those that are one list."""
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        if name not in headers:
            headers[name] = value
        elif name in JOINED:
            headers[name] += b"," + value
    return headers


def received_from(headers: Mapping[bytes, bytes], peer: str | None, trusted: Networks) -> Received:
    """The same from headers by name and the socket's other end."""
    get = headers.get
    said = tuple(map(get, SAID, NOTHING))
    find = _address_of if len(b"".join(said)) <= LONGEST_REMEMBERED else _address_of.__wrapped__
    return Received(
        find(peer, said, trusted),
        get(b"user-agent", b"")[:2000].decode("latin-1"),
        get(b"accept-language", b"")[:500].decode("latin-1"),
        NO_SIGNALS if SIGNAL_NAMES.isdisjoint(headers) else _signals(headers),
    )


def _signals(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    return {text: headers[name][:500].decode("latin-1") for name, text in SIGNALS.items() if name in headers}


@lru_cache(maxsize=8192)
def _address_of(peer: str | None, said: tuple[bytes, ...], trusted: Networks) -> str:
    """The visitor's address: the peer's, or what a trusted proxy says of it."""
    if peer is None:
        return "0.0.0.0"  # noqa: S104 - stands for an unknown address
    if not any(said) or not _is_in(peer, trusted):
        return peer
    return _behind(dict(zip(SAID, said, strict=True)), trusted) or peer


def _behind(said: Mapping[bytes, bytes], trusted: Networks) -> str | None:
    """The address behind the proxies: of a list, the last one that no trusted proxy has."""
    for name in SINGLE:
        if (value := said[name]) and (found := _address(value.decode("latin-1"))):
            return found
    for name in LISTS:
        if (value := said[name]) and (found := _last_stranger(value.decode("latin-1").split(","), trusted)):
            return found
    value = said[FORWARDED]
    return _last_stranger(_forwarded(value.decode("latin-1")), trusted) if value else None


def _last_stranger(hops: Sequence[str], trusted: Networks) -> str | None:
    """The last address that no trusted proxy has; the first one where all are proxies."""
    found = None
    for hop in reversed(hops):
        if (address := _address(hop)) is not None:
            found = address
            if not _is_in(address, trusted):
                break
    return found


def _forwarded(header: str) -> list[str]:
    """The hops of a Forwarded header (RFC 7239)."""
    pairs = (pair.strip().partition("=") for element in header.split(",") for pair in element.split(";"))
    return [value.strip('"') for key, _, value in pairs if key.lower() == "for"]


class Client(NamedTuple):
    """Whose requests are counted together. `known` is false where only a trusted proxy is known."""

    name: str
    known: bool


def client_of(scope: Scope, settings: Settings) -> Client:
    """Who sent a request, for limits: the socket's other end, or what a trusted proxy says in the operator's header."""
    header, lines = settings.client_address_header.encode(), []
    for name, value in scope["headers"]:
        if name == header:
            lines.append(value)
    peer, said = (scope.get("client") or ("",))[0], b",".join(lines).decode("latin-1")
    read = _client if len(said) <= LONGEST_REMEMBERED else _client.__wrapped__
    return read(peer, said, settings.trusted_proxies, settings.client_address_header == FORWARDED.decode())


@lru_cache(maxsize=8192)
def _client(peer: str, said: str, proxies: tuple[str, ...], in_pairs: bool) -> Client:
    trusted, found = trusted_networks(proxies), peer
    if _is_in(peer, trusted):
        for hop in reversed(_forwarded(said) if in_pairs else said.split(",")):
            address = _address(hop)
            if address is None:
                break  # what stands further to the left is nobody's word
            found = address
            if not _is_in(address, trusted):
                break
    return Client(_counted(found), bool(found) and not _is_in(found, trusted))


def _counted(address: str) -> str:
    """The name under which an address is counted: that of its network for IPv6, of which everybody has so many."""
    try:
        read = ip_address(address)
    except ValueError:
        return address
    if not isinstance(read, IPv6Address):
        return address
    return str(read.ipv4_mapped or ip_network((int(read), PREFIX), strict=False))


def _address(text: str) -> str | None:
    """An address with brackets or port removed; None when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    if _packed(text) is not None:
        return text
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _packed(text: str) -> int | None:
    """An IPv4 address as a number; None when it is none. The C library reads it in a tenth of the time."""
    try:
        return int.from_bytes(inet_pton(AF_INET, text), "big")
    except (OSError, ValueError, UnicodeError):
        return None


def _is_in(text: str, trusted: Networks) -> bool:
    if (number := _packed(text)) is not None:
        return any(number & mask == network for mask, network in trusted.masks)
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in trusted.networks)
