"""The reference and the hand count of the demo site agree."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.reference import Site

EVENTS = Path(__file__).resolve().parents[2] / "fixtures" / "events"
EXPECTED: dict[str, Any] = json.loads((EVENTS / "demo-site.expected.json").read_text("utf-8"))
ROWS = [json.loads(line) for line in (EVENTS / "demo-site.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(EXPECTED["timezone"], EXPECTED["goals"], ROWS, now=datetime(2026, 6, 17, 12, tzinfo=UTC))


@pytest.mark.parametrize("answer", EXPECTED["answers"], ids=lambda answer: answer["name"])
def test_the_reference_counts_what_a_hand_counted(site: Site, answer: dict[str, Any]) -> None:
    assert site.query(**answer["query"])["results"] == answer["results"]


def test_the_visits_are_those_of_the_table(site: Site) -> None:
    assert len(ROWS) == 25
    assert [(s.visitor, s.pageviews, s.events, s.duration, s.bounce) for s in site.sessions] == [
        ("anna", 2, 3, 300, False),
        ("ben", 1, 1, 0, True),
        ("anna", 1, 1, 0, True),
        ("cleo", 3, 3, 1320, False),
        ("dan", 1, 2, 120, False),
        ("eva", 2, 2, 1859, False),
        ("eva", 1, 1, 0, True),
        ("finn", 1, 2, 10, True),
        ("ben", 2, 2, 600, False),
        ("gus", 1, 2, 40, False),
    ]
