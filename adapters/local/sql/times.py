"""Time buckets in the period's zone (contracts: Plausible 7.9).

A bucket's key is a wall-clock Date or DateTime, so an hour that DST repeats is one bucket and one it skips is none.
"""

from collections.abc import Sequence
from datetime import date, datetime

from adapters.local.sql.bindings import Bindings
from models.period import Period, buckets
from models.vocabulary import Interval, interval_of

SLOT = 900
"""Seconds: zones are cut in quarters of an hour at the finest, so no slot touches two hours."""


def interval(name: str) -> Interval:
    """The interval of a time dimension that was validated before."""
    found = interval_of(name)
    if found is None:
        raise ValueError(name)
    return found


def bucket(name: str, instant: str, period: Period, bind: Bindings) -> str:
    """The key of the bucket an instant falls in; `instant` is an expression of type DateTime('UTC')."""
    zone = bind.text(period.zone.key)
    match interval(name):
        case Interval.MINUTE:
            return f"toStartOfMinute({_wall(instant, zone)})"
        case Interval.HOUR:
            return f"toStartOfHour({_wall(instant, zone)})"
        case _:
            return day_bucket(name, f"toDate({instant}, {zone})", period, bind)


def _wall(instant: str, zone: str) -> str:
    """The wall-clock time as if it were UTC."""
    return f"({instant} + timeZoneOffset(toTimeZone({instant}, {zone})))"


def day_bucket(name: str, day: str, period: Period, bind: Bindings) -> str:
    """The key of the bucket a local date falls in; a partial first week carries the first date of the period."""
    match interval(name):
        case Interval.WEEK:
            return f"greatest(toMonday({day}), {bind.day(period.first_date)})"
        case Interval.MONTH:
            return f"toStartOfMonth({day})"
        case _:
            return day


def active_hours(period: Period, bind: Bindings) -> str:
    """The keys of all hours a visit was active in, clipped to the period, as an array."""
    first, last, zone = bind.moment(period.first), bind.moment(period.last), bind.text(period.zone.key)
    begin, end = f"toUInt32(greatest(start, {first}))", f"toUInt32(least(time, {last}))"
    slots = f"range(toUInt32(intDiv({begin}, {SLOT}) * {SLOT}), toUInt32(greatest({begin}, {end}) + 1), {SLOT})"
    wall = _wall("toDateTime(slot, 'UTC')", zone)
    return f"arrayDistinct(arrayMap(slot -> toStartOfHour({wall}), {slots}))"


def label(key: str) -> str:
    """How a bucket is written in an answer: `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS`."""
    return f"toString({key})"


def all_keys(name: str, period: Period, bind: Bindings) -> str:
    """Every key of the period's buckets, as an array."""
    labels: Sequence[str] = tuple(buckets(period, interval(name)))
    if interval(name) in (Interval.MINUTE, Interval.HOUR):
        return bind.moments([datetime.fromisoformat(text) for text in labels])
    return bind.days([date.fromisoformat(text) for text in labels])
