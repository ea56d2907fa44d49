"""Canonical names and Plausible's, one table read in both directions. The facade reads the same tables."""

from collections.abc import Mapping
from types import MappingProxyType

from models.vocabulary import PROP_PREFIX, Dimension, Metric, Operator, prop_key

D, M, O = Dimension, Metric, Operator  # noqa: E741 - the tables below read as tables

METRICS: Mapping[Metric, str] = MappingProxyType(
    {
        M.VISITORS: "visitors",
        M.VISITS: "visits",
        M.PAGEVIEWS: "pageviews",
        M.EVENTS: "events",
        M.VIEWS_PER_VISIT: "views_per_visit",
        M.BOUNCE_RATE: "bounce_rate",
        M.VISIT_DURATION: "visit_duration",
        M.TIME_ON_PAGE: "time_on_page",
        M.SCROLL_DEPTH: "scroll_depth",
        M.CONVERSIONS: "events",  # "Total Conversions" is `events` under a goal (seed 003)
        M.CONVERSION_RATE: "conversion_rate",
        M.GROUP_CONVERSION_RATE: "group_conversion_rate",
        M.PERCENTAGE: "percentage",
        M.TOTAL_REVENUE: "total_revenue",
        M.AVERAGE_REVENUE: "average_revenue",
    }
)
"""Public metric names; `exit_rate` exists inside Plausible only and is rejected outside (2026-07, contract 4.1)."""

METRICS_READ: Mapping[str, Metric] = MappingProxyType(
    {name: m for m, name in METRICS.items() if m is not M.CONVERSIONS}
)

DIMENSIONS: Mapping[Dimension, str] = MappingProxyType(
    {
        D.PAGE: "event:page",
        D.HOSTNAME: "event:hostname",
        D.EVENT: "event:name",
        D.GOAL: "event:goal",
        D.ENTRY_PAGE: "visit:entry_page",
        D.EXIT_PAGE: "visit:exit_page",
        D.ENTRY_HOSTNAME: "visit:entry_page_hostname",
        D.EXIT_HOSTNAME: "visit:exit_page_hostname",
        D.SOURCE: "visit:source",
        D.CHANNEL: "visit:channel",
        D.REFERRER: "visit:referrer",
        D.UTM_SOURCE: "visit:utm_source",
        D.UTM_MEDIUM: "visit:utm_medium",
        D.UTM_CAMPAIGN: "visit:utm_campaign",
        D.UTM_CONTENT: "visit:utm_content",
        D.UTM_TERM: "visit:utm_term",
        D.DEVICE: "visit:device",
        D.SCREEN: "visit:screen",
        D.BROWSER: "visit:browser",
        D.BROWSER_VERSION: "visit:browser_version",
        D.OS: "visit:os",
        D.OS_VERSION: "visit:os_version",
        D.COUNTRY: "visit:country",
        D.REGION: "visit:region",
        D.CITY: "visit:city",
        D.COUNTRY_NAME: "visit:country_name",
        D.REGION_NAME: "visit:region_name",
        D.CITY_NAME: "visit:city_name",
        D.TIME_HOUR: "time:hour",
        D.TIME_DAY: "time:day",
        D.TIME_WEEK: "time:week",
        D.TIME_MONTH: "time:month",
    }
)

DIMENSIONS_READ: Mapping[str, Dimension] = MappingProxyType({name: d for d, name in DIMENSIONS.items()})
PROPS = "event:props:"

OPERATORS: Mapping[Operator, str] = MappingProxyType(
    {
        O.IS: "is",
        O.IS_NOT: "is_not",
        O.CONTAINS: "contains",
        O.CONTAINS_NOT: "contains_not",
        O.MATCHES: "matches",
        O.MATCHES_NOT: "matches_not",
    }
)
OPERATORS_READ: Mapping[str, Operator] = MappingProxyType({name: o for o, name in OPERATORS.items()})
WILDCARDS: Mapping[Operator, str] = MappingProxyType({O.WILDCARD: "matches", O.WILDCARD_NOT: "matches_not"})
"""Plausible rejects `matches_wildcard` from outside (2026-07, contract 0, row 4.3), so wildcards go as anchored
expressions."""

EARLY_DIRECT = "(Direct / None)"
"""How the documents of 2021 wrote today's `Direct / None` (fixtures/plausible/sample_v1_breakdown_2021.json)."""


def vendor_dimension(name: str) -> str:
    """Plausible's name of a canonical dimension, `prop:plan` -> `event:props:plan`. KeyError where it has none."""
    key = prop_key(name)
    return f"{PROPS}{key}" if key else DIMENSIONS[Dimension(name)]


def canonical_dimension(name: str) -> str | None:
    """The canonical name of a Plausible dimension, or None where we have no such word."""
    if name.startswith(PROPS) and len(name) > len(PROPS):
        return PROP_PREFIX + name.removeprefix(PROPS)
    found = DIMENSIONS_READ.get(name)
    return None if found is None else str(found)
