"""docs/pirsch.md says what the code does: costs of common questions are true, and no endpoint is forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.pirsch.vendor.calls import ROUTES
from fixtures.twins.pirsch import demo_goals
from fixtures.twins.pirsch_model import already_counted
from tests.unit_adapters.pirsch.tables import CANONICAL, DOCS, ENDPOINTS, NOT_OFFERED, QUESTIONS, with_tables
from tests.unit_adapters.pirsch.test_reference import DEMO
from tests.unit_adapters.pirsch.wiring import Bench


def test_the_tables_are_current() -> None:
    text = DOCS.read_text("utf-8")
    assert text == with_tables(text)


def test_every_endpoint_of_the_seed_has_a_home() -> None:
    reached = {f"{r.call.method} {r.path}" for r in ROUTES.values()} | CANONICAL.keys() | NOT_OFFERED.keys()
    seed = {f"{e['method']} {e['path'].removeprefix('/api/v1/')}" for e in json.loads(ENDPOINTS.read_text("utf-8"))
            if e["seed"]}  # fmt: skip
    assert seed - reached == set()


@pytest.mark.parametrize(("title", "body"), QUESTIONS)
async def test_a_common_question_costs_no_more_than_the_table_says(
    bench: Bench, title: str, body: dict[str, Any]
) -> None:
    bench.twin.stores[bench.site.ref] = already_counted(DEMO)
    demo_goals(bench.twin, bench.site.ref)
    announced = bench.foresee(**{"date_range": "30d", **body})
    await bench.ask(**{"date_range": "30d", **body})  # reads dashboard and midnights, which are kept
    before = len(bench.twin.calls)
    answer = await bench.ask(**{"date_range": "30d", **body})
    made = [call for call in bench.twin.calls[before:] if call != ("POST", "token")]
    assert answer.calls == len(made) <= announced.calls, title
