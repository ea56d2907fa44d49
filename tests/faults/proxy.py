"""A TCP proxy on loopback that does to a conversation what networks and broken servers do."""

import asyncio
import random
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from functools import cache

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNK = b"0" * 65536


class Fault(StrEnum):
    NONE = "none"
    LATENCY = "latency"
    JITTER = "jitter"
    BANDWIDTH = "bandwidth"
    RESET = "reset after some bytes"
    BLACK_HOLE = "black hole"
    """Takes the request and never answers."""
    DEAF = "accept and never read"
    HALF_CLOSE = "half close"
    TRUNCATED = "truncated chunked body"
    GARBAGE = "garbage"
    DRIP = "slow drip"
    GZIP_BOMB = "gzip bomb"
    HUGE = "a gigabyte"
    REFUSED = "closed at once"


SLOW = (Fault.LATENCY, Fault.JITTER, Fault.BANDWIDTH)
"""Faults that a patient caller survives."""


@cache
def bomb() -> bytes:
    """100 MB of zeros in about 100 KB."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(100)) + packer.flush()


class FaultProxy:
    """Stands before `upstream` (host, port); `fault` is what the next connections meet. Counts its connections."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream, self.fault = upstream, Fault.NONE
        self.opened, self.tasks = 0, set[asyncio.Task[None]]()
        self.draw = random.Random(7)
        self.url = ""

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self.tasks)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.opened += 1
        self.tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.converse(reader, writer)
        finally:
            self.tasks.discard(task)
            writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match self.fault:
            case Fault.REFUSED:
                self.reset(writer)
            case Fault.DEAF:
                await asyncio.sleep(3600)
            case Fault.BLACK_HOLE:
                while await reader.read(65536):
                    pass
            case Fault.GARBAGE | Fault.TRUNCATED | Fault.DRIP | Fault.GZIP_BOMB | Fault.HUGE:
                await reader.readuntil(b"\r\n\r\n")
                await self.answer(writer)
            case _:
                await self.relay(reader, writer)

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        """An answer of the proxy's own."""
        match self.fault:
            case Fault.GARBAGE:
                writer.write(self.draw.randbytes(500))
            case Fault.TRUNCATED:
                writer.write(HEAD + b'transfer-encoding: chunked\r\n\r\n40\r\n{"results":')
            case Fault.GZIP_BOMB:
                writer.write(HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb()) + bomb())
            case Fault.DRIP:
                writer.write(HEAD + b"content-length: 100000\r\n\r\n")
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            case Fault.HUGE:
                writer.write(HEAD + b"content-length: %d\r\n\r\n" % 2**30)
                for _ in range(2**30 // len(CHUNK)):
                    writer.write(CHUNK)
                    await writer.drain()
            case _:
                raise ValueError(self.fault)
        await writer.drain()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        try:
            async with asyncio.TaskGroup() as group:
                forward = group.create_task(self.pump(reader, up_writer))
                await self.answered(up_reader, writer)
                forward.cancel()
        except ExceptionGroup as group_:
            raise ConnectionError from group_
        finally:
            up_writer.close()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        raise ConnectionError

    async def answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The upstream's answers, as the fault lets them through."""
        while data := await reader.read(65536):
            match self.fault:
                case Fault.LATENCY:
                    await asyncio.sleep(0.05)
                case Fault.JITTER:
                    await asyncio.sleep(self.draw.uniform(0, 0.1))
                case Fault.RESET:
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    self.reset(writer)
                    return
                case Fault.HALF_CLOSE:
                    writer.write(data[: len(data) // 2])
                    writer.write_eof()
                    await asyncio.sleep(3600)
                case Fault.BANDWIDTH:
                    for start in range(0, len(data), 512):
                        writer.write(data[start : start + 512])
                        await writer.drain()
                        await asyncio.sleep(0.01)
                    continue
                case _:
                    pass
            writer.write(data)
            await writer.drain()

    def reset(self, writer: asyncio.StreamWriter) -> None:
        """RST instead of FIN."""
        socket = writer.get_extra_info("socket")
        socket.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SOL_SOCKET, SO_LINGER: no lingering
        writer.transport.abort()

    async def hang_up(self) -> None:
        """End every open conversation."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def fault_proxy(upstream_url: str) -> AsyncIterator[FaultProxy]:
    """A proxy before `http://host:port`, for the length of a block."""
    host, _, port = upstream_url.removeprefix("http://").partition(":")
    proxy = FaultProxy((host, int(port)))
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.hang_up()
        await server.wait_closed()
