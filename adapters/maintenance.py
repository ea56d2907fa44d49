"""Keeping a store of our own in order: copying it while it runs, and finding what does not fit together."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit: a stable code, what and where, and whether it was put right."""

    code: str
    detail: str
    repaired: bool = False


@runtime_checkable
class MaintainsStore(Protocol):
    """An adapter whose data lie in our own hands."""

    async def copy_to(self, folder: Path, beside: Callable[[], Awaitable[None]]) -> None:
        """Put a consistent copy into a new folder; `beside` is done while nothing moves, to copy what belongs to it.

        Everything acknowledged before is part of it. Raises UnsupportedQuery where the data are elsewhere.
        """
        ...

    async def inspect(self, *, repair: bool = False) -> tuple[Finding, ...]:
        """Everything that does not fit together; with `repair` it is put right where that loses nothing."""
        ...
