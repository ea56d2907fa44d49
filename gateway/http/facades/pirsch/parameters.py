"""Query strings as Pirsch's clients send them: empty is absent, `key[]` and `key[0]` are `key`, zeros are defaults.

pirsch-sdk 2.9.1 writes `path[]` and date-times for dates (2026-11; fixtures/recorded/pirsch_sdk_requests.json), the Go
client 2.5.0 every parameter, empty or 0 (2026-07, contract 2).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.http.facades.pirsch.wording import invalid
from models.period import Edge, RangeSpec, instant, is_zone
from models.query import Direction

LISTED = re.compile(r"(.+?)\[\d*\]")
MAX_ROWS = 100
MAX_START = 3600
CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
ON = ("true", "1")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by name, in the order they were sent."""

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Parameters":
        found: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            listed = LISTED.fullmatch(name)
            key = listed[1] if listed else name
            if value != "":
                found[key] = (*found.get(key, ()), value)
        return cls(found)

    def all(self, name: str) -> tuple[str, ...]:
        return self.values.get(name, ())

    def first(self, name: str) -> str:
        """The first value; empty when there is none."""
        return self.values.get(name, ("",))[0]

    def required(self, name: str) -> str:
        """Raises Refused."""
        value = self.first(name)
        if not value:
            raise invalid(name, "is required")
        return value

    def is_on(self, name: str) -> bool:
        return self.first(name).lower() in ON

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 0 on; 0 and nothing mean the default. Raises Refused."""
        text = self.first(name) or "0"
        if not text.isdecimal():
            raise invalid(name, "must be a whole number")
        return min(int(text), most) or default

    @property
    def limit(self) -> int:
        """Rows in one answer: 100, and never more."""
        return self.number("limit", MAX_ROWS, MAX_ROWS)

    @property
    def offset(self) -> int:
        return self.number("offset", 0, 10_000_000)

    @property
    def direction(self) -> Direction:
        """Raises Refused."""
        text = self.first("direction").lower()
        if text not in ("", "asc", "desc"):
            raise invalid("direction", "must be asc or desc")
        return Direction.ASC if text == "asc" else Direction.DESC


@dataclass(frozen=True, slots=True)
class Span:
    """The time a request is about. `first` and `last` are dates of the zone; `spec` is what a query takes."""

    spec: RangeSpec
    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> "Span":
        """What growth compares with: the same length directly before, or the same weekday of a week ago.

        (Core 6.28.3 of 2026-04, contract 9.)
        """
        length = 7 if self.days == 1 else self.days
        first, last = self.first - timedelta(days=length), self.last - timedelta(days=length)
        return Span((first.isoformat(), last.isoformat()), first, last, self.zone)


def span_of(given: Parameters, zone: str, now: datetime) -> Span:
    """From `start`, or `from` and `to` (plain dates or date-times), in `tz` or the site's zone. Raises Refused."""
    tz = zone_of(given, zone)
    if given.first("start") not in ("", "0"):
        return last_seconds(given.number("start", 0, MAX_START), tz, now)
    first, last = sorted((_date(given, "from"), _date(given, "to")))
    spec: RangeSpec = (first.isoformat(), last.isoformat())
    if first == last and (given.first("from_time") or given.first("to_time")):
        begin, end = _clock(given, "from_time", time.min), _clock(given, "to_time", time(23, 59))
        if begin > end:
            raise invalid("to_time", "is before from_time")
        spec = (
            instant(datetime.combine(first, begin), tz, Edge.FIRST).isoformat(),
            instant(datetime.combine(first, end.replace(second=59)), tz, Edge.LAST).isoformat(),
        )
    return Span(spec, first, last, tz)


def zone_of(given: Parameters, zone: str) -> ZoneInfo:
    """`tz`, or the site's zone. Raises Refused."""
    asked = given.first("tz")
    if asked and not is_zone(asked):
        raise invalid("tz", "is no time zone")
    return ZoneInfo(asked or zone)


def last_seconds(seconds: int, zone: ZoneInfo, now: datetime) -> Span:
    """The seconds that end now."""
    now = now.astimezone(UTC).replace(microsecond=0)
    begin = now - timedelta(seconds=seconds)
    spec = (begin.isoformat(), now.isoformat())
    return Span(spec, begin.astimezone(zone).date(), now.astimezone(zone).date(), zone)


def _date(given: Parameters, name: str) -> date:
    text = given.required(name)
    try:
        if len(text) > 10:
            datetime.fromisoformat(text)
        found = date.fromisoformat(text[:10])
    except ValueError:
        raise invalid(name, "must be a date such as 2024-01-31") from None
    if not 1970 <= found.year <= 2199:
        raise invalid(name, "must lie between 1970 and 2199")
    return found


def _clock(given: Parameters, name: str, default: time) -> time:
    text = given.first(name)
    if not text:
        return default
    found = CLOCK.fullmatch(text)
    if found is None:
        raise invalid(name, "must be a time such as 15:07")
    return time(int(found[1]), int(found[2]))
