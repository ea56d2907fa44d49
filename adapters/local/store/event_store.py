"""The event store: ClickHouse's SQL on an embedded engine (chDB) or a server, through one client library.

Every value goes into a statement as a `{name:Type}` parameter, every identifier comes from tables of ours. A shard that
is down makes a query fail: skipping it would answer with half the rows.
"""

import asyncio
import contextlib
import ctypes
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from adapters.local.store.ddl import LAYOUTS, create_statements, delete_statement
from adapters.local.store.reads import Reads
from models.errors import BackendError, ConfigurationError, Overloaded, TimedOut, Unreachable

if TYPE_CHECKING:
    from clickhouse_connect.datatypes.base import ClickHouseType
    from clickhouse_connect.driver.client import Client

T = TypeVar("T")
BACKEND_NAME = "local"
THREADS = 4
WRITERS = 2
"""Threads that do nothing but insert: events and visits of a batch at once."""
BLOCK_ROWS = 1 << 20
"""Rows in one block of an insert; a batch is smaller, so that it becomes one part per month and one token covers it."""

SERVER_INSERT = {"insert_distributed_sync": 1, "insert_deduplicate": 1, "async_insert": 0, "insert_quorum": "auto"}
INSERT = {"max_partitions_per_insert_block": 0, "max_insert_threads": 1}


MEMORY = "the question needs more memory than one may have; ask about fewer days, or for fewer groups"
MEMORY_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed data source name. `path` is set for the embedded engine, the rest for a server."""

    path: Path | None = None
    host: str = ""
    port: int = 8123
    user: str = "default"
    password: str = ""
    database: str = "default"
    secure: bool = False
    cluster: str | None = None


def parse_dsn(dsn: str) -> Target:
    """`chdb:///path` or `clickhouse[s]://user:password@host:port/database[?cluster=name]`.

    Raises ConfigurationError.
    """
    parts = urlsplit(dsn)
    match parts.scheme:
        case "chdb":
            if parts.netloc or not parts.path.strip("/"):
                raise ConfigurationError("the embedded event store needs a path: chdb:///path")
            return Target(path=Path(unquote(parts.path)))
        case "clickhouse" | "clickhouses":
            return _server(dsn)
        case _:
            raise ConfigurationError(
                f"unknown event store {parts.scheme or dsn!r}; known: chdb, clickhouse, clickhouses"
            )


def _server(dsn: str) -> Target:
    parts = urlsplit(dsn)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - {"cluster"})
    if not parts.hostname or unknown:
        problem = f"unknown options: {', '.join(unknown)}" if unknown else "a host is missing"
        raise ConfigurationError(f"the address of the event store is not usable; {problem}")
    secure = parts.scheme == "clickhouses"
    return Target(
        host=parts.hostname,
        port=parts.port or (8443 if secure else 8123),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or "default",
        secure=secure,
        cluster=options.get("cluster"),
    )


@cache
def _types(table: str) -> tuple[tuple[str, ...], tuple["ClickHouseType", ...]]:
    from adapters.local.store.native import column_type

    columns = LAYOUTS[table].columns
    return tuple(columns), tuple(column_type(kind) for kind in columns.values())


def _without_frames() -> None:
    """Tell the client library that there are no pandas and numpy: it would load them at the first insert, for nothing.

    It asks its module of options for both, and takes None for a library that is not installed.
    """
    from clickhouse_connect.driver import options

    for name in ("pd", "pd_time_test", "np"):
        vars(options).setdefault(name, None)


def _rows(found: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return [row if isinstance(row, tuple) else tuple(row) for row in found]


_CODE = re.compile(r"Code: (\d+)")


def _told(error: Exception) -> BackendError | Overloaded:
    """An error of the engine as one of ours, by its code (ClickHouse, ErrorCodes.cpp)."""
    found = _CODE.search(str(error))
    match int(found[1]) if found else 0:
        case 159 | 394:
            return TimedOut("the question took the event store longer than it may", backend=BACKEND_NAME)
        case 241:
            return Overloaded(MEMORY, retry_after=MEMORY_RETRY_SECONDS, backend=BACKEND_NAME)
        case _:
            return BackendError("the event store refused a statement", backend=BACKEND_NAME)


class EventStore:
    """Tables of events, visits and imported aggregates. Open it with `EventStore.open`.

    The engine works in threads of our own, each with its own client: clients are not safe to share, handles are cheap.
    Three lanes that never wait for each other: inserts; `reads`, the questions of those who ask, with limits; and the
    service's own work (`query`, `command`, `delete`, `run`).
    """

    def __init__(self, target: Target, threads: int = THREADS) -> None:
        self.target = target
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="write")
        self.reads = Reads(self)
        self._held = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    @classmethod
    async def open(cls, dsn: str, *, threads: int = THREADS) -> Self:
        """Connect and create what is missing. Raises ConfigurationError, Unreachable."""
        store = cls(parse_dsn(dsn), threads)
        if store.target.path:
            store.target.path.mkdir(parents=True, exist_ok=True)
        try:
            await store.run(lambda client: [client.command(sql) for sql in create_statements(store.target.cluster)])
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def embedded(self) -> bool:
        """Whether the engine lives in this process, and dies with it."""
        return self.target.path is not None

    def _connect(self) -> "Client":
        from clickhouse_connect import get_client

        _without_frames()
        goal = self.target
        if goal.path:
            return get_client(interface="chdb", path=str(goal.path), tz_mode="aware")
        return get_client(
            host=goal.host,
            port=goal.port,
            username=goal.user,
            password=goal.password,
            database=goal.database,
            secure=goal.secure,
            tz_mode="aware",
            autogenerate_session_id=False,
        )

    def _client(self) -> "Client":
        client: Client | None = getattr(self._held, "client", None)
        if client is None:
            with self._lock:  # chDB sets up one engine for the process; two first handles at once would race
                client = self._connect()
                self._clients.append(client)
            self._held.client = client
        return client

    async def run(self, work: Callable[["Client"], T]) -> T:
        """Do something with a client in an engine thread. Raises Unreachable or BackendError."""
        return await self._in(self._pool, work)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[["Client"], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, self._guarded, work)

    def _guarded(self, work: Callable[["Client"], T]) -> T:
        from clickhouse_connect.driver.exceptions import Error, OperationalError

        try:
            return work(self._client())
        except OperationalError as error:
            raise Unreachable("the event store cannot be reached", backend=BACKEND_NAME) from error
        except Error as error:
            raise _told(error) from error

    def select(self, sql: str, parameters: dict[str, Any], settings: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Rows of a SELECT, in the thread that calls. Raises what `query` raises, TimedOut and Overloaded."""
        return self._guarded(
            lambda client: _rows(client.query(sql, parameters=parameters, settings=settings).result_rows)
        )

    async def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of a SELECT. Values only through `{name:Type}` parameters."""
        given, tuned = dict(parameters or {}), dict(settings or {})
        return await self.run(lambda client: _rows(client.query(sql, parameters=given, settings=tuned).result_rows))

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """A statement without rows."""
        given = dict(parameters or {})
        await self.run(lambda client: client.command(sql, parameters=given))

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]], token: str) -> None:
        """Insert columns (all of the table's, of one length) as one block, on disk when this returns.

        The same token again is ignored month by month, so a batch that was cut off may be sent again.
        """
        await self._in(self._writers, lambda client: self._insert(client, table, columns, token))

    def _insert(self, client: "Client", table: str, columns: Mapping[str, Sequence[Any]], token: str) -> None:
        names, types = _types(table)
        data = [columns[name] for name in names]
        if not data[0]:
            return
        context = client.create_insert_context(
            table,
            column_names=names,
            column_types=types,
            column_oriented=True,
            settings={
                "insert_deduplication_token": token,
                **INSERT,
                **({} if self.embedded else SERVER_INSERT),
            },
        )
        context.req_block_size = BLOCK_ROWS
        context.data = data
        client.insert(context=context)

    async def delete(self, table: str, condition: str, parameters: Mapping[str, Any]) -> None:
        """Remove rows for good and wait for it (seconds: the months that hold such rows are written again)."""
        sql = delete_statement(table, condition, self.target.cluster)
        given = dict(parameters)
        await self.run(lambda client: client.command(sql, parameters=given, settings={"mutations_sync": 2}))

    async def release(self) -> None:
        """Give free memory of this process back to the system: the embedded engine's, and the C library's.

        The engine has an allocator of its own, which keeps what an import took (145 MB) until it is told.
        """
        if self.embedded:
            with contextlib.suppress(BackendError):  # an engine that was built without it
                await self.command("SYSTEM JEMALLOC PURGE")
        with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
            await asyncio.to_thread(ctypes.CDLL(None).malloc_trim, 0)

    async def close(self) -> None:
        """Close every client, then the threads; the embedded engine stops with the last client."""
        await self.reads.close()
        for pool in (self._writers, self._pool):
            await asyncio.to_thread(pool.shutdown)
        for client in self._clients:
            client.close()
        self._clients.clear()
