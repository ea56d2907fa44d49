"""What Pirsch can answer, as data. Verdicts and reasons follow the translation table of the wire contract, section 10.

Limits that depend on the whole query (which metrics beside which filter) are said by `foresee`, call by call.
"""

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
from models.vocabulary import Dimension, Metric, Operator

DOCS = "https://docs.pirsch.io/api-sdks/api-v1"
FAN_OUT_CALLS = 100
"""Statistics have no documented rate limit; this is our own cap of one question."""
WALK_CALLS = 200
"""20,000 sessions, 100 a call."""

D = Dimension
_POSITIVE = frozenset({Operator.IS, Operator.CONTAINS})
_NO_EVENT_NEGATION = frozenset({Operator.IS, Operator.CONTAINS, Operator.MATCHES, Operator.WILDCARD})
_EXACT_ONLY = frozenset({Operator.IS, Operator.IS_NOT})
VIEWED = "page: those who viewed it; an event on a page that was not viewed does not count"
_OF_VIEWS = (Metric.PAGEVIEWS, Metric.EXIT_RATE, Metric.CONVERSIONS)
_OF_OTHERS = frozenset(m for m in Metric if m not in _OF_VIEWS)
_MIDNIGHT = "a visit over midnight counts, with all its views, on the day of its last activity only"
_VERSIONS = "Pirsch documents no filter on versions"


def _differs(reason: str) -> Support:
    return approximate("definition_differs", reason, DOCS)


PIRSCH = Capabilities(
    backend="pirsch",
    title="Pirsch",
    metrics=cells(
        Metric,
        {
            "visitors visits pageviews events views_per_visit exit_rate": NATIVE,
            "conversions conversion_rate group_conversion_rate percentage total_revenue average_revenue": NATIVE,
            "bounce_rate": _differs("a visit stays a bounce while it reloads the same page; Plausible ends it there"),
            "time_on_page": _differs("time until the visitor's next hit, the last page of a visit left out"),
            "visit_duration": Support(
                reason="read from up to 1,000 visits; beyond that estimated from daily averages, and said so"
            ),
            "scroll_depth": never("Pirsch does not measure scrolling", DOCS),
        },
    ),
    dimensions=cells(
        Dimension,
        {
            "page entry_page exit_page event goal": NATIVE,
            "referrer utm_source utm_medium utm_campaign utm_content utm_term country language": NATIVE,
            "prop": approximate(
                "summed_visitors", "without a filter on one event, visitors of several events are summed", DOCS
            ),
            "hostname": _differs("the last hostname of the visit, not that of each page view"),
            "title": never(
                "Pirsch groups by path and title together, so visitors of one title cannot be counted", DOCS
            ),
            "entry_hostname": never("Pirsch keeps only the last hostname of a visit", DOCS),
            "exit_hostname": NATIVE,
            "source": _differs("Pirsch's own table of sources; utm_source left out"),
            "channel": _differs("Pirsch's rules of channels, with one more for AI"),
            "device": _differs("desktop, mobile or unknown: tablets count as mobile"),
            "screen": _differs("Pirsch's classes of screen width"),
            "browser": _differs("Pirsch's names of browsers"),
            "os": _differs("Pirsch's names of operating systems"),
            "browser_version": _differs("Pirsch's names of browsers and their versions"),
            "os_version": _differs("Pirsch's names of operating systems and their versions"),
            "region": never("Pirsch knows regions by name, not by code; use region_name", DOCS),
            "city": never("Pirsch knows cities by name, not by GeoNames id; use city_name", DOCS),
            "country_name": never("Pirsch knows countries by code; use country", DOCS),
            "region_name city_name": _differs("names as Pirsch's own source of places spells them"),
            "time:day time:week time:month": approximate("midnight_visits", _MIDNIGHT, DOCS),
            "time:hour": _differs("a visit counts in the hour of its last activity only"),
            "time:minute": _differs("a visit counts in the minute of its last activity only"),
        },
    ),
    operators=cells(
        Operator,
        {"is is_not contains contains_not matches matches_not wildcard wildcard_not": NATIVE},
    ),
    operations=cells(
        Operation,
        {
            "list_sites create_site update_site delete_site list_goals create_goal delete_goal": NATIVE,
            "shared_links manage_shared_links guests teams settings": NATIVE,
            "record_events backdate_events import_history export_history": NATIVE,
            "custom_props": never("tags and event metadata are free-form at Pirsch; there is no list to manage", DOCS),
            "realtime": _differs("visitors of the last 300 seconds, as Pirsch counts"),
            "funnels": not_yet("funnels are defined at Pirsch first; see the vendor calls", DOCS),
            "visit_list": not_yet("single visits are read through the vendor calls", DOCS),
            "value_lists": not_yet("lists of values are read through the vendor calls", DOCS),
            "event_tables": not_yet("tables by the clock are read through the vendor calls", DOCS),
        },
    ),
    features=cells(
        Feature,
        {
            "or not has_done case_insensitive any_zone order_by total_rows": NATIVE,
            "part_of_day": never("Pirsch counts whole days; only single minutes of one day can be cut out", DOCS),
            "nested_goal": never("goals can only be filtered at the top level", DOCS),
        },
    ),
    max_dimensions=8,
    conflicts=(
        Conflict(reason=VIEWED, metrics=_OF_OTHERS, grouped=frozenset({D.PAGE}), approximate="definition_differs"),
        Conflict(reason=VIEWED, metrics=_OF_OTHERS, filtered=frozenset({D.PAGE}), approximate="definition_differs"),
    ),
    filters={
        D.GOAL: _POSITIVE,
        D.EVENT: _NO_EVENT_NEGATION,
        D.PROP: _EXACT_ONLY,
        D.REFERRER: frozenset({Operator.IS, Operator.IS_NOT, Operator.CONTAINS, Operator.CONTAINS_NOT}),
        D.DEVICE: _EXACT_ONLY,
        D.BROWSER_VERSION: frozenset(),
        D.OS_VERSION: frozenset(),
    },
    filter_reasons={
        D.GOAL: "goals can only be filtered with is and contains",
        D.EVENT: "Pirsch would keep every visit that also had another event; use has_not_done",
        D.PROP: "Pirsch takes one exact value of a property",
        D.REFERRER: "Pirsch does not list referrers across sources, so they cannot be matched here",
        D.DEVICE: "Pirsch filters on one exact kind of device",
        D.BROWSER_VERSION: _VERSIONS,
        D.OS_VERSION: _VERSIONS,
    },
    limits=Limits(fan_out_calls=FAN_OUT_CALLS, filter_values=100),
)
