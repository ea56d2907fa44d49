"""Where a tracker's request comes from: the address that trusted proxies vouch for, browser, privacy signals."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.requests import Request

from models.event import Received

SIGNALS = ("dnt", "sec-gpc", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform")
"""Headers that backends may look at, besides the user agent and languages."""
SINGLE = ("x-plausible-ip", "cf-connecting-ip", "x-real-ip")
"""Headers with one address, set by the proxy in front; asked before the lists."""
Network = IPv4Network | IPv6Network


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks in CIDR form."""
    return tuple(ip_network(text) for text in texts)


@lru_cache(maxsize=8)
def trusted_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """The operator's trusted proxies, read once."""
    return networks(texts)


def received(request: Request, trusted: Sequence[Network]) -> Received:
    """The visitor's side of a request; lives as long as the request and is never logged."""
    headers = request.headers
    return Received(
        ip=address_of(headers, request.client.host if request.client else None, trusted),
        user_agent=headers.get("user-agent", "")[:2000],
        accept_language=headers.get("accept-language", "")[:500],
        headers={name: headers[name][:500] for name in SIGNALS if name in headers},
    )


def address_of(headers: Headers, peer: str | None, trusted: Sequence[Network]) -> str:
    """The client's address: the peer's, or what a trusted proxy says of it."""
    if peer is None:
        return "0.0.0.0"  # noqa: S104 - stands for an unknown address
    return _behind(headers, trusted) or peer if _is_in(peer, trusted) else peer


def _behind(headers: Headers, trusted: Sequence[Network]) -> str | None:
    """The address behind the proxies: of a list, the last one that no trusted proxy has."""
    for name in SINGLE:
        if found := _address(headers.get(name, "")):
            return found
    for name in ("b-forwarded-for", "x-forwarded-for"):
        listed = [found for part in headers.get(name, "").split(",") if (found := _address(part))]
        if listed:
            return next((a for a in reversed(listed) if not _is_in(a, trusted)), listed[0])
    return _forwarded(headers.get("forwarded", ""), trusted)


def _forwarded(header: str, trusted: Sequence[Network]) -> str | None:
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
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _is_in(text: str, trusted: Sequence[Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in trusted)
