"""What the store holds, read back after a restart: visits that may go on, and how far a batch got."""

from copy import copy
from typing import Any

from adapters.local.collect.hit import pack_attributes
from adapters.local.collect.sessions import KEPT_EVENTS, WINDOW, Visit
from adapters.local.store.event_store import EventStore
from adapters.local.store.schema import VISIT_ATTRIBUTES

_ENGAGED = "name = 'engagement'"
_VIEWED = "name = 'pageview'"

_ORDER = "(time, seq)"

_VISITS = f"""
SELECT session, any(site), argMax(visitor, seq), toUnixTimestamp(minIf(time, NOT {_ENGAGED})),
    toUnixTimestamp(maxIf(time, NOT {_ENGAGED})), toUnixTimestamp(max(time)), max(seq) AS last_seq,
    countIf({_VIEWED}), countIf(NOT {_ENGAGED}), countIf(interactive AND NOT {_VIEWED} AND NOT {_ENGAGED}),
    toUnixTimestamp(minIf(time, {_VIEWED})), toUnixTimestamp(maxIf(time, {_VIEWED})),
    argMinIf(path, {_ORDER}, {_VIEWED}), argMaxIf(path, {_ORDER}, {_VIEWED}),
    argMinIf(hostname, {_ORDER}, {_VIEWED}), argMaxIf(hostname, {_ORDER}, {_VIEWED}),
    {", ".join(f"argMin({name}, seq)" for name in VISIT_ATTRIBUTES)}
FROM events
WHERE seq <= {{done:UInt64}} AND session IN (
    SELECT session FROM events
    WHERE seq <= {{done:UInt64}} AND (seq > {{from_seq:UInt64}} OR time >= toDateTime({{from_time:UInt32}}, 'UTC'))
)
GROUP BY session ORDER BY last_seq
"""


async def highest_seq(store: EventStore) -> int:
    """The seq of the last event stored; 0 when there is none."""
    return int((await store.query("SELECT max(seq) FROM events"))[0][0])


async def latest(store: EventStore) -> int:
    """The time of the latest event (Unix seconds); 0 when there is none."""
    return int((await store.query("SELECT toUnixTimestamp(max(time)) FROM events"))[0][0])


async def open_visits(store: EventStore, done: int, arrival: int, swept: int = 0) -> list[Visit]:
    """The visits as they were after the event `done`, from the events alone, those last seen last.

    `arrival` (Unix seconds) and `swept` are those of the checkpoint.
    """
    known: dict[str, Any] = {
        "done": done,
        "from_seq": max(0, swept, done - KEPT_EVENTS),
        "from_time": max(0, arrival - WINDOW),
    }
    return [_visit(row) for row in await store.query(_VISITS, known)]


def _visit(row: tuple[Any, ...]) -> Visit:
    session, site, visitor, start, time, touched, last_seq, pageviews, events, acts, entered, left, *pages = row
    visit = Visit(
        id=session,
        site=site,
        visitor=visitor,
        start=start,
        time=time,
        touched=touched,
        last_seq=last_seq,
        attributes=pack_attributes(tuple(pages[4:])),
        is_bounce=not (pageviews >= 2 or acts),
        duration=time - start,
        pageviews=pageviews,
        events=events,
        entry_page=pages[0],
        exit_page=pages[1],
        entry_hostname=pages[2],
        exit_hostname=pages[3],
        entered=entered,
        left=left,
    )
    visit.stored = copy(visit)
    return visit


async def stored_seqs(store: EventStore, first: int, last: int) -> frozenset[int]:
    """The seqs of a range that the store holds."""
    rows = await store.query(
        "SELECT seq FROM events WHERE seq BETWEEN {first:UInt64} AND {last:UInt64}", {"first": first, "last": last}
    )
    return frozenset(seq for (seq,) in rows)


async def stored_states(store: EventStore, first: int, last: int) -> dict[tuple[int, int], int]:
    """Of the visits with events in a range of seqs: how many events are counted, by visit and month (`202606`)."""
    rows = await store.query(
        "SELECT session, toYYYYMM(start) AS month, sum(sign * events) FROM sessions WHERE session IN"
        " (SELECT session FROM events WHERE seq BETWEEN {first:UInt64} AND {last:UInt64}) GROUP BY session, month",
        {"first": first, "last": last},
    )
    return {(session, month): int(events) for session, month, events in rows}
