"""The words of the canonical model: metrics, dimensions, operators, intervals, and the facts about each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Metric(StrEnum):
    """A number that can be asked for. Units and additivity stand in `METRICS`."""

    VISITORS = "visitors"
    """Unique visitors; ids rotate daily, so a person is counted once a day at most."""
    VISITS = "visits"
    """Visits (sessions): activity of one visitor without a gap of more than 30 minutes."""
    PAGEVIEWS = "pageviews"
    """Events named `pageview`."""
    EVENTS = "events"
    """All events, page views included, engagement excluded."""
    VIEWS_PER_VISIT = "views_per_visit"
    """Page views over visits, two decimals."""
    BOUNCE_RATE = "bounce_rate"
    """Visits that saw one page and did nothing else, percent of visits, 0 to 100."""
    VISIT_DURATION = "visit_duration"
    """Seconds from the first to the last event of a visit, mean over all visits, zeros included."""
    TIME_ON_PAGE = "time_on_page"
    """Engaged seconds on a page, mean over the visits that engaged with it."""
    SCROLL_DEPTH = "scroll_depth"
    """Deepest scroll on a page, percent, mean over visits."""
    CONVERSIONS = "conversions"
    """Events that completed a goal. Needs a goal filter or the goal dimension."""
    CONVERSION_RATE = "conversion_rate"
    """Visitors who completed the goal, percent of all visitors of the query without its goal filter."""
    GROUP_CONVERSION_RATE = "group_conversion_rate"
    """Visitors who completed the goal, percent of the visitors of the same group."""
    PERCENTAGE = "percentage"
    """Visitors of a group, percent of the visitors of the whole query."""
    EXIT_RATE = "exit_rate"
    """Visits that ended on a page, percent of that page's page views."""
    TOTAL_REVENUE = "total_revenue"
    """Sum of the revenue of the matching goals, in one currency."""
    AVERAGE_REVENUE = "average_revenue"
    """Revenue per event that carries revenue, in one currency."""


class Unit(StrEnum):
    """What a metric's number counts."""

    COUNT = "count"
    RATIO = "ratio"
    PERCENT = "percent"
    SECONDS = "seconds"
    MONEY = "money"


class Scope(StrEnum):
    """What a metric or dimension speaks of: single events, whole visits, or either."""

    EVENT = "event"
    VISIT = "visit"
    EITHER = "either"


class Need(StrEnum):
    """What a query has to name for a metric to mean anything, as refusals put it."""

    GOAL = "a goal filter or the goal dimension"
    DIMENSION = "a dimension"


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """What is true of a metric on every backend.

    `additive`: values may be summed over disjoint periods, groups or sites. `relative`: the denominator is of the whole
    query, so it shrinks when the query is asked value by value. `decimals`: places that are kept. `zero`: what a time
    bucket without activity shows (contracts: Plausible 5, timeseries); a mean of nothing is no number.
    """

    unit: Unit
    scope: Scope
    additive: bool
    relative: bool
    decimals: int
    zero: int | float | None
    needs: Need | None = None


METRICS: Mapping[Metric, MetricFacts] = MappingProxyType(
    {
        Metric.VISITORS: MetricFacts(Unit.COUNT, Scope.EITHER, additive=False, relative=False, decimals=0, zero=0),
        # A visit over midnight is active in both days, so daily visits do not add up to the visits of a week.
        Metric.VISITS: MetricFacts(Unit.COUNT, Scope.EITHER, additive=False, relative=False, decimals=0, zero=0),
        Metric.PAGEVIEWS: MetricFacts(Unit.COUNT, Scope.EVENT, additive=True, relative=False, decimals=0, zero=0),
        Metric.EVENTS: MetricFacts(Unit.COUNT, Scope.EVENT, additive=True, relative=False, decimals=0, zero=0),
        Metric.VIEWS_PER_VISIT: MetricFacts(
            Unit.RATIO, Scope.VISIT, additive=False, relative=False, decimals=2, zero=0.0
        ),
        Metric.BOUNCE_RATE: MetricFacts(Unit.PERCENT, Scope.VISIT, additive=False, relative=False, decimals=0, zero=0),
        Metric.VISIT_DURATION: MetricFacts(
            Unit.SECONDS, Scope.VISIT, additive=False, relative=False, decimals=0, zero=None
        ),
        Metric.TIME_ON_PAGE: MetricFacts(
            Unit.SECONDS, Scope.EVENT, additive=False, relative=False, decimals=0, zero=None
        ),
        Metric.SCROLL_DEPTH: MetricFacts(
            Unit.PERCENT, Scope.EVENT, additive=False, relative=False, decimals=0, zero=None
        ),
        Metric.CONVERSIONS: MetricFacts(
            Unit.COUNT, Scope.EVENT, additive=True, relative=False, decimals=0, zero=0, needs=Need.GOAL
        ),
        Metric.CONVERSION_RATE: MetricFacts(
            Unit.PERCENT, Scope.EITHER, additive=False, relative=True, decimals=2, zero=0.0, needs=Need.GOAL
        ),
        Metric.GROUP_CONVERSION_RATE: MetricFacts(
            Unit.PERCENT, Scope.EITHER, additive=False, relative=True, decimals=2, zero=0.0, needs=Need.GOAL
        ),
        Metric.PERCENTAGE: MetricFacts(
            Unit.PERCENT, Scope.EITHER, additive=False, relative=True, decimals=2, zero=0.0, needs=Need.DIMENSION
        ),
        Metric.EXIT_RATE: MetricFacts(Unit.PERCENT, Scope.VISIT, additive=False, relative=False, decimals=1, zero=None),
        Metric.TOTAL_REVENUE: MetricFacts(
            Unit.MONEY, Scope.EVENT, additive=True, relative=False, decimals=2, zero=None
        ),
        Metric.AVERAGE_REVENUE: MetricFacts(
            Unit.MONEY, Scope.EVENT, additive=False, relative=False, decimals=2, zero=None
        ),
    }
)

GOAL_METRICS = frozenset(m for m in Metric if METRICS[m].needs is Need.GOAL)
"""Metrics that have no meaning without a goal."""
GOAL_RATES = frozenset(m for m in GOAL_METRICS if METRICS[m].relative)
REVENUE = frozenset(m for m in Metric if METRICS[m].unit is Unit.MONEY)
OF_VISITS = frozenset(m for m in Metric if METRICS[m].scope is Scope.VISIT)
"""Metrics that speak of whole visits."""


class Dimension(StrEnum):
    """Something to group or filter by. A custom property is written `prop:<name>` and belongs to `PROP`."""

    SITE = "site"
    """The site itself; only across several sites."""
    PAGE = "page"
    """Path of the page, without query."""
    HOSTNAME = "hostname"
    """Host the page was on, without `www.`."""
    TITLE = "title"
    """Title of the page."""
    ENTRY_PAGE = "entry_page"
    """First page of the visit."""
    EXIT_PAGE = "exit_page"
    """Last page of the visit."""
    ENTRY_HOSTNAME = "entry_hostname"
    """Host of the first page of the visit."""
    EXIT_HOSTNAME = "exit_hostname"
    """Host of the last page of the visit."""
    EVENT = "event"
    """Name of the event; a page view is `pageview`."""
    GOAL = "goal"
    """Display name of a goal of the site; one event may complete several."""
    PROP = "prop"
    """A custom property of an event, `prop:<name>`; `(none)` where the event has none."""
    SOURCE = "source"
    """Where the visit came from, by name: `Google`, `Direct / None`."""
    CHANNEL = "channel"
    """Kind of source: `Organic Search`, `Direct`, ..."""
    REFERRER = "referrer"
    """Referring address, host and path."""
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    UTM_CONTENT = "utm_content"
    UTM_TERM = "utm_term"
    DEVICE = "device"
    """`Mobile`, `Tablet`, `Desktop` or `(not set)`."""
    SCREEN = "screen"
    """Class of the screen's width."""
    BROWSER = "browser"
    BROWSER_VERSION = "browser_version"
    OS = "os"
    OS_VERSION = "os_version"
    COUNTRY = "country"
    """ISO 3166-1 alpha-2, upper case."""
    REGION = "region"
    """ISO 3166-2."""
    CITY = "city"
    """GeoNames id, or a name where the source of places knows no id."""
    COUNTRY_NAME = "country_name"
    """English name of the country; a code without a known name is its own name, here and below."""
    REGION_NAME = "region_name"
    CITY_NAME = "city_name"
    """Cities of one name are one row; group by country too to tell them apart."""
    LANGUAGE = "language"
    """Primary tag of the visitor's first language."""
    SEGMENT = "segment"
    """A saved filter of the site, by id; only in filters, replaced by its tree before anything is planned."""
    TIME_MINUTE = "time:minute"
    TIME_HOUR = "time:hour"
    TIME_DAY = "time:day"
    TIME_WEEK = "time:week"
    """Weeks start on Monday; a partial first week carries the first date of the range."""
    TIME_MONTH = "time:month"


_SCOPED: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.EVENT: "page hostname title event goal prop",
        Scope.VISIT: "entry_page exit_page entry_hostname exit_hostname",
        Scope.EITHER: "site source channel referrer utm_source utm_medium utm_campaign utm_content utm_term "
        "device screen browser browser_version os os_version country region city country_name region_name city_name "
        "language segment time:minute time:hour time:day time:week time:month",
    }
)
DIMENSION_SCOPES: Mapping[Dimension, Scope] = MappingProxyType(
    {Dimension(name): scope for scope, names in _SCOPED.items() for name in names.split()}
)

TIME_DIMENSIONS = (
    Dimension.TIME_MINUTE,
    Dimension.TIME_HOUR,
    Dimension.TIME_DAY,
    Dimension.TIME_WEEK,
    Dimension.TIME_MONTH,
)


OURS = frozenset({Dimension.SITE, Dimension.SEGMENT})
"""Dimensions the gateway answers itself, whatever the backend."""


class Operator(StrEnum):
    """How a filter compares. Several values are alternatives; a negated operator excludes each of them."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    CONTAINS_NOT = "contains_not"
    MATCHES = "matches"
    """RE2 regular expression, unanchored."""
    MATCHES_NOT = "matches_not"
    WILDCARD = "wildcard"
    """`*` stands for any characters, slashes included; anchored at both ends."""
    WILDCARD_NOT = "wildcard_not"


class Interval(StrEnum):
    """Width of a time bucket."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


PROP_PREFIX = "prop:"
NOT_SET = "(not set)"
NO_PROP = "(none)"
DIRECT = "Direct / None"
DIRECT_CHANNEL = "Direct"


def dimension_of(name: str) -> Dimension | None:
    """The dimension a name belongs to (`prop:plan` -> PROP), or None when there is no such dimension."""
    if name.startswith(PROP_PREFIX):
        return Dimension.PROP if len(name) > len(PROP_PREFIX) else None
    return _BY_NAME.get(name)


_BY_NAME: Mapping[str, Dimension] = MappingProxyType({str(d): d for d in Dimension if d is not Dimension.PROP})


def prop_key(name: str) -> str:
    """The property's name in `prop:<name>`; empty for any other dimension."""
    return name.removeprefix(PROP_PREFIX) if name.startswith(PROP_PREFIX) else ""


def interval_of(name: str) -> Interval | None:
    """The interval of a time dimension, or None for any other name."""
    return Interval(name.removeprefix("time:")) if name in TIME_DIMENSIONS else None
