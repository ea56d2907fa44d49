"""What a query costs that must be asked of the vendor, over a bare httpx2 call to the same loopback server.

python -m bench.miss [--calls 300] [--rounds 5]

In one process, interleaved: the bare call; the same through transport and courier (budget, breaker, bulkhead, retries);
and a whole miss, from the query's words to rows kept. Medians of rounds. Goals for the miss: at most 150 us more at the
median and 1.3 times the CPU, and rows translated at most at 1 us each.
"""

import argparse
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import Response
from starlette.routing import Route

from adapters.base import Adapter, Context, Reply, Request, Transport
from adapters.http import open_transport
from adapters.plausible import BACKEND
from bench.servers import bare
from gateway.commands.serve import settle
from gateway.outbound.backends import Standing
from gateway.outbound.budget import MemoryBudgets
from gateway.outbound.courier import Couriers
from gateway.read.cache import ResultCache
from gateway.read.stats import Stats
from gateway.tenancy import SiteRecord, Tenant
from models.capability import Limits
from models.filters import Filter
from models.query import read_query
from models.site import Site
from tests.contract.ledger import MemoryLedger

ROWS = 10
MANY = 1000


def answered(rows: int) -> bytes:
    """A vendor's answer of so many rows."""
    lines = (b'{"dimensions":["/page/%d"],"metrics":[%d]}' % (n, rows - n) for n in range(rows))
    return b'{"results":[%s],"meta":{},"query":{}}' % b",".join(lines)


ANSWER = answered(ROWS)
ASKED = {"site_id": "example.com", "metrics": ["visitors"], "date_range": "7d", "dimensions": ["event:page"]}
TENANT = Tenant("t1")
RECORD = SiteRecord(Site(id="s1", domain="example.com"), "t1", "c1", "plausible")
Call = Callable[[int], Awaitable[Any]]


async def _answer(request: Asked) -> Response:
    return Response(ANSWER, media_type="application/json")


app = Starlette(routes=[Route("/api/v2/query", _answer, methods=["POST"]), Route("/", _answer)])


class OneBackend:
    def __init__(self, backend: Adapter) -> None:
        self.backend = backend

    async def adapter(self, tenant: str, connection: str) -> Adapter:
        return self.backend

    def standing(self, tenant: str, connection: str) -> Standing:
        return Standing()


async def unchanged(_tenant: Tenant, _record: SiteRecord, filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    return filters


class Canned:
    """A transport that has the answer already: what is left is our own work."""

    def __init__(self, body: bytes) -> None:
        self._reply = Reply(200, {"content-type": "application/json"}, body)

    async def send(self, request: Request) -> Reply:
        return self._reply

    async def close(self) -> None:
        """Nothing to close."""


def missing(transport: Transport, base: str) -> Call:
    """A whole miss over a transport, from the query's words to rows kept."""
    options = BACKEND.options.model_validate({"base_url": base})
    credential = BACKEND.credential.model_validate({"api_key": "k"}) if BACKEND.credential else None

    def now() -> datetime:
        return datetime.now(UTC)

    adapter = BACKEND.open(options, credential, Context(transport, MemoryLedger(), now, Path()))
    stats = Stats(backends=OneBackend(adapter), cache=ResultCache(max_bytes=2**26, now=now), expand=unchanged, now=now)

    async def miss(number: int) -> Any:
        words = {"metrics": ["visitors"], "dimensions": ["page"], "date_range": "7d", "offset": number}
        found = await stats.ask(TENANT, [RECORD], read_query(words))
        answer = found.outcomes[0].answer
        assert answer is not None
        assert answer.provenance.calls == 1
        return answer

    return miss


async def calls_over(base: str) -> dict[str, Call]:
    """The three ways to ask; each takes a number that makes its question a new one."""
    client = httpx2.AsyncClient(trust_env=False)
    transport = open_transport(base, allow_http=True, allow_private=[ip_network("127.0.0.0/8")], backend="plausible")
    couriers = Couriers(MemoryBudgets(), pepper=b"bench")
    courier = couriers.open(
        transport, tenant="t1", base_url=base, credential=b"k", backend="plausible", limits=Limits()
    )

    async def direct(_: int) -> Any:
        return (await client.post(f"{base}/api/v2/query", json=ASKED)).json()

    async def careful(_: int) -> Any:
        return await courier.send(Request("POST", "/api/v2/query", json=ASKED))

    return {"bare httpx2": direct, "through the courier": careful, "whole miss": missing(courier, base)}


async def measured(call: Call, first: int, count: int) -> tuple[float, float]:
    """Microseconds at the median of the calls, and of CPU for each."""
    took = []
    cpu = time.process_time()
    for number in range(first, first + count):
        began = time.perf_counter()
        await call(number)
        took.append(time.perf_counter() - began)
    return median(took) * 1e6, (time.process_time() - cpu) / count * 1e6


async def run(base: str, rounds: int, count: int) -> None:
    calls = await calls_over(base)
    numbers = iter(range(0, 10**9, count))
    for call in calls.values():
        await measured(call, next(numbers), 50)
    settle()  # as the service does when it has started
    found = [{name: await measured(call, next(numbers), count) for name, call in calls.items()} for _ in range(rounds)]
    print(f"{ROWS} rows, {len(ANSWER)} bytes, load {os.getloadavg()[0]:.1f}")
    for name in calls:
        wall, cpu = (median(r[name][i] for r in found) for i in (0, 1))
        ratio = median(r[name][1] / r["bare httpx2"][1] for r in found)
        more = median(r[name][0] - r["bare httpx2"][0] for r in found)
        print(f"{name:20} p50 {wall:7.0f} us ({more:+6.0f}) CPU {cpu:7.0f} us {ratio:5.2f} x bare")
    few, many = (missing(Canned(answered(rows)), base) for rows in (ROWS, MANY))
    costs = [
        (await measured(many, next(numbers), 50))[1] - (await measured(few, next(numbers), 50))[1] for _ in range(5)
    ]
    print(f"{MANY - ROWS} rows more, decoded and translated: {median(costs):.0f} us CPU (goal 1000 for 1,000)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with bare("bench.miss:app") as server:
        uvloop.run(run(f"http://127.0.0.1:{server.port}", given.rounds, given.calls))


if __name__ == "__main__":
    main()
