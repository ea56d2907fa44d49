"""Deadlines: one for a request, its own for shared work, and the end when the client leaves."""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import pytest

from gateway.outbound import deadline
from models.errors import InvalidRequest, TimedOut


async def test_a_block_ends_at_its_deadline() -> None:
    with pytest.raises(TimedOut):
        async with deadline.within(0.01):
            await asyncio.sleep(10)
    assert deadline.remaining() is None


async def test_an_inner_deadline_cannot_extend_the_outer_unless_it_stands_apart() -> None:
    async with deadline.within(5):
        async with deadline.within(50):
            inner = deadline.remaining()
        async with deadline.within(50, apart=True):
            apart = deadline.remaining()
    assert inner is not None
    assert apart is not None
    assert inner <= 5 < apart


async def test_tasks_inherit_the_deadline() -> None:
    async def left() -> float | None:
        return deadline.remaining()

    async with deadline.within(5):
        assert await asyncio.create_task(left()) is not None


async def test_a_timeout_of_the_work_itself_is_not_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        async with deadline.within(5):
            raise TimeoutError


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 10), ("2.5", 2.5), ("3600", 10), ("0", 0.05), (" 1 ", 1), ("0.001", 0.05)]
)
def test_a_client_may_ask_for_less_than_the_cap(header: str | None, seconds: float) -> None:
    assert deadline.asked_seconds(header) == seconds


@pytest.mark.parametrize("header", ["", "soon", "-1", "1e3", "nan", "1.2.3", "9" * 13, "٣"])
def test_what_is_no_number_of_seconds_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest):
        deadline.asked_seconds(header)


class Client:
    """The receiving end of a request whose body was read."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def __call__(self) -> Mapping[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_work_is_cancelled_when_the_client_leaves() -> None:
    client, cancelled = Client(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    answering = asyncio.create_task(deadline.unless_gone(client, work()))
    await asyncio.sleep(0)
    client.gone.set()
    with pytest.raises(deadline.ClientGone):
        await asyncio.wait_for(answering, 60)
    assert cancelled.is_set()


async def test_work_ends_as_it_would_for_a_client_that_stays() -> None:
    async def work() -> int:
        return 3

    async def failing() -> int:
        raise TimedOut

    assert await deadline.unless_gone(Client(), work()) == 3
    with pytest.raises(TimedOut):
        await deadline.unless_gone(Client(), failing())


async def test_what_the_work_says_in_context_is_heard_outside() -> None:
    said: ContextVar[str] = ContextVar("said", default="")

    async def work() -> None:
        said.set("site_1")

    await deadline.unless_gone(Client(), work())

    assert said.get() == "site_1"


async def test_a_client_that_leaves_is_no_cancellation_of_the_task() -> None:
    client = Client()
    client.gone.set()
    with pytest.raises(deadline.ClientGone):
        await deadline.unless_gone(client, asyncio.sleep(60))
    task = asyncio.current_task()

    assert task is not None
    assert task.cancelling() == 0
    async with asyncio.timeout(60):
        await asyncio.sleep(0)


async def test_a_cancellation_from_outside_stays_one() -> None:
    answering = asyncio.create_task(deadline.unless_gone(Client(), asyncio.sleep(60)))
    await asyncio.sleep(0)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
