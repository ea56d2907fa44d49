"""Spending: at once, in turn, or refused with a time."""

import asyncio
from typing import Any

import pytest

from gateway.outbound import deadline
from gateway.outbound.budget import Budget, MemoryBudgets, Priority, Rate, prioritised
from models.errors import RateLimited
from tests.unit_gateway.clock import Clock

TWO_SECONDS_EACH = Rate(0.5, 10)


def budget(clock: Clock, rate: Rate | None = TWO_SECONDS_EACH, **options: Any) -> Budget:
    return Budget("c", rate, MemoryBudgets(), now=clock.timestamp, **{"sleep": clock.sleep, **options})


class Gate:
    """A sleep that ends when the test says so, the clock having moved on."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.opened = clock, asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        await self.opened.wait()
        self.clock.pass_(seconds=seconds)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def empty(spending: Budget, tokens: int = 10) -> None:
    for _ in range(tokens):
        await spending.spend("t")


async def test_the_burst_is_there_at_once_and_then_tokens_come_in_turn() -> None:
    clock = Clock()
    spending = budget(clock)
    began = clock.timestamp()
    await empty(spending)
    assert clock.timestamp() == began
    await spending.spend("t")

    assert clock.timestamp() - began == pytest.approx(2, abs=0.01)


async def test_the_level_says_what_is_left() -> None:
    spending = budget(Clock())
    assert spending.level == 1
    await empty(spending, 6)

    assert spending.level == pytest.approx(0.4)


@pytest.mark.parametrize(("priority", "left"), [(Priority.REFRESH, 2), (Priority.PREFETCH, 5)])
async def test_work_that_can_wait_leaves_a_reserve(priority: Priority, left: int) -> None:
    spending = budget(Clock())
    with prioritised(priority), pytest.raises(RateLimited) as caught:
        await empty(spending, 11)

    assert spending.level * 10 == pytest.approx(left - 1)
    assert caught.value.retry_after == pytest.approx(2.0)
    await spending.spend("t")


async def test_a_wait_beyond_the_deadline_is_refused_at_once_with_the_time_it_takes() -> None:
    spending = budget(Clock())
    await empty(spending)
    with pytest.raises(RateLimited) as caught:
        async with deadline.within(1.5):
            await spending.spend("t")

    assert caught.value.retry_after == 2.0


async def test_the_urgent_go_first_and_tenants_take_turns() -> None:
    clock = Clock()
    gate = Gate(clock)
    spending = budget(clock, sleep=gate)
    await empty(spending)
    order: list[str] = []

    async def call(tenant: str, priority: Priority) -> None:
        with prioritised(priority):
            await spending.spend(tenant)
        order.append(tenant)

    async with asyncio.TaskGroup() as group:
        for tenant in ("greedy", "greedy", "greedy", "modest"):
            group.create_task(call(tenant, Priority.DASHBOARD))
            await settle()
        group.create_task(call("late", Priority.INTERACTIVE))
        await settle()
        gate.opened.set()

    assert order == ["late", "greedy", "modest", "greedy", "greedy"]


async def test_a_full_line_sends_away_whoever_stands_there_most() -> None:
    clock = Clock()
    gate = Gate(clock)
    spending = budget(clock, sleep=gate, most_waiters=3)
    await empty(spending)
    greedy = [asyncio.create_task(spending.spend("greedy")) for _ in range(3)]
    await settle()
    modest = asyncio.create_task(spending.spend("modest"))
    await settle()
    assert [task.done() for task in greedy] == [False, False, True]
    with pytest.raises(RateLimited):
        await greedy[2]
    gate.opened.set()
    await asyncio.gather(*greedy[:2], modest)

    assert spending.waiting == 0


async def test_who_leaves_the_line_costs_nothing() -> None:
    clock = Clock()
    gate = Gate(clock)
    spending = budget(clock, sleep=gate)
    await empty(spending)
    waiting = asyncio.create_task(spending.spend("t"))
    await settle()
    waiting.cancel()
    await settle()

    assert (spending.waiting, waiting.cancelled()) == (0, True)
    await spending.close()


async def test_a_vendors_refusal_stops_and_slows() -> None:
    clock = Clock()
    spending = budget(clock)
    await spending.spend("t")
    await spending.refused(50)
    assert spending.level == 0
    with pytest.raises(RateLimited) as caught:
        await spending.spend("t")
    assert caught.value.retry_after == 50
    clock.pass_(seconds=51)
    await spending.spend("t")


async def test_without_a_known_limit_only_refusals_count() -> None:
    clock = Clock()
    spending = budget(clock, None)
    await empty(spending, 1000)
    await spending.refused(None)
    with pytest.raises(RateLimited) as caught:
        await spending.spend("t")
    assert caught.value.retry_after == 30
    clock.pass_(seconds=30)
    await spending.spend("t")

    assert spending.level == 1


@pytest.mark.parametrize("rate", [None, Rate(0.15, 30)])
async def test_a_refusal_holds_over_a_restart(rate: Rate | None) -> None:
    clock, store = Clock(), MemoryBudgets()

    def started() -> Budget:
        return Budget("c", rate, store, now=clock.timestamp, sleep=clock.sleep)

    await started().refused(600)
    clock.pass_(seconds=100)
    with pytest.raises(RateLimited) as caught:
        async with deadline.within(5):
            await started().spend("t")
    assert caught.value.retry_after == pytest.approx(500, abs=10)
    clock.pass_(seconds=501)
    await started().spend("t")


async def test_tokens_taken_in_advance_lapse() -> None:
    clock = Clock()
    store = MemoryBudgets()
    spending = Budget("c", Rate(0.5, 10), store, now=clock.timestamp, sleep=clock.sleep)

    async def leased_at() -> float:
        return await store.change("c", lambda b: (b, b.at))  # type: ignore[union-attr,arg-type,return-value]  # it was written

    await spending.spend("t")
    first = await leased_at()
    clock.pass_(seconds=59)
    await spending.spend("t")
    assert await leased_at() == first
    clock.pass_(seconds=2)
    await spending.spend("t")

    assert await leased_at() == first + 61
