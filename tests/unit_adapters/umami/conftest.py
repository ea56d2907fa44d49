"""The Umami adapter over its strict twin, which holds the demo site; calls cross the adapter's own transport."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from adapters.base import Context
from adapters.http import open_transport
from adapters.umami.adapter import SelfHostedAdapter
from adapters.umami.options import UmamiCredential, UmamiOptions
from fixtures.twins.umami import Store, Website, demo_store, umami_twin
from models.goal import GoalDraft
from models.site import Site
from tests.contract.ledger import MemoryLedger

BASE = "https://umami.example"


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


def adapter_over(store: Store, credential: UmamiCredential, directory: Path) -> SelfHostedAdapter:
    transport = open_transport(BASE, backend="umami", wire=httpx2.ASGITransport(app=umami_twin(store)))
    context = Context(transport, MemoryLedger(), lambda: store.now, directory)
    return SelfHostedAdapter(UmamiOptions(base_url=BASE), credential, context)


@pytest_asyncio.fixture
async def adapter(store: Store, site: Site, tmp_path: Path) -> AsyncIterator[SelfHostedAdapter]:
    found = adapter_over(store, UmamiCredential(api_key=SecretStr(store.api_key)), tmp_path)
    await found.start()
    await found.create_goal(site, GoalDraft(event_name="Purchase"))
    await found.create_goal(site, GoalDraft(page_path="/pricing"))
    yield found
    await found.close()
