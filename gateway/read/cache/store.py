"""Kept values of one process under a byte bound, each tenant within its share (cachetools)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from cachetools import TLRUCache

from gateway.read.cache.policy import Policy

T = TypeVar("T")
TENANT_SHARE = 0.25
LARGEST_SHARE = 1 / 16


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A value, when the backend gave it, and how long it is good for. `size` is bytes in memory, roughly."""

    value: T
    as_of: datetime
    policy: Policy
    size: int

    def age(self, now: datetime) -> float:
        return (now - self.as_of).total_seconds()


class Store(Generic[T]):
    """Entries by tenant and key; the least recently used of a tenant goes first.

    A tenant has at most its share of the bound, and when all are full the largest gives way, so that nobody can evict
    everybody else. An entry above a sixteenth is refused. Nothing outlives its policy.
    """

    def __init__(self, max_bytes: int, now: Callable[[], datetime], *, tenant_share: float = TENANT_SHARE) -> None:
        self._max, self._now = max_bytes, now
        self._per_tenant = int(max_bytes * tenant_share)
        self._shelves: dict[str, TLRUCache[bytes, Entry[T]]] = {}

    @property
    def used(self) -> int:
        """Sizes of everything kept."""
        return int(sum(shelf.currsize for shelf in self._shelves.values()))

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self._shelves.values())

    def get(self, tenant: str, key: bytes) -> Entry[T] | None:
        shelf = self._shelves.get(tenant)
        return None if shelf is None else shelf.get(key)

    def put(self, tenant: str, key: bytes, entry: Entry[T]) -> bool:
        """Keep an entry; False when it is too large, or good for no time at all."""
        if entry.size > self._max * LARGEST_SHARE or entry.size > self._per_tenant or not entry.policy.kept:
            return False
        shelf = self._shelves.get(tenant)
        if shelf is None:
            shelf = self._shelves[tenant] = self._shelf()
        shelf[key] = entry
        if self.used > self._max:
            self._shrink()
        return True

    def drop(self, tenant: str, key: bytes) -> None:
        shelf = self._shelves.get(tenant)
        if shelf is not None:
            shelf.pop(key, None)

    def _shelf(self) -> TLRUCache[bytes, Entry[T]]:
        return TLRUCache(
            maxsize=self._per_tenant,
            ttu=lambda _key, entry, _now: (entry.as_of + entry.policy.kept).timestamp(),
            timer=lambda: self._now().timestamp(),
            getsizeof=lambda entry: entry.size,
        )

    def _shrink(self) -> None:
        """Out with what has expired, then with the oldest of whoever holds most."""
        for tenant, shelf in list(self._shelves.items()):
            shelf.expire()
            if not shelf:
                del self._shelves[tenant]
        while self.used > self._max:
            max(self._shelves.values(), key=lambda shelf: shelf.currsize).popitem()
