"""Exchange files say truly what they are, and the twin answers those about the demo site word for word."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.twins.plausible import TwinStore, load_demo, plausible_twin
from fixtures.twins.serve import serve_in_thread

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
KEY = "exchange-key"
EXCHANGES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FIXTURES / "plausible").glob("*.json"))}
RECORDED = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FIXTURES / "recorded").glob("*.json"))}
REPLAYED = [name for name, exchange in EXCHANGES.items() if exchange["world"] == "demo-site"]
SECRET = re.compile(r"Bearer (?!<key>|Token\.)\w|eyJ[\w-]{10,}|\b(?!127\.)(?:10|172|192)\.\d+\.\d+\.\d+\b")


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_exchange_has_the_form_and_holds_no_secret(name: str) -> None:
    exchange = EXCHANGES[name]
    needed = {"source", "vendor_version", "date", "origin", "world", "request", "response"}
    assert needed <= set(exchange) <= needed | {"question", "operation"}
    assert exchange["source"] == "documented"
    assert exchange["world"] in {"demo-site", "sample"}
    assert not SECRET.search(json.dumps(exchange))


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_names_its_recorder(name: str) -> None:
    recording = RECORDED[name]
    assert recording["source"] == "recorded"
    assert {"client", "where"} <= set(recording["recorder"])
    assert recording["recorded"]


@pytest.fixture(scope="module")
def store() -> TwinStore:
    return TwinStore(now=NOW)


@pytest.fixture(scope="module")
def base(store: TwinStore) -> Iterator[str]:
    with serve_in_thread(plausible_twin(store)) as url:
        yield url


def replay(base: str, request: dict[str, Any]) -> tuple[int, str, bytes]:
    query = "?" + urllib.parse.urlencode(request["query"]) if "query" in request else ""
    headers = {name: value.replace("<key>", KEY) for name, value in request["headers"].items()}
    data = json.dumps(request["body"]).encode() if "body" in request else None
    call = urllib.request.Request(base + request["path"] + query, data, headers, method=request["method"])
    try:
        with urllib.request.urlopen(call, timeout=10) as answer:
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read()


def fits(want: Any, got: Any) -> bool:
    """Equality in which `<any>` fits everything, and the order of keys does not matter."""
    if want == "<any>":
        return True
    if isinstance(want, dict):
        return isinstance(got, dict) and want.keys() == got.keys() and all(fits(want[k], got[k]) for k in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(want) == len(got) and all(map(fits, want, got))
    return bool(want == got)


@pytest.mark.parametrize("name", REPLAYED)
def test_the_twin_answers_as_documented(store: TwinStore, base: str, name: str) -> None:
    exchange = EXCHANGES[name]
    store.clear()
    load_demo(store, key=KEY)
    status, kind, body = replay(base, exchange["request"])
    want = exchange["response"]
    assert (status, kind) == (want["status"], want["headers"]["content-type"])
    got = json.loads(body) if kind == "application/json" else body.decode()
    assert fits(want["body"], got), got
