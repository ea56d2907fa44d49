"""What the rest of the gateway sees of connections: open adapters, how things stand, and why a backend cannot."""

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeGuard

from adapters.base import Adapter
from adapters.protocols import Collects, CollectsTogether
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
    """Where open adapters come from, and how things are with their connections; `Connections` is the one."""

    def adapter(self, tenant: str, connection: str) -> Awaitable[Adapter]: ...

    def standing(self, tenant: str, connection: str) -> Standing: ...


def collects(adapter: Adapter) -> TypeGuard[Collects]:
    """Whether it carries `Collects`; decided once for each class, because asking a protocol is slow."""
    return _collects(type(adapter))


def collects_together(adapter: Adapter) -> TypeGuard[CollectsTogether]:
    """Whether it takes events of several visitors at once."""
    return _collects_together(type(adapter))


@cache
def _collects_together(kind: type[Adapter]) -> bool:
    return issubclass(kind, CollectsTogether)


@cache
def _collects(kind: type[Adapter]) -> bool:
    return issubclass(kind, Collects)


def refused(adapter: Adapter, operation: Operation) -> UnsupportedQuery:
    """The error for an operation that the backend does not carry, with the declared reason."""
    cell = adapter.can.operations[operation]
    reason = cell.reason or "this backend does not offer it"
    return UnsupportedQuery([f"{operation}: {reason}"], backend=adapter.can.backend)
