"""The local backend on a folder of the test: the demo events come in through its own import."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.base import Context, Reply, Request
from adapters.local.adapter import LocalAdapter
from adapters.local.options import LocalOptions
from fixtures.twins.plausible import EVENTS
from models.capability import Capabilities, Evidence
from models.errors import GatewayError
from models.goal import GoalDraft
from models.site import Site, SiteDraft
from tests.contract.harness import NOW, Handler, Opened
from tests.contract.ledger import MemoryLedger


class CountedTransport:
    """Answers nobody and counts who asks."""

    def __init__(self) -> None:
        self.calls = 0

    async def send(self, request: Request) -> Reply:
        self.calls += 1
        raise AssertionError(f"the local backend called {request.path}")

    async def close(self) -> None:
        return None


class LocalHarness:
    """Its evidence is the store itself: nothing stands in for it."""

    evidence = Evidence.LIVE
    errors: Mapping[str, type[GatewayError]] = {}

    @asynccontextmanager
    async def open(self, can: Capabilities, directory: Path) -> AsyncIterator[Opened]:
        transport = CountedTransport()
        context = Context(transport, MemoryLedger(), lambda: NOW, directory, "https://stats.example.com")
        adapter = LocalAdapter(LocalOptions(), context)
        await adapter.start()
        try:
            yield Opened(adapter, await demo_site(adapter, directory), lambda: transport.calls)
        finally:
            await adapter.close()

    def open_over(self, can: Capabilities, answer: Handler) -> None:
        """It calls nobody."""


async def demo_site(adapter: Any, directory: Path) -> Site:
    """The demo site with its goals and 25 events."""
    made = await adapter.create_site(SiteDraft(domain="demo.example.com"))
    site = Site(id="demo", domain=made.domain, external_id=made.ref)
    await adapter.create_goal(site, GoalDraft(event_name="Purchase", currency="EUR"))
    await adapter.create_goal(site, GoalDraft(page_path="/pricing"))
    spool = Path(shutil.copy(EVENTS / "demo-site.jsonl", directory / "demo.jsonl"))
    job = await adapter.start_import(site, "ndjson", spool)
    done = await adapter.get_import(site, job.id, wait=True)
    assert (done.status, done.skipped) == ("completed", 0), done
    return site


HARNESS = LocalHarness()
