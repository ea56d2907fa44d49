"""Refusals of what a backend cannot do, in the words of its own declaration."""

from collections.abc import Awaitable
from typing import Protocol

from adapters.base import Adapter
from models.capability import Operation
from models.errors import UnsupportedQuery


class Backends(Protocol):
    """Where open adapters come from."""

    def adapter(self, tenant: str, connection: str) -> Awaitable[Adapter]: ...


def refused(adapter: Adapter, operation: Operation) -> UnsupportedQuery:
    """The error for an operation that the backend does not carry, with the declared reason."""
    cell = adapter.can.operations[operation]
    reason = cell.reason or "this backend does not offer it"
    return UnsupportedQuery([f"{operation}: {reason}"], backend=adapter.can.backend, code=str(operation))
