"""What is tested alike at vendors that are played by a twin over the demo site, and by documented exchanges."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

from adapters.base import Context
from adapters.http import open_transport
from adapters.protocols import ListsSites, Reads
from models.errors import UnsupportedQuery
from models.query import ResolvedQuery, read_query
from models.result import Answer
from models.site import Site
from tests.contract import expected
from tests.contract.harness import NOW, WEEK
from tests.contract.ledger import MemoryLedger

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


class Played(Protocol):
    """The store of a twin."""

    @property
    def requests(self) -> list[Any]: ...


def asked(zone: str = "Etc/UTC", **body: Any) -> ResolvedQuery:
    return read_query({"date_range": list(WEEK), **body}).resolved(zone=zone, now=NOW)


async def answer(adapter: Reads, site: Site, **body: Any) -> Answer:
    return await adapter.read(site, asked(**body))


async def assert_exact(adapter: Reads, site: Site, body: dict[str, Any]) -> None:
    """The answer says that it is exact, and is what the reference counts, in no more calls than were foreseen."""
    query = asked(**body)
    assert adapter.foresee(site, query).reasons == ()
    found = await adapter.read(site, query)
    assert found.reasons == ()
    assert found.rows == expected.rows(query)
    assert found.calls <= adapter.foresee(site, query).calls


async def assert_refused_before_any_call(
    adapter: Reads, site: Site, store: Played, body: dict[str, Any], words: str
) -> None:
    query = asked(**body)
    assert any(words in reason for reason in adapter.foresee(site, query).refusals)
    with pytest.raises(UnsupportedQuery, match=words):
        await adapter.read(site, query)
    assert store.requests == []


async def assert_buckets_are_filled_where_asked(adapter: Reads, site: Site, metric: str, on_the_7th: int) -> None:
    body: dict[str, Any] = {
        "metrics": [metric], "dimensions": ["time:day"], "date_range": ["2026-06-07", "2026-06-09"]
    }  # fmt: skip
    assert (await answer(adapter, site, **body)).rows == (("2026-06-07", on_the_7th),)
    filled = await answer(adapter, site, **body, include={"zero_fill": True, "time_labels": True, "totals": True})
    assert filled.rows == (("2026-06-07", on_the_7th), ("2026-06-08", 0), ("2026-06-09", 0))
    assert filled.time_labels == ("2026-06-07", "2026-06-08", "2026-06-09")
    assert filled.totals == (on_the_7th,)


async def assert_listed_by_twos(adapter: ListsSites, sites: int) -> None:
    """Every site once, two a page."""
    seen, cursor, pages = [], None, 0
    while True:
        page = await adapter.list_sites(cursor, 2)
        seen += [site.domain for site in page.sites]
        cursor, pages = page.next, pages + 1
        if cursor is None:
            break
    assert (len(seen), len(set(seen)), pages) == (sites, sites, -(-sites // 2))


def exchanges_of(backend: str) -> dict[str, dict[str, Any]]:
    """The vendor's exchanges by name."""
    return {p.stem: json.loads(p.read_text("utf-8")) for p in sorted((FIXTURES / backend).glob("*.json"))}


class Wire:
    """Answers of documented exchanges one after the other, and what was asked; `context` is for an adapter over it."""

    def __init__(self, backend: str, base: str, site: Site, names: tuple[str, ...], signed: Mapping[str, str]) -> None:
        self.exchanges, self.site, self.signed = exchanges_of(backend), site, signed
        self.answers = [self.exchanges[name]["response"] for name in names]
        self.seen: list[httpx2.Request] = []
        transport = open_transport(base, backend=backend, wire=httpx2.MockTransport(self._answer))
        self.context = Context(transport, MemoryLedger(), lambda: NOW, Path())

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        told = self.answers.pop(0)
        content = b"" if told["body"] is None else json.dumps(told["body"]).encode()
        return httpx2.Response(told["status"], content=content, headers=told["headers"])

    def assert_asked(self, name: str, at: int = -1) -> None:
        """What was asked is the documented question, with our key; a question may say more than its document."""
        documented, sent = self.exchanges[name]["request"], self.seen[at]
        path = documented["path"].replace("<site>", self.site.ref)
        assert (sent.method, sent.url.path) == (documented["method"], path)
        assert {header: sent.headers[header] for header in self.signed} == dict(self.signed)
        assert dict(sent.url.params) | documented.get("query", {}) == dict(sent.url.params)
        if "body" in documented:
            assert json.loads(sent.content) == documented["body"]
