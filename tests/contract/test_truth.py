"""Random questions: what is not refused, the backend takes, and its numbers are those of the reference."""

import random
from pathlib import Path
from typing import Any

import pytest

from gateway.read.planner import Native, plan
from models.capability import Capabilities
from models.errors import InvalidRequest, UnsupportedQuery
from models.query import ResolvedQuery
from models.vocabulary import Dimension, Metric, Operator
from tests.contract import expected
from tests.contract.harness import editions, own_lateness, own_share, prover, resolved

VALUES = {
    "page": ["/", "/pricing", "/nowhere"], "hostname": ["shop.example.com"], "event": ["pageview", "Purchase"],
    "goal": ["Purchase", "Visit /pricing"], "prop:plan": ["pro", "(none)"], "source": ["Google", "Direct / None"],
    "country": ["DE", "US"], "device": ["Mobile"], "entry_page": ["/", "/blog"],
    "utm_campaign": ["launch", "(not set)"],
    "city": ["2950159"], "os": ["Mac", "(not set)"], "channel": ["Direct"],
}  # fmt: skip
NAMES = [*(str(d) for d in Dimension if d not in {*expected.UNKNOWN, Dimension.PROP}), "prop:plan"]
KNOWN_METRICS = [str(m) for m in Metric if m is not Metric.EXIT_RATE]

RANGES = [
    ["2026-06-01", "2026-06-07"],
    ["2026-06-02", "2026-06-02"],
    ["2026-06-01T10:00:30Z", "2026-06-04T12:59:59Z"],
    ["2025-01-01", "2025-01-31"],
]
QUESTIONS = 600


def question(dice: random.Random) -> dict[str, Any]:
    """A random question in canonical words."""
    return {
        "metrics": dice.sample(KNOWN_METRICS, dice.randint(1, 3)),
        "dimensions": dice.sample(NAMES, dice.choice((0, 0, 1, 1, 1, 2))),
        "filters": [tree(dice, 0) for _ in range(dice.choice((0, 0, 1, 1, 2)))],
        "date_range": dice.choice(RANGES),
    }


def tree(dice: random.Random, depth: int) -> list[Any]:
    """A random filter, two levels deep at most."""
    kind = (
        dice.choice(("leaf", "leaf", "leaf", "and", "or", "not", "has_done", "has_not_done")) if depth < 2 else "leaf"
    )
    if kind == "leaf":
        name = dice.choice(sorted(VALUES))
        values = dice.sample(VALUES[name], dice.randint(1, len(VALUES[name])))
        return [str(dice.choice(list(Operator))), name, values]
    if kind in ("and", "or"):
        return [kind, [tree(dice, depth + 1) for _ in range(dice.randint(1, 2))]]
    return [kind, tree(dice, depth + 1)]


def understood(body: dict[str, Any], can: Capabilities, site: Any) -> ResolvedQuery | None:
    """The query, unless the model itself or the declaration refuses it."""
    try:
        query = resolved(body, site)
    except InvalidRequest:
        return None
    planned = plan(query, can, site_zone=site.timezone)
    return query if isinstance(planned, Native) and not planned.reasons else None


@pytest.mark.parametrize("can", editions(), ids=lambda can: can.name)
async def test_what_is_not_refused_is_true(can: Capabilities, tmp_path: Path) -> None:
    dice, asked, late = random.Random(20260617), 0, 0
    async with prover(can).open(can, tmp_path) as opened:
        adapter: Any = opened.adapter
        for body in (question(dice) for _ in range(QUESTIONS)):
            query = understood(body, can, opened.site)
            if query is None or adapter.foresee(opened.site, query).refusals:
                continue
            try:
                answer, counted = await adapter.read(opened.site, query), expected.truth(query)
            except UnsupportedQuery:
                late += 1
                continue
            if counted is None or answer.reasons:
                continue
            assert answer.rows == counted, body
            asked += 1
    assert asked > QUESTIONS * own_share(can.backend)
    assert late <= QUESTIONS * own_lateness(can.backend)
