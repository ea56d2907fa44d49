"""What Plausible answers, per edition. Rules: shared wire contract of 2026-07, sections 4.1 to 4.5, 5 and 9.

Rules that depend on how filters are nested cannot be said here; `adapters.plausible.rules` refuses those.
"""

from types import MappingProxyType

from models.capability import (
    NATIVE,
    Capabilities,
    Conflict,
    Feature,
    Limits,
    Operation,
    cells,
    never,
    not_yet,
)
from models.query import MAX_DIMENSIONS
from models.vocabulary import OURS, TIME_DIMENSIONS, Dimension, Metric, Operator

D, M, O = Dimension, Metric, Operator  # noqa: E741 - the tables below read as tables

QUERY_DOCS = "https://plausible.io/docs/stats-api"
SITES_DOCS = "https://plausible.io/docs/sites-api"
V1_DOCS = "https://plausible.io/docs/stats-api-v1"

UTM = frozenset({D.UTM_SOURCE, D.UTM_MEDIUM, D.UTM_CAMPAIGN, D.UTM_CONTENT, D.UTM_TERM})
TIMES = frozenset(TIME_DIMENSIONS)
ENTRY_AND_EXIT = frozenset({D.ENTRY_PAGE, D.EXIT_PAGE, D.ENTRY_HOSTNAME, D.EXIT_HOSTNAME})
SESSION_METRICS = frozenset({M.BOUNCE_RATE, M.VISIT_DURATION, M.VIEWS_PER_VISIT})
EVENT_METRICS = frozenset({M.PAGEVIEWS, M.EVENTS, M.CONVERSIONS, M.SCROLL_DEPTH, M.TIME_ON_PAGE})
ASKED = tuple(d for d in Dimension if d not in OURS)

_NO_REVENUE = never("revenue exists only in Plausible's cloud, not in the Community Edition")
_UI_ONLY = "only in Plausible's own pages; it has no API for it"
_NO_SITES_API = never("the Community Edition has no Sites API", SITES_DOCS)
_PLUGINS = not_yet("the Community Edition offers this only through its Plugins API, with a token for each site")

_METRICS = {
    "visitors visits pageviews events views_per_visit bounce_rate visit_duration time_on_page": NATIVE,
    "conversions conversion_rate group_conversion_rate": NATIVE,
    "exit_rate": never(
        "Plausible counts exit rates only for its own dashboard; its API rejects the metric", QUERY_DOCS
    ),
}
"""What all editions say; so of dimensions, operations and features."""

_DIMENSIONS = {
    "page event goal prop entry_page exit_page": NATIVE,
    "source channel referrer utm_source utm_medium utm_campaign utm_content utm_term": NATIVE,
    "device browser os country region city": NATIVE,
    "time:hour time:day time:month": NATIVE,
    "title": never("Plausible does not keep page titles", QUERY_DOCS),
    "language": never("Plausible does not keep languages", QUERY_DOCS),
    "screen": never("Plausible's visit:screen holds the classes of device, not of the screen's width", QUERY_DOCS),
    "time:minute": never("Plausible's API has no buckets shorter than an hour", QUERY_DOCS),
}

_OPERATIONS = {
    "record_events realtime": NATIVE,
    "manage_shared_links": never(f"listing and revoking shared links is possible {_UI_ONLY}", SITES_DOCS),
    "backdate_events": never("Plausible counts an event when it arrives; events carry no time", QUERY_DOCS),
    "import_history": never(f"importing is possible {_UI_ONLY}"),
    "export_history": never(f"exporting is possible {_UI_ONLY}"),
    "settings": never(f"shields and exclusions are set {_UI_ONLY}"),
    "funnels": never(f"funnels are shown {_UI_ONLY}"),
    "visit_list": never("Plausible gives aggregates, never single visits", QUERY_DOCS),
    "value_lists": not_yet("a breakdown by the dimension lists its values", QUERY_DOCS),
    "event_tables": never("Plausible has no tables by the clock and adds up no property but revenue", QUERY_DOCS),
}

_FEATURES = {
    "any_zone": never("Plausible cuts days in the site's own time zone", QUERY_DOCS),
    "nested_goal": never("Plausible takes goal filters at the top level only", QUERY_DOCS),
}

# Stats v2

DIMENSIONS = cells(
    Dimension,
    {
        **_DIMENSIONS,
        "hostname entry_hostname exit_hostname browser_version os_version": NATIVE,
        "country_name region_name city_name time:week": NATIVE,
    },
)

OPERATORS = cells(Operator, {"is is_not contains contains_not matches matches_not wildcard wildcard_not": NATIVE})

FEATURES = cells(
    Feature,
    {**_FEATURES, "or not has_done case_insensitive part_of_day order_by total_rows": NATIVE},
)

CE_OPERATIONS = cells(
    Operation,
    {
        **_OPERATIONS,
        "list_sites create_site update_site delete_site guests teams": _NO_SITES_API,
        "list_goals create_goal delete_goal shared_links custom_props": _PLUGINS,
    },
)

_GOAL_OPERATORS = frozenset({O.IS, O.CONTAINS})
FILTERS = MappingProxyType({D.GOAL: _GOAL_OPERATORS})
FILTER_REASONS = MappingProxyType(
    {
        D.GOAL: "Plausible compares goals with is and contains only",
    }
)

_HOSTNAME_CONFLICT = Conflict(
    metrics=SESSION_METRICS,
    grouped=frozenset({D.HOSTNAME}),
    unless_grouped=frozenset({D.PAGE}),
    reason="Plausible groups bounce_rate, visit_duration and views_per_visit by hostname only together with page",
)
_SHARED_CONFLICTS = (
    Conflict(
        metrics=SESSION_METRICS,
        grouped=frozenset({D.EVENT, D.GOAL, D.PROP}),
        reason="Plausible does not group bounce_rate, visit_duration and views_per_visit by event, goal or property",
    ),
    Conflict(
        metrics=EVENT_METRICS,
        grouped=ENTRY_AND_EXIT,
        reason="Plausible does not group metrics of events by a visit's entry or exit page",
    ),
    Conflict(
        metrics=frozenset({M.VIEWS_PER_VISIT}),
        filtered=frozenset({D.PAGE}),
        reason="Plausible does not count views_per_visit under a page filter",
    ),
    Conflict(
        metrics=frozenset({M.VIEWS_PER_VISIT}),
        grouped=frozenset(ASKED) - TIMES,
        reason="Plausible groups views_per_visit by time only",
    ),
)

CONFLICTS = (*_SHARED_CONFLICTS, _HOSTNAME_CONFLICT)

PLAUSIBLE_CLOUD = Capabilities(
    backend="plausible",
    edition="cloud",
    title="Plausible Cloud",
    metrics=cells(Metric, {**_METRICS, "scroll_depth percentage total_revenue average_revenue": NATIVE}),
    dimensions=DIMENSIONS,
    operators=OPERATORS,
    operations=cells(
        Operation,
        {
            **_OPERATIONS,
            "list_sites create_site update_site delete_site guests teams": NATIVE,
            "list_goals create_goal delete_goal shared_links custom_props": NATIVE,
        },
    ),
    features=FEATURES,
    max_dimensions=MAX_DIMENSIONS,
    filters=FILTERS,
    filter_reasons=FILTER_REASONS,
    conflicts=CONFLICTS,
    limits=Limits(rows=10_000, requests_per_hour=600, burst=60),
)

PLAUSIBLE_CE = Capabilities(
    backend="plausible",
    edition="ce",
    title="Plausible Community Edition",
    metrics=cells(
        Metric, {**_METRICS, "scroll_depth percentage": NATIVE, "total_revenue average_revenue": _NO_REVENUE}
    ),
    dimensions=DIMENSIONS,
    operators=OPERATORS,
    operations=CE_OPERATIONS,
    features=FEATURES,
    max_dimensions=MAX_DIMENSIONS,
    filters=FILTERS,
    filter_reasons=FILTER_REASONS,
    conflicts=CONFLICTS,
    limits=Limits(rows=10_000, requests_per_hour=1_000_000),
)

# Servers from before stats v2: aggregate, timeseries and breakdown of the v1 API (contract section 5).

_V1_BLANKS = frozenset({D.COUNTRY, D.REGION, D.CITY, D.ENTRY_PAGE, D.EXIT_PAGE, *UTM})
_V1_FILTERS = never("Plausible's v1 filters compare whole values or wildcards", V1_DOCS)
_V1_GROUPS = frozenset(ASKED) - TIMES - {D.GOAL, D.PROP}


_V1_OPERATORS = frozenset({O.IS, O.IS_NOT, O.WILDCARD, O.WILDCARD_NOT})

PLAUSIBLE_CE_V1 = Capabilities(
    backend="plausible",
    edition="ce-v1",
    title="Plausible Community Edition before stats v2",
    metrics=cells(
        Metric,
        {
            **_METRICS,
            "scroll_depth percentage": never("Plausible's v1 API does not have this metric", V1_DOCS),
            "total_revenue average_revenue": _NO_REVENUE,
        },
    ),
    dimensions=cells(
        Dimension,
        {
            **_DIMENSIONS,
            "hostname": never("Plausible's v1 API does not group by hostname", V1_DOCS),
            "entry_hostname exit_hostname": never(
                "Plausible's v1 API does not know the hostnames of entry and exit pages", V1_DOCS
            ),
            "browser_version os_version": never(
                "Plausible's v1 API splits versions further, by browser or system", V1_DOCS
            ),
            "country_name region_name city_name": never(
                "Plausible's v1 API knows places by their codes, not by name", V1_DOCS
            ),
            "time:week": never("Plausible's v1 API has no weekly buckets", V1_DOCS),
        },
    ),
    operators=cells(
        Operator,
        {
            "is is_not wildcard wildcard_not": NATIVE,
            "contains contains_not matches matches_not": _V1_FILTERS,
        },
    ),
    operations=CE_OPERATIONS,
    features=cells(
        Feature,
        {
            **_FEATURES,
            "or not has_done": never("Plausible's v1 filters are joined by and only", V1_DOCS),
            "case_insensitive": never("Plausible's v1 filters are case-sensitive", V1_DOCS),
            "part_of_day": never("Plausible's v1 API takes whole days only", V1_DOCS),
            "order_by": never("Plausible's v1 API orders by the first metric, or by time", V1_DOCS),
            "total_rows": never("Plausible's v1 API does not count rows", V1_DOCS),
        },
    ),
    max_dimensions=1,
    filters={
        D.GOAL: frozenset({O.IS}),
        D.HOSTNAME: _V1_OPERATORS,
        D.BROWSER_VERSION: _V1_OPERATORS,
        D.OS_VERSION: _V1_OPERATORS,
    },
    filter_reasons={
        D.GOAL: "Plausible's v1 API compares goals with is only",
        **dict.fromkeys((D.HOSTNAME, D.BROWSER_VERSION, D.OS_VERSION), _V1_FILTERS.reason),
    },
    conflicts=(
        *_SHARED_CONFLICTS,
        Conflict(
            metrics=SESSION_METRICS,
            filtered=frozenset({D.EVENT, D.GOAL, D.PROP}),
            reason="Plausible's v1 API does not filter bounce_rate, visit_duration and views_per_visit by event data",
        ),
        Conflict(
            metrics=frozenset({M.CONVERSION_RATE}),
            grouped=_V1_GROUPS | TIMES,
            reason="Plausible's v1 API gives group_conversion_rate for groups, not conversion_rate",
        ),
        Conflict(
            metrics=frozenset({M.GROUP_CONVERSION_RATE}),
            grouped=frozenset({D.GOAL, D.PROP}),
            reason="Plausible's v1 API gives conversion_rate for goals and properties, not group_conversion_rate",
        ),
        Conflict(
            metrics=frozenset({M.PAGEVIEWS, M.EVENTS, M.CONVERSIONS}),
            grouped=_V1_GROUPS - {D.PAGE, D.EVENT},
            approximate="definition_differs",
            reason="Plausible's v1 API may count page views and events of whole visits that reach into the range",
        ),
        Conflict(
            grouped=_V1_BLANKS,
            approximate="definition_differs",
            reason="Plausible's v1 API leaves out the row of visits without a value",
        ),
    ),
    limits=Limits(rows=1000, requests_per_hour=1_000_000),
)
