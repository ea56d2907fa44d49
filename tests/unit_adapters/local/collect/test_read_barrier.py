"""A read never sees the events of a batch without its visits."""

import asyncio

from adapters.local.collect.read_barrier import ReadBarrier


async def test_a_read_that_overlapped_a_batch_of_its_site_is_made_again() -> None:
    barrier, tables = ReadBarrier(), {"events": 1, "visits": 1}
    reading, stored = asyncio.Event(), asyncio.Event()
    seen: list[tuple[int, int]] = []

    async def work() -> tuple[int, int]:
        events = tables["events"]
        if not seen:
            reading.set()
            await stored.wait()
        seen.append((events, tables["visits"]))
        return seen[-1]

    async def store() -> None:
        await reading.wait()
        async with barrier.storing({"a"}):
            tables["events"] = 2
            await asyncio.sleep(0)
            tables["visits"] = 2
        stored.set()

    found, _ = await asyncio.gather(barrier.read("a", work), store())

    assert seen == [(1, 2), (2, 2)]
    assert found == (2, 2)


async def test_a_read_waits_for_a_batch_of_its_site_that_is_being_stored() -> None:
    barrier, tables = ReadBarrier(), {"events": 1, "visits": 1}
    half = asyncio.Event()

    async def work() -> tuple[int, int]:
        return tables["events"], tables["visits"]

    async def store() -> None:
        async with barrier.storing({"a"}):
            tables["events"] = 2
            half.set()
            await asyncio.sleep(0.01)
            tables["visits"] = 2

    storing = asyncio.create_task(store())
    await half.wait()

    assert await barrier.read("a", work) == (2, 2)
    await storing


async def test_batches_of_other_sites_are_no_reason_to_read_again() -> None:
    barrier, count = ReadBarrier(), 0

    async def work() -> int:
        nonlocal count
        count += 1
        async with barrier.storing({"b"}):
            pass
        return count

    assert await barrier.read("a", work) == 1


async def test_a_site_that_is_always_written_is_read_in_the_end() -> None:
    barrier, count = ReadBarrier(), 0

    async def work() -> int:
        nonlocal count
        count += 1
        if count <= 3:
            async with barrier.storing({"a"}):
                pass
        return count

    assert await barrier.read("a", work) == 4
