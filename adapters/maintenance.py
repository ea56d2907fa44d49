"""Keeping a store of our own in order: while it runs, and while nobody has it open."""

from collections.abc import Awaitable, Callable, Sequence
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


class OwnStore(Protocol):
    """The files of the backend that stores events itself, as far as they can be told about without opening them."""

    folder: str
    """Where in the data directory they lie."""

    def in_use(self, data: Path) -> str:
        """Which process has them open, in words; "" when none does. Opens and changes nothing. Raises OSError."""
        ...

    async def check_closed(self, data: Path, *, repair: bool = False) -> Sequence[Finding]:
        """What is wrong with them while nobody has them open. Raises OSError."""
        ...
