"""Connections of the pool on both event loops: what is read, what waits, what ends, and TLS that verifies."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpcore2
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.address import GuardedNetwork
from adapters.base import Request
from adapters.http import Timeouts, open_transport
from adapters.sockets import MOST_UNREAD, LoopNetwork, LoopStream
from models.errors import Unintelligible, Unreachable

LOOPBACK = [ip_network("127.0.0.0/8")]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Run = Callable[[Coroutine[Any, Any, None]], None]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test's body on one of the loops."""

    def inside(body: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(body)

    return inside


class Served:
    """A loopback server for a block; connections that are still open at its end are cut."""

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None = None) -> None:
        self._serve, self._tls, self._writers = serve, tls, list[asyncio.StreamWriter]()
        self.connections = 0

    async def __aenter__(self) -> "Served":
        self._server = await asyncio.start_server(self._one, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._server.close()
        await asyncio.sleep(0.01)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        await self._serve(reader, writer)

    async def stream(self) -> LoopStream:
        stream = await LoopNetwork().connect_tcp("127.0.0.1", self.port, timeout=2)
        assert isinstance(stream, LoopStream)
        return stream


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads nothing and says nothing."""


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def read_all(stream: LoopStream, count: int) -> bytes:
    got = b""
    while len(got) < count:
        chunk = await stream.read(65_536, timeout=2)
        assert 0 < len(chunk) <= 65_536
        got += chunk
    return got


def test_what_is_written_comes_back_in_order(run: Run) -> None:
    async def body() -> None:
        async with Served(echo) as server:
            stream = await server.stream()
            sent = bytes(range(256)) * 8192  # 2 MB: both sides have to wait for each other
            reading = asyncio.ensure_future(read_all(stream, len(sent)))
            await stream.write(sent, timeout=2)
            assert await reading == sent
            await stream.aclose()

    run(body())


def test_what_nobody_reads_stays_with_the_sender(run: Run) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 20_000_000)

    async def body() -> None:
        async with Served(flood) as server:
            stream = await server.stream()
            async with asyncio.timeout(60):
                while len(stream._unread) < MOST_UNREAD:  # noqa: ASYNC110  nobody tells
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.2)  # more would come if more were read
            assert MOST_UNREAD <= len(stream._unread) <= 4 * MOST_UNREAD
            assert len(await read_all(stream, 5_000_000)) >= 5_000_000
            await stream.aclose()

    run(body())


def test_a_reader_and_a_writer_give_up_in_time(run: Run) -> None:
    async def body() -> None:
        async with Served(silent) as server:
            stream = await server.stream()
            with pytest.raises(httpcore2.ReadTimeout):
                await stream.read(1, timeout=0.01)
            with pytest.raises(httpcore2.WriteTimeout):
                await stream.write(b"x" * 20_000_000, timeout=0.05)
            async with asyncio.timeout(60):
                await stream.aclose()  # although much was not sent, and nobody will ever read it

    run(body())


def test_the_end_is_read_as_nothing_and_writing_after_it_fails(run: Run) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    async def body() -> None:
        async with Served(leave) as server:
            stream = await server.stream()
            assert await read_all(stream, 3) == b"bye"
            assert await stream.read(10, timeout=2) == b""
            assert stream.get_extra_info("is_readable")
            with pytest.raises(httpcore2.WriteError):
                await stream.write(b"more")
            await stream.aclose()

    run(body())


def test_a_connection_that_is_cut_fails_its_reader_and_its_writer(run: Run) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.transport.abort()  # with unread bytes before it: a reset

    async def body() -> None:
        async with Served(cut) as server:
            stream = await server.stream()
            with pytest.raises(httpcore2.WriteError):
                await stream.write(b"x" * 20_000_000, timeout=60)
            with pytest.raises(httpcore2.ReadError):
                await stream.read(1, timeout=60)
            await stream.aclose()

    run(body())


def test_nobody_listening_is_an_error_of_connecting(run: Run) -> None:
    async def body() -> None:
        async with Served(silent) as server:
            port = server.port
        with pytest.raises(httpcore2.ConnectError):
            await LoopNetwork().connect_tcp("127.0.0.1", port, timeout=60)

    run(body())


def test_a_connection_that_ended_while_idle_is_not_used_again(run: Run) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    async def body() -> None:
        async with Served(once) as server:
            transport = local(server.port)
            for _ in range(3):
                assert (await transport.send(Request("GET", "/"))).body == b"ok"
                await asyncio.sleep(0.05)
            assert server.connections == 3
            await transport.close()

    run(body())


def test_an_idle_connection_is_used_again_unless_it_spoke(run: Run) -> None:
    async def steady(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(OK)

    async def body() -> None:
        async with Served(steady) as server:
            transport = local(server.port)
            for _ in range(3):
                assert (await transport.send(Request("GET", "/"))).body == b"ok"
            assert server.connections == 1
            await asyncio.sleep(0.05)
            assert (await transport.send(Request("GET", "/"))).body == b"ok"
            assert server.connections == 2  # what it said without being asked is nobody's answer
            await transport.close()

    run(body())


def test_an_answer_before_the_request_was_read_is_an_answer(run: Run) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        while await reader.read(65_536):  # a polite server reads on, so that nothing is reset
            pass
        writer.close()

    async def body() -> None:
        async with Served(refuse) as server:
            transport = local(server.port)
            assert (await transport.send(Request("POST", "/", content=b"x" * 3_000_000))).status == 413
            await transport.close()

    run(body())


def test_a_call_that_is_cancelled_leaves_no_connection(run: Run) -> None:
    async def body() -> None:
        async with Served(silent) as server:
            transport = local(server.port)
            call = asyncio.ensure_future(transport.send(Request("POST", "/", content=b"x" * 20_000_000)))
            await asyncio.sleep(0.1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert len(transport._wire) == 0
            await transport.close()

    run(body())


def test_a_server_that_hangs_up_without_a_word_is_unintelligible(run: Run) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def body() -> None:
        async with Served(hang_up) as server:
            transport = local(server.port)
            with pytest.raises(Unintelligible):
                await transport.send(Request("GET", "/"))
            await transport.close()

    run(body())


def test_tls_verifies_name_and_authority(run: Run, tmp_path: Path) -> None:
    serving, trusting = certificate(tmp_path, "localhost")

    async def body() -> None:
        async with Served(answer, serving) as server:
            url = f"https://localhost:{server.port}/"
            async with httpcore2.AsyncConnectionPool(ssl_context=trusting, network_backend=network()) as pool:
                for _ in range(2):
                    assert (await pool.request("GET", url)).content == b"ok"
                assert server.connections == 1
                with pytest.raises(httpcore2.ConnectError, match=r"(?i)hostname|mismatch|not valid for"):
                    await pool.request("GET", f"https://127.0.0.1:{server.port}/")
            # The service's own trust does not know the authority.
            strict = open_transport(f"https://localhost:{server.port}", allow_private=LOOPBACK)
            with pytest.raises(Unreachable):
                await strict.send(Request("GET", "/"))
            await strict.close()

    run(body())


def test_tls_with_a_server_that_says_nothing_ends_in_time(run: Run) -> None:
    async def body() -> None:
        async with Served(silent) as server:
            stream = await server.stream()
            with pytest.raises(httpcore2.ConnectTimeout):
                await stream.start_tls(ssl.create_default_context(), "localhost", timeout=0.05)

    run(body())


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        writer.write(OK)


def network() -> GuardedNetwork:
    """The guard over loopback; `localhost` is looked up as one address."""

    async def resolve(host: str, port: int) -> list[Any]:
        return [LOOPBACK[0][1]]

    return GuardedNetwork(LOOPBACK, resolve=resolve)


def local(port: int) -> Any:
    return open_transport(
        f"http://127.0.0.1:{port}", allow_http=True, allow_private=LOOPBACK, timeouts=Timeouts(total=3)
    )


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a certificate of its own for a name, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "server.pem")
    return serving, ssl.create_default_context(cadata=pem.decode())
