"""How fast events are taken in: accepting, the bulk path, engine inserts, bytes on disk.

    python -m bench.ingest [--events 300000]

Accepting is compared with a Starlette + orjson handler that only parses and answers, called in the same process without
a socket on either side: what is measured is the work per event, not the server. The best of three.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.local.adapter import LocalAdapter
from adapters.local.collect.hit import Hit, pack_attributes
from gateway.commands.serve import settle
from models.event import Event, Received
from tests.unit_adapters.local.wiring import CHROME, SITE, local_adapter

START = datetime(2026, 1, 1, tzinfo=UTC)
BODY = orjson.dumps(
    {"n": "pageview", "u": "https://example.com/blog/post-1?utm_source=x", "d": "example.com", "r": None}
)
CONCURRENT = 64


@contextmanager
def timed(into: list[tuple[float, float]]) -> Iterator[None]:
    """Wall and CPU seconds."""
    begun, used = time.perf_counter(), time.process_time()
    yield
    into.append((time.perf_counter() - begun, time.process_time() - used))


def drawn(count: int) -> list[Hit]:
    """Events of a year on 20 sites, 2.2 of them a visit, attributes drawn from skewed lists."""
    draw = random.Random(7)
    pages = [f"/blog/post-{n}" for n in range(2000)]
    kinds = [
        pack_attributes((
            source, channel, f"{source.lower()}.com" if source else "", "", "", "", "", "", country, "", "", device, "",
            browser, version, system, "10", language,
        ))
        for source, channel in (("", "Direct"), ("Google", "Organic Search"), ("Facebook", "Organic Social"))
        for country, language in (("DE", "de"), ("US", "en"), ("FR", "fr"), ("GB", "en"), ("ES", "es"))
        for device, system in (("Desktop", "Windows"), ("Mobile", "iOS"), ("Mobile", "Android"))
        for browser, version in (("Chrome", "141.0"), ("Chrome", "140.0"), ("Safari", "26.1"), ("Firefox", "145.0"))
    ]  # fmt: skip
    first, step = int(START.timestamp()), 365 * 86400 / count
    people = [
        (f"site_{draw.randrange(20)}", draw.getrandbits(63), draw.choice(kinds)) for _ in range(int(600 / step) + 2)
    ]
    hits = []
    for number in range(count):
        index = draw.randrange(len(people))
        if draw.random() < 0.45:
            people[index] = (f"site_{draw.randrange(20)}", draw.getrandbits(63), draw.choice(kinds))
        site, visitor, kind = people[index]
        path = pages[int(draw.paretovariate(1.1)) % len(pages)]
        name = "pageview" if draw.random() < 0.9 else "signup"
        hits.append(Hit(site, int(first + number * step), visitor, 0, name, True, "example.com", path, "", kind))
    return hits


def shown(what: str, count: int, took: list[tuple[float, float]]) -> None:
    """The best run: on a busy machine the CPU per event says more than the rate."""
    wall, cpu = min(took)
    print(f"  {what:<40}{count / wall:>10,.0f}/s {cpu / count * 1e6:>8.1f} us CPU each")


async def rate(what: str, work: Callable[[], Awaitable[object]], calls: int) -> None:
    """Calls per second, so many at once as a busy server has."""
    took: list[tuple[float, float]] = []
    for _ in range(3):
        with timed(took):
            for _ in range(calls // CONCURRENT):
                await asyncio.gather(*[work() for _ in range(CONCURRENT)])
    shown(what, calls, took)


async def parse_and_answer(request: Request) -> Response:
    orjson.loads(await request.body())
    return Response("ok", 202)


async def baseline() -> None:
    app = Starlette(routes=[Route("/api/event", parse_and_answer, methods=["POST"])])
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "path": "/api/event", "raw_path": b"/api/event", "query_string": b"",
        "headers": [(b"host", b"x"), (b"user-agent", CHROME.encode())], "http_version": "1.1", "scheme": "http",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "root_path": "",
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def one() -> None:
        await app(dict(scope), receive, send)

    await rate("Starlette + orjson, parse and answer", one, 6400)


async def accepting(adapter: LocalAdapter) -> None:
    people = [Received(ip=f"192.0.2.{n % 250}", user_agent=f"{CHROME} v{n % 40}") for n in range(500)]
    turn = iter(range(10**9))

    async def one() -> None:
        body = orjson.loads(BODY)
        event = Event(name=body["n"], time=datetime.now(UTC), url=body["u"], referrer=body["r"])
        await adapter.collect(SITE, [event], people[next(turn) % 500])

    await rate("record: derive, journal, synced", one, 6400)


async def bulk(adapter: LocalAdapter, hits: list[Hit]) -> None:
    took: list[tuple[float, float]] = []
    collector = adapter.engine.collector
    with timed(took):
        for start in range(0, len(hits), 5000):
            await collector.take(hits[start : start + 5000])
        await collector.flush()
    shown("take ... queryable", len(hits), took)


async def on_disk(adapter: LocalAdapter) -> None:
    query = adapter.engine.store.query
    for table in ("events", "sessions"):
        await adapter.engine.store.command(f"OPTIMIZE TABLE {table} FINAL")
    ((size, events),) = await query(
        "SELECT sum(bytes_on_disk), (SELECT count() FROM events) FROM system.parts WHERE active"
        " AND table IN ('events', 'sessions')"
    )
    print(f"  events with their visits               {size / events:>10.1f} bytes/event")


async def measured(events: int) -> None:
    hits = drawn(events)
    settle()
    with tempfile.TemporaryDirectory() as folder:
        adapter = local_adapter(Path(folder), now=lambda: datetime.now(UTC))
        await adapter.start()
        try:
            await adapter.engine.collector.take(hits[:100])
            await adapter.flush()
            print("bulk")
            await bulk(adapter, hits)
            await on_disk(adapter)
            print("accept")
            await baseline()
            await accepting(adapter)
        finally:
            await adapter.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    asyncio.run(measured(parser.parse_args().events))


if __name__ == "__main__":
    main()
