"""How many calls are under way: for a credential, for a host, in all. Whoever finds no room waits in a bounded line."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from gateway.outbound import deadline
from models.errors import Overloaded

MOST_WAITERS = 50
RETRY_AFTER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Room:
    """Most calls under way."""

    credential: int = 4
    host: int = 16
    total: int = 512


ROOM = Room()


@dataclass(slots=True, eq=False)
class _Waiter:
    credential: str
    host: str
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Bulkhead:
    """Room for calls of one process."""

    def __init__(self, room: Room = ROOM, *, most_waiters: int = MOST_WAITERS) -> None:
        self._room, self._most_waiters = room, most_waiters
        self._credentials: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()
        self._line: list[_Waiter] = []

    @property
    def under_way(self) -> int:
        return self._credentials.total()

    def slot(self, credential: str, host: str) -> "Slot":
        """Holds one place for a block. Entering raises Overloaded when the line is full or the deadline comes first."""
        return Slot(self, credential, host)

    async def enter(self, credential: str, host: str) -> None:
        if self._fits(credential, host):
            self._enter(credential, host)
        else:
            await self._wait(_Waiter(credential, host))

    def _fits(self, credential: str, host: str) -> bool:
        room = self._room
        return (
            self._credentials[credential] < room.credential
            and self._hosts[host] < room.host
            and self.under_way < room.total
        )

    def _enter(self, credential: str, host: str) -> None:
        self._credentials[credential] += 1
        self._hosts[host] += 1

    async def _wait(self, waiter: _Waiter) -> None:
        if sum(w.credential == waiter.credential for w in self._line) >= self._most_waiters:
            raise _full()
        self._line.append(waiter)
        try:
            async with asyncio.timeout(deadline.remaining()):
                await waiter.turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if waiter.turn.done() and not waiter.turn.cancelled():
                self.leave(waiter.credential, waiter.host)  # its turn came in the same moment
            if isinstance(error, asyncio.CancelledError):
                raise
            raise _full() from None
        finally:
            if waiter in self._line:
                self._line.remove(waiter)

    def leave(self, credential: str, host: str) -> None:
        for counter, name in ((self._credentials, credential), (self._hosts, host)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]
        for waiter in list(self._line):
            if not waiter.turn.done() and self._fits(waiter.credential, waiter.host):
                self._line.remove(waiter)
                self._enter(waiter.credential, waiter.host)
                waiter.turn.set_result(None)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the bulkhead while a block runs; a class, since a generator costs three times as much."""

    bulkhead: Bulkhead
    credential: str
    host: str

    async def __aenter__(self) -> None:
        await self.bulkhead.enter(self.credential, self.host)

    async def __aexit__(self, *_: object) -> None:
        self.bulkhead.leave(self.credential, self.host)


def _full() -> Overloaded:
    return Overloaded("Too many calls to this backend are under way", retry_after=RETRY_AFTER_SECONDS)
