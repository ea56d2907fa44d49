"""What a plan is made of: calls to statistics endpoints, and scripts that ask for replies and end in a value."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from adapters.pirsch.vocabulary import Field
from models.errors import UnsupportedQuery
from models.query import ResolvedQuery
from models.site import Site

BACKEND = "pirsch"
ROWS = 100
"""The vendor's hard limit of rows in one answer."""

Params = tuple[tuple[str, str], ...]
Key = tuple[str, ...]
Tally = dict[Field, float | None]
Tallies = dict[Key, Tally]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One GET: a path below /api/v1 and its query."""

    path: str
    params: Params


Script = Generator[tuple[Call, ...], list[Any], T]
"""Yields calls that may run side by side, is sent their JSON values in the same order, returns its result."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which dashboard and which days. `start` (seconds back from now) replaces the days."""

    domain: str
    first: date
    last: date
    zone: str
    start: int = 0

    def call(self, path: str, params: Params = (), **others: str) -> Call:
        """A statistics call. tz, from and to always go along: the defaults are the dashboard's."""
        days: Params = (("start", str(self.start)),) if self.start else (
            ("from", self.first.isoformat()),
            ("to", self.last.isoformat()),
        )  # fmt: skip
        return Call(f"statistics/{path}", (("id", self.domain), *days, ("tz", self.zone), *params, *others.items()))

    def day(self, day: date) -> "Span":
        return Span(self.domain, day, day, self.zone)


def span_of(site: Site, query: ResolvedQuery) -> Span:
    """The days of the query; for the range `realtime` the last five minutes."""
    period = query.period
    start = 300 if query.relative == "realtime" else 0
    return Span(site.ref, period.first_date, period.last_date, period.zone.key, start)


def refuse(*reasons: str) -> UnsupportedQuery:
    """The refusal of a query, to be raised."""
    return UnsupportedQuery(reasons, backend=BACKEND)


def listed(value: Any) -> list[Any]:
    """A list as the vendor writes it: null when it is empty."""
    return value or []


def pages(call: Call, *, at_most: int, what: str) -> Script[list[Any]]:
    """Every row of a listing, 100 at a time; offset and limit always go together.

    Raises UnsupportedQuery when there are more pages than allowed: a shorter list would be silently wrong.
    """
    found: list[Any] = []
    for page in range(at_most):
        (rows,) = yield (paged(call, page),)
        found += listed(rows)
        if len(listed(rows)) < ROWS:
            return found
    raise refuse(f"{what} has more than {at_most * ROWS} values; reading them all would cost too many calls")


def paged(call: Call, page: int) -> Call:
    """One page of a listing."""
    return Call(call.path, (*call.params, ("limit", str(ROWS)), ("offset", str(page * ROWS))))
