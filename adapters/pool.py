"""The connections to one origin: so many at most, kept open for a while, each for one request at a time.

httpcore2's own pool is for any number of origins and protocols; it looks through all its connections and requests twice
in a call, and uses a connection again on which more came than was asked for. Measured in docs/decisions/0035. What a
connection does is httpcore2's.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from ssl import SSLContext
from typing import Protocol, cast

import httpcore2

KEPT_SECONDS = 30.0
"""How long a connection stays open that nobody uses."""


class Pool:
    """Satisfies `adapters.wire.Wire`. A place is held from a request until its answer is closed."""

    def __init__(
        self,
        origin: httpcore2.Origin,
        network: httpcore2.AsyncNetworkBackend,
        tls: SSLContext | None,
        *,
        most: int,
        kept: float = KEPT_SECONDS,
    ) -> None:
        self._origin, self._network, self._tls, self._kept = origin, network, tls, kept
        self._places = asyncio.Semaphore(most)
        self._open: set[httpcore2.AsyncHTTPConnection] = set()
        self._idle: deque[httpcore2.AsyncHTTPConnection] = deque()
        """Those of them that nobody uses, the one that was used last on the right."""
        self._ending: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """The head of the answer. Raises PoolTimeout, and what connecting and the exchange raise."""
        await self._enter(request.extensions.get("timeout", {}).get("pool"))
        connection: httpcore2.AsyncHTTPConnection | None = None
        try:
            connection = await self._connection()
            response = await connection.handle_async_request(request)
        except BaseException:
            self._leave(connection)
            raise
        response.stream = _Body(cast("_Stream", response.stream), lambda: self._leave(connection))
        return response

    async def aclose(self) -> None:
        """Close every connection, those in use as well."""
        for connection in list(self._open):
            await connection.aclose()
        self._open.clear()
        self._idle.clear()

    async def _enter(self, seconds: float | None) -> None:
        if not self._places.locked():
            await self._places.acquire()  # without waiting
            return
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpcore2.PoolTimeout("no connection became free in time") from error

    async def _connection(self) -> httpcore2.AsyncHTTPConnection:
        """The one that was used last, unless it has ended; else a new one, which connects with its first request."""
        found = None
        while self._idle and found is None:
            found = self._idle.pop()
            if found.has_expired():
                await self._end(found)
                found = None
        while self._idle and self._idle[0].has_expired():
            await self._end(self._idle.popleft())
        if found is None:
            found = httpcore2.AsyncHTTPConnection(
                self._origin,
                ssl_context=self._tls,
                keepalive_expiry=self._kept,
                network_backend=self._network,
            )
            self._open.add(found)
        return found

    async def _end(self, connection: httpcore2.AsyncHTTPConnection) -> None:
        self._open.discard(connection)
        await connection.aclose()

    def _leave(self, connection: httpcore2.AsyncHTTPConnection | None) -> None:
        """Give the place back. A connection that did not end well has closed itself."""
        if connection in self._open:
            if connection.is_available() and not _said_more(connection):
                self._idle.append(connection)
            else:
                self._open.discard(connection)
                ending = asyncio.ensure_future(connection.aclose())
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
        self._places.release()


def _said_more(connection: httpcore2.AsyncHTTPConnection) -> bool:
    """Whether bytes came behind the answer. The next request, perhaps another tenant's, would take them for its own.

    httpcore2 offers no way to ask (2.16, 2026-11-21), so its parser is looked for; without one there is no answer yet.
    """
    parser = getattr(getattr(connection, "_connection", None), "_h11_state", None)
    return parser is not None and bool(parser.trailing_data[0])


class _Stream(Protocol):
    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class _Body:
    """The body of an answer, whose end gives the connection back."""

    def __init__(self, stream: _Stream, left: Callable[[], None]) -> None:
        self._stream, self._left, self._closed = stream, left, False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        """Does not wait for anything, so that a call that is cancelled gives its connection back too."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._stream.aclose()
        finally:
            self._left()
