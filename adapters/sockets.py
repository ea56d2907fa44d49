"""Connections of a pool as the event loop has them: httpcore2's network, without anyio in between.

Each read and write of anyio's streams opens a cancel scope and gives way to the loop. Here a write that fits is one
call of the system, and TLS is the event loop's own. Measured in docs/decisions/0035.
"""

import asyncio
import select
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore2

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

MOST_UNREAD = 256 * 1024
"""Bytes that lie unread before the other side is asked to wait."""


class LoopNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections to addresses; whoever calls has checked them."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises ConnectError, ConnectTimeout."""
        local = None if local_address is None else (local_address, 0)
        try:
            async with asyncio.timeout(timeout):
                transport, stream = await asyncio.get_running_loop().create_connection(
                    LoopStream, host, port, local_addr=local
                )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpcore2.ConnectError("no connection") from error
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class LoopStream(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """One connection. One reader and one writer at a time, as a pool uses it."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._unread = bytearray()
        self._ended = False
        """Nothing more will come: the other side has closed, or the connection is lost."""
        self._failure: Exception | None = None
        self._paused = False
        self._arrival: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._poll = select.poll()

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) >= MOST_UNREAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._arrival)

    def eof_received(self) -> None:
        self._ended = True
        _wake(self._arrival)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._failure = True, exc
        _wake(self._arrival)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        _wake(self._room)
        self._room = None

    # What a pool asks

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's signature
        """What has come, nothing at the end. Raises ReadError, ReadTimeout."""
        if not self._unread and not self._ended:
            self._arrival = self._loop.create_future()
            try:
                await _within(timeout, self._arrival)
            except TimeoutError as error:
                raise httpcore2.ReadTimeout("nothing came in time") from error
        if not self._unread and self._failure is not None:
            raise httpcore2.ReadError("the connection was lost") from self._failure
        data = bytes(self._unread[:max_bytes])
        del self._unread[:max_bytes]
        if self._paused and len(self._unread) < MOST_UNREAD:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore2's signature
        """Returns when it is sent, or there is room for more. Raises WriteError, WriteTimeout."""
        if self._ended:
            raise httpcore2.WriteError("the connection was lost")
        if buffer:
            self._transport.write(buffer)
        if self._room is None:
            return
        try:
            await _within(timeout, self._room)
        except TimeoutError as error:
            raise httpcore2.WriteTimeout("not sent in time") from error
        if self._ended:
            raise httpcore2.WriteError("the connection was lost")

    async def aclose(self) -> None:
        """At once: whatever a pool closes is done with or broken, and what was not sent must not linger."""
        self._ended = True
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
    ) -> httpcore2.AsyncNetworkStream:
        """The same connection under TLS. Raises ConnectError, ConnectTimeout, the connection closed."""
        try:
            async with asyncio.timeout(timeout):
                secured = await self._loop.start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except BaseException as error:
            await self.aclose()
            if isinstance(error, TimeoutError):
                raise httpcore2.ConnectTimeout("no handshake in time") from error
            if isinstance(error, OSError):  # ssl's errors are among them
                raise httpcore2.ConnectError(str(error)) from error
            raise
        if secured is None:
            raise httpcore2.ConnectError("the connection was lost")
        self._transport = secured
        return self

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "is_readable":
                # Asked of an idle connection, which is only readable when it has ended; perhaps the loop does not know.
                return self._ended or bool(self._unread) or bool(self._poll.poll(0))
            case "client_addr":
                return self._transport.get_extra_info("sockname")
            case "server_addr":
                return self._transport.get_extra_info("peername")
            case _:
                return self._transport.get_extra_info(info)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


async def _within(seconds: float | None, waiter: asyncio.Future[None]) -> None:
    if seconds is None:
        await waiter
        return
    async with asyncio.timeout(seconds):
        await waiter
