"""The courier: what it tries again, what it tells breaker, budget and credential, and what it gives back."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.base import Reply, Request
from gateway.outbound import deadline
from gateway.outbound.breaker import State
from gateway.outbound.budget import MemoryBudgets
from gateway.outbound.courier import Clocks, Courier, Couriers
from gateway.outbound.courier.retries import Retries, RetryBudget
from models.capability import Limits
from models.errors import (
    CircuitOpen,
    GatewayError,
    Overloaded,
    RateLimited,
    RejectedCredentials,
    TimedOut,
    Unintelligible,
    Unreachable,
)
from tests.unit_gateway.clock import Clock

READ = Request("POST", "/query", json={})
WRITE = Request("POST", "/sites", json={}, idempotent=False)
OK = Reply(200, {}, b"{}")
NO_LIMITS = Limits()


@dataclass
class Wire:
    """A transport that plays replies and faults in order, the last one for ever."""

    script: Sequence[Reply | Exception | asyncio.Event]
    sent: list[Request] = field(default_factory=list)
    closed: bool = False

    async def send(self, request: Request) -> Reply:
        self.sent.append(request)
        step = self.script[min(len(self.sent), len(self.script)) - 1]
        match step:
            case asyncio.Event():
                await step.wait()
                return OK
            case Exception():
                raise step
            case _:
                return step

    async def close(self) -> None:
        self.closed = True


def couriers(clock: Clock) -> Couriers:
    return Couriers(MemoryBudgets(), pepper=b"pepper", clocks=Clocks(clock, clock.timestamp), jitter=lambda _: 0.0)


def courier(
    wire: Wire, clock: Clock | None = None, *, limits: Limits = NO_LIMITS, of: Couriers | None = None
) -> Courier:
    return (of or couriers(clock or Clock())).open(
        wire, tenant="t", base_url="https://stats.example.com", credential=b"key", backend="table", limits=limits
    )


def state(sending: Courier) -> State:
    return sending.account.breaker.state


@pytest.mark.parametrize(
    "fault", [Unreachable(), TimedOut(), Reply(502, {}, b""), Reply(503, {"retry-after": "0"}, b"")]
)
async def test_a_read_is_tried_twice_more(fault: Reply | Exception) -> None:
    wire = Wire([fault, fault, OK])

    assert await courier(wire).send(READ) == OK
    assert len(wire.sent) == 3


async def test_the_last_failure_is_what_the_caller_sees() -> None:
    with pytest.raises(Unreachable):
        await courier(Wire([Unreachable()])).send(READ)
    assert (await courier(Wire([Reply(503, {}, b"x")])).send(READ)).status == 503


@pytest.mark.parametrize("fault", [Unreachable(), TimedOut(), Reply(502, {}, b"")])
async def test_a_write_is_never_repeated(fault: Reply | Exception) -> None:
    wire = Wire([fault, OK])
    try:
        assert (await courier(wire).send(WRITE)).status == 502
    except GatewayError as error:
        assert error is fault  # noqa: PT017 - a fault or a reply
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    ("fault", "calls"), [(Unintelligible(), 2), (Overloaded(), 1), (Reply(400, {}, b""), 1), (Reply(500, {}, b""), 3)]
)
async def test_what_is_worth_another_try(fault: Reply | Exception, calls: int) -> None:
    wire = Wire([fault])
    try:
        await courier(wire).send(READ)
    except GatewayError as error:
        assert error is fault  # noqa: PT017 - a fault or a reply
    assert len(wire.sent) == calls


@pytest.mark.parametrize(("calls", "retries"), [(1, 1), (4, 3), (15, 3), (20, 4), (100, 20)])
def test_retries_are_a_fifth_of_the_calls_or_three(calls: int, retries: int) -> None:
    budget = RetryBudget()
    with ExitStack() as under_way:
        deciding = [under_way.enter_context(Retries(budget, jitter=lambda _: 0.5)) for _ in range(calls)]
        waits = [again(Unreachable()) for again in deciding]
        assert (waits.count(0.5), waits.count(False)) == (retries, calls - retries)
        assert deciding[0](Unreachable()) == 0.5, "its own retry has ended"
    assert (budget.calls, budget.retries) == (0, 0)


async def test_calls_that_fail_together_are_not_all_tried_again() -> None:
    wire = Wire([Unreachable()])
    sending = courier(wire)
    failed = await asyncio.gather(*(sending.send(READ) for _ in range(4)), return_exceptions=True)

    assert {type(error) for error in failed} <= {Unreachable, CircuitOpen}
    assert len(wire.sent) <= 4 + 3
    assert sending.account.retries.retries == 0
    assert sending.account.retries.calls == 0


async def test_no_retry_reaches_beyond_the_deadline() -> None:
    wire = Wire([Reply(503, {"retry-after": "30"}, b"")])
    async with deadline.within(20):
        assert (await courier(wire).send(READ)).status == 503
    assert len(wire.sent) == 1


async def test_an_open_circuit_is_not_asked_and_recovers_by_one_probe() -> None:
    clock = Clock()
    wire = Wire([*[Unreachable()] * 5, OK])
    sending = courier(wire, clock)
    for _ in range(3):
        with pytest.raises(Unreachable):
            await sending.send(WRITE if len(wire.sent) == 4 else READ)
    assert state(sending) is State.OPEN
    asked = len(wire.sent)
    with pytest.raises(CircuitOpen):
        await sending.send(READ)
    assert len(wire.sent) == asked
    clock.pass_(seconds=15)
    assert await sending.send(READ) == OK
    assert state(sending) is State.CLOSED


async def test_a_429_feeds_the_budget_and_not_the_breaker() -> None:
    wire = Wire([Reply(429, {"retry-after": "60"}, b"")])
    sending = courier(wire, limits=Limits(requests_per_hour=600))
    assert (await sending.send(READ)).status == 429
    assert (sending.account.breaker.state, sending.account.budget.level) == (State.CLOSED, 0)
    with pytest.raises(RateLimited) as caught:
        await sending.send(READ)

    assert caught.value.retry_after == pytest.approx(60, abs=14)
    assert len(wire.sent) == 1


async def test_a_refused_credential_is_not_used_again_until_it_is_changed() -> None:
    clock = Clock()
    wire, all_of_them = Wire([Reply(401, {}, b"")]), couriers(clock)
    sending = courier(wire, of=all_of_them)
    assert (await sending.send(READ)).status == 401
    with pytest.raises(RejectedCredentials):
        await sending.send(READ)
    assert len(wire.sent) == 1
    assert state(sending) is State.CLOSED
    again = courier(wire, of=all_of_them)
    assert (await again.send(READ)).status == 401


@pytest.mark.parametrize("good", [True, False])
async def test_a_refusal_about_one_site_does_not_cost_the_credential(good: bool) -> None:
    wire, asked = Wire([Reply(401, {}, b""), OK]), 0

    async def still_good() -> bool:
        nonlocal asked
        asked += 1
        return good

    sending = courier(wire)
    sending.confirm_with(still_good)
    await sending.send(READ)
    for _ in range(5):
        await asyncio.sleep(0)

    assert asked == 1
    assert sending.account.rejected is not good


async def test_retries_spend_tokens_and_what_is_not_sent_costs_none() -> None:
    clock = Clock()
    sending = courier(Wire([Unreachable(), Unreachable(), OK]), clock, limits=Limits(requests_per_hour=600))
    await sending.send(READ)
    assert sending.account.budget.level * 30 == pytest.approx(27)
    for _ in range(5):
        sending.account.breaker.failed(0)
    with pytest.raises(CircuitOpen):
        await sending.send(READ)
    assert sending.account.budget.level * 30 == pytest.approx(27)


async def test_connections_with_one_credential_share_its_budget_and_others_do_not() -> None:
    clock = Clock()
    opened = couriers(clock)
    options: Any = {"backend": "table", "limits": Limits(requests_per_hour=600)}
    one, two, other = (
        opened.open(Wire([OK]), tenant=tenant, base_url=f"https://{host}", credential=key, **options)
        for tenant, host, key in (("t1", "a.test", b"k"), ("t2", "A.test", b"k"), ("t1", "a.test", b"l"))
    )

    assert one.account is two.account
    assert other.account is not one.account
    assert len(bytes.fromhex(one.account.name)) == 16
    await one.close()
    await two.close()
    assert (
        opened.open(Wire([OK]), tenant="t", base_url="https://a.test", credential=b"k", **options).account
        is not one.account
    )


async def test_a_cancelled_call_leaves_no_trace_and_a_long_one_counts_against_the_vendor() -> None:
    clock = Clock(datetime(2026, 6, 17, tzinfo=UTC))
    wire = Wire([asyncio.Event()])
    all_of_them = couriers(clock)
    sending = courier(wire, of=all_of_them)
    for waited in (1, 6, 6, 6, 6, 6):
        task = asyncio.create_task(sending.send(READ))
        for _ in range(10):
            await asyncio.sleep(0)
        assert all_of_them.bulkhead.under_way == 1
        clock.pass_(seconds=waited)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert all_of_them.bulkhead.under_way == 0

    assert state(sending) is State.OPEN
