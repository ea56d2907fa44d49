"""Visits: which one an event belongs to, by Plausible's rules (contract 7.2). Pure: events in, rows out.

* A visit goes on while at most 30 whole minutes (so 30 min 59 s) lie between an event and the one before it, engagement
  included. It ends neither at midnight nor when the source changes.
* Engagement only keeps a visit alive: it moves no stored number, and without a visit it is dropped.
* The attributes of the first event to arrive are those of the visit and of every event in it.
* Entry and exit are page views; a bounce stays one until a second page view or an interactive custom event.
* An event that arrives late belongs to a visit if it is at most 30 whole minutes older than its start. Start, end,
  entry and exit go by the events' times, so a visit has the same numbers in whatever order its events arrive.

Visits are found in the order of arrival (`seq`); the id of a visit is the seq of its first event, so a replay makes the
same rows. Of each visitor two visits are known: the youngest, and of the others the one last added to. So neither a
late event nor imported history ends the visit that is going on, nor the other way round.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import msgspec
from msgspec import structs

from adapters.local.collect.hit import Hit
from models.event import ENGAGEMENT, PAGEVIEW

WINDOW = 31 * 60
"""Seconds between two events from which on they are two visits: more than 30 whole minutes."""
KEPT_EVENTS = 200_000
"""A visit is forgotten when this many events of anybody followed its last one, and its window has passed by the clock.

Imported history is always past its window; within an import a visitor's next event is found this far down the file.
When nobody sends such history any more, `Sessions.sweep` forgets it at once."""
NAMES = 50_000
"""Texts that visits share; more different ones begin anew."""


Key = tuple[str, int]
"""Site and visitor."""
Text = TypeVar("Text", str, bytes)


class Visit(msgspec.Struct, gc=False):
    """A visit in memory. `touched` and `last_seq` know of engagement, the stored numbers do not. `attributes` are
    packed, as in the hit they come from.

    `entered` and `left` are the times of the page views that are entry and exit, 0 before the first.
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
    entered: int = 0
    left: int = 0
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
    """The visits that may still go on, by site and visitor. Give those of a restart by the seq of their last event.

    `swept` as in the checkpoint: visits last seen up to it go on within their window only.
    """

    def __init__(self, visits: Iterable[Visit] = (), swept: int = 0) -> None:
        self._current: dict[Key, Visit] = {}
        self._others: dict[Key, Visit] = {}
        self._swept = self._looked = swept
        self._texts: dict[str | bytes, str | bytes] = {}
        for visit in visits:
            self._keep((visit.site, visit.visitor), visit)

    def __len__(self) -> int:
        return len(self._current) + len(self._others)

    def apply(self, records: Iterable[tuple[int, int, Sequence[Hit]]]) -> Outcome:
        """Assign one batch: records of first seq, arrival (Unix seconds) and hits. Its visits are written once each."""
        outcome = Outcome()
        hits_of, seqs, visits = outcome.hits.append, outcome.seqs.append, outcome.visits.append
        current, touched, floor = self._current, list[Visit](), self._floor
        seq = arrival = 0
        for first, arrival, hits in records:
            for seq, hit in enumerate(hits, first):
                name = hit.name
                visit = current.get((hit.site, hit.visitor))
                if visit is None or not _goes_on(visit, hit.time, floor(seq), arrival):
                    visit = self._other(hit, seq, arrival)
                if visit is None:
                    if name == ENGAGEMENT:
                        outcome.dropped.append((hit.site, hit.time))
                        continue
                    visit = self._open(hit, seq)
                elif name != ENGAGEMENT:
                    _extend(visit, hit)
                if hit.time > visit.touched:
                    visit.touched = hit.time
                visit.last_seq = seq
                if not visit.changed and name != ENGAGEMENT:
                    visit.changed = True
                    touched.append(visit)
                hits_of(hit)
                seqs(seq)
                visits(visit)
        _write(touched, outcome)
        if seq - self._looked > KEPT_EVENTS:
            self._looked = seq
            self._forget(self._floor(seq), arrival)
        return outcome

    def sweep(self, swept: int, arrival: int) -> None:
        """Forget visits last seen up to a seq whose window has passed at `arrival` (Unix seconds)."""
        self._swept = max(self._swept, swept)
        self._forget(self._swept, arrival)
        self._texts.clear()

    def forget_site(self, site: str) -> None:
        """Drop the visits of a deleted site."""
        for known in (self._current, self._others):
            for key in [key for key in known if key[0] == site]:
                del known[key]

    def _other(self, hit: Hit, seq: int, arrival: int) -> Visit | None:
        """The visit that an event goes on which is not the visitor's youngest, or was begun under an earlier number."""
        key = (hit.site, hit.visitor)
        visit = self._others.get(key)
        if visit is not None and _goes_on(visit, hit.time, self._floor(seq), arrival):
            return visit
        if not hit.earlier:
            return None
        earlier = (hit.site, hit.earlier)
        visit = self._current.get(earlier)
        if visit is None or not _goes_on(visit, hit.time, self._floor(seq), arrival):
            return None
        # Over midnight: the visit goes on under today's number, so that nobody is counted twice on one day.
        del self._current[earlier]
        if (left := self._others.pop(earlier, None)) is not None:
            self._current[earlier] = left
        visit.visitor = hit.visitor
        self._keep(key, visit)
        return visit

    def _open(self, hit: Hit, seq: int) -> Visit:
        viewed, shared = hit.name == PAGEVIEW, self._shared
        site, attributes = shared(hit.site), shared(hit.attributes)
        visit = Visit(
            seq, site, hit.visitor, hit.time, hit.time, hit.time, seq, attributes,
            is_bounce=viewed or not hit.interactive, pageviews=int(viewed), events=1,
        )  # fmt: skip
        if viewed:
            visit.entry_page = visit.exit_page = shared(hit.path)
            visit.entry_hostname = visit.exit_hostname = shared(hit.hostname)
            visit.entered = visit.left = hit.time
        self._keep((site, hit.visitor), visit)
        return visit

    def _shared(self, text: Text) -> Text:
        """The same text, of which all visits hold one object: read from the journal, each event brings its own."""
        if len(self._texts) > NAMES:
            self._texts.clear()
        return cast(Text, self._texts.setdefault(text, text))

    def _keep(self, key: Key, visit: Visit) -> None:
        """Know a visit that was added to last: the youngest is the current one, the latest of the rest stays beside."""
        before = self._current.get(key)
        if before is None:
            self._current[key] = visit
        elif visit.touched < before.touched:
            self._others[key] = visit
        else:
            self._current[key] = visit
            beside = self._others.get(key)
            if beside is None or beside.last_seq < before.last_seq:
                self._others[key] = before

    def _floor(self, seq: int) -> int:
        """Visits last seen up to here go on within their window only, when an event of this seq comes."""
        return max(self._swept, seq - KEPT_EVENTS - 1)

    def _forget(self, floor: int, arrival: int) -> None:
        """Dictionaries are made anew: one that only loses entries keeps the room of all it ever had."""
        self._current = {key: v for key, v in self._current.items() if not _forgotten(v, floor, arrival)}
        self._others = {key: v for key, v in self._others.items() if not _forgotten(v, floor, arrival)}


def _forgotten(visit: Visit, floor: int, arrival: int) -> bool:
    return visit.last_seq <= floor and arrival - visit.touched >= WINDOW


def _goes_on(visit: Visit, time: int, floor: int, arrival: int) -> bool:
    return time - visit.touched < WINDOW and visit.start - time < WINDOW and not _forgotten(visit, floor, arrival)


def _extend(visit: Visit, hit: Hit) -> None:
    time = hit.time
    visit.events += 1
    if time >= visit.time:
        visit.time = time
    elif time < visit.start:
        visit.start = time
    visit.duration = visit.time - visit.start
    if hit.name == PAGEVIEW:
        _view(visit, hit)
    elif hit.interactive:
        visit.is_bounce = False


def _view(visit: Visit, hit: Hit) -> None:
    visit.pageviews += 1
    if visit.pageviews >= 2:
        visit.is_bounce = False
    if visit.pageviews == 1 or hit.time < visit.entered:
        visit.entry_page, visit.entry_hostname, visit.entered = hit.path, hit.hostname, hit.time
    if hit.time >= visit.left:
        visit.exit_page, visit.exit_hostname, visit.left = hit.path, hit.hostname, hit.time


def _write(touched: Iterable[Visit], outcome: Outcome) -> None:
    """The stored state of each visit is taken back, the new one put in its place."""
    for visit in touched:
        if visit.stored is not None:
            outcome.signs.append(-1)
            outcome.states.append(visit.stored)
        visit.stored, visit.changed = None, False
        visit.stored = structs.replace(visit)
        outcome.signs.append(1)
        outcome.states.append(visit.stored)
