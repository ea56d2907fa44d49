"""What Sparklytics answers (wire contract section 6): exact, approximate with a code, or refused with a reason."""

from collections.abc import Mapping

from adapters.sparklytics.vocabulary import BREAKDOWNS, FILTERS
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

DOCS = "https://mintlify.com/Sparklytics/sparklytics"
SESSION_CODE = "sparklytics.sessions"
BLANKS_CODE = "sparklytics.blanks_dropped"
UTC_CODE = "sparklytics.utc_days"
GOAL_CODE = "sparklytics.goal_sessions"
PAGE_CODE = "sparklytics.page_addresses"
LIKE_CODE = "sparklytics.page_like"
NAMES_CODE = "sparklytics.view_visitors_unknown"
MIDNIGHT_CODE = "sparklytics.visitors_by_event"
TRUNCATED_CODE = "truncated_values"

_sessions = approximate(
    SESSION_CODE, "a session ends after exactly 30 minutes and its bounce and length cover its whole life"
)
_blanks = approximate(BLANKS_CODE, "events without a value are missing from the breakdown")
_event_scoped = approximate(BLANKS_CODE, "read from single events, not from the visit; events without one are missing")

METRICS: Mapping[Metric, Support] = cells(
    Metric,
    {
        "visitors pageviews events conversions": NATIVE,
        "visits views_per_visit visit_duration": _sessions,
        "bounce_rate": approximate(SESSION_CODE, "a session of one event counts as a bounce, whatever the event"),
        "percentage": approximate("sparklytics.derived", "derived from the visitors of the rows and of the whole"),
        "conversion_rate": approximate(GOAL_CODE, "converting sessions of all sessions, not visitors"),
        "total_revenue average_revenue": approximate(
            "sparklytics.revenue_report", "from the revenue report of the goal"
        ),
        "time_on_page": never("Sparklytics does not measure engagement"),
        "scroll_depth": never("Sparklytics does not measure scrolling"),
        "exit_rate": never("Sparklytics does not report exits by page"),
        "group_conversion_rate": never("goals cannot be broken down by another dimension"),
    },
)

DIMENSIONS: Mapping[Dimension, Support] = cells(
    Dimension,
    {
        "page event goal time:hour time:day time:week time:month": NATIVE,
        "hostname": never("a host can be filtered on, but not broken down by"),
        "title": never("page titles are not kept"),
        "entry_page exit_page": not_yet(
            "only by walking through all sessions, 200 at a time; see the vendor call `sessions`"
        ),
        "entry_hostname": never("hosts of entry pages are not reported"),
        "exit_hostname": never("hosts of exit pages are not reported"),
        "prop": never(
            "properties are counted within one event name and from a sample; see the vendor call `event_properties`"
        ),
        "source": approximate("sparklytics.referrer_domain", "the referring domain stands for the source"),
        "referrer": approximate("sparklytics.referrer_domain", "only the domain of the referrer is reported"),
        "channel": never("channels are not reported"),
        "utm_source utm_medium utm_campaign": _event_scoped,
        "utm_content": never("utm_content is stored but not reported"),
        "utm_term": never("utm_term is stored but not reported"),
        "device browser os country region_name city_name": _blanks,
        "screen": never("raw screen sizes are reported, not classes"),
        "browser_version": never("browser versions are not reported"),
        "os_version": never("versions of operating systems are not reported"),
        "country_name": never("countries are ISO codes, not names; ask for country"),
        "region": approximate("sparklytics.place_names", "regions are English names, not ISO codes"),
        "city": approximate("sparklytics.place_names", "cities are English names, not GeoNames ids"),
        "language": approximate("sparklytics.language_tags", "languages are tags as the browser sent them"),
        "time:minute": never("the finest bucket is an hour"),
    },
)

OPERATORS: Mapping[Operator, Support] = cells(
    Operator,
    {
        "is contains": NATIVE,
        "is_not contains_not matches matches_not wildcard wildcard_not": never(
            "Sparklytics filters by equality only; no negation, patterns or alternatives"
        ),
    },
)

_MANAGED = "one public link for each site, without name, password or expiry"
_UNMAPPED = not_yet("an operation that is not mapped here")
OPERATIONS: Mapping[Operation, Support] = cells(
    Operation,
    {
        "list_sites create_site update_site delete_site list_goals create_goal delete_goal": NATIVE,
        "record_events export_history": NATIVE,
        "shared_links manage_shared_links": approximate("sparklytics.one_link", _MANAGED),
        "guests": never("Sparklytics has no guests"),
        "teams": never("Sparklytics has no teams"),
        "custom_props": never("Sparklytics keeps no list of properties"),
        "realtime": approximate("sparklytics.realtime_30_minutes", "visitors of the last 30 minutes, not 5"),
        "backdate_events": never("an event carries no time of its own"),
        "import_history": never("Sparklytics takes no history"),
        "settings": never("Sparklytics has no rules of collection for one site that the API could set in this form"),
        "funnels visit_list value_lists event_tables": _UNMAPPED,
    },
)

FEATURES: Mapping[Feature, Support] = cells(
    Feature,
    {
        "any_zone order_by total_rows": NATIVE,
        "or": never("filters on different dimensions are always joined by and"),
        "not": never("no filter can be negated"),
        "has_done": never("there are no filters on what else a visitor did"),
        "case_insensitive": never("filters are case-sensitive"),
        "part_of_day": never("reports take whole days"),
        "nested_goal": never("a goal can only stand alone"),
    },
)

BREAKDOWN_DIMENSIONS = frozenset(BREAKDOWNS)
TIMES = frozenset(TIME_DIMENSIONS)
GOAL_ONLY = frozenset({Metric.CONVERSIONS, Metric.CONVERSION_RATE, Metric.TOTAL_REVENUE, Metric.AVERAGE_REVENUE})
OF_GOALS = GOAL_ONLY | {Metric.VISITORS, Metric.EVENTS}
_SESSION_METRICS = frozenset({Metric.VISITS, Metric.VIEWS_PER_VISIT, Metric.BOUNCE_RATE, Metric.VISIT_DURATION})

CONFLICTS: tuple[Conflict, ...] = (
    Conflict(
        reason="goals are counted as a whole or one by one, not by another dimension",
        metrics=GOAL_ONLY,
        grouped=(BREAKDOWN_DIMENSIONS | TIMES | {Dimension.EVENT}),
    ),
    Conflict(
        reason="a goal filter cannot be combined with another dimension",
        filtered=frozenset({Dimension.GOAL}),
        grouped=(BREAKDOWN_DIMENSIONS | TIMES | {Dimension.EVENT}),
    ),
    Conflict(
        reason="goals have conversions, visitors and revenue only",
        metrics=frozenset(Metric) - OF_GOALS,
        grouped=frozenset({Dimension.GOAL}),
    ),
    Conflict(
        reason="a goal filter allows conversions, visitors and revenue only",
        metrics=frozenset(Metric) - OF_GOALS,
        filtered=frozenset({Dimension.GOAL}),
    ),
    Conflict(
        reason="visitors of a goal are its converting sessions",
        metrics=frozenset({Metric.VISITORS}),
        grouped=frozenset({Dimension.GOAL}),
        approximate=GOAL_CODE,
    ),
    Conflict(
        reason="visitors of a goal are its converting sessions",
        metrics=frozenset({Metric.VISITORS}),
        filtered=frozenset({Dimension.GOAL}),
        approximate=GOAL_CODE,
    ),
    Conflict(
        reason="page goals compare path and query string",
        grouped=frozenset({Dimension.GOAL}),
        approximate="sparklytics.goal_addresses",
    ),
    Conflict(
        reason="page goals compare path and query string",
        filtered=frozenset({Dimension.GOAL}),
        approximate="sparklytics.goal_addresses",
    ),
    Conflict(
        reason="breakdowns count visitors, page views, bounces and duration only",
        metrics=frozenset({Metric.VISITS, Metric.VIEWS_PER_VISIT, Metric.EVENTS}),
        grouped=BREAKDOWN_DIMENSIONS,
    ),
    Conflict(
        reason="event names have events and visitors only",
        metrics=frozenset(Metric) - {Metric.EVENTS, Metric.VISITORS},
        grouped=frozenset({Dimension.EVENT}),
    ),
    Conflict(
        reason="visitors of the row `pageview` are not reported and null",
        metrics=frozenset({Metric.VISITORS}),
        grouped=frozenset({Dimension.EVENT}),
        approximate=NAMES_CODE,
    ),
    Conflict(
        reason="addresses of one path are added up, so a visitor of two of them counts twice",
        metrics=frozenset({Metric.VISITORS, Metric.BOUNCE_RATE, Metric.VISIT_DURATION}),
        grouped=frozenset({Dimension.PAGE}),
        approximate=PAGE_CODE,
    ),
    Conflict(
        reason="hours have visitors, events and page views only",
        metrics=_SESSION_METRICS,
        grouped=frozenset({Dimension.TIME_HOUR}),
    ),
    Conflict(
        reason="percentage has no meaning over time",
        metrics=frozenset({Metric.PERCENTAGE}),
        grouped=TIMES,
    ),
    Conflict(
        reason="the page filter looks anywhere in the whole address, host and query included",
        filtered=frozenset({Dimension.PAGE}),
        approximate=LIKE_CODE,
    ),
)  # fmt: skip

_IS, _CONTAINS = frozenset({Operator.IS}), frozenset({Operator.CONTAINS})
_ONLY_IS = "this dimension is filtered by equality with one value"
RESTRICTED: Mapping[Dimension, frozenset[Operator]] = (
    {d: frozenset[Operator]() for d in Dimension if d not in OURS and d not in FILTERS}
    | dict.fromkeys(FILTERS, _IS)
    | {Dimension.PAGE: _CONTAINS, Dimension.GOAL: _IS}
)
REASONS: Mapping[Dimension, str] = (
    dict.fromkeys(RESTRICTED, "Sparklytics has no filter on this dimension")
    | dict.fromkeys(FILTERS, _ONLY_IS)
    | {
        Dimension.PAGE: "the page filter finds every address that contains the text; ask `contains`",
        Dimension.GOAL: "a goal is chosen by its name, one at a time",
    }
)

SPARKLYTICS = Capabilities(
    backend="sparklytics",
    title="Sparklytics",
    metrics=METRICS,
    dimensions=DIMENSIONS,
    operators=OPERATORS,
    operations=OPERATIONS,
    features=FEATURES,
    max_dimensions=1,
    filters=RESTRICTED,
    filter_reasons=REASONS,
    conflicts=CONFLICTS,
    limits=Limits(filter_values=1, burst=60),
)
