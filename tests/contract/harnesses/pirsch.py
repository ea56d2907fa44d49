"""Pirsch over its strict twin, in process. The twin holds visits as Plausible would have cut them (see below).

Pirsch splits visits at a new referrer and counts an event that opens one as a page view, so hits collected by its rules
give other numbers than the reference: a difference of collection, told in docs/pirsch.md. Here the questions are
compared, so the twin is given visits that are cut already.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from adapters.base import Adapter, Context
from adapters.http import open_transport
from adapters.pirsch import BACKEND
from adapters.pirsch.options import PirschCredential, PirschOptions
from fixtures.twins.pirsch import USER_CLIENT, create_app, demo_goals
from fixtures.twins.pirsch_model import already_counted
from fixtures.twins.plausible import EVENTS
from models.capability import Capabilities, Evidence
from models.errors import GatewayError, RefusedByBackend
from models.site import Site
from tests.contract.harness import NOW, Handler, Opened
from tests.contract.ledger import MemoryLedger

BASE = "https://pirsch.example"


class PirschHarness:
    """One harness for the one edition."""

    evidence = Evidence.TWIN
    errors: Mapping[str, type[GatewayError]] = {"403": RefusedByBackend}  # a scope or plan, never the token

    @asynccontextmanager
    async def open(self, can: Capabilities, directory: Path) -> AsyncIterator[Opened]:
        events = [json.loads(line) for line in (EVENTS / "demo-site.jsonl").read_text("utf-8").splitlines()]
        app = create_app(clock=lambda: NOW)
        twin = app.state.pirsch
        ref = next(iter(twin.stores))
        twin.stores[ref] = already_counted(events)
        demo_goals(twin, ref)
        twin.account.new("organization", {"name": "Team", "member": 1, "role": "Owner", "can_edit": True})
        site = Site(id="demo", domain="demo.example.com", external_id=ref)
        async with adapter_over(httpx2.ASGITransport(app=app), directory) as adapter:
            yield Opened(adapter, site, lambda: len(twin.calls))

    @asynccontextmanager
    async def open_over(self, can: Capabilities, answer: Handler) -> AsyncIterator[Opened]:
        calls: list[httpx2.Request] = []

        def counted(request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/api/v1/token":
                return httpx2.Response(200, json={"access_token": "t", "expires_at": "2026-06-17T13:00:00Z"})
            calls.append(request)
            return answer(request)

        site = Site(id="demo", domain="demo.example.com", external_id="A5kgYzK14m")
        async with adapter_over(httpx2.MockTransport(counted), Path()) as adapter:
            yield Opened(adapter, site, lambda: len(calls))


@asynccontextmanager
async def adapter_over(wire: httpx2.AsyncBaseTransport, directory: Path) -> AsyncIterator[Adapter]:
    """The adapter over a wire of ours."""
    transport = open_transport(BASE, backend="pirsch", wire=wire)
    context = Context(transport, MemoryLedger(), lambda: NOW, directory)
    credential = PirschCredential.model_validate({"client_id": USER_CLIENT[0], "client_secret": USER_CLIENT[1]})
    adapter = BACKEND.open(PirschOptions(base_url=BASE), credential, context)
    await adapter.start()
    try:
        yield adapter
    finally:
        await adapter.close()


HARNESS = PirschHarness()
