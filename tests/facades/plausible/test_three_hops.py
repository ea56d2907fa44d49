"""Facade over the Plausible adapter over facade over our own store, by loopback sockets: answers as our store does.

    adapter -> /plausible (second tenant) -> adapter -> /plausible (first tenant) -> local

The outer adapter lets the contract suite ask its questions at the far end.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.base import Context
from adapters.http import open_transport
from adapters.plausible import BACKEND
from adapters.plausible.capabilities import PLAUSIBLE_CLOUD
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from fixtures.twins.plausible import EVENTS
from models.site import Site
from tests.api.conftest import Api
from tests.contract.harness import NOW, Opened
from tests.contract.ledger import MemoryLedger
from tests.contract.test_cells import cells, prove
from tests.contract.test_truth import compare
from tests.facades.plausible.conftest import DEMO, facade

TOLD = json.loads((EVENTS / "demo-site.expected.json").read_text("utf-8"))["answers"]
COMPARED = 50


@asynccontextmanager
async def far_end(tenant: Api) -> AsyncIterator[Opened]:
    """A Plausible adapter of the test's own, speaking to the tenant's facade over a socket."""
    base = f"{tenant.base}/plausible"
    wire = open_transport(base, backend="plausible", allow_http=True, allow_private=[ip_network("127.0.0.0/8")])
    options = PlausibleOptions.model_validate({"base_url": base})
    context = Context(wire, MemoryLedger(), lambda: NOW, Path())
    adapter = BACKEND.open(options, PlausibleCredential(api_key=SecretStr(tenant.key)), context)
    try:
        yield Opened(adapter, Site(id="demo", domain=DEMO), lambda: 0)
    finally:
        await adapter.close()


def native() -> Iterator[Any]:
    for table, name, support, case in cells(PLAUSIBLE_CLOUD):
        if support.is_native:
            yield pytest.param(name, case, id=f"{table}-{name}")


@pytest.mark.parametrize(("name", "case"), [*native()])
async def test_each_word_of_the_declaration_keeps_its_meaning(mirrored: Api, name: str, case: Any) -> None:
    async with far_end(mirrored) as opened:
        await prove(opened, name, case)


async def test_random_questions_are_answered_truly(mirrored: Api) -> None:
    async with far_end(mirrored) as opened:
        found = await compare(opened, COMPARED)
    assert found["compared"] == COMPARED
    assert not found["late"]


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told["name"])
def test_a_request_passes_unchanged_in_meaning(demo: Api, mirrored: Api, told: dict[str, Any]) -> None:
    asked = {"site_id": DEMO, **told["query"]}

    near, far = (facade(tenant).ok("POST", "/api/v2/query", asked) for tenant in (demo, mirrored))

    assert near["results"] == told["results"]
    assert far == near


@pytest.mark.parametrize(
    "range_", ["day", "7d", "30d", "month", "12mo", "all", ["2026-06-01T10:00:00Z", "2026-06-03T09:00:00Z"]]
)
def test_ranges_mean_the_same_days(demo: Api, mirrored: Api, range_: Any) -> None:
    asked = {"site_id": DEMO, "metrics": ["visitors", "pageviews"], "date_range": range_, "dimensions": ["time"]}

    near, far = (facade(tenant).ok("POST", "/api/v2/query", asked) for tenant in (demo, mirrored))

    assert far == near


def test_both_tenants_get_the_same_rows_in_our_own_words(demo: Api, mirrored: Api) -> None:
    asked = {"site": DEMO, "metrics": ["visitors", "bounce_rate"], "dimensions": ["source"], "date_range": "30d"}

    near, far = (tenant.ok("POST", "/v1/query", asked) for tenant in (demo, mirrored))

    assert far["results"] == near["results"]
    assert [s["backend"] for s in (near["meta"]["sites"][0], far["meta"]["sites"][0])] == ["local", "plausible"]
