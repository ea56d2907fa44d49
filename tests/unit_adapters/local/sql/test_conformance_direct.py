"""The conformance cases of the v2 query, put to the reader itself: events in, rows out, no HTTP between."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from adapters.local.store.event_store import EventStore
from fixtures.reference.imported import Import
from models.goal import Goal
from models.site import Site
from tests.unit_adapters.local.sql import v2
from tests.unit_adapters.local.sql.loading import load, reader_of
from tests.unit_fixtures.conformance import FOLDER, RUN, absent

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
SKIPPED_TEXT = {
    "unsupported_query": "Imported stats are not included in the results because query parameters are not supported. "
    "For more information, see: https://plausible.io/docs/stats-api#filtering-imported-stats",
}


def suited(case: dict[str, Any]) -> bool:
    """Cases about numbers; the texts of refusals are the facade's."""
    assert RUN is not None
    return RUN.unsuited(case) is None and all(r["expected"].get("status") == 200 for r in case["requests"])


CASES: list[dict[str, Any]] = (
    [c for c in json.loads((FOLDER / "query.cases.json").read_text("utf-8"))["cases"] if suited(c)] if RUN else []
)
pytestmark = pytest.mark.skipif(RUN is None, reason="the conformance folder is not here")


def events_of(case: dict[str, Any], domain: str) -> list[dict[str, Any]]:
    assert RUN is not None
    found, at = [], 0
    for step in case["steps"]:
        if step["type"] == "events":
            if step["site"] == domain:
                found += case["events"][at : at + step["n"]]
            at += step["n"]
    return [RUN.canonical_event(row) for row in found]


def imports_of(case: dict[str, Any], domain: str) -> list[Import]:
    return [
        Import(date.fromisoformat(each["start_date"]), date.fromisoformat(each["end_date"]),
               tuple(r for r in case.get("imported", []) if r["import_id"] == each["id"]))
        for each in case.get("imports", [])
        if each["site"] == domain and each["status"] == "completed"
    ]  # fmt: skip


def goals_of(case: dict[str, Any], domain: str) -> list[Goal]:
    keys = ("event_name", "page_path", "display_name", "custom_props", "currency", "scroll_threshold")
    return [
        Goal(id=str(goal["id"]), **{k: goal[k] for k in keys if goal.get(k) is not None})
        for goal in case.get("goals", [])
        if goal["site"] == domain
    ]


async def ask(store: EventStore, case: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    body = request["body"]
    domain = body["site_id"]
    zone = next(site["timezone"] for site in case["sites"] if site["domain"] == domain)
    for step in case["steps"]:
        if step["type"] == "site_update" and step["site"] == domain:
            zone = step.get("timezone", zone)
    site = Site(id=f"{case['id']}-{request['id']}", domain=domain, timezone=zone)
    loaded = await load(store, site.id, events_of(case, domain), imports_of(case, domain))
    reader = reader_of(store, loaded, goals_of(case, domain), NOW)
    query = v2.query_of(body, zone, NOW, await reader.stats_start(site))
    answer = v2.answer_of(body, query, await reader.read(site, query))
    if text := SKIPPED_TEXT.get(answer["meta"].get("imports_skip_reason", "")):
        answer["meta"]["imports_warning"] = text
    return answer


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_a_conformance_case_holds(store: EventStore, case: dict[str, Any]) -> None:
    assert RUN is not None
    bodies = {request["id"]: await ask(store, case, request) for request in case["requests"]}
    problems = [
        problem
        for request in case["requests"]
        for assertion in request["expected"]["assertions"]
        if not absent(assertion, bodies[request["id"]]) and (problem := RUN.verdict(assertion, request, bodies))
    ]
    assert problems == []
