"""Room for calls: per credential, per host, in all; a bounded line; nothing is lost when waiters leave."""

import asyncio

import pytest

from gateway.outbound import deadline
from gateway.outbound.bulkhead import Bulkhead, Room
from models.errors import Overloaded, TimedOut


async def hold(bulkhead: Bulkhead, credential: str, host: str, until: asyncio.Event) -> None:
    async with bulkhead.slot(credential, host):
        await until.wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("room", "callers", "most"),
    [
        (Room(2, 10, 10), [("a", "h")] * 3, 2),
        (Room(10, 2, 10), [("a", "h"), ("b", "h"), ("c", "h")], 2),
        (Room(10, 10, 2), [("a", "h"), ("b", "i"), ("c", "j")], 2),
    ],
)
async def test_no_more_than_the_room_is_under_way(room: Room, callers: list[tuple[str, str]], most: int) -> None:
    bulkhead, done = Bulkhead(room), asyncio.Event()
    tasks = [asyncio.create_task(hold(bulkhead, *caller, done)) for caller in callers]
    await settle()
    assert bulkhead.under_way == most
    done.set()
    await asyncio.gather(*tasks)

    assert bulkhead.under_way == 0


async def test_a_crowded_credential_does_not_hold_up_another() -> None:
    bulkhead, done = Bulkhead(Room(1, 10, 10)), asyncio.Event()
    tasks = [asyncio.create_task(hold(bulkhead, "a", "h", done)) for _ in range(3)]
    await settle()
    async with bulkhead.slot("b", "h"):
        assert bulkhead.under_way == 2
    done.set()
    await asyncio.gather(*tasks)


async def test_a_full_line_refuses_at_once() -> None:
    bulkhead, done = Bulkhead(Room(1, 10, 10), most_waiters=1), asyncio.Event()
    tasks = [asyncio.create_task(hold(bulkhead, "a", "h", done)) for _ in range(2)]
    await settle()
    with pytest.raises(Overloaded) as caught:
        await hold(bulkhead, "a", "h", done)
    assert caught.value.retry_after == 1
    done.set()
    await asyncio.gather(*tasks)


async def test_a_waiter_goes_at_its_deadline_or_when_cancelled() -> None:
    bulkhead, done = Bulkhead(Room(1, 10, 10)), asyncio.Event()
    first = asyncio.create_task(hold(bulkhead, "a", "h", done))
    await settle()
    second = asyncio.create_task(hold(bulkhead, "a", "h", done))
    await settle()
    second.cancel()
    with pytest.raises((Overloaded, TimedOut)):
        async with deadline.within(0.01):
            await hold(bulkhead, "a", "h", done)
    done.set()
    await first

    assert (bulkhead.under_way, second.cancelled()) == (0, True)
    async with bulkhead.slot("a", "h"):
        assert bulkhead.under_way == 1
