"""The adapter against the strict twin, over a real loopback socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Context
from adapters.http import open_transport
from adapters.pirsch.adapter import PirschAdapter
from adapters.pirsch.options import PirschCredential, PirschOptions
from fixtures.twins.pirsch import USER_CLIENT, Pirsch, create_app
from fixtures.twins.serve import serve_in_thread
from models.site import Site
from tests.unit_adapters.pirsch.wiring import LOOPBACK, Bench, Clock, Connect, MemoryLedger


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def served(clock: Clock) -> Iterator[tuple[str, Pirsch]]:
    app = create_app(clock=clock)
    with serve_in_thread(app) as base_url:
        yield base_url, app.state.pirsch


@pytest.fixture
async def connect(served: tuple[str, Pirsch], clock: Clock, tmp_path: Path) -> AsyncIterator[Connect]:
    """Opens adapters on the twin, as `connect(access_key=..., fan_out_calls=...)`; closes them."""
    opened: list[PirschAdapter] = []

    def opens(*, access_key: str = "", secret: str = USER_CLIENT[1], **options: Any) -> PirschAdapter:
        transport = open_transport(served[0], allow_http=True, allow_private=LOOPBACK, backend="pirsch")
        context = Context(transport=transport, ledger=MemoryLedger(), now=clock, data_dir=tmp_path)
        keys = {"access_key": access_key} if access_key else {"client_id": USER_CLIENT[0], "client_secret": secret}
        adapter = PirschAdapter(
            PirschOptions(base_url=served[0], **options), PirschCredential.model_validate(keys), context
        )
        opened.append(adapter)
        return adapter

    yield opens
    for adapter in opened:
        await adapter.close()


@pytest.fixture
def bench(served: tuple[str, Pirsch], connect: Connect, clock: Clock) -> Bench:
    twin = served[1]
    site = Site(id="s1", domain="demo.example.com", external_id=next(iter(twin.stores)))
    return Bench(connect(), twin, site, clock)
