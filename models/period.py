"""Date ranges, time zones and comparison: from what was asked to one absolute period.

The canonical meanings (docs/canonical-model.md): `7d` is seven full days before today, `6mo` six full months before
this month, `month` and `year` the whole calendar unit, `24h` the last 24 hours, `day` today. Facades translate other
dialects.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from models.vocabulary import Interval

RANGES = ("realtime", "day", "yesterday", "24h", "7d", "28d", "30d", "91d", "month", "year", "6mo", "12mo", "all")
_DAYS = re.compile(r"^([1-9]\d{0,3})d$")
_MONTHS = re.compile(r"^([1-9]\d{0,2})mo$")
MAX_DAYS, MAX_MONTHS = 5000, 100
_MOVING = {"realtime": timedelta(minutes=5), "24h": timedelta(hours=24)}
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)


def is_zone(name: str) -> bool:
    """Whether the IANA database knows the time zone."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) | {"Etc/UTC"}


class Edge(StrEnum):
    """Which end of a range a wall-clock time marks; decides what a DST gap or repeat means."""

    FIRST = "first"
    LAST = "last"


def instant(wall: datetime, zone: ZoneInfo, edge: Edge) -> datetime:
    """The UTC instant of a naive wall-clock time.

    In a DST gap a range starts just after the gap and ends just before it; a repeated hour starts at its second
    occurrence and ends at its first (contracts: Plausible 7.10).
    """
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early == late:
        return early
    if early.astimezone(zone).replace(tzinfo=None) != wall:  # a gap: fold=1 reads the offset before it
        shift = max(early, late) - min(early, late)
        boundary = _transition(min(early, late) - shift, max(early, late) + shift, zone)
        return boundary if edge is Edge.FIRST else boundary - timedelta(seconds=1)
    return late if edge is Edge.FIRST else early


def _transition(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The instant between two UTC times at which the zone's offset changes, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Period:
    """An absolute period, both instants included; `first` and `last` are UTC, whole seconds; days are cut in `zone`."""

    first: datetime
    last: datetime
    zone: ZoneInfo

    @property
    def first_date(self) -> date:
        return self.first.astimezone(self.zone).date()

    @property
    def last_date(self) -> date:
        return self.last.astimezone(self.zone).date()

    @property
    def days(self) -> int:
        """Calendar days touched, in the period's zone."""
        return (self.last_date - self.first_date).days + 1

    @property
    def whole_days(self) -> bool:
        """Whether the period is exactly its calendar days, so that two dates say it completely."""
        return self == days_period(self.first_date, self.last_date, self.zone)

    def until(self, now: datetime) -> "Period":
        """The same period cut at `now`; a period wholly in the future keeps its first second."""
        return Period(self.first, max(self.first, min(self.last, now.replace(microsecond=0))), self.zone)

    def key(self) -> tuple[str, str, str]:
        """What identifies the period in a cache key."""
        return (self.first.isoformat(), self.last.isoformat(), self.zone.key)


@lru_cache(maxsize=4096)
def days_period(first: date, last: date, zone: ZoneInfo) -> Period:
    """The period from the first second of one date to the last second of another, in a zone."""
    return Period(
        instant(datetime.combine(first, time.min), zone, Edge.FIRST),
        instant(datetime.combine(last, time(23, 59, 59)), zone, Edge.LAST),
        zone,
    )


def add_months(day: date, months: int) -> date:
    """The same day some months away, clipped to the month's end."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


RangeSpec = str | tuple[str, str]


def problem_with(spec: RangeSpec) -> str | None:
    """Why a range cannot be used, in words for the caller; None when it can."""
    if isinstance(spec, str):
        return _problem_with_name(spec)
    first, last = (_moment(text) for text in spec)
    if first is None or last is None:
        return "both ends must be ISO 8601 dates, or both date-times with an offset"
    if isinstance(first, datetime) != isinstance(last, datetime):
        return "both ends must be dates, or both date-times"
    if isinstance(first, datetime) and isinstance(last, datetime):
        if first.tzinfo is None or last.tzinfo is None:
            return "date-times need an offset, such as 2026-01-31T10:00:00Z"
        reversed_ = first > last
    else:
        reversed_ = first > last
    if reversed_:
        return "the range ends before it starts"
    years = (first.year, last.year)
    if min(years) < EARLIEST.year or max(years) > LATEST.year:
        return f"dates must lie between {EARLIEST} and {LATEST}"
    return None


def _problem_with_name(name: str) -> str | None:
    if name in RANGES:
        return None
    if match := _DAYS.match(name):
        return None if int(match[1]) <= MAX_DAYS else f"at most {MAX_DAYS}d"
    if match := _MONTHS.match(name):
        return None if int(match[1]) <= MAX_MONTHS else f"at most {MAX_MONTHS}mo"
    return "no such range"


def _moment(text: str) -> date | datetime | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None


def resolve(spec: RangeSpec, *, zone: ZoneInfo, now: datetime, start: date | None = None) -> Period:
    """The absolute period of a valid range. `start` is the first day with statistics, for `all`.

    Raises ValueError on a range that `problem_with` objects to.
    """
    if (reason := problem_with(spec)) is not None:
        raise ValueError(reason)
    if not isinstance(spec, str):
        return _explicit(spec, zone)
    now = now.replace(microsecond=0)
    if spec in _MOVING:
        return Period(now - _MOVING[spec], now, zone)
    first, last = _dates(spec, now.astimezone(zone).date(), start)
    return days_period(first, last, zone)


def _explicit(spec: tuple[str, str], zone: ZoneInfo) -> Period:
    first, last = (_moment(text) for text in spec)
    if isinstance(first, datetime) and isinstance(last, datetime):
        return Period(first.astimezone(UTC).replace(microsecond=0), last.astimezone(UTC).replace(microsecond=0), zone)
    return days_period(date.fromisoformat(spec[0]), date.fromisoformat(spec[1]), zone)


def _dates(name: str, today: date, start: date | None) -> tuple[date, date]:
    """First and last day of a named range, seen from a day."""
    day = timedelta(days=1)
    if name == "day":
        return today, today
    if name == "yesterday":
        return today - day, today - day
    if name == "year":
        return date(today.year, 1, 1), date(today.year, 12, 31)
    if name == "all":
        return min(start or today, today), today
    if match := _DAYS.match(name):
        return today - int(match[1]) * day, today - day
    this_month = today.replace(day=1)
    if name == "month":
        return this_month, add_months(this_month, 1) - day
    return add_months(this_month, -int(name.removesuffix("mo"))), this_month - day


class Comparison(StrEnum):
    """Which other period a period is compared with."""

    PREVIOUS_PERIOD = "previous_period"
    PREVIOUS_YEAR = "previous_year"
    CUSTOM = "custom"


def compared(period: Period, mode: Comparison, *, match_day_of_week: bool = False) -> Period:
    """The period before (same length) or a year earlier; optionally moved so that weekdays fall on weekdays."""
    first, last = period.first_date, period.last_date
    if mode is Comparison.PREVIOUS_YEAR:
        new_first = add_months(first, -12)
        new_last = new_first + (last - first)
    else:
        new_last = first - timedelta(days=1)
        new_first = new_last - (last - first)
    if match_day_of_week:
        new_first, new_last = _same_weekday(first, new_first, new_last)
    if period.whole_days:
        return days_period(new_first, new_last, period.zone)
    length = period.last - period.first
    if mode is Comparison.PREVIOUS_PERIOD and not match_day_of_week:
        end = period.first - timedelta(seconds=1)
        return Period(end - length, end, period.zone)
    shift = first - new_first
    wall = (period.first.astimezone(period.zone) - shift).replace(tzinfo=None)
    begin = instant(wall, period.zone, Edge.FIRST)
    return Period(begin, begin + length, period.zone)


def _same_weekday(first: date, new_first: date, new_last: date) -> tuple[date, date]:
    """Move a compared range forward to the next matching weekday, or back where that would be the range itself."""
    shift = (first.weekday() - new_first.weekday()) % 7
    if new_first + timedelta(days=shift) == first:
        shift -= 7
    return new_first + timedelta(days=shift), new_last + timedelta(days=shift)


Label = str


def monday(day: date) -> date:
    """The first day of a day's week; weeks start on Monday."""
    return day - timedelta(days=day.weekday())


def day_label(day: date, interval: Interval, first: date) -> Label:
    """The label of the day, week or month a day falls in; a week that begins before the period is labelled `first`."""
    match interval:
        case Interval.WEEK:
            return max(monday(day), first).isoformat()
        case Interval.MONTH:
            return day.replace(day=1).isoformat()
        case _:
            return day.isoformat()


def buckets(period: Period, interval: Interval) -> Iterator[Label]:
    """Every label of the period's buckets, in order, as they appear in results.

    `YYYY-MM-DD` for days, weeks and months (see `day_label`), wall-clock `YYYY-MM-DD HH:MM:SS` in the period's zone for
    hours and minutes. What a clock change repeats appears once.
    """
    match interval:
        case Interval.MINUTE:
            yield from _clock_buckets(period, timedelta(minutes=1))
        case Interval.HOUR:
            yield from _clock_buckets(period, timedelta(hours=1))
        case _:
            yield from _calendar_buckets(period, interval)


def _clock_buckets(period: Period, width: timedelta) -> Iterator[Label]:
    form = "%Y-%m-%d %H:%M:00" if width < timedelta(hours=1) else "%Y-%m-%d %H:00:00"
    step = min(width, timedelta(minutes=15))  # zones are cut in quarters of an hour at the finest
    moment, seen = period.first, set[Label]()
    while moment < period.last + step:
        label = min(moment, period.last).astimezone(period.zone).strftime(form)
        if label not in seen:
            yield label
        seen.add(label)
        moment += step


def _calendar_buckets(period: Period, interval: Interval) -> Iterator[Label]:
    day = period.first_date
    while day <= period.last_date:
        yield day_label(day, interval, period.first_date)
        day = _following(day, interval)


def _following(day: date, interval: Interval) -> date:
    """The first day of the next bucket."""
    match interval:
        case Interval.WEEK:
            return monday(day) + timedelta(days=7)
        case Interval.MONTH:
            return add_months(day.replace(day=1), 1)
        case _:
            return day + timedelta(days=1)
