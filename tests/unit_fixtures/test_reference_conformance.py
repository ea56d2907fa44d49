"""The reference answers the conformance cases of the v2 query, imports included."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fixtures.reference import Invalid, Site
from fixtures.reference.imported import Import
from tests.unit_fixtures.conformance import FOLDER, RUN, absent

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
CASES: list[dict[str, Any]] = (
    [c for c in json.loads((FOLDER / "query.cases.json").read_text("utf-8"))["cases"] if RUN.unsuited(c) is None]
    if RUN
    else []
)


def build(case: dict[str, Any], domain: str) -> Site:
    assert RUN is not None
    zone = next(site["timezone"] for site in case["sites"] if site["domain"] == domain)
    goals = [goal for goal in case.get("goals", []) if goal["site"] == domain]
    events, at = [], 0
    rows = {"events": case.get("events", []), "imported": case.get("imported", [])}
    for step in case["steps"]:
        if step["type"] == "site_update" and step["site"] == domain:
            zone = step.get("timezone", zone)
        if step["type"] == "events":
            if step["site"] == domain:
                events += rows["events"][at : at + step["n"]]
            at += step["n"]
    imports = [
        Import(date.fromisoformat(each["start_date"]), date.fromisoformat(each["end_date"]),
               tuple(r for r in rows["imported"] if r["import_id"] == each["id"]))
        for each in case.get("imports", [])
        if each["site"] == domain and each["status"] == "completed"
    ]  # fmt: skip
    return Site(zone, goals, [RUN.canonical_event(row) for row in events], imports, now=NOW)


def answer(case: dict[str, Any], request: dict[str, Any]) -> tuple[int, Any]:
    try:
        return 200, build(case, request["body"]["site_id"]).ask(request["body"])
    except Invalid as error:
        return 400, {"error": str(error)}


@pytest.mark.skipif(RUN is None, reason="the conformance folder is not here")
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_conformance_case_holds(case: dict[str, Any]) -> None:
    assert RUN is not None
    bodies, statuses = {}, {}
    for request in case["requests"]:
        statuses[request["id"]], bodies[request["id"]] = answer(case, request)
    wrong = [r for r in case["requests"] if r["expected"].get("status") not in (None, statuses[r["id"]])]
    assert not wrong, bodies
    problems = [
        problem
        for request in case["requests"]
        for assertion in request["expected"]["assertions"]
        if not absent(assertion, bodies[request["id"]]) and (problem := RUN.verdict(assertion, request, bodies))
    ]
    assert problems == []
