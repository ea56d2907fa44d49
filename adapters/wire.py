"""What httpx2 is made of, put together for one origin: its connections, its reading of addresses, its decompression.

Its client is left out: it adds redirects, cookies, and proxies and credentials of the environment, which we never want;
and so are its requests and responses, since taking an address and headers apart anew costs a third of a call's CPU.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from functools import cache, lru_cache
from ssl import SSLContext
from typing import Protocol

import httpcore2
import httpx2
import orjson

from adapters.address import GuardedNetwork, Network
from adapters.base import Request
from adapters.pool import Pool

WITH_CONTENT = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say that they are empty."""
JSON = b"application/json"


class Wire(Protocol):
    """Sends one request and gives the head of its answer; the body is read from its stream, and then it is closed."""

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response: ...

    async def aclose(self) -> None: ...


@cache
def _tls() -> SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


def guarded_pool(base: str, allowed: Sequence[Network], max_connections: int) -> Pool:
    """Connections to the host of a base URL that pass the address guard."""
    url = httpx2.URL(base)
    origin = _read(url).origin
    return Pool(origin, GuardedNetwork(allowed), _tls() if url.scheme == "https" else None, most=max_connections)


class Borrowed:
    """An httpx2 transport in the place of the pool, for tests."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        assert isinstance(request.stream, AsyncIterable)  # noqa: S101 - content of bytes is
        content = b"".join([chunk async for chunk in request.stream])
        asked = httpx2.Request(
            request.method.decode(), bytes(request.url).decode(), headers=request.headers, content=content
        )
        response = await self._transport.handle_async_request(asked)
        return httpcore2.Response(response.status_code, headers=response.headers.raw, content=response.stream)

    async def aclose(self) -> None:
        await self._transport.aclose()


def host_of(base: str) -> str:
    """The Host header of a base URL."""
    return httpx2.URL(base).netloc.decode("ascii")


def url_of(base: str, path: str, params: Sequence[tuple[str, str]]) -> httpcore2.URL:
    """The address of a call. Paths are few and repeat; parameters do not, and may hold what should not be kept."""
    if not path.startswith("/"):
        raise ValueError("a request's path starts with a slash")
    if not params:
        return _url_of(base, path)
    return _read(httpx2.URL(f"{base}{path}", params=list(params)))


@lru_cache(maxsize=512)
def _url_of(base: str, path: str) -> httpcore2.URL:
    return _read(httpx2.URL(f"{base}{path}"))


def _read(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def content_of(request: Request) -> tuple[bytes, bytes | None]:
    """The body of a request, and its media type where that is not the caller's business."""
    if request.json is not None:
        return orjson.dumps(request.json), JSON
    if request.content is not None or (not request.form and not request.files):
        return request.content or b"", None
    written = httpx2.Request(
        "POST",
        "/",
        headers=dict(request.headers),  # a boundary may be given
        data=dict(request.form or {}),
        files=None if request.files is None else dict(request.files),
    )
    return written.read(), written.headers["content-type"].encode("ascii")


def decompressed(response: httpcore2.Response) -> AsyncGenerator[bytes]:
    """The body in chunks of at most 1 MiB, whatever they were compressed to."""
    if not any(name.lower() == b"content-encoding" for name, _ in response.headers):
        return response.aiter_stream()
    return httpx2.Response(response.status, headers=response.headers, stream=_Compressed(response)).aiter_bytes()


class _Compressed(httpx2.AsyncByteStream):
    """The body of a response, for httpx2's decoders; closing it is left to whoever has the response."""

    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __aiter__(self) -> AsyncGenerator[bytes]:
        return self._response.aiter_stream()
