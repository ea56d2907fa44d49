"""What reports have in common at vendors that sort, fill and page nothing, and need several calls for one answer."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from adapters.rows import arranged, names_of, page, time_labels, zero_filled
from models.query import Include, ResolvedQuery
from models.result import Answer, Foreseen, PlanKind, Reason, Row


def foreseen(
    query: ResolvedQuery,
    most_calls: Callable[[ResolvedQuery], int],
    reasons: tuple[Reason, ...],
    refusals: tuple[str, ...],
) -> Foreseen:
    """What answering takes when `most_calls` tells it of rows, and totals are asked for by themselves."""
    calls = most_calls(query) + (most_calls(whole(query)) if has_totals(query) else 0)
    return Foreseen(_plan(calls), calls, reasons, refusals)


def has_totals(query: ResolvedQuery) -> bool:
    """Whether a row of totals is wanted beside the rows."""
    return query.include.totals and bool(query.dimensions)


def whole(query: ResolvedQuery) -> ResolvedQuery:
    """The question without its dimension, for the row of totals."""
    return replace(query, dimensions=(), order_by=(), include=Include())


def filled(rows: list[Row], query: ResolvedQuery) -> list[Row]:
    """Rows by time, with one for every bucket that has none, where that was asked."""
    return zero_filled(rows, query) if query.include.zero_fill else rows


def assembled(
    query: ResolvedQuery,
    rows: Iterable[Row],
    totals: Row | None = None,
    *,
    calls: int = 1,
    reasons: Iterable[Reason] = (),
) -> Answer:
    """The answer made of all rows: sorted, paged and counted here."""
    ordered = arranged(rows, names_of(query), query.order_by)
    return Answer(
        rows=page(ordered, query),
        plan=_plan(calls),
        reasons=tuple(reasons),
        calls=calls,
        totals=totals,
        total_rows=len(ordered) if query.include.total_rows else None,
        time_labels=time_labels(query) if query.include.time_labels else None,
    )


def _plan(calls: int) -> PlanKind:
    return PlanKind.NATIVE if calls == 1 else PlanKind.FAN_OUT
