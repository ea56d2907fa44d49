"""Reading never holds up storing: lanes, fair turns, and statements that end when nobody waits for them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from adapters import asker
from adapters.local.collect import read_barrier
from adapters.local.collect.read_barrier import ReadBarrier
from adapters.local.store import reads
from adapters.local.store.event_store import EventStore
from adapters.local.store.fair_threads import FairThreads
from models.errors import Overloaded, TimedOut
from tests.unit_adapters.local.store.test_event_store import rows

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
NONE: dict[str, object] = {}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EventStore]:
    store = await EventStore.open(f"chdb://{tmp_path}/events")
    yield store
    await store.close()


async def as_tenant(name: str, work: object) -> object:
    asker.tenant.set(name)
    return await work  # type: ignore[misc]


async def until_working(store: EventStore, count: int) -> None:
    async with asyncio.timeout(60):
        while store.reads.working != count:  # noqa: ASYNC110 - of threads, which set no event
            await asyncio.sleep(0)


async def test_hits_are_stored_and_others_answered_while_one_tenant_asks_without_end(store: EventStore) -> None:
    asking = [asyncio.create_task(as_tenant("greedy", store.reads.query(ENDLESS, NONE))) for _ in range(12)]
    await until_working(store, reads.SHARE)
    async with asyncio.timeout(20):
        await store.insert("events", rows(1, seq=[7], time=[1_795_000_000]), "t")
        found = await as_tenant("modest", store.reads.query("SELECT seq FROM events", NONE))
    assert found == [(7,)]
    assert store.reads.working == reads.SHARE
    for task in asking:
        task.cancel()
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended)
    await until_working(store, 0)  # the work has ended too, not only the wait


async def test_the_deadline_ends_the_statement(store: EventStore) -> None:
    asker.until.set(asyncio.get_running_loop().time() + 0.2)
    with pytest.raises(TimedOut):
        await store.reads.query(ENDLESS, NONE)
    await until_working(store, 0)


async def test_a_question_has_bounds_of_its_own_and_the_work_of_the_service_none(store: EventStore) -> None:
    sql = "SELECT getSetting('max_memory_usage'), getSetting('max_threads'), getSetting('max_execution_time') > 0"
    assert await store.reads.query(sql, NONE) == [(reads.MOST_MEMORY, 2, True)]
    ((memory, _, bounded),) = await store.query(sql)
    assert (memory, bounded) == (0, False)


async def test_too_much_memory_is_told_in_a_sentence(store: EventStore) -> None:
    with pytest.raises(Overloaded, match="more memory than one may have; ask about fewer days"):
        await store.reads.query("SELECT length(groupArray(number)) FROM numbers(200000000)", NONE)


async def test_turns_go_round_by_tenant_and_lines_are_bounded() -> None:
    threads, gate, order = FairThreads("t", threads=1, share=1, waiting=3), threading.Event(), []

    def work(name: str) -> None:
        gate.wait(30)
        order.append(name)

    tasks = []
    try:
        for name in ("a1", "a2", "a3", "a4", "b1", "c1", "b2"):
            tasks.append(asyncio.create_task(threads.run(name[0], partial(work, name))))
            await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="3 questions of yours wait"):
            await threads.run("a", lambda: None)
        tasks[2].cancel()  # a3 leaves the line
    finally:
        gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["a1", "a2", "b1", "c1", "a4", "b2"]
    threads.close()


async def test_a_place_is_taken_until_the_work_has_ended() -> None:
    threads, gate, order = FairThreads("t", threads=1, share=1), threading.Event(), []
    first = asyncio.create_task(threads.run("a", lambda: order.append("first") if gate.wait(30) else None))
    await asyncio.sleep(0)
    first.cancel()
    second = asyncio.create_task(threads.run("b", lambda: order.append("second")))
    await asyncio.gather(first, return_exceptions=True)
    assert not second.done()
    gate.set()
    await second
    assert order == ["first", "second"]
    threads.close()


async def test_a_slow_read_holds_a_batch_back_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was held back until the read had ended, and by every read that waited."""
    monkeypatch.setattr(read_barrier, "HOLD_SECONDS", 0.0)
    barrier, tries, slow = ReadBarrier(), 0, asyncio.Event()

    async def work() -> str:
        nonlocal tries
        tries += 1
        if tries <= read_barrier.TRIES:
            async with barrier.storing(["s"]):
                pass
        else:
            await slow.wait()
        return "counted"

    reading = asyncio.create_task(barrier.read("s", work, lambda said: f"{said}, torn"))
    async with asyncio.timeout(30):
        while tries <= read_barrier.TRIES:  # noqa: ASYNC110 - of the reader alone
            await asyncio.sleep(0)
        async with barrier.storing(["s"]):
            pass
        slow.set()
        assert await reading == "counted, torn"
