"""What the rest of the gateway sees of connections: open adapters, how things stand, and why a backend cannot."""

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeGuard

from adapters.base import Adapter, Records, RecordsTogether
from models.capability import Operation
from models.errors import UnsupportedQuery


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are with a connection: the generation of its credential, the share of its budget that is left, and
    whether answers are worth keeping (our own store is as fast and always current)."""

    generation: int = 0
    level: float = 1.0
    kept: bool = True


GOOD = Standing()


class Backends(Protocol):
    """Where open adapters come from."""

    def adapter(self, tenant: str, connection: str) -> Awaitable[Adapter]: ...


class Standings(Backends, Protocol):
    """The same, and how things are with their connections."""

    def standing(self, tenant: str, connection: str) -> Standing: ...


def records(adapter: Adapter) -> TypeGuard[Records]:
    """Whether it carries `Records`; decided once for each class, because asking a protocol is slow."""
    return _records(type(adapter))


def records_together(adapter: Adapter) -> TypeGuard[RecordsTogether]:
    """Whether it takes events of several visitors at once."""
    return _records_together(type(adapter))


@cache
def _records_together(kind: type[Adapter]) -> bool:
    return issubclass(kind, RecordsTogether)


@cache
def _records(kind: type[Adapter]) -> bool:
    return issubclass(kind, Records)


def refused(adapter: Adapter, operation: Operation) -> UnsupportedQuery:
    """The error for an operation that the backend does not carry, with the declared reason."""
    cell = adapter.can.operations[operation]
    reason = cell.reason or "this backend does not offer it"
    return UnsupportedQuery([f"{operation}: {reason}"], backend=adapter.can.backend, code=str(operation))
