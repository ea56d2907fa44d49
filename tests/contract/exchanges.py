"""Documented and recorded exchanges in fixtures/<vendor>/ that ask a question of the model, or do one operation.

`question` is a canonical query whose answer the exchange is (part of); `operation` is what it carries.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from models.capability import Evidence

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
UNSAID = frozenset({"include", "pagination", "order_by"})
"""Parts of a Plausible query that may say more or less than is documented; its own tests compare them."""

NARROWING = frozenset({"filters", "dimensions", "path", "event"})
"""Parts of a request that make it another one where the documented one lacks them."""


@cache
def exchanges(backend: str) -> Mapping[str, Mapping[str, Any]]:
    """Exchanges of a vendor that prove something, by name."""
    found = {p.stem: json.loads(p.read_text("utf-8")) for p in sorted((FIXTURES / backend).glob("*.json"))}
    return {name: told for name, told in found.items() if "question" in told or "operation" in told}


def source_of(told: Mapping[str, Any]) -> Evidence:
    """`recorded` or `documented`, as the fixture says."""
    return Evidence(told["source"])


class Replay:
    """A server that knows documented requests only, one of them before all others; `hit` says whether it was asked."""

    def __init__(self, wanted: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> None:
        self.wanted, self.others, self.hit = wanted, tuple(others), False

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        for told in (self.wanted, *self.others):
            if asks(request, told["request"]):
                self.hit = self.hit or told is self.wanted
                return answered(told["response"])
        return httpx2.Response(404, json={"error": "not documented"})


def answered(response: Mapping[str, Any]) -> httpx2.Response:
    """The documented response."""
    return httpx2.Response(response["status"], content=json.dumps(response["body"]), headers=response["headers"])


def asks(request: httpx2.Request, documented: Mapping[str, Any]) -> bool:
    """Whether a request is the documented one; `<site>` is any site, and more parameters than documented are fine."""
    head, site, tail = documented["path"].partition("<site>")
    path = request.url.path
    if request.method != documented["method"] or not (path.startswith(head) and path.endswith(tail)):
        return False
    if not site and path != head:
        return False
    given = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    wanted = dict(documented.get("query") or documented.get("params") or {})
    body = json.loads(request.content) if request.content else {}
    said = {key: value for key, value in (documented.get("body") or {}).items() if key not in UNSAID}
    if any(sent for name, sent in (given | body).items() if name in NARROWING and name not in wanted | said):
        return False
    return wanted.items() <= given.items() and all(body.get(k) == v for k, v in said.items())
