"""Days, weeks and months of a query, when Sparklytics cuts all of them at UTC midnights (2026-04, contract 5, trap 1).

Numbers that add up can be made of UTC hours where a zone is whole hours away; nothing else can. Pure: no I/O.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from models.period import Period, buckets, day_label
from models.query import ResolvedQuery
from models.vocabulary import Interval, interval_of

GRANULARITY = {Interval.HOUR: "hour", Interval.DAY: "day", Interval.MONTH: "month"}
_DATED = (Interval.DAY, Interval.WEEK, Interval.MONTH)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and the UTC dates it is asked by."""

    label: str
    first: date
    last: date


def granularity(query: ResolvedQuery) -> str:
    """What to ask ./pageviews for: hours where days have to be cut in another zone than UTC."""
    return "hour" if by_hours(query.period) else own_granularity(query)


def own_granularity(query: ResolvedQuery) -> str:
    """What ./pageviews calls the buckets of the query."""
    interval = interval_of(query.dimensions[0])
    return GRANULARITY.get(interval, "hour") if interval else "hour"


def by_hours(period: Period) -> bool:
    """Whether the period's days are not UTC's, but sums of UTC hours."""
    return not in_utc(period) and whole_hours(period)


def in_utc(period: Period) -> bool:
    """Whether the period's days are UTC days."""
    return all(_offset(period, day) == timedelta() for day in _days(period))


def whole_hours(period: Period) -> bool:
    """Whether the zone is whole hours away from UTC on every day, so that its days are sums of UTC hours."""
    return all(_offset(period, day) % timedelta(hours=1) == timedelta() for day in _days(period))


def _days(period: Period) -> Iterator[datetime]:
    day = period.first
    while day <= period.last:
        yield day
        day += timedelta(days=1)
    yield period.last


def _offset(period: Period, moment: datetime) -> timedelta:
    return moment.astimezone(period.zone).utcoffset() or timedelta()


def utc_dates(period: Period) -> tuple[date, date]:
    """UTC dates that cover the period."""
    return period.first.astimezone(UTC).date(), period.last.astimezone(UTC).date()


def label_of(point: str, query: ResolvedQuery) -> str | None:
    """The canonical label of a bucket of ./pageviews; None when it lies outside the period.

    Days, weeks and months of another zone are made of hours.
    """
    grouped = interval_of(query.dimensions[0]) if query.dimensions else None
    if len(point) == len("2026-06"):
        return f"{point}-01"
    if len(point) == len("2026-06-01"):
        return point
    moment = datetime.fromisoformat(point.replace(" ", "T")).replace(tzinfo=UTC)
    if not query.period.first <= moment <= query.period.last:
        return None
    local = moment.astimezone(query.period.zone)
    if grouped is Interval.HOUR:
        return local.strftime("%Y-%m-%d %H:00:00")
    return day_label(local.date(), grouped or Interval.DAY, query.period.first_date)


def bucket_dates(query: ResolvedQuery) -> tuple[Bucket, ...]:
    """Days, weeks or months of the period with the dates they are asked by."""
    interval = interval_of(query.dimensions[0])
    if interval is None or interval not in _DATED:
        return ()
    labels = list(buckets(query.period, interval))
    first, last = query.period.first_date, query.period.last_date
    starts = [max(date.fromisoformat(label), first) for label in labels]
    ends = [start - timedelta(days=1) for start in starts[1:]] + [last]
    return tuple(Bucket(*parts) for parts in zip(labels, starts, ends, strict=True))
