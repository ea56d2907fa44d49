"""A simulated hour of dashboards on one Plausible key: calls, refusals and ages, counted on a simulated clock."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from adapters.base import Reply, Request
from gateway.outbound.backends import Standing
from gateway.outbound.budget import MemoryBudgets
from gateway.outbound.courier import Clocks, Couriers
from gateway.read.cache import ResultCache, Served
from gateway.read.cache.policy import TODAY, stepped
from models.capability import Limits
from models.query import read_query
from models.result import Answer, Freshness
from tests.unit_gateway.clock import Clock
from tests.unit_gateway.tables import record

PLAUSIBLE = Limits(requests_per_hour=600, burst=60)
PEOPLE, WIDGETS, EVERY = 50, 10, timedelta(seconds=30)
QUERIES = [
    read_query({"metrics": ["visitors"], "dimensions": [dimension], "date_range": [first, "2026-06-17"]})
    for dimension in ("page", "source", "country", "device", "browser", "os", "city", "event", "hostname", "channel")
    for first in ("2026-06-17", "2026-06-11")
]


@dataclass
class Vendor:
    """Answers 600 calls in any hour and 429 beyond."""

    clock: Clock
    calls: deque[float] = field(default_factory=deque)
    refused: int = 0
    total: int = 0

    async def send(self, request: Request) -> Reply:
        now = self.clock.timestamp()
        while self.calls and self.calls[0] <= now - 3600:
            self.calls.popleft()
        if len(self.calls) >= 600:
            self.refused += 1
            return Reply(429, {}, b"")
        self.calls.append(now)
        self.total += 1
        return Reply(200, {}, b"{}")

    async def close(self) -> None: ...


async def test_sixty_thousand_reads_an_hour_are_at_most_three_hundred_calls() -> None:
    clock = Clock()
    vendor = Vendor(clock)
    couriers = Couriers(MemoryBudgets(), pepper=b"p", clocks=Clocks(clock, clock.timestamp))
    courier = couriers.open(
        vendor, tenant="t1", base_url="https://p.test", credential=b"k", backend="plausible", limits=PLAUSIBLE
    )
    cache = ResultCache(max_bytes=10_000_000, now=clock)
    reads, oldest, failures = 0, timedelta(0), 0

    async def fetch() -> Answer:
        reply = await courier.send(Request("POST", "/api/v2/query", json={}))
        assert reply.status == 200
        return Answer(rows=(("x", 1),))

    for _ in range(int(timedelta(hours=1) / EVERY)):
        resolved = [q.resolved(zone="Etc/UTC", now=stepped(clock(), None)) for q in QUERIES]
        standing = Standing(level=courier.account.budget.level)
        asked = [
            cache.answer(record("a"), resolved[(person * WIDGETS + widget) % len(QUERIES)], fetch, standing)
            for person in range(PEOPLE)
            for widget in range(WIDGETS)
        ]
        for served in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(served, BaseException):
                failures += 1
                continue
            reads += 1
            oldest = max(oldest, clock() - served.as_of)
            assert is_within_policy(served, clock, standing.level)
        await asyncio.sleep(0)
        clock.now += EVERY

    assert (reads, failures) == (60_000, 0)
    assert (vendor.total <= 300, vendor.refused) == (True, 0)
    assert vendor.total >= 200  # it did refresh
    assert oldest <= TODAY.fresh + EVERY


def is_within_policy(served: Served[Answer], clock: Clock, level: float) -> bool:
    age = clock() - served.as_of
    return age < (TODAY.revalidate if served.freshness is Freshness.STALE else TODAY.fresh_for(level))
