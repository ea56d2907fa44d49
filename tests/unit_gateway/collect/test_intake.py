"""Events that arrive in one turn of the loop: one call to the backend, and each sender learns its own fate."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from gateway.collect.ingest import Arrival
from gateway.collect.intake import Intake
from models.errors import Overloaded
from models.event import Drop, Event, Received

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
EVENT = Event(name="pageview", time=NOON, url="https://example.com/")
BOT = Drop(reason="bot")


class Desk:
    """Takes what is for a.example, counting calls; drops what a crawler sends; is full for b.example."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    async def takes_together(self, domain: str) -> bool:
        return domain != "vendor.example"

    async def track_all(self, domain: str, arrived: Sequence[Arrival]) -> tuple[Drop | None, ...]:
        self.calls.append((domain, len(arrived)))
        await asyncio.sleep(0)
        if domain == "b.example":
            raise Overloaded("full", retry_after=5)
        return tuple(BOT if received.user_agent == "Crawler" else None for _, received in arrived)


def person(agent: str = "Firefox") -> Received:
    return Received("198.51.100.7", agent)


async def test_what_arrives_together_is_taken_by_one_call_for_each_domain() -> None:
    desk = Desk()
    intake = Intake(desk)
    fates = [intake.take("a.example", EVENT, person(agent)) for agent in ("Firefox", "Crawler", "Safari")]
    full = intake.take("b.example", EVENT, person())
    assert await asyncio.gather(*fates) == [None, BOT, None]
    with pytest.raises(Overloaded):
        await full
    assert desk.calls == [("a.example", 3), ("b.example", 1)]


async def test_events_for_a_vendor_neither_fail_nor_wait_together() -> None:
    class Vendor(Desk):
        async def track_all(self, domain: str, arrived: Sequence[Arrival]) -> tuple[Drop | None, ...]:
            self.calls.append((domain, len(arrived)))
            agent = arrived[0][1].user_agent
            if agent == "Slow":
                await asyncio.Event().wait()
            elif agent == "ApiError":
                raise Overloaded("full", retry_after=5)
            return (None,)

    desk = Vendor()
    intake = Intake(desk)
    slow, refused, good = (
        intake.take("vendor.example", EVENT, person(agent)) for agent in ("Slow", "ApiError", "Firefox")
    )
    assert await asyncio.wait_for(good, 60) is None
    with pytest.raises(Overloaded):
        await refused
    assert not slow.done()
    assert desk.calls == [("vendor.example", 1)] * 3
    for task in intake._taking:
        task.cancel()


async def test_what_arrives_later_is_taken_by_another_call() -> None:
    desk = Desk()
    intake = Intake(desk)
    assert await intake.take("a.example", EVENT, person()) is None
    assert await intake.take("a.example", EVENT, person("Crawler")) == BOT
    assert desk.calls == [("a.example", 1), ("a.example", 1)]


async def test_who_leaves_takes_nobody_along() -> None:
    desk = Desk()
    intake = Intake(desk)
    left, stays = intake.take("a.example", EVENT, person()), intake.take("a.example", EVENT, person())
    left.cancel()
    assert await stays is None
    assert desk.calls == [("a.example", 2)]


async def test_when_the_service_ends_nobody_waits_for_ever() -> None:
    begun = asyncio.Event()

    class Never(Desk):
        async def track_all(self, domain: str, arrived: Sequence[Arrival]) -> tuple[Drop | None, ...]:
            begun.set()
            await asyncio.Event().wait()
            return ()

    intake = Intake(Never())
    fate = intake.take("a.example", EVENT, person())
    await begun.wait()
    for task in intake._taking:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fate
