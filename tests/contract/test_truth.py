"""Random questions: what is not refused, the backend takes, and its numbers are those of the reference.

The questions are drawn from each declaration's own words, so that most of them are answered; what the declaration
refuses is put into questions that are answered, and has to be refused there.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from gateway.read.planner import FanOut, Refusal, plan
from models.capability import Capabilities
from models.errors import InvalidRequest, UnsupportedQuery
from models.query import ResolvedQuery
from models.result import Row
from tests.contract import expected
from tests.contract.drawing import Body, Drawing, planted, refused_parts
from tests.contract.harness import Opened, ask, editions, leaves_zeros_out, own_lateness, resolved

ON_MODULE = pytest.mark.asyncio(loop_scope="module")
OPENED = pytest.mark.parametrize("opened", [can.name for can in editions()], indirect=True)

COMPARED = 160
"""Questions of each edition whose numbers are compared; those of a third at least are not all zero."""
DRAWN = 20 * COMPARED


def understood(body: Body, opened: Opened) -> ResolvedQuery | None:
    """The query, if it is one, and neither planner nor adapter refuse it or call it approximate."""
    can, site = opened.adapter.can, opened.site
    try:
        query = resolved(body, site)
    except InvalidRequest:
        return None
    planned = plan(query, can, site_zone=site.timezone)
    if isinstance(planned, Refusal) or planned.reasons:
        return None
    parts = (planned.outer, planned.inner) if isinstance(planned, FanOut) else (query,)
    foreseen = [opened.adapter.foresee(site, part) for part in parts]  # type: ignore[attr-defined] # it also Reads
    return None if any(f.refusals or f.reasons for f in foreseen) else query


def questions(opened: Opened) -> Iterator[tuple[Body, ResolvedQuery, tuple[Row, ...]]]:
    """Different questions that are understood, with the rows of the reference."""
    drawing, seen = Drawing(opened.adapter.can), set[str]()
    for number in range(DRAWN):
        body = drawing.question(number, lambda body: understood(body, opened) is not None)
        query = body and understood(body, opened)
        if not body or not query or repr(query) in seen:
            continue
        seen.add(repr(query))
        if (counted := expected.truth(query)) is not None:
            yield body, query, counted


async def compare(opened: Opened, wanted: int) -> Counter[str]:
    """Ask so many questions and compare; counts those `compared`, `told` a number by them, and refused too `late`."""
    backend, found = opened.adapter.can.backend, Counter[str]()
    for body, query, counted in questions(opened):
        try:
            answer = await ask(opened, query)
        except UnsupportedQuery:
            found["late"] += 1
            continue
        if answer.reasons:
            continue
        zeros_missing = answer.rows != counted and leaves_zeros_out(backend)
        assert answer.rows == (expected.without_zeros(query) if zeros_missing else counted), body
        found["told"] += any(any(row[len(query.dimensions) :]) for row in counted)
        found["compared"] += 1
        if found["compared"] == wanted:
            break
    return found


@ON_MODULE
@OPENED
async def test_what_is_not_refused_is_true(opened: Opened) -> None:
    found = await compare(opened, COMPARED)
    assert found["compared"] == COMPARED, found
    assert found["told"] >= COMPARED / 3
    assert found["late"] <= COMPARED * own_lateness(opened.adapter.can.backend)


@ON_MODULE
@OPENED
async def test_what_the_declaration_refuses_is_refused_in_any_question(opened: Opened) -> None:
    """With its reason, and before any call."""
    can, before = opened.adapter.can, opened.calls()
    bases = (body for body, _, _ in questions(opened))
    for (part, reason), base in zip(refused_parts(can), bases, strict=False):
        with pytest.raises(UnsupportedQuery) as refusal:
            await ask(opened, resolved(planted(base, part), opened.site))
        assert any(reason in found for found in refusal.value.reasons), (base, part)
    assert opened.calls() == before


@pytest.mark.parametrize("can", editions(), ids=lambda can: can.name)
def test_a_new_word_changes_few_questions(can: Capabilities) -> None:
    """Those that it wins: any other is drawn as before."""
    new = Drawing(can).metrics[0]
    without = can.model_copy(update={"metrics": {m: cell for m, cell in can.metrics.items() if m != new}})
    pairs = [[Drawing(c).question(number, lambda body: True) for c in (can, without)] for number in range(100)]
    assert all(now == before for now, before in pairs if now and new not in now["metrics"])
