"""A batch as the columns of the event store. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from adapters.local.collect.hit import unpack_attributes
from adapters.local.collect.sessions import Outcome
from adapters.local.store.coded import Coded, Thousandths
from adapters.local.store.schema import NAME, VISIT_ATTRIBUTES

Columns = Mapping[str, Sequence[Any]]


def _attribute_columns(packed: Sequence[bytes]) -> dict[str, Sequence[str]]:
    """Columns of `schema.VISIT_ATTRIBUTES`.

    Few combinations make many rows: each combination is turned into its codes once, one after the other in a few bytes.
    Those of all rows are joined, and a column is every so-manieth byte of that.
    """
    shapes = list(dict.fromkeys(packed))
    values = list(zip(*map(unpack_attributes, shapes), strict=True)) or [()] * len(VISIT_ATTRIBUTES)
    coded = [Coded.of(column) for column in values]
    codes_of = {
        shape: b"".join(column.codes[i * column.width : (i + 1) * column.width] for column in coded)
        for i, shape in enumerate(shapes)
    }
    joined, stride = b"".join(map(codes_of.__getitem__, packed)), sum(column.width for column in coded)
    made: dict[str, Sequence[str]] = {}
    start = 0
    for (name, kind), column in zip(VISIT_ATTRIBUTES.items(), coded, strict=True):
        spread = Coded(column.values, _every(joined, start, stride, column.width))
        made[name] = spread if kind == NAME else spread.plain()
        start += column.width
    return made


def _every(joined: bytes, start: int, stride: int, width: int) -> bytes | bytearray:
    """`width` bytes from `start` on, and again every `stride` bytes."""
    if width == 1:
        return joined[start::stride]
    found = bytearray(len(joined) // stride * width)
    for place in range(width):
        found[place::width] = joined[start + place :: stride]
    return found


def event_columns(outcome: Outcome) -> Columns:
    """Columns of `schema.EVENTS`."""
    hits = outcome.hits
    return {
        "site": Coded.of([h.site for h in hits]),
        "time": [h.time for h in hits],
        "seq": outcome.seqs,
        "visitor": [h.visitor for h in hits],
        "session": [v.id for v in outcome.visits],
        "name": Coded.of([h.name for h in hits]),
        "hostname": Coded.of([h.hostname for h in hits]),
        "path": [h.path for h in hits],
        "title": [h.title for h in hits],
        "props": [h.props or {} for h in hits],
        "revenue": Thousandths([h.amount for h in hits]),
        "currency": Coded.of([h.currency for h in hits]),
        "interactive": [h.interactive for h in hits],
        "engagement_ms": [h.engagement_ms for h in hits],
        "scroll_depth": [h.scroll_depth for h in hits],
        **_attribute_columns([v.attributes for v in outcome.visits]),
    }


def session_columns(outcome: Outcome) -> Columns:
    """Columns of `schema.SESSIONS`."""
    states = outcome.states
    return {
        "site": Coded.of([s.site for s in states]),
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
        "entry_hostname": Coded.of([s.entry_hostname for s in states]),
        "exit_hostname": Coded.of([s.exit_hostname for s in states]),
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


def without_states(outcome: Outcome, events_of: Mapping[tuple[int, int], int]) -> Outcome:
    """The batch without the rows of visits that are stored; `events_of`: what the store counts, by visit and month.

    Rows of a visit and month are in one part, both or neither. The number of events grows with every state, and is 0 in
    a month that a visit left because its start became an earlier one, so it tells which state the store holds.
    """
    places = [(state.id, _month(state.start)) for state in outcome.states]
    wanted = Counter[tuple[int, int]]()
    for place, sign, state in zip(places, outcome.signs, outcome.states, strict=True):
        wanted[place] += state.events if sign > 0 else 0
    written = {place for place, events in wanted.items() if events_of.get(place, 0) == events}
    kept = [i for i, place in enumerate(places) if place not in written]
    return replace(outcome, signs=[outcome.signs[i] for i in kept], states=[outcome.states[i] for i in kept])


def _month(instant: int) -> int:
    at = datetime.fromtimestamp(instant, UTC)
    return at.year * 100 + at.month
