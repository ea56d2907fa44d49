"""Umami over its strict twin, in process; each call crosses the adapter's own transport."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from adapters.base import Adapter, Context
from adapters.http import open_transport
from adapters.umami import BACKEND
from adapters.umami.options import UmamiCredential, UmamiOptions
from fixtures.twins.umami import Store, demo_store, umami_twin
from models.capability import Capabilities, Evidence, Operation
from models.errors import GatewayError
from models.goal import GoalDraft
from models.site import Site
from tests.contract.cases import MONDAY, Case
from tests.contract.harness import NOW, Handler, Opened
from tests.contract.ledger import MemoryLedger

BASE = "https://umami.example"


async def creates_goals(adapter: Any, site: Site, tmp: Path) -> None:
    made = await adapter.create_goal(site, GoalDraft(event_name="Signup"))
    assert made.display_name == "Signup"
    assert (await adapter.create_goal(site, GoalDraft(event_name="Signup"))).id == made.id


def _paged(operator: str, *values: str, **modifiers: Any) -> Case:
    """An operator proven on the page, which Umami compares without reservation."""
    leaf: list[Any] = [operator, "page", list(values)]
    return Case({"metrics": ["pageviews"], "filters": [[*leaf, modifiers] if modifiers else leaf]})


def _by(dimension: str, *rows: tuple[str, int]) -> Case:
    return Case({"metrics": ["visitors"], "dimensions": [dimension]}, rows)


class UmamiHarness:
    """Numbers made of visits were counted by the vendor's rule.

    Page views only, and a visit ends after 30 minutes sharp, so visit 6 of the table (eva, 30 min 59 s) is two: 11
    visits, 8 of them with one view (all but anna's first, cleo's, ben's second), 60 + 1320 + 600 seconds between views.
    """

    evidence = Evidence.TWIN
    errors: Mapping[str, type[GatewayError]] = {}
    operations: Mapping[Operation, Any] = {Operation.CREATE_GOAL: creates_goals}
    questions: Mapping[str, Case] = {
        "metrics.visits": Case({"metrics": ["visits"]}, ((11,),)),
        "metrics.views_per_visit": Case({"metrics": ["views_per_visit"]}, ((1.36,),)),
        "metrics.bounce_rate": Case({"metrics": ["bounce_rate"]}, ((73,),)),
        "metrics.visit_duration": Case({"metrics": ["visit_duration"]}, ((180,),)),
        "metrics.percentage": Case(
            {"metrics": ["percentage"], "dimensions": ["country"]}, (("DE", 42.86), ("FR", 28.57), ("US", 28.57))
        ),
        "dimensions.exit_page": _by("exit_page", ("/", 4), ("/pricing", 4), ("/blog", 2)),
        "dimensions.source": _by("source", ("google.com", 3), ("t.co", 1)),
        "dimensions.channel": _by("channel", ("Direct", 5), ("Organic Search", 3), ("Organic Social", 1)),
        "dimensions.os": _by("os", ("Android", 2), ("Windows", 2), ("iOS", 2), ("Mac", 1)),
        "dimensions.time:day": Case({"metrics": ["visitors", "pageviews"], "dimensions": ["time:day"]}),
        # A bucket without a page view (10:05, a purchase) is left out, which says zero of a count.
        "dimensions.time:minute": Case(
            {"metrics": ["pageviews"], "dimensions": ["time:minute"], "date_range": MONDAY},
            (
                ("2026-06-01 10:00:00", 1),
                ("2026-06-01 10:01:00", 1),
                ("2026-06-01 11:00:00", 1),
                ("2026-06-01 15:00:00", 1),
            ),
        ),
        "operators.is": _paged("is", "/", "/blog"),
        "operators.is_not": _paged("is_not", "/", "/blog"),
        "operators.contains": _paged("contains", "pric", "blo"),
        "operators.contains_not": _paged("contains_not", "pric"),
        "operators.matches": _paged("matches", "^/b", "cing$"),
        "operators.matches_not": _paged("matches_not", "^/b"),
        "operators.wildcard": _paged("wildcard", "/p*", "*og"),
        "operators.wildcard_not": _paged("wildcard_not", "/p*"),
        "features.or": Case(
            {"metrics": ["pageviews"], "filters": [["or", [["is", "page", ["/blog"]], ["is", "country", ["US"]]]]]}
        ),
        "features.case_insensitive": _paged("contains", "PRIC", case_sensitive=False),
        "features.order_by": Case(
            {"metrics": ["visitors"], "dimensions": ["country"], "order_by": [["country", "desc"]]},
            (("US", 2), ("FR", 2), ("DE", 3)),
        ),
        "features.total_rows": Case(
            {"metrics": ["visitors"], "dimensions": ["page"], "limit": 1, "include": {"total_rows": True}},
            (("/", 6),),
            3,
        ),
    }

    @asynccontextmanager
    async def open(self, can: Capabilities, directory: Path) -> AsyncIterator[Opened]:
        store, website = demo_store(now=NOW, geo=True)
        store.teams.append({"id": "5f7c3a1e-0000-4000-8000-000000000001", "name": "Agency"})
        site = Site(id="demo", domain=website.domain, external_id=website.id)
        async with adapter_over(can, httpx2.ASGITransport(app=umami_twin(store)), directory, store) as adapter:
            await adapter.create_goal(site, GoalDraft(event_name="Purchase"))  # type: ignore[attr-defined] # it does
            await adapter.create_goal(site, GoalDraft(page_path="/pricing"))  # type: ignore[attr-defined] # it does
            yield Opened(adapter, site, lambda: len(store.requests))

    @asynccontextmanager
    async def open_over(self, can: Capabilities, answer: Handler) -> AsyncIterator[Opened]:
        calls: list[httpx2.Request] = []

        def counted(request: httpx2.Request) -> httpx2.Response:
            calls.append(request)
            return answer(request)

        site = Site(id="demo", domain="demo.example.com", external_id="00000000-0000-4000-8000-000000000001")
        async with adapter_over(can, httpx2.MockTransport(counted), Path(), Store()) as adapter:
            yield Opened(adapter, site, lambda: len(calls))


@asynccontextmanager
async def adapter_over(
    can: Capabilities, wire: httpx2.AsyncBaseTransport, directory: Path, store: Store
) -> AsyncIterator[Adapter]:
    """The edition's adapter; the cloud's base URL holds what is `/api` elsewhere."""
    base = f"{BASE}/api" if can.edition == "cloud" else BASE
    transport = open_transport(base, backend="umami", wire=wire)
    options = UmamiOptions.model_validate({"base_url": base, "edition": can.edition})
    context = Context(transport, MemoryLedger(), lambda: NOW, directory)
    adapter = BACKEND.open(options, UmamiCredential(api_key=SecretStr(store.api_key)), context)
    await adapter.start()
    try:
        yield adapter
    finally:
        await adapter.close()


HARNESS = UmamiHarness()
