"""Plausible over its strict twin, in process; each call crosses the adapter's own transport."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from pydantic import SecretStr

from adapters.base import Adapter, Context
from adapters.http import open_transport
from adapters.plausible import BACKEND
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from fixtures.twins.plausible import demo_store, plausible_twin
from models.capability import Capabilities, Evidence
from models.errors import GatewayError, RefusedByBackend
from models.site import Site
from tests.contract.harness import NOW, Handler, Opened
from tests.contract.ledger import MemoryLedger

SITE = Site(id="demo", domain="demo.example.com")
KEY = "contract-key"
BASE = "https://plausible.example"
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "cloud": {},
    "ce": {"edition": "ce"},
    "ce-v1": {"edition": "ce", "stats_api": "v1"},
}


class PlausibleHarness:
    """One harness for all editions; the twin plays the cloud or the Community Edition."""

    evidence = Evidence.TWIN
    errors: Mapping[str, type[GatewayError]] = {
        "403": RefusedByBackend,  # a plan or permission, never the key (contract section 3.6)
        "404": RefusedByBackend,  # of a stats endpoint: the server does not have it
    }

    @asynccontextmanager
    async def open(self, can: Capabilities, directory: Path) -> AsyncIterator[Opened]:
        store = demo_store(edition="cloud" if can.edition == "cloud" else "ce", key=KEY, now=NOW)
        twin = httpx2.ASGITransport(app=plausible_twin(store))
        async with adapter_over(can, twin, directory) as adapter:
            yield Opened(adapter, SITE, lambda: len(store.requests))

    @asynccontextmanager
    async def open_over(self, can: Capabilities, answer: Handler) -> AsyncIterator[Opened]:
        calls: list[httpx2.Request] = []

        def counted(request: httpx2.Request) -> httpx2.Response:
            calls.append(request)
            return answer(request)

        async with adapter_over(can, httpx2.MockTransport(counted), Path()) as adapter:
            yield Opened(adapter, SITE, lambda: len(calls))


@asynccontextmanager
async def adapter_over(can: Capabilities, wire: httpx2.AsyncBaseTransport, directory: Path) -> AsyncIterator[Adapter]:
    """The edition's adapter over a wire of ours."""
    transport = open_transport(BASE, backend="plausible", wire=wire)
    options = PlausibleOptions.model_validate({"base_url": BASE, **OPTIONS[can.edition]})
    context = Context(transport, MemoryLedger(), lambda: NOW, directory)
    adapter = BACKEND.open(options, PlausibleCredential(api_key=SecretStr(KEY)), context)
    await adapter.start()
    try:
        yield adapter
    finally:
        await adapter.close()


HARNESS = PlausibleHarness()
