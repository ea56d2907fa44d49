"""The adapter against the strict twin, over a real loopback socket."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Context
from adapters.http import open_transport
from adapters.pirsch.adapter import PirschAdapter
from adapters.pirsch.options import PirschCredential, PirschOptions
from fixtures.twins.pirsch import ACCESS_KEY, USER_CLIENT, Pirsch, create_app
from fixtures.twins.serve import serve_in_thread
from models.query import ResolvedQuery, read_query
from models.result import Answer, Foreseen
from models.site import Site

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
WEEK = ["2026-06-01", "2026-06-07"]
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class MemoryLedger:
    """A ledger for one test."""

    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    last: int = 0

    async def get(self, kind: str, key: str) -> dict[str, Any] | None:
        return self.documents.get((kind, key))

    async def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        self.documents[kind, key] = dict(value)

    async def delete(self, kind: str, key: str) -> bool:
        return self.documents.pop((kind, key), None) is not None

    async def list(self, kind: str, prefix: str = "") -> tuple[tuple[str, dict[str, Any]], ...]:
        return tuple((k, v) for (of, k), v in sorted(self.documents.items()) if of == kind and k.startswith(prefix))

    async def next_id(self, kind: str) -> int:
        self.last += 1
        return self.last


@dataclass
class Bench:
    """An adapter, the twin it talks to, and short ways to ask."""

    adapter: PirschAdapter
    twin: Pirsch
    site: Site
    clock: Clock

    def query(self, **body: Any) -> ResolvedQuery:
        return read_query({"date_range": WEEK, **body}).resolved(zone=self.site.timezone, now=self.clock())

    def foresee(self, **body: Any) -> Foreseen:
        return self.adapter.foresee(self.site, self.query(**body))

    async def ask(self, **body: Any) -> Answer:
        return await self.adapter.read(self.site, self.query(**body))

    async def rows(self, **body: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in (await self.ask(**body)).rows]

    def asked(self) -> list[tuple[str, dict[str, list[str]]]]:
        """Statistics requests so far: path and parameters but the common ones."""
        common = {"id", "from", "to", "tz", "limit", "offset"}
        found = []
        for path, pairs in self.twin.queries:
            values: dict[str, list[str]] = {}
            for key, value in pairs:
                if key not in common:
                    values.setdefault(key, []).append(value)
            found.append((path, values))
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def served(clock: Clock) -> Iterator[tuple[str, Pirsch]]:
    app = create_app(clock=clock)
    with serve_in_thread(app) as base_url:
        yield base_url, app.state.pirsch


Connect = Callable[..., PirschAdapter]


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


def event(name: str, time: str, visitor: str, path: str = "/", **fields: Any) -> dict[str, Any]:
    """A canonical event of June 2026, `time` as `03 10:05`."""
    day, clock = time.split()
    known = {"hostname": "demo.example.com", "country": "DE", "browser": "Chrome", "os": "Windows", "device": "Desktop"}
    return {"name": name, "time": f"2026-06-{day}T{clock}:00Z", "visitor": visitor, "path": path, **known, **fields}


def view(time: str, visitor: str, path: str = "/", **fields: Any) -> dict[str, Any]:
    return event("pageview", time, visitor, path, **fields)


__all__ = ["ACCESS_KEY", "Bench", "Clock", "Connect", "event", "view"]
