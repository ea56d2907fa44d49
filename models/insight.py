"""Answers that are no table of metrics by dimensions: funnels, single visits, tables by the clock, lists of values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.filters import Filter

MIN_STEPS, MAX_STEPS = 2, 8


class Clock(StrEnum):
    """A table by the wall clock, every day of the period together."""

    HOUR = "hour"
    """0 to 23."""
    MINUTE = "minute"
    """Minute of the hour, 0 to 59."""
    WEEKDAY_HOUR = "weekday_hour"
    """Weekday, Monday 0 to Sunday 6, and hour."""


@dataclass(frozen=True, slots=True)
class ClockRow:
    """`key` has one number, or two for WEEKDAY_HOUR. Visits and bounces belong to the moment the visit started."""

    key: tuple[int, ...]
    visitors: int
    visits: int
    pageviews: int
    bounces: int


@dataclass(frozen=True, slots=True)
class PropRow:
    """Events that carry a property, by its name or by its values: `value` is empty in a list of names."""

    key: str
    value: str
    visitors: int
    events: int
    pageviews: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """Events of one name and one set of properties."""

    name: str
    props: Mapping[str, str]
    visitors: int
    events: int


@dataclass(frozen=True, slots=True)
class EventDetail:
    """What is known of a name: its properties' names, and the mean of the seconds that its events lasted."""

    name: str
    prop_keys: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Sum and mean of a numeric property over the events that carry a number in it."""

    total: float
    average: float
    events: int


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """Filters joined by and; one event of the visit must fit them all."""

    name: str
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One visit. `attributes` are the dimensions of a visit by name; blanks are empty."""

    visitor: int
    visit: int
    start: datetime
    end: datetime
    seconds: int
    entry_page: str
    exit_page: str
    entry_title: str
    exit_title: str
    pageviews: int
    events: int
    is_bounce: bool
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VisitEvent:
    """One event of a visit, in the order of arrival; page views have the name `pageview`."""

    visitor: int
    visit: int
    time: datetime
    name: str
    page: str
    title: str
    seconds: int
    props: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
