"""One deadline from a request's entry to its last vendor call, and the end of work whose caller has left.

The deadline is a moment of the event loop's clock, carried by a context variable (`adapters.asker`): tasks inherit it,
a shared flight replaces it by its own (`within`), and whoever waits asks for what is left (`remaining`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from adapters import asker
from models.errors import InvalidRequest, Problem, TimedOut

DEFAULT_SECONDS = 10.0
LEAST_SECONDS = 0.05
HEADROOM_SECONDS = 0.1
"""What a part of an answer leaves of the time for putting the answer together, or a tenth when that is less."""
HEADER = "Request-Timeout"

T = TypeVar("T")
remaining = asker.remaining
"""Seconds until the deadline, 0 when it has passed; None when there is none."""


class ClientGone(Exception):
    """The client closed the connection; the work was cancelled and nobody reads an answer."""


@asynccontextmanager
async def within(seconds: float, *, apart: bool = False) -> AsyncIterator[None]:
    """Bound a block. An earlier deadline of the caller stays in force, unless the block stands `apart` (shared work).

    Raises TimedOut.
    """
    until = asyncio.get_running_loop().time() + seconds
    inherited = asker.until.get()
    if inherited is not None and not apart:
        until = min(until, inherited)
    token = asker.until.set(until)
    try:
        async with asyncio.timeout_at(until) as bound:
            yield
    except TimeoutError:
        if bound.expired():
            raise TimedOut("The deadline has passed") from None
        raise
    finally:
        asker.until.reset(token)


@asynccontextmanager
async def slightly_sooner() -> AsyncIterator[None]:
    """Bound a part of the work a little below the deadline, so that the others can still be answered without it.

    Raises TimedOut.
    """
    left = remaining()
    if left is None:
        yield
        return
    async with within(left - min(HEADROOM_SECONDS, left / 10)):
        yield


def asked_seconds(header: str | None, *, cap: float = DEFAULT_SECONDS) -> float:
    """Seconds that a Request-Timeout header grants, up to the cap; the cap without one. Raises InvalidRequest."""
    if header is None:
        return cap
    text = header.strip()
    if not text.isascii() or len(text) > 12 or not text.replace(".", "", 1).isdigit():
        raise InvalidRequest([Problem(HEADER, "must be a number of seconds, such as 2.5")])
    return min(cap, max(LEAST_SECONDS, float(text)))


async def unless_gone(receive: Callable[[], Awaitable[Mapping[str, Any]]], work: Awaitable[T]) -> T:
    """Do the work and watch an ASGI `receive` whose body was read. Raises ClientGone, the work cancelled, when the
    client leaves.

    Servers do not cancel a handler by themselves (measured on uvicorn and granian). The work stays in this task, so
    that what it says in context variables is heard outside.
    """
    working = asyncio.current_task()
    assert working is not None  # noqa: S101 - a coroutine is run by a task
    before, gone = working.cancelling(), False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        working.cancel()

    watching = asyncio.create_task(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if gone and working.cancelling() <= before + 1:
            raise ClientGone from None
        raise
    finally:
        watching.cancel()
        if gone:
            working.uncancel()
