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
from models.vocabulary import OURS, Dimension, Metric, Operator

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

PIRSCH = Capabilities(
    backend="pirsch",
    title="Pirsch",
    metrics=cells(
        NATIVE,
        Metric,
        bounce_rate=approximate(
            "definition_differs", "a visit stays a bounce while it reloads the same page; Plausible ends it there", DOCS
        ),
        time_on_page=approximate(
            "definition_differs", "time until the visitor's next hit, the last page of a visit left out", DOCS
        ),
        visit_duration=Support(
            reason="read from up to 1,000 visits; beyond that estimated from daily averages, and said so"
        ),
        scroll_depth=never("Pirsch does not measure scrolling", DOCS),
    ),
    dimensions=cells(
        NATIVE,
        [d for d in Dimension if d not in OURS],
        prop=approximate(
            "summed_visitors", "without a filter on one event, visitors of several events are summed", DOCS
        ),
        hostname=approximate("definition_differs", "the last hostname of the visit, not that of each page view", DOCS),
        title=never("Pirsch groups by path and title together, so visitors of one title cannot be counted", DOCS),
        entry_hostname=never("Pirsch keeps only the last hostname of a visit", DOCS),
        source=approximate("definition_differs", "Pirsch's own table of sources; utm_source left out", DOCS),
        channel=approximate("definition_differs", "Pirsch's rules of channels, with one more for AI", DOCS),
        device=approximate("definition_differs", "desktop, mobile or unknown: tablets count as mobile", DOCS),
        screen=approximate("definition_differs", "Pirsch's classes of screen width", DOCS),
        browser=approximate("definition_differs", "Pirsch's names of browsers", DOCS),
        os=approximate("definition_differs", "Pirsch's names of operating systems", DOCS),
        browser_version=approximate("definition_differs", "Pirsch's names of browsers and their versions", DOCS),
        os_version=approximate("definition_differs", "Pirsch's names of operating systems and their versions", DOCS),
        region=never("Pirsch knows regions by name, not by code; use region_name", DOCS),
        city=never("Pirsch knows cities by name, not by GeoNames id; use city_name", DOCS),
        country_name=never("Pirsch knows countries by code; use country", DOCS),
        region_name=approximate("definition_differs", "names as Pirsch's own source of places spells them", DOCS),
        city_name=approximate("definition_differs", "names as Pirsch's own source of places spells them", DOCS),
        **dict.fromkeys(("time_day", "time_week", "time_month"), approximate("midnight_visits", _MIDNIGHT, DOCS)),
        time_hour=approximate("definition_differs", "a visit counts in the hour of its last activity only", DOCS),
        time_minute=approximate("definition_differs", "a visit counts in the minute of its last activity only", DOCS),
    ),
    operators=cells(NATIVE, Operator),
    operations=cells(
        NATIVE,
        Operation,
        custom_props=never("tags and event metadata are free-form at Pirsch; there is no list to manage", DOCS),
        realtime=approximate("definition_differs", "visitors of the last 300 seconds, as Pirsch counts", DOCS),
        funnels=not_yet("funnels are defined at Pirsch first; see the vendor calls", DOCS),
        visit_list=not_yet("single visits are read through the vendor calls", DOCS),
        value_lists=not_yet("lists of values are read through the vendor calls", DOCS),
        event_tables=not_yet("tables by the clock are read through the vendor calls", DOCS),
    ),
    features=cells(
        NATIVE,
        Feature,
        part_of_day=never("Pirsch counts whole days; only single minutes of one day can be cut out", DOCS),
        nested_goal=never("goals can only be filtered at the top level", DOCS),
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
