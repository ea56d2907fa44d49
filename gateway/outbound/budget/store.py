"""Where buckets are kept: a seam, and the one for processes that keep nothing."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from gateway.outbound.budget.bucket import Bucket

T = TypeVar("T")
Step = Callable[[Bucket | None], tuple[Bucket, T]]


class BudgetStore(Protocol):
    """Buckets by credential. A step is applied in one transaction, so that processes cannot spend a token twice; when
    `change` returns, the new state survives a kill."""

    async def change(self, credential: str, step: Step[T]) -> T: ...


class MemoryBudgets:
    """Buckets that end with the process."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    async def change(self, credential: str, step: Step[T]) -> T:
        self._buckets[credential], result = step(self._buckets.get(credential))
        return result
