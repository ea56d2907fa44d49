"""How Pagecount joins the contract suite: `pytest -p tallyway_pagecount.contract tests/contract -k pagecount`."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2

from adapters.base import Context
from adapters.http import open_transport
from models.capability import Capabilities, Evidence
from models.errors import GatewayError
from models.site import Site
from tallyway_pagecount import BACKEND, Options  # type: ignore[import-not-found] # on the path only where it runs
from tests.contract.cases import Case
from tests.contract.harness import NOW, Handler, Opened, register
from tests.contract.ledger import MemoryLedger

BASE = "https://pagecount.example"
SITE = Site(id="demo", domain="demo.example.com")
EVENTS = [
    json.loads(line) for line in (files("fixtures.events") / "demo-site.jsonl").read_text("utf-8").splitlines()
]  # their numbers are counted by hand in fixtures/events/demo-site.md


def demo(request: httpx2.Request) -> httpx2.Response:
    """What the server would say of the demo site: of the days that are asked for, and of each that had anybody."""
    first, last = request.url.params["from"], request.url.params["to"]
    asked = [event for event in EVENTS if event["name"] != "engagement" and first <= event["time"][:10] <= last]
    by_day = {day: [e for e in asked if e["time"].startswith(day)] for day in sorted({e["time"][:10] for e in asked})}
    days = {day: counted(events) for day, events in by_day.items()}
    return httpx2.Response(200, json={"total": counted(asked), "days": days})


def counted(events: list[dict[str, Any]]) -> dict[str, int]:
    views = [event for event in events if event["name"] == "pageview"]
    return {"visitors": len({event["visitor"] for event in events}), "pageviews": len(views)}


class PagecountHarness:
    """Satisfies `tests.contract.harness.ContractHarness`."""

    evidence = Evidence.DOCUMENTED
    errors: Mapping[str, type[GatewayError]] = {}
    questions: Mapping[str, Case] = {
        "dimensions.time:day": Case({"metrics": ["pageviews"], "dimensions": ["time:day"]}),
        "features.order_by": Case(
            {"metrics": ["pageviews"], "dimensions": ["time:day"], "order_by": [["pageviews", "desc"]], "limit": 1},
            (("2026-06-01", 4),),
        ),
        "features.total_rows": Case(
            {"metrics": ["pageviews"], "dimensions": ["time:day"], "limit": 1, "include": {"total_rows": True}},
            (("2026-06-01", 4),),
            7,
        ),
    }

    @asynccontextmanager
    async def open(self, can: Capabilities, directory: Path) -> AsyncIterator[Opened]:
        async with self.open_over(can, demo) as opened:
            yield opened

    @asynccontextmanager
    async def open_over(self, can: Capabilities, answer: Handler) -> AsyncIterator[Opened]:
        calls: list[httpx2.Request] = []

        def counted(request: httpx2.Request) -> httpx2.Response:
            calls.append(request)
            return answer(request)

        transport = open_transport(BASE, backend="pagecount", wire=httpx2.MockTransport(counted))
        adapter = BACKEND.open(Options(base_url=BASE), None, Context(transport, MemoryLedger(), lambda: NOW, Path()))
        try:
            yield Opened(adapter, SITE, lambda: len(calls))
        finally:
            await adapter.close()


register("pagecount", PagecountHarness())
