"""How Pagecount joins the contract suite: `pytest -p tallyway_pagecount.contract tests/contract -k pagecount`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

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
# Counted by hand in fixtures/events/demo-site.md: views of each day, and the visitors among them.
DAYS = {
    "2026-06-01": (2, 4), "2026-06-02": (1, 1), "2026-06-03": (2, 3), "2026-06-04": (1, 3), "2026-06-05": (1, 1),
    "2026-06-06": (1, 2), "2026-06-07": (1, 1),
}  # fmt: skip


def demo(request: httpx2.Request) -> httpx2.Response:
    """The demo site's week, whatever part of it is asked."""
    days = {day: {"visitors": visitors, "pageviews": views} for day, (visitors, views) in DAYS.items()}
    return httpx2.Response(200, json={"total": {"visitors": 7, "pageviews": 15}, "days": days})


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
