"""Who is next: the highest priority first, and among equals the tenant that was served least lately."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.outbound.budget.priority import Priority

MOST_WAITERS = 50


@dataclass(slots=True, eq=False)
class Waiter:
    """A call that waits for its turn; `turn` is set when it may go, or holds the error why it never will."""

    tenant: str
    priority: Priority
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Queue:
    """A bounded line in front of one credential. When it is full, whoever stands there most gives way."""

    def __init__(self, most: int = MOST_WAITERS) -> None:
        self._most = most
        self._waiters: list[Waiter] = []
        self._served: dict[str, int] = {}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._waiters)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._waiters)

    def join(self, waiter: Waiter) -> Waiter | None:
        """Add a waiter; returns who must leave because the line is full, perhaps the newcomer itself."""
        self._waiters.append(waiter)
        if len(self._waiters) <= self._most:
            return None
        leaving = self._to_leave()
        self._waiters.remove(leaving)
        return leaving

    def _to_leave(self) -> Waiter:
        """The latest of the least priority, of the tenant with most in the line."""
        least = max(w.priority for w in self._waiters)
        crowd = Counter(w.tenant for w in self._waiters if w.priority is least)
        most = max(crowd.values())
        return next(w for w in reversed(self._waiters) if w.priority is least and crowd[w.tenant] == most)

    def leave(self, waiter: Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def next(self) -> Waiter | None:
        """Take the next one out of the line; those that were given up are dropped."""
        self._waiters = [w for w in self._waiters if not w.turn.done()]
        if not self._waiters:
            self._served.clear()
            return None
        chosen = min(self._waiters, key=lambda w: (w.priority, self._served.get(w.tenant, 0)))
        self._waiters.remove(chosen)
        self._turn += 1
        self._served[chosen.tenant] = self._turn
        return chosen

    def ahead_of(self, priority: Priority) -> int:
        """How many would go before a newcomer of this priority."""
        return sum(w.priority <= priority for w in self._waiters)
