"""Visits against events: which stored visits differ from what their events say, and putting them right.

The events are the truth: a stored visit is what the events with its number add up to.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.local.store.event_store import EventStore
from adapters.local.store.schema import SESSIONS, VISIT_ATTRIBUTES

AT_ONCE = 500_000
"""Visits compared in one statement, roughly: what bounds its memory."""
REPAIRED_AT_ONCE = 100_000

_DONE = "name != 'engagement'"
_VIEWED = "name = 'pageview'"
_START, _TIME = f"minIf(e.time, {_DONE})", f"maxIf(e.time, {_DONE})"
_DURATION = f"toInt64({_TIME}) - toInt64({_START})"
_ORDER = "(e.time, e.seq)"
_BOUNCE = f"NOT (countIf({_VIEWED}) >= 2 OR countIf(interactive AND {_DONE} AND NOT {_VIEWED}) > 0)"

_VALUES = {
    "site": "any(e.site)",
    "session": "e.session",
    "visitor": f"argMaxIf(e.visitor, e.seq, {_DONE})",
    "sign": "1",
    "start": _START,
    "time": _TIME,
    "is_bounce": _BOUNCE,
    "duration": _DURATION,
    "pageviews": f"countIf({_VIEWED})",
    "events": f"countIf({_DONE})",
    "entry_page": f"argMinIf(e.path, {_ORDER}, {_VIEWED})",
    "exit_page": f"argMaxIf(e.path, {_ORDER}, {_VIEWED})",
    "entry_hostname": f"argMinIf(e.hostname, {_ORDER}, {_VIEWED})",
    "exit_hostname": f"argMaxIf(e.hostname, {_ORDER}, {_VIEWED})",
    **{name: f"argMin(e.{name}, e.seq)" for name in VISIT_ATTRIBUTES},
}
"""A row of `schema.SESSIONS` from the events of a visit."""

_COMPARED = {
    "sign": "1",
    "events": _VALUES["events"],
    "pageviews": _VALUES["pageviews"],
    "duration": _DURATION,
    "is_bounce": _BOUNCE,
    "start": f"toUnixTimestamp({_START})",
    "time": f"toUnixTimestamp({_TIME})",
}
"""Numbers of a visit and what they must be; as sums over rows times their sign they must cancel out."""

_STORED = {name: name for name in _COMPARED} | {
    "sign": "1",
    "start": "toUnixTimestamp(s.start)",
    "time": "toUnixTimestamp(s.time)",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Some visits: of one site or of all (None), whose number leaves the remainder `rest` when divided by `of`."""

    site: str | None
    of: int = 1
    rest: int = 0

    def condition(self, table: str) -> str:
        whose = f"{table}.site = {{site:String}}" if self.site is not None else "1"
        return f"{whose} AND {table}.session % {{of:UInt64}} = {{rest:UInt64}}"

    @property
    def values(self) -> dict[str, Any]:
        given = {"of": self.of, "rest": self.rest}
        return given if self.site is None else given | {"site": self.site}


def _differing(part: Part) -> str:
    wanted = ", ".join(f"toInt64({value}) AS v_{name}" for name, value in _COMPARED.items())
    stored = ", ".join(f"-sum(s.sign * toInt64({value})) AS v_{name}" for name, value in _STORED.items())
    unequal = " OR ".join(f"sum(v_{name}) != 0" for name in _COMPARED)
    return (
        f"SELECT id FROM (SELECT e.session AS id, {wanted} FROM events AS e WHERE {part.condition('e')} GROUP BY id"
        f" UNION ALL SELECT s.session AS id, {stored} FROM sessions AS s WHERE {part.condition('s')} GROUP BY id)"
        f" GROUP BY id HAVING {unequal} ORDER BY id"
    )


async def _parts(store: EventStore, site: str | None) -> AsyncIterator[Part]:
    whose, given = ("WHERE site = {site:String}", {"site": site}) if site is not None else ("", {})
    visits = int((await store.query(f"SELECT sum(abs(sign)) FROM sessions {whose}", given))[0][0])
    of = max(1, -(-visits // AT_ONCE))
    for rest in range(of):
        yield Part(site, of, rest)


async def differing(store: EventStore, site: str | None = None) -> AsyncIterator[Sequence[int]]:
    """Visits that are stored otherwise than their events say, or without events, or not at all; in groups."""
    async for part in _parts(store, site):
        found = [int(number) for (number,) in await store.query(_differing(part), part.values)]
        for start in range(0, len(found), REPAIRED_AT_ONCE):
            yield found[start : start + REPAIRED_AT_ONCE]


async def repair(store: EventStore, visits: Sequence[int]) -> None:
    """Store these visits as their events say. Run it again if it was cut off; the writer must be paused."""
    given = {"visits": list(visits)}
    await store.delete("sessions", "session IN {visits:Array(UInt64)}", given)
    values = ", ".join(f"{_VALUES[name]} AS `{name}`" for name in SESSIONS)
    await store.command(
        f"INSERT INTO sessions SELECT {values} FROM events AS e WHERE e.session IN {{visits:Array(UInt64)}}"
        f" GROUP BY e.session HAVING countIf({_DONE}) > 0 SETTINGS prefer_column_name_to_alias = 1",
        given,
    )


async def repair_site(store: EventStore, site: str) -> int:
    """Store every visit of a site as its events say; how many were otherwise."""
    count = 0
    async for visits in differing(store, site):
        await repair(store, visits)
        count += len(visits)
    return count
