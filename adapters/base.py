"""The seam between gateway and backends: the transport, what an adapter is given to work with, and what it registers.

An adapter satisfies `Adapter` and `Reads`, and further protocols exactly where its capabilities declare the operation
(`adapters.protocols`). It knows no tenant, reads no environment, caches nothing and opens no socket but through its
`Transport`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from adapters.maintenance import OwnStore
from models.capability import Capabilities, Operation


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a backend. `path` is relative to the connection's base URL; one body at most.

    `idempotent` says that sending it twice does no harm (reads, and writes the backend de-duplicates itself).
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    idempotent: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever the status. The body was read completely and within the byte cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends one request.

    Raises Unreachable, TimedOut, RateLimited, Overloaded or Unintelligible; never an HTTP library's error.
    """

    async def send(self, request: Request) -> Reply: ...

    async def close(self) -> None: ...


Place = tuple[str, str]
"""Where a document lies in a ledger: its kind and its key."""


class Ledger(Protocol):
    """A document store the gateway lends to an adapter, for what its backend cannot keep. Values are JSON objects.

    `kind` names the collection, `key` the document (by convention `<site id>/<rest>`).
    """

    async def get(self, kind: str, key: str) -> dict[str, Any] | None: ...

    async def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None: ...

    async def delete(self, kind: str, key: str) -> bool: ...

    async def change(self, puts: Mapping[Place, Mapping[str, Any]], deletes: Iterable[Place] = ()) -> None:
        """Several documents of one fact, all of them or none; what is not there need not be deleted."""
        ...

    async def list(self, kind: str, prefix: str = "") -> tuple[tuple[str, dict[str, Any]], ...]:
        """Documents whose key starts with the prefix, by key."""
        ...

    async def next_id(self, kind: str) -> int:
        """1, 2, 3, ...; never the same number twice."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the gateway lends to an adapter. `public_url` is where our own pages are reached (no trailing slash)."""

    transport: Transport
    ledger: Ledger
    now: Callable[[], datetime]
    data_dir: Path
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What a connection may do, tried against the backend. `reasons` explain each operation that did not work."""

    ok: bool
    account: str = ""
    operations: Mapping[Operation, bool] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VendorCall:
    """A call only this backend has, typed; offered under `/v1/sites/{site}/vendor/{backend}/{name}`, audited."""

    name: str
    method: str
    title: str
    writes: bool
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    see: str = ""


@runtime_checkable
class Adapter(Protocol):
    """Every adapter."""

    can: Capabilities

    async def start(self) -> None:
        """Get ready; called once, before anything else."""
        ...

    async def close(self) -> None: ...

    async def check(self) -> Check: ...


@dataclass(frozen=True, slots=True)
class Backend:
    """A registered backend: its options and credential (pydantic models), editions, and how to open a connection to it.

    `edition_of` reads the edition from the options. `extra` are the names that a query's `extra` takes for it.
    `own_store` is set by the one backend that stores events itself, and so needs no connection.
    """

    name: str
    title: str
    options: type[BaseModel]
    credential: type[BaseModel] | None
    editions: Mapping[str, Capabilities]
    edition_of: Callable[[BaseModel], str]
    base_url_of: Callable[[BaseModel], str]
    open: Callable[[BaseModel, BaseModel | None, Context], Adapter]
    extra: frozenset[str] = frozenset()
    own_store: OwnStore | None = None
