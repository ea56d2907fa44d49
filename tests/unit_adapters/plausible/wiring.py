"""Plausible adapters over invented answers, with every request kept."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from adapters.base import Context
from adapters.http import open_transport
from adapters.plausible import BACKEND
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from models.query import ResolvedQuery, read_query
from models.site import Site
from tests.contract.harness import NOW, WEEK
from tests.contract.ledger import MemoryLedger

SITE = Site(id="s1", domain="demo.example.com")
KEY = "plausible-secret-key"
Answer = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Wire:
    """What the adapter sent."""

    adapter: Any
    seen: list[httpx2.Request] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content or b"null") for request in self.seen]


@asynccontextmanager
async def over(answer: Answer, **options: Any) -> AsyncIterator[Wire]:
    """An adapter whose server answers so."""
    wire = Wire(None)

    def handle(request: httpx2.Request) -> httpx2.Response:
        wire.seen.append(request)
        return answer(request)

    transport = open_transport("https://plausible.example", wire=httpx2.MockTransport(handle), backend="plausible")
    context = Context(transport, MemoryLedger(), lambda: NOW, Path())
    credential = PlausibleCredential(api_key=SecretStr(KEY))
    wire.adapter = BACKEND.open(PlausibleOptions(base_url="https://plausible.example", **options), credential, context)
    try:
        yield wire
    finally:
        await wire.adapter.close()


def always(body: Any, status: int = 200, **headers: str) -> Answer:
    return lambda request: httpx2.Response(status, json=body, headers=headers)


def in_turn(*bodies: Any) -> Answer:
    """One body after the other."""
    left = list(bodies)
    return lambda request: httpx2.Response(200, json=left.pop(0))


def query(body: dict[str, Any], zone: str = "Etc/UTC") -> ResolvedQuery:
    return read_query({"metrics": ["visitors"], "date_range": list(WEEK), **body}).resolved(zone=zone, now=NOW)
