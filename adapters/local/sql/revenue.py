"""Whose money revenue is, and what was paid in other currencies and so is left out (contracts: Plausible 4.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.local.sql.bindings import Bindings
from adapters.local.sql.filters import EVENTS, Window, on_events
from adapters.local.sql.goals import completed, passing
from adapters.local.sql.members import Shown
from adapters.local.sql.tables import SETTINGS, with_hostnames
from models.goal import Goal
from models.query import ResolvedQuery
from models.vocabulary import REVENUE, Dimension


def currencies(shown: Shown, goals: Sequence[Goal], dimensions: Sequence[str]) -> dict[str, str]:
    """By goal where goals are rows; else, under "", the only one among the goals that the filters let through."""
    if Dimension.GOAL in dimensions:
        return {name: behind[-1].currency or "" for name, behind in shown.goals.items()}
    known = {goal.currency for goal in goals if goal.currency}
    return {"": known.pop()} if len(known) == 1 else {}


def left_out(site: str, query: ResolvedQuery, goals: Sequence[Goal]) -> tuple[str, Mapping[str, Any]] | None:
    """The statement that counts events and sums money by currency, of those in another than their row's.

    None where no revenue is asked, or it is null for all rows.
    """
    if not REVENUE.intersection(query.metrics):
        return None
    bind = Bindings()
    window = Window(site, query.period, tuple(goals), bind)
    filters = with_hostnames(query.filters, query.dimensions)
    let_through = passing(filters, goals)
    shown = Shown.of(let_through)
    others = [
        f"currency != {bind.text(currency)}" + (f" AND {completed(shown.goals[name], bind)}" if name else "")
        for name, currency in currencies(shown, let_through, query.dimensions).items()
        if currency
    ]
    if not others:
        return None
    held = [*on_events(filters, window, engagement=False), "revenue IS NOT NULL", f"({' OR '.join(others)})"]
    sql = f"SELECT currency, count(), toFloat64(sum(revenue)) FROM {EVENTS} WHERE {' AND '.join(held)}"
    return f"{sql} GROUP BY currency ORDER BY currency{SETTINGS}", bind.values


def told(rows: Sequence[Sequence[Any]]) -> str:
    """What a warning says of the rows of `left_out`."""
    each = ", ".join(f"{currency} {amount:,.2f} ({count} event{'s'[: count != 1]})" for currency, count, amount in rows)
    return f"Revenue in other currencies than the goal's is left out: {each}."
