"""A batch as the columns of the event store. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from adapters.local.hit import Attributes
from adapters.local.schema import VISIT_ATTRIBUTES
from adapters.local.sessions import Outcome

Columns = Mapping[str, Sequence[Any]]


def _attribute_columns(rows: Iterable[Attributes]) -> dict[str, Sequence[str]]:
    values = tuple(zip(*rows, strict=True))
    return dict(zip(VISIT_ATTRIBUTES, values or [()] * len(VISIT_ATTRIBUTES), strict=True))


def money(thousandths: int | None) -> Decimal | None:
    """An amount as the store keeps it, with three decimals."""
    return None if thousandths is None else Decimal(thousandths).scaleb(-3)


def event_columns(outcome: Outcome) -> Columns:
    """Columns of `schema.EVENTS`."""
    hits = outcome.hits
    return {
        "site": [h.site for h in hits],
        "time": [h.time for h in hits],
        "seq": outcome.seqs,
        "visitor": [h.visitor for h in hits],
        "session": [v.id for v in outcome.visits],
        "name": [h.name for h in hits],
        "hostname": [h.hostname for h in hits],
        "path": [h.path for h in hits],
        "title": [h.title for h in hits],
        "props": [h.props or {} for h in hits],
        "revenue": [money(h.amount) for h in hits],
        "currency": [h.currency for h in hits],
        "interactive": [h.interactive for h in hits],
        "engagement_ms": [h.engagement_ms for h in hits],
        "scroll_depth": [h.scroll_depth for h in hits],
        **_attribute_columns([v.attributes for v in outcome.visits]),
    }


def session_columns(outcome: Outcome) -> Columns:
    """Columns of `schema.SESSIONS`."""
    states = outcome.states
    return {
        "site": [s.site for s in states],
        "session": [s.id for s in states],
        "visitor": [s.visitor for s in states],
        "sign": outcome.signs,
        "start": [s.start for s in states],
        "time": [s.time for s in states],
        "is_bounce": [s.is_bounce for s in states],
        "duration": [s.duration for s in states],
        "pageviews": [s.pageviews for s in states],
        "events": [s.events for s in states],
        "entry_page": [s.entry_page for s in states],
        "exit_page": [s.exit_page for s in states],
        "entry_hostname": [s.entry_hostname for s in states],
        "exit_hostname": [s.exit_hostname for s in states],
        **_attribute_columns([s.attributes for s in states]),
    }


def without_events(outcome: Outcome, seqs: frozenset[int]) -> Outcome:
    """The batch without the events of these seqs."""
    kept = [i for i, seq in enumerate(outcome.seqs) if seq not in seqs]
    return replace(
        outcome,
        hits=[outcome.hits[i] for i in kept],
        seqs=[outcome.seqs[i] for i in kept],
        visits=[outcome.visits[i] for i in kept],
    )


def without_states(outcome: Outcome, events_of: Mapping[int, int]) -> Outcome:
    """The batch without the visits whose new state is stored; `events_of`: how many events the store counts in each.

    That number grows with every state, so it tells which one the store holds.
    """
    written = {
        state.id
        for sign, state in zip(outcome.signs, outcome.states, strict=True)
        if sign > 0 and events_of.get(state.id) == state.events
    }
    kept = [i for i, state in enumerate(outcome.states) if state.id not in written]
    return replace(outcome, signs=[outcome.signs[i] for i in kept], states=[outcome.states[i] for i in kept])
