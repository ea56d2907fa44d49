"""Events of trackers that arrive in one turn of the event loop are taken together; each sender learns its own fate."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.collect.ingest import Arrival
from models.event import Drop, Event, Received

CROWD, GATHERING = 4, 0.002
"""Events that came together from which on the next ones wait for more to come, and for how many seconds."""


class Tracks(Protocol):
    """Where events go; `Ingest` is the one."""

    async def takes_together(self, domain: str) -> bool: ...

    async def track_all(self, domain: str, arrived: Sequence[Arrival]) -> tuple[Drop | None, ...]: ...


class Arrived(NamedTuple):
    """An event, and who waits for what becomes of it."""

    event: Event
    received: Received
    fate: "asyncio.Future[Drop | None]"


class Intake:
    """Gathers what arrives while other requests are read. A browser that has left leaves its event."""

    def __init__(self, ingest: Tracks) -> None:
        self._ingest = ingest
        self._arrived: dict[str, list[Arrived]] = {}
        self._crowded = False
        self._taking: set[asyncio.Task[None]] = set()

    def take(self, domain: str, event: Event, received: Received) -> "asyncio.Future[Drop | None]":
        """None when the event is counted, else why not; raises what `Ingest.track` does."""
        loop = asyncio.get_running_loop()
        if not self._arrived:
            if self._crowded:
                loop.call_later(GATHERING, self._begin)
            else:
                loop.call_soon(self._begin)
        fate: asyncio.Future[Drop | None] = loop.create_future()
        self._arrived.setdefault(domain, []).append(Arrived(event, received, fate))
        return fate

    def _begin(self) -> None:
        together, self._arrived = self._arrived, {}
        self._crowded = sum(map(len, together.values())) >= CROWD
        for domain, arrived in together.items():
            self._start(domain, arrived)

    def _start(self, domain: str, arrived: list[Arrived]) -> None:
        task = asyncio.create_task(self._take(domain, arrived))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _take(self, domain: str, arrived: list[Arrived]) -> None:
        try:
            if len(arrived) > 1 and not await self._ingest.takes_together(domain):
                for one in arrived:  # none waits for another one's call, or fails with it
                    self._start(domain, [one])
                return
            drops = await self._ingest.track_all(domain, [(one.event, one.received) for one in arrived])
        except Exception as error:
            for one in arrived:
                if not one.fate.done():
                    one.fate.set_exception(error)
        except BaseException:  # the service ends
            for one in arrived:
                one.fate.cancel()
            raise
        else:
            for one, drop in zip(arrived, drops, strict=True):
                if not one.fate.done():
                    one.fate.set_result(drop)
