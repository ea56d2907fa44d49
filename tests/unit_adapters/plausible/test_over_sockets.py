"""The adapter over a real loopback server: guard, pool, headers and bodies as they are in production."""

import asyncio
from ipaddress import ip_network
from pathlib import Path

from pydantic import SecretStr

from adapters.base import Context
from adapters.http import open_transport
from adapters.plausible import BACKEND
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from fixtures.twins.plausible import demo_store, plausible_twin
from fixtures.twins.serve import serve_in_thread
from models.event import Event, Received
from tests.contract.harness import NOW
from tests.contract.ledger import MemoryLedger
from tests.unit_adapters.plausible.wiring import KEY, SITE, query


async def test_many_questions_share_few_connections(tmp_path: Path) -> None:
    store = demo_store(key=KEY, now=NOW)
    with serve_in_thread(plausible_twin(store)) as base:
        transport = open_transport(
            base, allow_http=True, allow_private=[ip_network("127.0.0.0/8")], max_connections=4, backend="plausible"
        )
        context = Context(transport, MemoryLedger(), lambda: NOW, tmp_path)
        credential = PlausibleCredential(api_key=SecretStr(KEY))
        adapter = BACKEND.open(PlausibleOptions(base_url=base), credential, context)
        try:
            asked = query({"metrics": ["visitors", "visits"]})
            answers = await asyncio.gather(*(adapter.read(SITE, asked) for _ in range(20)))  # type: ignore[attr-defined] # it Reads
            event = Event(name="pageview", time=NOW, url="https://demo.example.com/a")
            visitor = Received(ip="203.0.113.9", user_agent="Firefox/140.0")
            assert await adapter.collect(SITE, (event,), visitor) == (None,)  # type: ignore[attr-defined] # it Collects
        finally:
            await adapter.close()
    assert {answer.rows for answer in answers} == {((7, 10),)}
    assert len(store.requests) == 21
    assert store.received[0]["headers"]["x-forwarded-for"] == "203.0.113.9"
    assert store.received[0]["headers"]["user-agent"] == "Firefox/140.0"
