"""Where a connection may lead: the guard between an administrator's base URL and a socket.

A base URL is read once, canonically (`read_base_url`). Every new connection resolves its host once, refuses unless all
addresses are public or explicitly allowed, and connects to a checked address, so a name cannot be rebound in between
(`GuardedNetwork`, under the transport's pool). TLS name and Host header stay those of the URL.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import httpcore2
import idna

from adapters.sockets import LoopNetwork, SocketOption
from models.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]

PORTS = frozenset({80, 443, 8000, 8080, 8443})
"""Ports of public hosts; an explicitly allowed network may use any."""
DEFAULT_PORTS = {"https": 443, "http": 80}
NEVER_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "::ffff:0:0/96",  # IPv4 in IPv6 clothes
        "64:ff9b::/96",  # NAT64: leads to any IPv4 address
        "64:ff9b:1::/48",
        "2002::/16",  # 6to4, the same
        "2001::/32",  # Teredo, the same
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # Azure's metadata service, on a public address
        "192.0.0.0/24",  # for protocols; Oracle's metadata service is there
        "3fff::/20",  # documentation
    )
)
UNICAST = ip_network("2000::/3")
"""All IPv6 addresses that are public. Python takes others for public too, such as those of a site (`fec0::/10`) and
IPv4 in other clothes (`::/96`, `::ffff:0:0:0/96`)."""


class RefusedAddress(httpcore2.ConnectError):
    """The host leads to an address the deployment does not allow; no socket was opened."""


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A base URL that was read: `host` is an ASCII name or a literal address, `path` has no trailing slash."""

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def problem_with(base_url: str, *, allow_http: bool = False, allow_private: Sequence[Network] = ()) -> str | None:
    """Why a base URL cannot be used, in words for the administrator; None when it can. Looks up no name."""
    try:
        read_base_url(base_url, allow_http=allow_http, allow_private=allow_private)
    except ConfigurationError as error:
        return error.detail
    return None


def read_base_url(base_url: str, *, allow_http: bool = False, allow_private: Sequence[Network] = ()) -> BaseUrl:
    """The parts of a base URL. Raises ConfigurationError with the reason; the URL itself is never repeated."""
    if any(c <= " " or c == "\\" or c == "\x7f" for c in base_url):
        raise ConfigurationError("the base URL holds blanks, control characters or backslashes")
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError("the base URL cannot be read") from error
    if parts.scheme not in (("https", "http") if allow_http else ("https",)):
        raise ConfigurationError("the base URL must start with https://")
    _refuse_extras(base_url, parts)
    host = canonical_host(parts.hostname or "")
    literal = as_address(host)
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if literal is not None and not is_allowed(literal, allow_private):
        raise ConfigurationError("the base URL names an address that is not public")
    vouched = allow_private if literal is None else [n for n in allow_private if literal in n]
    if port not in PORTS and not vouched:
        raise ConfigurationError(f"the base URL's port must be one of {', '.join(map(str, sorted(PORTS)))}")
    return BaseUrl(parts.scheme, host, port, parts.path.rstrip("/"))


def _refuse_extras(base_url: str, parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise ConfigurationError("the base URL must not carry a user name or password")
    if "#" in base_url or "?" in base_url:
        raise ConfigurationError("the base URL must not carry a query or fragment")
    if any(segment in (".", "..") for segment in parts.path.replace("%2e", ".").replace("%2E", ".").split("/")):
        raise ConfigurationError("the base URL's path must not carry dot segments")


def canonical_host(host: str) -> str:
    """A host as what it is: `0x7f.1`, `127.1`, `2130706433`, full-width digits become `127.0.0.1`; names become ASCII.

    Raises ConfigurationError on anything that is neither a name nor an address.
    """
    if ":" in host:
        return str(_ipv6(host))
    try:
        name = idna.encode(host.rstrip("."), uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise ConfigurationError("the base URL's host is no valid name") from error
    last = name.rpartition(".")[2]
    return str(_ipv4(name)) if last.isdigit() or last.startswith("0x") else name


def _ipv6(host: str) -> IPv6Address:
    try:
        address = IPv6Address(host)
    except ValueError as error:
        raise ConfigurationError("the base URL's host is no valid address") from error
    if address.scope_id is not None:
        raise ConfigurationError("the base URL's address must not carry a zone")
    return address


def _ipv4(text: str) -> IPv4Address:
    """The address that the C library's lenient reading gives: 1 to 4 numbers, decimal, octal or hexadecimal."""
    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError as error:
        raise ConfigurationError("the base URL's host is no valid address") from error


def as_address(host: str) -> Address | None:
    """The address a canonical host spells, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether a connection may go there: into an explicitly allowed network, or to a public unicast address."""
    if any(address in network for network in allowed):
        return True
    if not address.is_global or address.is_multicast or any(address in network for network in NEVER_PUBLIC):
        return False
    return address.version == 4 or address in UNICAST


async def look_up(host: str, port: int) -> tuple[Address, ...]:
    """The addresses of a name, in the system's order. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens the connections of a pool: resolve once, check all addresses, connect to a checked one."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolver = look_up,
        inner: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._inner = inner or LoopNetwork()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises RefusedAddress, ConnectError, ConnectTimeout; `timeout` covers look-up and all attempts."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked(host, port)
                return await self._first_open(addresses, port, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("no connection in time") from error

    async def _checked(self, host: str, port: int) -> Sequence[Address]:
        literal = as_address(host.strip("[]"))
        try:
            addresses = (literal,) if literal is not None else await self._resolve(host, port)
        except OSError as error:
            raise httpcore2.ConnectError("the host name cannot be resolved") from error
        if not addresses:
            raise httpcore2.ConnectError("the host name has no address")
        for address in addresses:
            if not is_allowed(address, self._allowed):
                raise RefusedAddress("the host leads to an address that is not public")
            if port not in PORTS and not any(address in network for network in self._allowed):
                raise RefusedAddress("the port is not allowed on a public address")
        return addresses

    async def _first_open(
        self,
        addresses: Sequence[Address],
        port: int,
        local_address: str | None,
        socket_options: Iterable[SocketOption] | None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: httpcore2.ConnectError | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    str(address), port, local_address=local_address, socket_options=socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
        raise failure or httpcore2.ConnectError("no address to connect to")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refused: no base URL leads to one."""
        raise RefusedAddress("connections to local sockets are not allowed")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
