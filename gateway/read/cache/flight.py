"""One piece of work for many who wait: joined by key, cancelled when its last waiter has gone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.outbound import deadline

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class Flights(Generic[T]):
    """Work under way, one task per key. Not for use from several threads."""

    def __init__(self, *, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self._flights: dict[bytes, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def join(self, key: bytes, work: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """The result of the flight of this key, started if there is none; and whether somebody else had started it.

        Its error reaches those who wait for it and nobody later. A waiter that leaves (its own deadline, its client)
        does not disturb the others.
        """
        flight = self._flights.get(key)
        joined = flight is not None
        if flight is None:
            flight = self._depart(key, work)
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task), joined
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()

    def send(self, key: bytes, work: Callable[[], Awaitable[T]]) -> bool:
        """Start the work with nobody waiting; False when it is under way already. Its error is dropped."""
        if key in self._flights:
            return False
        flight = self._depart(key, work)
        flight.waiters += 1  # itself: those who join and leave do not end it
        return True

    def _depart(self, key: bytes, work: Callable[[], Awaitable[T]]) -> _Flight[T]:
        flight = self._flights[key] = _Flight(asyncio.create_task(self._bounded(work)))
        flight.task.add_done_callback(lambda task: self._landed(key, flight, task))
        return flight

    async def _bounded(self, work: Callable[[], Awaitable[T]]) -> T:
        async with deadline.within(self._seconds, apart=True):
            return await work()

    def _landed(self, key: bytes, flight: _Flight[T], task: asyncio.Task[T]) -> None:
        self._forget(key, flight)
        if not task.cancelled():
            task.exception()  # waiters have it; a flight without any must not warn

    def _forget(self, key: bytes, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def close(self) -> None:
        """Cancel whatever is under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
