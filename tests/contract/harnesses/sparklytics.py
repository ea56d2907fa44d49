"""Sparklytics over its strict twin, in process; each call crosses the adapter's own transport."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from adapters.base import Adapter, Context
from adapters.http import open_transport
from adapters.sparklytics import BACKEND
from adapters.sparklytics.options import SparklyticsCredential, SparklyticsOptions
from fixtures.twins.sparklytics import Store, demo_store, sparklytics_twin
from models.capability import Capabilities, Evidence, Operation
from models.errors import GatewayError
from models.goal import GoalDraft
from models.site import Site
from tests.contract.cases import MONDAY, PURCHASE, Case
from tests.contract.harness import NOW, Handler, Opened
from tests.contract.ledger import MemoryLedger

BASE = "https://sparklytics.example"
WITH_EVENTS = ["visitors", "pageviews"]


async def creates_goals(adapter: Any, site: Site, tmp: Path) -> None:
    made = await adapter.create_goal(site, GoalDraft(event_name="Signup"))
    assert made.display_name == "Signup"
    assert (await adapter.create_goal(site, GoalDraft(event_name="Signup"))).id == made.id


class SparklyticsHarness:
    """Numbers made of sessions were counted by the vendor's rule.

    A session ends after 30 minutes sharp, so visit 6 of the table (eva, 30 min 59 s) is two: 11 sessions, of which 5
    have one event (ben, anna's /blog, three of eva's), 2390 seconds in all.
    """

    evidence = Evidence.TWIN
    errors: Mapping[str, type[GatewayError]] = {}
    operations: Mapping[Operation, Any] = {Operation.CREATE_GOAL: creates_goals}
    questions: Mapping[str, Case] = {
        "metrics.visits": Case({"metrics": ["visits"]}, ((11,),)),
        "metrics.views_per_visit": Case({"metrics": ["views_per_visit"]}, ((1.36,),)),
        "metrics.bounce_rate": Case({"metrics": ["bounce_rate"]}, ((46,),)),  # 5 / 11, three decimals, then percent
        "metrics.visit_duration": Case({"metrics": ["visit_duration"]}, ((217,),)),
        "metrics.conversion_rate": Case({"metrics": ["conversion_rate"], "filters": PURCHASE}, ((18.18,),)),
        "metrics.percentage": Case(
            {"metrics": ["percentage"], "dimensions": ["country"]}, (("DE", 42.86), ("FR", 28.57), ("US", 28.57))
        ),
        "dimensions.source": Case(
            {"metrics": ["visitors"], "dimensions": ["source"]}, (("Direct / None", 5), ("google.com", 3), ("t.co", 1))
        ),
        "dimensions.event": Case({"metrics": ["events"], "dimensions": ["event"]}),
        "dimensions.time:hour": Case({"metrics": WITH_EVENTS, "dimensions": ["time:hour"], "date_range": MONDAY}),
        "dimensions.time:day": Case({"metrics": WITH_EVENTS, "dimensions": ["time:day"]}),
        "dimensions.time:week": Case({"metrics": WITH_EVENTS, "dimensions": ["time:week"]}),
        "dimensions.time:month": Case({"metrics": WITH_EVENTS, "dimensions": ["time:month"]}),
        "operators.is": Case({"metrics": ["visitors", "events"], "filters": [["is", "country", ["DE"]]]}),
        "operators.contains": Case({"metrics": ["visitors"], "filters": [["contains", "page", ["pricing"]]]}),
        "features.order_by": Case(
            {"metrics": ["visitors"], "dimensions": ["country"], "order_by": [["country", "desc"]]},
            (("US", 2), ("FR", 2), ("DE", 3)),
        ),
    }

    @asynccontextmanager
    async def open(self, can: Capabilities, directory: Path) -> AsyncIterator[Opened]:
        store, website = demo_store(now=NOW)
        site = Site(id="demo", domain=website.domain, external_id=website.id)
        async with adapter_over(httpx2.ASGITransport(app=sparklytics_twin(store)), directory, store) as adapter:
            yield Opened(adapter, site, lambda: len(store.requests))

    @asynccontextmanager
    async def open_over(self, can: Capabilities, answer: Handler) -> AsyncIterator[Opened]:
        calls: list[httpx2.Request] = []

        def counted(request: httpx2.Request) -> httpx2.Response:
            calls.append(request)
            return answer(request)

        site = Site(id="demo", domain="demo.example.com", external_id="site_a1b2c3d4e5")
        async with adapter_over(httpx2.MockTransport(counted), Path(), Store()) as adapter:
            yield Opened(adapter, site, lambda: len(calls))


@asynccontextmanager
async def adapter_over(wire: httpx2.AsyncBaseTransport, directory: Path, store: Store) -> AsyncIterator[Adapter]:
    transport = open_transport(BASE, backend="sparklytics", wire=wire)
    context = Context(transport, MemoryLedger(), lambda: NOW, directory)
    credential = SparklyticsCredential(api_key=SecretStr(store.key))
    adapter = BACKEND.open(SparklyticsOptions(base_url=BASE), credential, context)
    await adapter.start()
    try:
        yield adapter
    finally:
        await adapter.close()


HARNESS = SparklyticsHarness()
