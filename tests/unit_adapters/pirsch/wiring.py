"""What the tests of the adapter share: a clock, a ledger, short ways to ask, and events of June 2026."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from adapters.pirsch.adapter import PirschAdapter
from fixtures.twins.pirsch import Pirsch
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

    async def change(
        self, puts: Mapping[tuple[str, str], Mapping[str, Any]], deletes: Iterable[tuple[str, str]] = ()
    ) -> None:
        for place in deletes:
            self.documents.pop(place, None)
        for (kind, key), value in puts.items():
            self.documents[kind, key] = dict(value)

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
        """Statistics requests so far but those about midnights: path and parameters but the common ones."""
        common = {"id", "from", "to", "tz", "limit", "offset"}
        found = []
        for path, pairs in self.twin.queries:
            if path == "session/list" and ("to_time", "23:59") in pairs:
                continue
            values: dict[str, list[str]] = {}
            for key, value in pairs:
                if key not in common:
                    values.setdefault(key, []).append(value)
            found.append((path, values))
        return found


Connect = Callable[..., PirschAdapter]


def event(name: str, time: str, visitor: str, path: str = "/", **fields: Any) -> dict[str, Any]:
    """A canonical event of June 2026, `time` as `03 10:05`."""
    day, clock = time.split()
    known = {"hostname": "demo.example.com", "country": "DE", "browser": "Chrome", "os": "Windows", "device": "Desktop"}
    return {"name": name, "time": f"2026-06-{day}T{clock}:00Z", "visitor": visitor, "path": path, **known, **fields}


def view(time: str, visitor: str, path: str = "/", **fields: Any) -> dict[str, Any]:
    return event("pageview", time, visitor, path, **fields)
