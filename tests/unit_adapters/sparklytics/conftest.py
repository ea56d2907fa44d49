"""The Sparklytics adapter over its strict twin, which holds the demo site; calls cross the adapter's own transport."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from adapters.base import Context
from adapters.http import open_transport
from adapters.sparklytics.adapter import SparklyticsAdapter
from adapters.sparklytics.options import SparklyticsCredential, SparklyticsOptions
from fixtures.twins.sparklytics import Store, Website, demo_store, sparklytics_twin
from models.site import Site
from tests.contract.ledger import MemoryLedger

BASE = "https://sparklytics.example"


@pytest.fixture
def demo() -> tuple[Store, Website]:
    return demo_store()


@pytest.fixture
def store(demo: tuple[Store, Website]) -> Store:
    return demo[0]


@pytest.fixture
def website(demo: tuple[Store, Website]) -> Website:
    return demo[1]


@pytest.fixture
def site(website: Website) -> Site:
    return Site(id="demo", domain=website.domain, external_id=website.id)


def adapter_over(store: Store, credential: SparklyticsCredential | None, directory: Path) -> SparklyticsAdapter:
    wire = httpx2.ASGITransport(app=sparklytics_twin(store))
    transport = open_transport(BASE, backend="sparklytics", wire=wire)
    context = Context(transport, MemoryLedger(), lambda: store.now, directory)
    return SparklyticsAdapter(SparklyticsOptions(base_url=BASE), credential, context)


@pytest_asyncio.fixture
async def adapter(store: Store, tmp_path: Path) -> AsyncIterator[SparklyticsAdapter]:
    found = adapter_over(store, SparklyticsCredential(api_key=SecretStr(store.key)), tmp_path)
    await found.start()
    yield found
    await found.close()
