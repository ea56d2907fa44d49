"""The twin answers the conformance cases of the Sites API and of the v1 stats over a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fixtures.reference.imported import Import
from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.plausible_store import DEFAULT_TEAM
from fixtures.twins.serve import serve_in_thread
from tests.unit_fixtures.conformance import FOLDER, RUN, absent

FILES = ("query", "stats_v1", "sites")
CASES: list[dict[str, Any]] = [
    case
    for name in FILES
    if RUN is not None
    for case in json.loads((FOLDER / f"{name}.cases.json").read_text("utf-8"))["cases"]
    if RUN.unsuited(case) is None
]
KEY = "case-key"
TEAM = "22222222-2222-4222-8222-222222222222"
BEYOND = {
    "6265ea54": "its account belongs to no team at all; the twin's keys always have one",
    "608c01cb": "needs a channel made from the source; the reference takes channels as given",
}
CASES = [case for case in CASES if case["id"] not in BEYOND]


@pytest.fixture(scope="module")
def store() -> TwinStore:
    return TwinStore(now=datetime(2026, 6, 17, 12, tzinfo=UTC), hourly_limit=100_000)


@pytest.fixture(scope="module")
def base(store: TwinStore) -> Iterator[str]:
    with serve_in_thread(plausible_twin(store)) as url:
        yield url


def fill(store: TwinStore, case: dict[str, Any]) -> None:
    assert RUN is not None
    store.clear()
    scopes = next((s["scopes"] for s in reversed(case["steps"]) if s["type"] == "api_key"), ["sites:provision:*"])
    store.add_key(KEY, scopes=scopes)
    for site in case.get("sites", []):
        team = TEAM if site.get("owned_by_caller") is False else DEFAULT_TEAM
        store.add_site(site["domain"], site["timezone"], team=team)
    at = 0
    for step in case["steps"]:
        if step["type"] == "events":
            store.load(step["site"], [RUN.canonical_event(r) for r in case["events"][at : at + step["n"]]])
            at += step["n"]
        site = store.find(step.get("site"))
        if step["type"] == "site_update" and site:
            site.timezone = step.get("timezone", site.timezone)
            site.props += step.get("allowed_event_props", [])
        if step["type"] == "allow_prop" and site:
            site.props.append(step.get("prop") or step["property"])
    for goal in case.get("goals", []):
        store.add_goal(goal["site"], goal)
    for each in case.get("imports", []):
        site = store.find(each["site"])
        assert site is not None
        rows = tuple(row for row in case.get("imported", []) if row["import_id"] == each["id"])
        site.imports.append(Import(date.fromisoformat(each["start_date"]), date.fromisoformat(each["end_date"]), rows))


@pytest.mark.skipif(RUN is None, reason="the conformance folder is not here")
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_twin_answers_a_conformance_case(store: TwinStore, base: str, case: dict[str, Any]) -> None:
    assert RUN is not None
    fill(store, case)
    client = RUN.Client(base, KEY)
    bodies: dict[int, Any] = {}
    problems: list[str] = []
    for request in case["requests"]:
        header = (request.get("headers") or {}).get("authorization", "")
        key = KEY if "$API_KEY" in header else header.removeprefix("Bearer ").strip()
        status, bodies[request["id"]] = client.send(
            request["method"], RUN.address(request), request.get("body"), key=key
        )
        if request["expected"].get("status") not in (None, status):
            problems.append(f"{status} {bodies[request['id']]}")
    for request in case["requests"]:
        for assertion in request["expected"]["assertions"]:
            if not absent(assertion, bodies[request["id"]]):
                problems += filter(None, [RUN.verdict(assertion, request, bodies)])
    assert problems == []
