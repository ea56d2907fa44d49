"""Every fault against every adapter: a typed error in time, nothing left behind, the expected state, and recovery."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from fixtures.twins.serve import serve_in_thread
from gateway.outbound import deadline
from gateway.outbound.breaker import State
from gateway.read.cache import ResultCache
from gateway.read.stats import Stats
from models.errors import BackendError, CircuitOpen, TimedOut, Unintelligible, Unreachable
from models.query import read_query
from models.result import Freshness
from tests.faults.proxy import SLOW, Fault, bomb
from tests.faults.vendors import CAP, VENDORS, Backends, Rig, Twin, rig
from tests.unit_gateway.tables import TENANT, unchanged

DEADLINE, LATE, PLENTY = 0.5, 0.1, 60.0
FATAL: dict[Fault, tuple[type[BackendError], ...]] = {
    Fault.REFUSED: (Unreachable,),
    Fault.RESET: (Unreachable,),
    Fault.BLACK_HOLE: (TimedOut,),
    Fault.DEAF: (TimedOut,),
    Fault.HALF_CLOSE: (Unintelligible,),
    Fault.TRUNCATED: (Unintelligible,),
    Fault.GARBAGE: (Unintelligible,),
    Fault.DRIP: (TimedOut,),
    Fault.GZIP_BOMB: (Unintelligible,),
    Fault.HUGE: (Unintelligible, TimedOut),
}


@pytest.fixture(scope="module", params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Iterator[tuple[str, Twin, str]]:
    bomb()  # making it takes as long as a deadline
    twin = VENDORS[request.param][1]()
    with serve_in_thread(twin.app) as url:
        yield request.param, twin, url


@pytest.fixture
async def warm(vendor: tuple[str, Twin, str]) -> AsyncIterator[Rig]:
    """A rig that has answered once, so that logins are done."""
    async with rig(*vendor) as opened:
        await opened.read()
        yield opened


@asynccontextmanager
async def punctual(seconds: float) -> AsyncIterator[None]:
    """The block ends within so many seconds, besides all that the loop itself was late by on a busy machine."""
    loop = asyncio.get_running_loop()
    lag = 0.0

    async def tick() -> None:
        nonlocal lag
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            lag += loop.time() - before - 0.005

    ticking, began = asyncio.create_task(tick()), loop.time()
    try:
        yield
        assert loop.time() - began <= seconds + lag
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


def time_for(fault: Fault) -> float:
    """A deadline that is met where nothing but the deadline ends the call; else it must end by itself."""
    return DEADLINE if TimedOut in FATAL[fault] else PLENTY


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(30_000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came")


async def broken(opened: Rig, fault: Fault) -> None:
    opened.proxy.fault = fault
    await opened.proxy.hang_up()


@pytest.mark.parametrize("fault", FATAL)
async def test_a_fault_is_a_typed_error_in_time_and_leaves_nothing_behind(warm: Rig, fault: Fault) -> None:
    tasks = len(asyncio.all_tasks()) - warm.proxy.open
    await broken(warm, fault)
    seconds = time_for(fault)
    async with punctual(seconds + LATE):
        with pytest.raises(FATAL[fault]) as caught:
            async with deadline.within(seconds):
                await warm.read()

    assert caught.value.code.startswith("backend_")
    assert warm.couriers.bulkhead.under_way == 0
    assert warm.courier.account.budget.waiting == 0
    assert warm.courier.account.retries.calls == 0
    await warm.proxy.hang_up()
    assert len(asyncio.all_tasks()) <= tasks
    assert warm.proxy.open == 0


@pytest.mark.parametrize("fault", SLOW)
async def test_a_slow_vendor_is_waited_for(warm: Rig, fault: Fault) -> None:
    expected = await warm.read()
    await broken(warm, fault)
    async with deadline.within(PLENTY):
        assert await warm.read() == expected


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.GARBAGE, Fault.BLACK_HOLE])
async def test_the_circuit_opens_and_closes_with_the_first_probe(warm: Rig, fault: Fault) -> None:
    expected = await warm.read()
    await broken(warm, fault)
    for _ in range(5):
        with pytest.raises(BackendError):
            await warm.read()
    assert warm.courier.account.breaker.state is State.OPEN
    opened = warm.proxy.opened
    with pytest.raises(CircuitOpen):
        await warm.read()
    assert warm.proxy.opened == opened
    await broken(warm, Fault.NONE)
    warm.clock.pass_(seconds=15)

    assert await warm.read() == expected


async def test_warmed_queries_are_answered_while_the_vendor_is_down(warm: Rig) -> None:
    cache = ResultCache(max_bytes=10_000_000, now=warm.clock)
    stats = Stats(backends=Backends(warm), cache=cache, expand=unchanged, now=warm.clock)
    days = [f"2026-06-{day:02}" for day in range(1, 17)]
    queries = [
        read_query({"metrics": ["visitors"], "date_range": [first, last]})
        for first in days
        for last in days
        if first <= last
    ]
    for query in queries:
        await stats.ask(TENANT, [warm.record], query)
    await broken(warm, Fault.REFUSED)
    warm.clock.pass_(hours=72)
    stale = 0
    for _ in range(2):
        for query in queries:
            found = await stats.ask(TENANT, [warm.record], query)
            answer = found.outcomes[0].answer
            stale += answer is not None and answer.provenance.cache is Freshness.STALE
    await cache.close()

    assert len(queries) == 136
    assert stale >= 0.99 * 2 * len(queries)


async def test_a_disconnect_ends_the_vendors_call_within_a_tenth_of_a_second(warm: Rig) -> None:
    await broken(warm, Fault.BLACK_HOLE)
    gone = asyncio.Event()

    async def receive() -> dict[str, str]:
        await gone.wait()
        return {"type": "http.disconnect"}

    cache = ResultCache(max_bytes=1_000_000, now=warm.clock)
    asking = asyncio.create_task(deadline.unless_gone(receive, cache.answer(warm.record, warm.query(), warm.read)))
    await until(lambda: warm.couriers.bulkhead.under_way == 1)
    async with punctual(0.1):
        gone.set()
        with pytest.raises(deadline.ClientGone):
            await asking
        await until(lambda: warm.couriers.bulkhead.under_way == 0)
    assert cache.flights == 0


@pytest.mark.parametrize("fault", [Fault.GZIP_BOMB, Fault.HUGE])
async def test_a_body_without_end_takes_less_than_twice_the_cap(warm: Rig, fault: Fault) -> None:
    await broken(warm, fault)
    bomb()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    with pytest.raises(BackendError):
        await warm.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak - before < 2 * CAP + 2 * 2**20  # httpx2 decompresses a mebibyte at a time and copies it once


async def storm(opened: Rig, count: int) -> None:
    """So many faults in turn, then: as many tasks and connections as before."""
    faults = [fault for fault in FATAL if fault not in (Fault.GZIP_BOMB, Fault.HUGE)]
    tasks = len(asyncio.all_tasks()) - opened.proxy.open
    failed = 0
    for number in range(count):
        fault = faults[number % len(faults)]
        await broken(opened, fault)
        opened.clock.pass_(seconds=400)  # beyond the longest pause of the circuit
        try:
            async with deadline.within(0.02 if TimedOut in FATAL[fault] else PLENTY):
                await opened.read()
        except BackendError:
            failed += 1
    await broken(opened, Fault.NONE)

    assert failed == count
    assert len(asyncio.all_tasks()) <= tasks
    assert (opened.proxy.open, opened.couriers.bulkhead.under_way) == (0, 0)
    opened.clock.pass_(seconds=400)
    await opened.read()


async def test_two_hundred_faults_leave_nothing_behind(warm: Rig) -> None:
    await storm(warm, 50)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_ten_thousand_faults_leave_nothing_behind(warm: Rig) -> None:
    await storm(warm, 2500)
