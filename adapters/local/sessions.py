"""Visits: which one an event belongs to, by Plausible's rules (contract 7.2). Pure: events in, rows out.

* A visit goes on while at most 30 whole minutes (so 30 min 59 s) lie between an event and the one before it, engagement
  included. It ends neither at midnight nor when the source changes.
* Engagement only keeps a visit alive: it moves no stored number, and without a visit it is dropped.
* The attributes of the first event are those of the visit and of every event in it.
* Entry and exit are page views; a bounce stays one until a second page view or an interactive custom event.
* An event that arrives late belongs to the visit if it is at most 30 whole minutes older than its start.

The order is that of arrival (`seq`); the id of a visit is the seq of its first event, so a replay makes the same rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from adapters.local.hit import Hit
from models.event import ENGAGEMENT, PAGEVIEW

WINDOW = 31 * 60
"""Seconds between two events from which on they are two visits: more than 30 whole minutes."""
KEPT_EVENTS = 200_000
"""A visit is forgotten when this many events of anybody followed its last one, and its window has passed by the clock.

Imported history is always past its window; within an import a visitor's next event is found this far down the file."""


class Visit(msgspec.Struct, gc=False):
    """A visit in memory. `touched` and `last_seq` know of engagement, the stored numbers do not. `attributes` are
    packed, as in the hit they come from.

    `stored` is what the store holds of it, None before the first write. (Nothing refers back: no cycles to collect.)
    """

    id: int
    site: str
    visitor: int
    start: int
    time: int
    touched: int
    last_seq: int
    attributes: bytes
    is_bounce: bool = True
    duration: int = 0
    pageviews: int = 0
    events: int = 0
    entry_page: str = ""
    exit_page: str = ""
    entry_hostname: str = ""
    exit_hostname: str = ""
    stored: "Visit | None" = None
    changed: bool = False


@dataclass(slots=True)
class Outcome:
    """What becomes of a batch: hits with their seq and visit, and states of visits to take back (-1) or to put (+1).

    `dropped` holds site and time of engagement without a visit.
    """

    hits: list[Hit] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    states: list[Visit] = field(default_factory=list)
    dropped: list[tuple[str, int]] = field(default_factory=list)


class Sessions:
    """The visits that may still go on, by site and visitor."""

    def __init__(self, visits: Iterable[Visit] = ()) -> None:
        self._current: dict[tuple[str, int], Visit] = {(v.site, v.visitor): v for v in visits}
        self._swept = 0

    def __len__(self) -> int:
        return len(self._current)

    def apply(self, records: Iterable[tuple[int, int, Sequence[Hit]]]) -> Outcome:
        """Assign one batch: records of first seq, arrival (Unix seconds) and hits. Its visits are written once each."""
        outcome = Outcome()
        touched: list[Visit] = []
        seq = arrival = 0
        for first, arrival, hits in records:
            for seq, hit in enumerate(hits, first):
                visit = self._find(hit, seq, arrival)
                viewed = hit.name == PAGEVIEW
                if visit is None:
                    if hit.name == ENGAGEMENT:
                        outcome.dropped.append((hit.site, hit.time))
                        continue
                    visit = self._open(hit, seq, viewed=viewed)
                elif hit.name != ENGAGEMENT:
                    _extend(visit, hit, viewed=viewed)
                visit.touched, visit.last_seq = hit.time, seq
                if not visit.changed and hit.name != ENGAGEMENT:
                    visit.changed = True
                    touched.append(visit)
                outcome.hits.append(hit)
                outcome.seqs.append(seq)
                outcome.visits.append(visit)
        _write(touched, outcome)
        if seq - self._swept > KEPT_EVENTS:
            self._sweep(seq, arrival)
        return outcome

    def forget_site(self, site: str) -> None:
        """Drop the visits of a deleted site."""
        self._current = {key: visit for key, visit in self._current.items() if key[0] != site}

    def _find(self, hit: Hit, seq: int, arrival: int) -> Visit | None:
        visit = self._current.get((hit.site, hit.visitor))
        if visit is not None and _goes_on(visit, hit.time, seq, arrival):
            return visit
        if not hit.earlier:
            return None
        visit = self._current.get((hit.site, hit.earlier))
        if visit is None or not _goes_on(visit, hit.time, seq, arrival):
            return None
        # Over midnight: the visit goes on under today's number, so that nobody is counted twice on one day.
        del self._current[(hit.site, hit.earlier)]
        visit.visitor = hit.visitor
        self._current[(hit.site, hit.visitor)] = visit
        return visit

    def _open(self, hit: Hit, seq: int, *, viewed: bool) -> Visit:
        visit = Visit(
            seq, hit.site, hit.visitor, hit.time, hit.time, hit.time, seq, hit.attributes,
            is_bounce=viewed or not hit.interactive, pageviews=int(viewed), events=1,
        )  # fmt: skip
        if viewed:
            visit.entry_page = visit.exit_page = hit.path
            visit.entry_hostname = visit.exit_hostname = hit.hostname
        self._current[(hit.site, hit.visitor)] = visit
        return visit

    def _sweep(self, seq: int, arrival: int) -> None:
        self._swept = seq
        self._current = {key: visit for key, visit in self._current.items() if not _forgotten(visit, seq, arrival)}


def _forgotten(visit: Visit, seq: int, arrival: int) -> bool:
    return seq - visit.last_seq > KEPT_EVENTS and arrival - visit.touched >= WINDOW


def _goes_on(visit: Visit, time: int, seq: int, arrival: int) -> bool:
    return (
        time - visit.touched < WINDOW
        and visit.start - time < WINDOW
        and not (seq - visit.last_seq > KEPT_EVENTS and arrival - visit.touched >= WINDOW)
    )


def _extend(visit: Visit, hit: Hit, *, viewed: bool) -> None:
    visit.time = hit.time
    visit.duration = abs(hit.time - visit.start)
    visit.events += 1
    if viewed:
        visit.pageviews += 1
        if not visit.entry_page:
            visit.entry_page, visit.entry_hostname = hit.path, hit.hostname
        visit.exit_page, visit.exit_hostname = hit.path, hit.hostname
        if visit.pageviews >= 2:
            visit.is_bounce = False
    elif hit.interactive:
        visit.is_bounce = False


def _write(touched: Iterable[Visit], outcome: Outcome) -> None:
    """The stored state of each visit is taken back, the new one put in its place."""
    for visit in touched:
        if visit.stored is not None:
            outcome.signs.append(-1)
            outcome.states.append(visit.stored)
        visit.stored, visit.changed = None, False
        visit.stored = visit.__copy__()
        outcome.signs.append(1)
        outcome.states.append(visit.stored)
