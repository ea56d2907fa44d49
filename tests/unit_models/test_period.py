"""Ranges, zones, daylight saving and comparison, against dates worked out on a calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.period import (
    Comparison,
    Edge,
    Period,
    add_months,
    buckets,
    compared,
    day_label,
    days_period,
    instant,
    problem_with,
    resolve,
)
from models.vocabulary import Interval

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
UTC_ZONE = ZoneInfo("Etc/UTC")
NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)  # a Wednesday


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("day", "2026-06-17", "2026-06-17"),
        ("yesterday", "2026-06-16", "2026-06-16"),
        ("7d", "2026-06-10", "2026-06-16"),
        ("30d", "2026-05-18", "2026-06-16"),
        ("month", "2026-06-01", "2026-06-30"),
        ("year", "2026-01-01", "2026-12-31"),
        ("6mo", "2025-12-01", "2026-05-31"),
        ("12mo", "2025-06-01", "2026-05-31"),
        ("1mo", "2026-05-01", "2026-05-31"),
        ("3d", "2026-06-14", "2026-06-16"),
    ],
)
def test_a_named_range_covers_its_days(name: str, first: str, last: str) -> None:
    period = resolve(name, zone=UTC_ZONE, now=NOW)

    assert (period.first_date.isoformat(), period.last_date.isoformat()) == (first, last)
    assert period.whole_days


def test_today_is_the_sites_today() -> None:
    late = datetime(2026, 6, 17, 23, 30, tzinfo=UTC)

    assert resolve("day", zone=KOLKATA, now=late).first_date == date(2026, 6, 18)


def test_moving_ranges_end_now() -> None:
    assert resolve("24h", zone=UTC_ZONE, now=NOW) == Period(NOW - timedelta(hours=24), NOW, UTC_ZONE)
    assert resolve("realtime", zone=UTC_ZONE, now=NOW) == Period(NOW - timedelta(minutes=5), NOW, UTC_ZONE)


def test_all_starts_with_the_statistics() -> None:
    assert resolve("all", zone=UTC_ZONE, now=NOW, start=date(2025, 3, 1)).first_date == date(2025, 3, 1)
    assert resolve("all", zone=UTC_ZONE, now=NOW).first_date == date(2026, 6, 17)


def test_date_times_keep_their_instant() -> None:
    period = resolve(("2026-06-01T10:00:00+02:00", "2026-06-01T12:00:00Z"), zone=BERLIN, now=NOW)

    assert (period.first, period.last) == (utc("2026-06-01T08:00:00"), utc("2026-06-01T12:00:00"))
    assert not period.whole_days


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("9x", "no such range"),
        ("5001d", "at most 5000d"),
        ("101mo", "at most 100mo"),
        (("2026-02-01", "2026-01-01"), "ends before it starts"),
        (("2026-02-30", "2026-03-01"), "ISO 8601"),
        (("2026-02-01", "2026-02-02T00:00:00Z"), "both ends must be dates"),
        (("2026-02-01T00:00:00", "2026-02-02T00:00:00"), "offset"),
        (("0001-01-01", "9999-12-31"), "must lie between"),
    ],
)
def test_an_unusable_range_says_why(spec: str | tuple[str, str], reason: str) -> None:
    assert reason in (problem_with(spec) or "")


def test_a_range_in_a_gap_starts_after_it_and_ends_before_it() -> None:
    missing = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - a wall-clock time
    assert instant(missing, BERLIN, Edge.FIRST) == utc("2026-03-29T01:00:00")
    assert instant(missing, BERLIN, Edge.LAST) == utc("2026-03-29T00:59:59")


def test_a_range_in_a_repeat_starts_late_and_ends_early() -> None:
    twice = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - a wall-clock time
    assert instant(twice, BERLIN, Edge.FIRST) == utc("2026-10-25T01:30:00")
    assert instant(twice, BERLIN, Edge.LAST) == utc("2026-10-25T00:30:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_lasts_as_long_as_the_zone_says(day: str, hours: int) -> None:
    period = resolve((day, day), zone=BERLIN, now=NOW)

    assert period.last - period.first + timedelta(seconds=1) == timedelta(hours=hours)


def test_hours_of_a_long_day_are_labelled_once() -> None:
    labels = list(buckets(resolve(("2026-10-25", "2026-10-25"), zone=BERLIN, now=NOW), Interval.HOUR))

    assert len(labels) == 24
    assert labels.count("2026-10-25 02:00:00") == 1


@pytest.mark.parametrize(("zone", "day"), [("Europe/Berlin", "2025-10-26"), ("Australia/Lord_Howe", "2026-04-05")])
def test_minutes_of_a_long_day_are_labelled_once(zone: str, day: str) -> None:
    """The hour, or half an hour, that the clocks repeat is written as the one before it: a day has 1440 labels."""
    period = days_period(date.fromisoformat(day), date.fromisoformat(day), ZoneInfo(zone))
    minutes = [f"{day} {hour:02d}:{minute:02d}:00" for hour in range(24) for minute in range(60)]
    assert list(buckets(period, Interval.MINUTE)) == minutes


def test_hours_of_a_short_day_leave_the_gap_out() -> None:
    labels = list(buckets(resolve(("2026-03-29", "2026-03-29"), zone=BERLIN, now=NOW), Interval.HOUR))

    assert len(labels) == 23
    assert "2026-03-29 02:00:00" not in labels


def test_a_partial_first_week_carries_the_first_date() -> None:
    period = resolve(("2026-06-03", "2026-06-16"), zone=UTC_ZONE, now=NOW)  # Wednesday to Tuesday

    assert list(buckets(period, Interval.WEEK)) == ["2026-06-03", "2026-06-08", "2026-06-15"]


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2026-06-03", "2026-06-03"),  # the Wednesday it begins on
        ("2026-06-07", "2026-06-03"),  # Sunday of the same week
        ("2026-06-08", "2026-06-08"),  # a Monday
        ("2026-06-16", "2026-06-15"),  # a Tuesday
    ],
)
def test_a_day_belongs_to_the_week_of_its_monday_or_of_the_first_date(day: str, week: str) -> None:
    first = date(2026, 6, 3)

    assert day_label(date.fromisoformat(day), Interval.WEEK, first) == week
    assert day_label(date.fromisoformat(day), Interval.MONTH, first) == "2026-06-01"
    assert day_label(date.fromisoformat(day), Interval.DAY, first) == day


def test_months_are_labelled_with_their_first_day() -> None:
    period = resolve(("2025-12-15", "2026-02-02"), zone=UTC_ZONE, now=NOW)

    assert list(buckets(period, Interval.MONTH)) == ["2025-12-01", "2026-01-01", "2026-02-01"]


def test_minutes_follow_each_other() -> None:
    period = resolve("realtime", zone=UTC_ZONE, now=NOW)

    assert list(buckets(period, Interval.MINUTE)) == [f"2026-06-17 11:{m}:00" for m in range(55, 60)] + [
        "2026-06-17 12:00:00"
    ]


def test_months_end_where_they_end() -> None:
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2026, 12, 31), 2) == date(2027, 2, 28)
    assert add_months(date(2026, 1, 15), -1) == date(2025, 12, 15)


@pytest.mark.parametrize(
    ("mode", "match", "first", "last"),
    [
        (Comparison.PREVIOUS_PERIOD, False, "2026-06-03", "2026-06-09"),
        (Comparison.PREVIOUS_YEAR, False, "2025-06-10", "2025-06-16"),
        # 2026-06-10 is a Wednesday; a year earlier it was a Tuesday, and the next Wednesday is the 11th.
        (Comparison.PREVIOUS_YEAR, True, "2025-06-11", "2025-06-17"),
    ],
)
def test_the_compared_period(mode: Comparison, match: bool, first: str, last: str) -> None:
    before = compared(resolve("7d", zone=UTC_ZONE, now=NOW), mode, match_day_of_week=match)

    assert (before.first_date.isoformat(), before.last_date.isoformat()) == (first, last)


days = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1))
zones = st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(days, st.integers(0, 60), zones)
def test_neighbouring_periods_neither_overlap_nor_leave_a_second_out(day: date, length: int, zone: str) -> None:
    tz = ZoneInfo(zone)
    one = days_period(day, day + timedelta(days=length), tz)
    two = days_period(day + timedelta(days=length + 1), day + timedelta(days=length + 3), tz)

    assert two.first - one.last == timedelta(seconds=1)


@given(days, st.integers(0, 60), zones, st.sampled_from([Interval.HOUR, Interval.DAY, Interval.WEEK, Interval.MONTH]))
def test_labels_rise_and_never_repeat(day: date, length: int, zone: str, interval: Interval) -> None:
    labels = list(buckets(days_period(day, day + timedelta(days=length), ZoneInfo(zone)), interval))

    assert labels == sorted(set(labels))
    assert len(labels) >= 1


@given(days, st.integers(0, 400), zones)
def test_the_previous_period_ends_where_this_one_starts(day: date, length: int, zone: str) -> None:
    period = days_period(day, day + timedelta(days=length), ZoneInfo(zone))
    before = compared(period, Comparison.PREVIOUS_PERIOD)

    assert period.first - before.last == timedelta(seconds=1)
    assert before.days == period.days
