"""Run a plan against one backend: the call or calls, the merge, and the same question about the compared period."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from adapters.protocols import Reads
from adapters.rows import arranged, page
from gateway.read.planner import FanOut, Native, Refusal
from models.errors import UnsupportedQuery
from models.filters import Comparison
from models.result import Answer, PlanKind, Reason, Row
from models.site import Site
from models.vocabulary import Operator

CONCURRENT_CALLS = 4


async def execute(planned: Native | FanOut | Refusal, adapter: Reads, site: Site) -> Answer:
    """The answer of a plan. Raises UnsupportedQuery on a refusal, and whatever the backend raises."""
    match planned:
        case Native(query, reasons):
            return _marked(await adapter.read(site, query), reasons)
        case FanOut():
            return _marked(await _fan_out(planned, adapter, site), planned.reasons)
        case Refusal(reasons_against, nearest):
            raise UnsupportedQuery(reasons_against, nearest=nearest)
        case _:
            assert_never(planned)


def _marked(answer: Answer, reasons: tuple[Reason, ...]) -> Answer:
    """The answer with the plan's reasons before its own, each once."""
    if not reasons and len(answer.reasons) < 2:
        return answer
    return replace(answer, reasons=tuple(dict.fromkeys((*reasons, *answer.reasons))))


async def _fan_out(planned: FanOut, adapter: Reads, site: Site) -> Answer:
    listing = await adapter.read(site, planned.outer)
    values = [str(row[0]) for row in listing.rows]
    if len(values) > planned.most_values:
        raise UnsupportedQuery(
            [f"{planned.dimension} has more than {planned.most_values} values; one call for each would be too many"]
        )
    gate = asyncio.Semaphore(CONCURRENT_CALLS)

    async def ask(value: str) -> Answer:
        chosen = Comparison(Operator.IS, planned.dimension, (value,))
        async with gate:
            return await adapter.read(site, replace(planned.inner, filters=(*planned.inner.filters, chosen)))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(value)) for value in values]
    parts = [task.result() for task in tasks]
    names = (*planned.query.dimensions, *(str(m) for m in planned.query.metrics))
    rows = arranged(_joined(planned, values, parts), names, planned.query.order_by)
    return Answer(
        rows=page(rows, planned.query),
        total_rows=len(rows) if planned.query.include.total_rows else None,
        plan=PlanKind.FAN_OUT,
        reasons=tuple(dict.fromkeys(r for part in (listing, *parts) for r in part.reasons))
        + _cut_short(planned, parts),
        calls=listing.calls + sum(part.calls for part in parts),
    )


def _joined(planned: FanOut, values: Sequence[str], parts: Sequence[Answer]) -> tuple[Row, ...]:
    """Rows of all parts with the outer value put back in its place."""
    at = planned.query.dimensions.index(planned.dimension)
    return tuple((*row[:at], value, *row[at:]) for value, part in zip(values, parts, strict=True) for row in part.rows)


def _cut_short(planned: FanOut, parts: Sequence[Answer]) -> tuple[Reason, ...]:
    if any(len(part.rows) >= planned.inner.limit for part in parts):
        return (Reason("truncated_values", f"a part of the answer has {planned.inner.limit} rows or more"),)
    return ()
