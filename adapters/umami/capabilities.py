"""What Umami answers (wire contract sections 2 to 5): exact, approximate with a code, or refused with a reason."""

from collections.abc import Mapping

from adapters.umami.vocabulary import FILTERS, NAMES
from models.capability import (
    NATIVE,
    Capabilities,
    Conflict,
    Feature,
    Limits,
    Operation,
    Support,
    approximate,
    cells,
    never,
    not_yet,
)
from models.vocabulary import OURS, TIME_DIMENSIONS, Dimension, Metric, Operator

VISITORS_CODE = "umami.visitors_with_views"
VISITS_CODE = "umami.visits"
BLANKS_CODE = "umami.blanks_dropped"
GOAL_CODE = "umami.goal_visitors"
EVENT_SCOPE_CODE = "umami.event_scope"
REALTIME_CODE = "umami.realtime"

_visits = approximate(VISITS_CODE, "visits are made of page views alone and cut by Umami's own rule")
_blanks = approximate(BLANKS_CODE, "visitors without a value are missing from the breakdown")
_events = approximate(
    EVENT_SCOPE_CODE, "read from single page views, not from the visit; those without one are missing"
)
_viewed = approximate("umami.viewless_dropped", "pages and hosts without a page view are missing")

METRICS: Mapping[Metric, Support] = cells(
    Metric,
    {
        "pageviews events conversions": NATIVE,
        "visitors": approximate(VISITORS_CODE, "visitors with at least one page view, known longer than a day"),
        "visits views_per_visit": _visits,
        "bounce_rate": approximate(VISITS_CODE, "visits with one page view, whatever else was done"),
        "visit_duration": approximate(VISITS_CODE, "time between the first and the last page view of a visit"),
        "conversion_rate": approximate(GOAL_CODE, "of the visitors with a page view"),
        "percentage": approximate(VISITORS_CODE, "of the visitors with a page view"),
        "group_conversion_rate": never("goals cannot be broken down by another dimension"),
        "time_on_page": never("Umami does not measure engagement"),
        "scroll_depth": never("Umami does not report scrolling"),
        "exit_rate": never("Umami does not relate exits to page views"),
        "total_revenue average_revenue": not_yet(
            "Umami reports revenue by event in a report of its own; see the vendor call `revenue`"
        ),
    },
)

DIMENSIONS: Mapping[Dimension, Support] = cells(
    Dimension,
    {
        "event goal time:minute time:hour time:day time:week time:month": NATIVE,
        "page hostname": _viewed,
        "utm_source utm_medium utm_campaign utm_content utm_term": _events,
        "title device browser os country region city_name language": _blanks,
        "entry_page exit_page": _visits,
        "entry_hostname": never("hosts of entry pages are not reported"),
        "exit_hostname": never("hosts of exit pages are not reported"),
        "prop": not_yet("event data has endpoints of its own; see the vendor call `event_data_values`"),
        "source": approximate(
            "umami.referrer_domain", "the referring domain stands for the source, and none is missing"
        ),
        "referrer": approximate("umami.referrer_domain", "only the domain of the referrer is reported"),
        "channel": approximate("umami.channels", "channels by Umami's own rules"),
        "screen": never("raw screen sizes are reported, not classes"),
        "browser_version": never("browser versions are not kept"),
        "os_version": never("versions of operating systems are not kept"),
        "country_name": never("countries are ISO codes, not names; ask for country"),
        "region_name": never("regions are ISO codes, not names; ask for region"),
        "city": approximate("umami.place_names", "cities are names, not GeoNames ids"),
    },
)

OPERATORS: Mapping[Operator, Support] = cells(
    Operator, {"is is_not contains contains_not matches matches_not wildcard wildcard_not": NATIVE}
)

FEATURES: Mapping[Feature, Support] = cells(
    Feature,
    {
        "or case_insensitive any_zone part_of_day order_by total_rows": NATIVE,
        "not": never("a group of filters cannot be negated"),
        "has_done": never("there are no filters on what else a visitor did"),
        "nested_goal": never("a goal can only stand alone"),
    },
)

_OPERATIONS: Mapping[str, Support] = {
    "list_sites create_site update_site delete_site list_goals create_goal delete_goal": NATIVE,
    "shared_links manage_shared_links teams": NATIVE,
    "guests": never("Umami shares websites with teams, not with single guests"),
    "custom_props": never("Umami keeps no list of properties to allow"),
    "realtime": approximate(REALTIME_CODE, "everyone with any event in the last five minutes"),
    "backdate_events": not_yet("the documented tracker call carries no time"),
    "import_history": never("Umami takes no history (umami issue 2653)"),
    "export_history": never("Umami exports aggregates only; see the vendor call `export`"),
    "settings": never("Umami has no rules of collection for one site"),
    "funnels visit_list value_lists event_tables": not_yet("an operation that is not mapped here"),
}
"""What both editions say; they differ in where events are sent."""

TIMES = frozenset(TIME_DIMENSIONS)
GOAL_ONLY = frozenset({Metric.CONVERSIONS, Metric.CONVERSION_RATE})
OF_GOALS = GOAL_ONLY | {Metric.VISITORS, Metric.EVENTS}
_ALL = frozenset(d for d in Dimension if d not in OURS)
_GOAL = frozenset({Dimension.GOAL})
_LANDINGS = frozenset({Dimension.ENTRY_PAGE, Dimension.EXIT_PAGE})
_OF_VISITORS = frozenset(NAMES) | {Dimension.COUNTRY, Dimension.REGION, Dimension.CITY_NAME}
_NEGATIONS = frozenset({Operator.IS_NOT, Operator.CONTAINS_NOT, Operator.MATCHES_NOT, Operator.WILDCARD_NOT})
_ALWAYS_SET = frozenset({Dimension.PAGE, Dimension.HOSTNAME})
_BROKEN_DOWN = _ALL - TIMES - _GOAL - {Dimension.EVENT}

CONFLICTS: tuple[Conflict, ...] = (
    Conflict(
        reason="goals are counted as a whole or one by one, not by another dimension",
        metrics=GOAL_ONLY,
        grouped=_ALL - _GOAL,
    ),
    Conflict(
        reason="a goal filter cannot be combined with another dimension",
        filtered=_GOAL,
        grouped=_ALL - _GOAL,
    ),
    Conflict(
        reason="goals have conversions, events, visitors and a rate only",
        metrics=frozenset(Metric) - OF_GOALS,
        grouped=_GOAL,
    ),
    Conflict(
        reason="a goal filter allows conversions, events, visitors and a rate only",
        metrics=frozenset(Metric) - OF_GOALS,
        filtered=_GOAL,
    ),
    Conflict(
        reason="breakdowns count page views and what is made of them, not other events",
        metrics=frozenset({Metric.EVENTS}),
        grouped=_BROKEN_DOWN,
    ),
    Conflict(
        reason="event names have events and visitors only",
        metrics=frozenset(Metric) - {Metric.EVENTS, Metric.VISITORS},
        grouped=frozenset({Dimension.EVENT}),
    ),
    Conflict(
        reason="entry and exit pages have visits and visitors only",
        metrics=frozenset(Metric) - {Metric.VISITS, Metric.VISITORS},
        grouped=_LANDINGS,
    ),
    Conflict(
        reason="percentage has no meaning over time",
        metrics=frozenset({Metric.PERCENTAGE}),
        grouped=TIMES,
    ),
    Conflict(
        reason="a negation leaves out whoever has no value at all",
        filtered=frozenset(FILTERS) - _ALWAYS_SET,
        operators=_NEGATIONS,
        approximate=BLANKS_CODE,
    ),
    Conflict(
        reason="filters look at single page views, not at the visit",
        filtered=frozenset(FILTERS) - _ALWAYS_SET - _OF_VISITORS,
        approximate=EVENT_SCOPE_CODE,
    ),
)  # fmt: skip

_PLAIN = frozenset({Operator.IS, Operator.IS_NOT})
RESTRICTED: Mapping[Dimension, frozenset[Operator]] = (
    {d: frozenset[Operator]() for d in Dimension if d not in OURS and d not in FILTERS}
    | dict.fromkeys(NAMES, _PLAIN)
    | {Dimension.GOAL: frozenset({Operator.IS})}
)
REASONS: Mapping[Dimension, str] = (
    dict.fromkeys(RESTRICTED, "Umami has no filter on this dimension")
    | dict.fromkeys(NAMES, "Umami has words of its own here, so only whole names can be compared")
    | {Dimension.GOAL: "a goal is chosen by its name"}
)


def _edition(edition: str, title: str, record_events: Support, limits: Limits) -> Capabilities:
    return Capabilities(
        backend="umami",
        edition=edition,
        title=title,
        metrics=METRICS,
        dimensions=DIMENSIONS,
        operators=OPERATORS,
        operations=cells(Operation, {**_OPERATIONS, "record_events": record_events}),
        features=FEATURES,
        max_dimensions=1,
        filters=RESTRICTED,
        filter_reasons=REASONS,
        conflicts=CONFLICTS,
        limits=limits,
    )


UMAMI = _edition("self-hosted", "Umami", NATIVE, Limits())
UMAMI_CLOUD = _edition(
    "cloud",
    "Umami Cloud",
    not_yet("the cloud collects at another address than that of its API"),
    Limits(requests_per_hour=12_000, burst=50),  # 50 calls in 15 seconds
)
EDITIONS: Mapping[str, Capabilities] = {"self-hosted": UMAMI, "cloud": UMAMI_CLOUD}
