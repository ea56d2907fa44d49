"""Calls to vendors behind `adapters.base.Transport`, and what every adapter does with a reply.

Below is `adapters.wire`: no redirects, no cookies, no proxies or credentials of the environment. TLS is always
verified, bodies are capped after decompression, and every fault of the wire becomes one error of `models.errors`. No
error or repr carries a header, a body or a query string.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

import httpcore2
import httpx2
import msgspec
import orjson

from adapters.address import BaseUrl, Network, RefusedAddress, read_base_url
from adapters.base import Reply, Request
from adapters.wire import WITH_CONTENT, Borrowed, Wire, content_of, decompressed, guarded_pool, host_of, url_of
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

Shape = TypeVar("Shape")

_CONTROLS = dict.fromkeys([*range(ord("\t")), *range(ord("\t") + 1, ord(" ")), 0x7F])
_ALWAYS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "connection": "keep-alive", "user-agent": "tallyway"}
MAX_BYTES = 10 * 1024 * 1024
LONGEST_RETRY_AFTER = 86_400.0

FAULTS: Mapping[type[Exception], type[GatewayError]] = MappingProxyType(
    {
        httpx2.PoolTimeout: Overloaded,
        httpx2.TimeoutException: TimedOut,
        httpx2.DecodingError: Unintelligible,
        httpx2.RemoteProtocolError: Unintelligible,
        httpx2.RequestError: Unreachable,
        httpx2.InvalidURL: Unreachable,
        httpcore2.PoolTimeout: Overloaded,
        httpcore2.TimeoutException: TimedOut,
        httpcore2.RemoteProtocolError: Unintelligible,
        httpcore2.ProtocolError: Unreachable,
        httpcore2.NetworkError: Unreachable,
        TimeoutError: TimedOut,
    }
)
"""What each fault of the client and of its pool means; the first that fits, so the most specific stand first."""

STATUSES: Mapping[int, type[BackendError]] = MappingProxyType(
    {
        401: RejectedCredentials,
        403: RejectedCredentials,
        404: MissingAtBackend,
        408: TimedOut,
        410: MissingAtBackend,
        429: RateLimited,
        504: TimedOut,
    }
)
"""What statuses mean where a vendor says nothing else."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for a connection, for a place in the pool, and for the whole call."""

    connect: float = 2.0
    pool: float = 1.0
    total: float = 5.0


def open_transport(
    base_url: str,
    *,
    allow_http: bool = False,
    allow_private: Sequence[Network] = (),
    headers: Mapping[str, str] | None = None,
    timeouts: Timeouts = Timeouts(),
    max_bytes: int = MAX_BYTES,
    max_connections: int = 8,
    backend: str | None = None,
    wire: httpx2.AsyncBaseTransport | None = None,
) -> "HttpTransport":
    """A transport to one base URL. `backend` names the vendor in errors; `wire` replaces the network, for tests.

    Raises ConfigurationError when the base URL is not allowed.
    """
    base = read_base_url(base_url, allow_http=allow_http, allow_private=allow_private)
    below = guarded_pool(str(base), allow_private, max_connections) if wire is None else Borrowed(wire)
    return HttpTransport(base, below, dict(headers or {}), timeouts, max_bytes, backend)


class HttpTransport:
    """Sends requests to one base URL; satisfies `adapters.base.Transport`."""

    def __init__(
        self,
        base: BaseUrl,
        wire: Wire,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        max_bytes: int,
        backend: str | None,
    ) -> None:
        self._wire, self._timeouts, self._max_bytes, self._backend = wire, timeouts, max_bytes, backend
        self._base, self._name = str(base), f"{base.scheme}://{base.host}"
        standing = {"host": host_of(self._base), **_ALWAYS, **{k.lower(): v for k, v in headers.items()}}
        self._headers = _sendable(standing)
        # The whole call is bounded by `total`, so reads and writes need no bound of their own.
        self._extensions = {"timeout": {"connect": timeouts.connect, "pool": timeouts.pool}}

    def __repr__(self) -> str:
        return f"HttpTransport({self._name})"

    async def send(self, request: Request) -> Reply:
        """One attempt. Raises Unreachable, TimedOut, Overloaded or Unintelligible; any status is a Reply."""
        try:
            async with asyncio.timeout(self._timeouts.total):
                return await self._exchange(request)
        except tuple(FAULTS) as error:
            # h11 repeats an illegal header's value in its text, so that cause is not kept.
            cause = None if isinstance(error, httpx2.LocalProtocolError | httpcore2.LocalProtocolError) else error
            raise self._meaning(error) from cause

    async def close(self) -> None:
        await self._wire.aclose()

    async def _exchange(self, request: Request) -> Reply:
        response = await self._wire.handle_async_request(self._asked(request))
        try:
            return Reply(response.status, _lowered(response.headers), await self._body(response))
        finally:
            await response.aclose()

    def _asked(self, request: Request) -> httpcore2.Request:
        """The request as it is sent: our standing headers, but for those it brings itself, then its own."""
        method, (content, media) = request.method.upper(), content_of(request)
        own = _sendable(request.headers)
        given = {name.lower() for name, _ in own}
        headers = [header for header in self._headers if header[0] not in given]
        if media is not None and b"content-type" not in given:
            headers.append((b"content-type", media))
        if content or method in WITH_CONTENT:
            headers.append((b"content-length", b"%d" % len(content)))
        headers += own
        url = url_of(self._base, request.path, request.params)
        return httpcore2.Request(method, url, headers=headers, content=content, extensions=self._extensions)

    async def _body(self, response: httpcore2.Response) -> bytes:
        """The decompressed body. Raises Unintelligible beyond the cap."""
        body = bytearray()
        async with aclosing(decompressed(response)) as chunks:
            async for chunk in chunks:
                if len(body) + len(chunk) > self._max_bytes:
                    raise Unintelligible(f"The answer is larger than {self._max_bytes} bytes", backend=self._backend)
                body += chunk
        return bytes(body)

    def _meaning(self, error: Exception) -> GatewayError:
        if isinstance(error, RefusedAddress):
            return Unreachable("The backend's host leads to an address that is not allowed", backend=self._backend)
        found = next(meaning for fault, meaning in FAULTS.items() if isinstance(error, fault))
        return found(retry_after=1.0 if found is Overloaded else None, backend=self._backend)


def _lowered(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Headers by their names in small letters; those that came several times are joined."""
    found: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), _text(value)
        found[name] = f"{found[name]}, {text}" if name in found else text
    return MappingProxyType(found)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _sendable(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as bytes; control characters are dropped, so that a value cannot end its line."""
    return [(name.encode("ascii"), _printable(value)) for name, value in headers.items()]


def _printable(value: str) -> bytes:
    clean = value.translate(_CONTROLS).strip()
    try:
        return clean.encode("latin-1")
    except UnicodeEncodeError:
        return clean.encode("utf-8", "replace")


def path_of(*segments: str) -> str:
    """A path of escaped segments, `/api/v1/sites/a%2Fb`. Raises MissingAtBackend on dot segments, which would climb."""
    if any(segment in ("", ".", "..") for segment in segments):
        raise MissingAtBackend
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def retry_after(reply: Reply, now: datetime) -> float | None:
    """Seconds to wait from a Retry-After header, in seconds or as a date; None when absent or unreadable."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def check_status(
    reply: Reply,
    table: Mapping[int, type[BackendError]] = STATUSES,
    *,
    now: datetime,
    backend: str | None = None,
) -> None:
    """Raise what a status other than 2xx means: the vendor's table, then ours, then the class of the status."""
    status = reply.status
    if 200 <= status < 300:
        return
    meaning = table.get(status) or STATUSES.get(status) or _by_class(status)
    raise meaning(retry_after=retry_after(reply, now), backend=backend)


def _by_class(status: int) -> type[BackendError]:
    if 400 <= status < 500:
        return RefusedByBackend
    return Unreachable if 500 <= status < 600 else Unintelligible


def json_of(reply: Reply, *, backend: str | None = None) -> Any:
    """The reply's JSON value. Raises Unintelligible when it is not declared as JSON or cannot be read."""
    _expect_json(reply, backend)
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError as error:
        raise Unintelligible("The backend's JSON cannot be read", backend=backend) from error


def shaped(reply: Reply, shape: type[Shape], *, backend: str | None = None) -> Shape:
    """The reply's JSON value in a documented shape (a msgspec type). Raises Unintelligible."""
    _expect_json(reply, backend)
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unintelligible("The backend's JSON is not of the documented shape", backend=backend) from error


def _expect_json(reply: Reply, backend: str | None) -> None:
    media = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise Unintelligible("The backend answered something other than JSON", backend=backend)
