"""Every cell of every declaration: what is native gives the counted numbers, what is not is refused before any call."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.read.planner import approximations, refusals
from models.capability import Capabilities, Support
from models.errors import UnsupportedQuery
from models.vocabulary import GOAL_METRICS, OURS, Dimension
from tests.contract import cases, expected
from tests.contract.harness import NoEvidence, Opened, ask, editions, harness_of, own_questions, resolved

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = (
    ("metrics", cases.METRICS),
    ("dimensions", cases.DIMENSIONS),
    ("operators", cases.OPERATORS),
    ("features", cases.FEATURES),
)


def cells(can: Capabilities) -> Iterator[tuple[str, Any, Support, cases.Case | None]]:
    """Table, name, declared support and question of every cell of an edition."""
    own = own_questions(can.backend)
    for table, questions in TABLES:
        for name, support in getattr(can, table).items():
            if name not in OURS:
                yield table, name, support, own.get(f"{table}.{name}", questions.get(name))


def by_own_rule(can: Capabilities, case: cases.Case) -> bool:
    """Whether the rows were counted by this backend's own rule; then all of them have to be there."""
    return case.rows is not None and case in own_questions(can.backend).values()


def parameters(*, native: bool) -> list[Any]:
    return [
        pytest.param(can.name, name, support, case, id=f"{can.name}-{table}-{name}")
        for can in editions()
        for table, name, support, case in cells(can)
        if support.is_native is native
    ]


async def prove(opened: Opened, name: str, case: cases.Case | None) -> None:
    """Raises NoEvidence where a native cell has nothing that proves it, AssertionError where the proof fails."""
    if case is None:
        raise NoEvidence(f"{opened.adapter.can.name}: {name} is native and there is no question that proves it")
    query = resolved(case.body, opened.site)
    answer = await ask(opened, query)
    counted = case.rows if case.rows is not None else expected.rows(query)
    inexact = {reason.code for reason in approximations(query, opened.adapter.can)}
    if inexact:
        assert inexact <= {reason.code for reason in answer.reasons}
        assert answer.rows == counted if by_own_rule(opened.adapter.can, case) else set(answer.rows) <= set(counted)
    else:
        assert answer.rows == counted
        assert answer.reasons == ()
        assert expected.truth(query) in (None, counted), "numbers by another rule must be declared approximate"
    assert answer.total_rows == case.total_rows


@pytest.mark.parametrize(("opened", "name", "support", "case"), parameters(native=True), indirect=["opened"])
async def test_a_native_cell_gives_the_counted_numbers(
    opened: Opened, name: str, support: Support, case: cases.Case | None
) -> None:
    await prove(opened, name, case)


@pytest.mark.parametrize(("opened", "name", "support", "case"), parameters(native=False), indirect=["opened"])
async def test_any_other_cell_is_refused_with_its_reason_before_any_call(
    opened: Opened, name: str, support: Support, case: cases.Case | None
) -> None:
    assert case is not None, f"no question asks for {name}"
    query, before = resolved(case.body, opened.site), opened.calls()
    with pytest.raises(UnsupportedQuery) as refusal:
        await ask(opened, query)
    assert any(support.reason in reason for reason in refusal.value.reasons)
    assert opened.calls() == before


CONFLICTS = [
    pytest.param(can.name, conflict, id=f"{can.name}-{n}")
    for can in editions()
    for n, conflict in enumerate(can.conflicts)
]


def question_of(conflict: Any, can: Capabilities) -> dict[str, Any]:
    """A question that meets every condition of a conflict, out of names that are native by themselves."""
    grouped = [_named(d) for d in sorted(conflict.grouped) if can.dimensions[d].is_native][:1]
    metric = next((str(m) for m in sorted(conflict.metrics) if can.metrics[m].is_native), "visitors")
    filtered = [_named(d) for d in sorted(conflict.filtered)][:1] or (["source"] if conflict.operators else [])
    operators = [str(o) for o in sorted(conflict.operators)][:1] or ["is"]
    filters = [[operators[0], name, ["DE"]] for name in filtered]
    if metric in GOAL_METRICS and "goal" not in grouped:
        filters.append(["is", "goal", ["Purchase"]])
    return {"metrics": [metric], "dimensions": grouped, "filters": filters}


def _named(dimension: Dimension) -> str:
    return "prop:plan" if dimension is Dimension.PROP else str(dimension)


@pytest.mark.parametrize(("opened", "conflict"), CONFLICTS, indirect=["opened"])
async def test_a_conflict_refuses_or_marks_the_answer(opened: Opened, conflict: Any) -> None:
    can = opened.adapter.can
    query, before = resolved(question_of(conflict, can), opened.site), opened.calls()
    if conflict.approximate:
        assert conflict.approximate in {reason.code for reason in approximations(query, can)}
        return
    assert conflict.reason in refusals(query, can, site_zone=opened.site.timezone)
    with pytest.raises(UnsupportedQuery):
        await ask(opened, query)
    assert opened.calls() == before


@pytest.mark.parametrize("opened", [can.name for can in editions()], indirect=True)
async def test_all_reasons_come_at_once(opened: Opened) -> None:
    can = opened.adapter.can
    impossible = [m for m, cell in can.metrics.items() if not cell.is_native]
    query = resolved({"metrics": ["visitors"], "extra": {"nobody": {"a": 1}}, "limit": 10_000}, opened.site)
    found = refusals(query, can, site_zone="Asia/Tokyo")
    assert any(reason.startswith("extra.nobody") for reason in found)
    if not can.features[cases.F.ANY_ZONE].is_native:
        assert any("Etc/UTC" in reason for reason in found)
    if can.limits.rows is not None and can.limits.rows < 10_000:
        assert any("rows" in reason for reason in found)
    assert len(impossible) < len(can.metrics)


@pytest.mark.parametrize("can", editions(), ids=lambda can: can.name)
async def test_every_edition_has_a_harness(can: Capabilities) -> None:
    assert harness_of(can.backend) is not None
