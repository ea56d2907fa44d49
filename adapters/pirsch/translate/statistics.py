"""Calls to Pirsch's statistics, the days they are about, and scripts: what to ask, side by side or in turn. Pure."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import chain, islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from adapters.pirsch.vocabulary import TOTAL_KEYS, Field
from adapters.pirsch.wire import BACKEND
from models.errors import UnsupportedQuery
from models.query import ResolvedQuery
from models.result import Reason
from models.site import Site

ROWS = 100
"""The vendor's hard limit of rows in one answer (2026-07-10, contract section 8)."""
EVENT_PAGES = 3
"""Pages of event names that are read to count all events."""
VALUE_PAGES = 3
"""Pages of values that are read to hold a pattern against them."""

F = Field
Fields = frozenset[Field]
Params = tuple[tuple[str, str], ...]
Key = tuple[str, ...]
Tally = dict[Field, float | None]
Tallies = dict[Key, Tally]
T = TypeVar("T")
TOTALS: Fields = frozenset(TOTAL_KEYS)
MONEY: Fields = frozenset({F.REVENUE, F.AVERAGE_REVENUE})


def calls_for(fields: Fields) -> int:
    """The most calls that give the fields of one selection."""
    return (
        bool(fields & TOTALS) + (EVENT_PAGES if F.EVENT_COUNT in fields else 0)
        + (2 if F.DURATION in fields else 0) + (F.TIME_ON_PAGE in fields) + bool(fields & MONEY)
    )  # fmt: skip


@dataclass(slots=True)
class Grouped:
    """Tallies by group, and what was noticed on the way."""

    tallies: Tallies
    reasons: list[Reason] = field(default_factory=list)
    merged: list[Key] = field(default_factory=list)
    """Groups that several of the vendor's rows make up: their visitors are sums."""


@dataclass(frozen=True, slots=True)
class StatisticsCall:
    """One GET: a path below /api/v1 and its query."""

    path: str
    params: Params


Script = Generator[tuple[StatisticsCall, ...], Any, T]
"""Yields calls that may run side by side, is sent their JSON values in the same order, returns its result."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which dashboard and which days. `start` (seconds back from now) replaces the days."""

    domain: str
    first: date
    last: date
    zone: str
    start: int = 0
    running: bool = False
    """Whether the last day is not over."""

    def call(self, path: str, params: Params = (), **others: str) -> StatisticsCall:
        """A statistics call. tz, from and to always go along: the defaults are the dashboard's."""
        days: Params = (("start", str(self.start)),) if self.start else (
            ("from", self.first.isoformat()),
            ("to", self.last.isoformat()),
        )  # fmt: skip
        query = (("id", self.domain), *days, ("tz", self.zone), *params, *others.items())
        return StatisticsCall(f"statistics/{path}", query)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def day(self, day: date) -> "Span":
        return replace(self, first=day, last=day, start=0)


def span_of(site: Site, query: ResolvedQuery) -> Span:
    """The days of the query; for the range `realtime` the last five minutes."""
    period = query.period
    start = 300 if query.relative == "realtime" else 0
    running = period.last_date >= query.now.astimezone(ZoneInfo(period.zone.key)).date()
    return Span(site.ref, period.first_date, period.last_date, period.zone.key, start, running)


def refuse(*reasons: str) -> UnsupportedQuery:
    """The refusal of a query, to be raised."""
    return UnsupportedQuery(reasons, backend=BACKEND)


def listed(value: Any) -> list[Any]:
    """A list as the vendor writes it: null when it is empty (fixtures/pirsch/empty_list.json)."""
    return value or []


def paged(call: StatisticsCall, page: int) -> StatisticsCall:
    """One page of a listing; an offset without a limit would be ignored (2026-07-10, contract section 8)."""
    return StatisticsCall(call.path, (*call.params, ("limit", str(ROWS)), ("offset", str(page * ROWS))))


def pages(call: StatisticsCall, *, at_most: int, what: str = "") -> Script[list[Any]]:
    """The rows of a listing, 100 at a time.

    Every row of `what`: raises UnsupportedQuery when they have more pages, as a shorter list would be silently wrong.
    """
    found: list[Any] = []
    for page in range(at_most):
        (rows,) = yield (paged(call, page),)
        found += listed(rows)
        if len(listed(rows)) < ROWS:
            return found
    if not what:
        return found
    raise refuse(f"{what} has more than {at_most * ROWS} values; reading them all would cost too many calls")


def together(scripts: Sequence[Script[T]]) -> Script[list[T]]:
    """Several scripts in step: what they ask for goes out side by side."""
    results: dict[int, T] = {}
    replies: dict[int, list[Any] | None] = dict.fromkeys(range(len(scripts)))
    while replies:
        asked: dict[int, tuple[StatisticsCall, ...]] = {}
        for i, reply in replies.items():
            try:
                asked[i] = scripts[i].send(reply)
            except StopIteration as ended:
                results[i] = ended.value
        given = iter((yield tuple(chain(*asked.values()))) if asked else ())
        replies = {i: list(islice(given, len(calls))) for i, calls in asked.items()}
    return [results[i] for i in range(len(scripts))]
