"""Documented exchanges: the adapter asks exactly so and reads the vendor's samples; the twin knows the same keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.base import Context
from adapters.http import open_transport
from adapters.pirsch.adapter import PirschAdapter
from adapters.pirsch.options import PirschCredential, PirschOptions
from fixtures.twins.pirsch_filters import read
from fixtures.twins.pirsch_model import seeded
from fixtures.twins.pirsch_statistics import ENDPOINTS
from models.query import read_query
from models.site import Site
from tests.unit_adapters.pirsch.wiring import NOW, WEEK, MemoryLedger, event, view

CASES = sorted(p for p in (Path(__file__).parents[3] / "fixtures/pirsch").glob("*.json") if p.stem != "endpoints")
SITE = Site(id="demo", domain="example.com", external_id="A5kgYzK14m")
TOKEN = {"access_token": "t", "expires_at": "2026-06-17T13:00:00.903607271Z"}


def exchange(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
async def test_a_documented_answer_is_asked_for_and_read(path: Path, tmp_path: Path) -> None:
    case = exchange(path)
    asked: list[tuple[str, str, list[tuple[str, str]]]] = []

    def vendor(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/api/v1/token":
            return httpx2.Response(200, json=TOKEN)
        if request.url.path == "/api/v1/domain":
            return httpx2.Response(200, json=[{"id": SITE.ref, "hostname": SITE.domain, "imported_statistics": False}])
        if "to_time" in request.url.params:  # visits over a midnight
            return httpx2.Response(200, content=b"null", headers={"content-type": "application/json"})
        asked.append((request.method, request.url.path, list(request.url.params.multi_items())))
        told = case["response"]
        return httpx2.Response(told["status"], content=json.dumps(told["body"]), headers=told["headers"])

    transport = open_transport("https://pirsch.example", wire=httpx2.MockTransport(vendor), backend="pirsch")
    credential = PirschCredential.model_validate({"client_id": "c", "client_secret": "s"})
    adapter = PirschAdapter(PirschOptions(), credential, Context(transport, MemoryLedger(), lambda: NOW, tmp_path))
    query = read_query({"date_range": WEEK, **case["question"]}).resolved(zone="Etc/UTC", now=NOW)
    answer = await adapter.read(SITE, query)
    await adapter.close()
    wanted = case["request"]
    method, where, params = asked[0]
    assert (method, where) == (wanted["method"], wanted["path"])
    assert sorted(params) == sorted((k, v) for k, v in wanted["params"])
    assert [list(row) for row in answer.rows] == case["rows"]


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_the_twin_answers_in_the_documented_shape(path: Path) -> None:
    case = exchange(path)
    assert case["source"] == "documented"
    events = [view("01 10:00", "a", utm_term=""), view("01 10:01", "a", "/b"), event("Buy", "01 10:02", "a")]
    asked = read([(k, v) for k, v in case["request"]["params"]], zone="Etc/UTC", now=NOW)
    store = seeded(events if case["response"]["body"] is not None else [])
    answer = ENDPOINTS[case["request"]["path"].removeprefix("/api/v1/statistics/")](store, asked)
    assert keys(answer) >= keys(case["response"]["body"])
    assert keys(answer) - keys(case["response"]["body"]) <= {"minute"}  # which the seed leaves out of series


def keys(body: Any) -> set[str]:
    """The fields of an object, or of the first row of a list."""
    row = body[0] if isinstance(body, list) else body
    return set(row or {})
