"""Where a period of Pirsch's begins and ends: visits over its midnights, and history that was imported.

Pirsch counts a visit, with all its views, on the day of its last activity; here it is in both days. Whether a midnight
was crossed is read from the visits of the day after it, as long as one call lists them. What is read here is kept, and
is no part of a question's own calls, as the token is not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cachetools import LRUCache

from adapters.pirsch.client import PirschClient
from adapters.pirsch.translate.statistics import ROWS, Span, listed, refuse, span_of
from adapters.pirsch.wire import BACKEND, moment
from models.errors import RefusedByBackend, Unintelligible
from models.period import Edge, instant
from models.query import ResolvedQuery
from models.result import ImportsNote, ImportsSkipped, PlanKind, Reason
from models.site import Site

KEPT_SECONDS = 60.0
"""How long a dashboard, and a midnight of the day that still runs, is believed."""
MOST_KEPT = 4096
MIDNIGHT = Reason(
    "midnight_visits", "a visit over a midnight at the range's end counts on the day of its last activity"
)
BUSY = Reason(
    "midnight_visits", f"more than {ROWS} visits on the day after a midnight: whether one crosses it is unknown"
)
IMPORTED = Reason("imported_included", "the range reaches into imported history; Pirsch sums its daily visitors")
IMPORTS_UNKNOWN = Reason(
    "imports_unknown", "this client may not read the dashboard, so imported history is not told apart"
)


class PeriodChecks:
    """What is known of the days around a question."""

    def __init__(self, client: PirschClient) -> None:
        self.client, self.now = client, client.context.now
        self._kept: LRUCache[tuple[str, ...], tuple[datetime | None, Any]] = LRUCache(MOST_KEPT)

    async def midnights(self, site: Site, query: ResolvedQuery) -> tuple[Reason, ...]:
        """Why visits at the ends of the range are counted in another one; nothing where no visit crosses them."""
        span = span_of(site, query)
        found = await asyncio.gather(*(self._crossed(span, day) for day in ends(span, query.now)))
        return tuple(dict.fromkeys(reason for reason in found if reason is not None))

    async def imports(self, site: Site, query: ResolvedQuery, plan: PlanKind) -> tuple[Reason | None, ImportsNote]:
        """Whether imported history is in the numbers.

        Raises UnsupportedQuery where it would be and Pirsch would leave filters out, ours or those of its parts.
        """
        try:
            domain = await self._domain(site)
        except RefusedByBackend:
            return IMPORTS_UNKNOWN, ImportsNote(False, ImportsSkipped.UNSUPPORTED_QUERY)
        if not domain.get("imported_statistics"):
            return None, ImportsNote(False, ImportsSkipped.NO_IMPORTED_DATA)
        if (started := started_on(domain, site.timezone)) is not None and query.period.first_date >= started:
            return None, ImportsNote(False, ImportsSkipped.OUT_OF_RANGE)
        if query.filters or plan is PlanKind.FAN_OUT:
            since = f"; ask from {started.isoformat()} on" if started else ""
            raise refuse(f"the range reaches into imported history, which Pirsch does not filter{since}")
        return IMPORTED, ImportsNote(True)

    async def _domain(self, site: Site) -> Mapping[str, Any]:
        key = ("domain", site.ref)
        if (kept := self._fresh(key)) is None:
            kept = await self.client.domain(site.ref)
            self._kept[key] = (self.now() + timedelta(seconds=KEPT_SECONDS), kept)
        return kept  # type: ignore[no-any-return] # what `domain` gave

    async def _crossed(self, span: Span, day: date) -> Reason | None:
        """Why the midnight before a day is no clean cut. A day that is over does not change any more."""
        key = ("midnight", span.domain, span.zone, day.isoformat())
        kept = self._fresh(key)
        if kept is None:
            kept = crossing(await self._visits(span.day(day)), day, span.zone)
            over = day < self.now().astimezone(ZoneInfo(span.zone)).date()
            self._kept[key] = (None if over else self.now() + timedelta(seconds=KEPT_SECONDS), kept)
        return kept[0] if kept else None

    async def _visits(self, span: Span) -> Sequence[Mapping[str, Any]]:
        call = span.call("session/list", from_time="00:00", to_time="23:59", limit=str(ROWS), offset="0")
        return listed(await self.client.get_call(call))

    def _fresh(self, key: tuple[str, ...]) -> Any:
        until, kept = self._kept.get(key, (None, None))
        return kept if until is None or until > self.now() else None


def ends(span: Span, now: datetime) -> tuple[date, ...]:
    """The days whose first midnight bounds the range: its first, and the one after its last unless that is to come."""
    if span.start:
        return ()
    after = span.last + timedelta(days=1)
    return (span.first, after) if after <= now.astimezone(ZoneInfo(span.zone)).date() else (span.first,)


def crossing(visits: Sequence[Mapping[str, Any]], day: date, zone: str) -> tuple[Reason, ...]:
    """Why visits of a day cross the midnight before it; empty when none does. Raises Unintelligible."""
    midnight = instant(datetime.combine(day, datetime.min.time()), ZoneInfo(zone), Edge.FIRST)
    try:
        if any(moment(visit["start"]) < midnight for visit in visits):
            return (MIDNIGHT,)
    except (KeyError, TypeError, ValueError) as error:
        raise Unintelligible("Pirsch's list of sessions is not of the documented shape", backend=BACKEND) from error
    return (BUSY,) if len(visits) >= ROWS else ()


def started_on(domain: Mapping[str, Any], zone: str) -> date | None:
    """The day the dashboard's own statistics begin, where it is said."""
    started = domain.get("statistics_start")
    return moment(started).astimezone(ZoneInfo(zone)).date() if started else None
