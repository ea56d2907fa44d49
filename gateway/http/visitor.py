"""Where a tracker's request comes from: the address that trusted proxies vouch for, browser, privacy signals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from socket import AF_INET, inet_pton

from starlette.requests import Request

from models.event import Received

SIGNALS = ("dnt", "sec-gpc", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform")
"""Headers that backends may look at, besides the user agent and languages."""
SINGLE = ("x-plausible-ip", "cf-connecting-ip", "x-real-ip")
"""Headers with one address, set by the proxy in front; asked before the lists."""
LISTS = ("b-forwarded-for", "x-forwarded-for")
_READ = {name.encode(): name for name in (*SIGNALS, *SINGLE, *LISTS, "forwarded", "user-agent", "accept-language")}


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks, and netmask and address of those of IPv4 as numbers."""

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
    return received_from(request.scope["headers"], request.client.host if request.client else None, trusted)


def received_from(raw: Iterable[tuple[bytes, bytes]], peer: str | None, trusted: Networks) -> Received:
    """The same from headers as ASGI has them and the socket's other end."""
    headers: dict[str, str] = {}
    for name, value in raw:
        if (known := _READ.get(name)) is not None:
            headers.setdefault(known, value.decode("latin-1"))
    return Received(
        ip=address_of(headers, peer, trusted),
        user_agent=headers.get("user-agent", "")[:2000],
        accept_language=headers.get("accept-language", "")[:500],
        headers={name: headers[name][:500] for name in SIGNALS if name in headers},
    )


def address_of(headers: Mapping[str, str], peer: str | None, trusted: Networks) -> str:
    """The client's address: the peer's, or what a trusted proxy says of it."""
    if peer is None:
        return "0.0.0.0"  # noqa: S104 - stands for an unknown address
    return _behind(headers, trusted) or peer if _is_in(peer, trusted) else peer


def _behind(headers: Mapping[str, str], trusted: Networks) -> str | None:
    """The address behind the proxies: of a list, the last one that no trusted proxy has."""
    for name in SINGLE:
        if (text := headers.get(name)) and (found := _address(text)):
            return found
    for name in LISTS:
        if not (text := headers.get(name)):
            continue
        listed = [found for part in text.split(",") if (found := _address(part))]
        if listed:
            return next((a for a in reversed(listed) if not _is_in(a, trusted)), listed[0])
    return _forwarded(text, trusted) if (text := headers.get("forwarded")) else None


def _forwarded(header: str, trusted: Networks) -> str | None:
    """The same from a Forwarded header (RFC 7239)."""
    pairs = (pair.strip().partition("=") for element in header.split(",") for pair in element.split(";"))
    listed = [found for key, _, value in pairs if key.lower() == "for" and (found := _address(value.strip('"')))]
    return next((a for a in reversed(listed) if not _is_in(a, trusted)), listed[0] if listed else None)


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
