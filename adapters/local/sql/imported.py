"""Imported daily aggregates: which table can answer a query, and its rows in the parts of metrics.

One table must answer all dimensions, filters and goals (contracts: Plausible 8); only the goal dimension by itself is
served by two, pages and custom events.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from adapters.local.sql.bindings import Bindings
from adapters.local.sql.comparisons import compare
from adapters.local.sql.dimensions import COLUMNS, is_time, known
from adapters.local.sql.filters import behaves, goal_condition, top_level, tree
from adapters.local.sql.goals import is_filtered_by_goal, on_page, outside_behaviour, passing
from adapters.local.sql.metrics import PARTS
from adapters.local.store.imported import ImportedRange
from adapters.local.store.schema import IMPORTED
from models.filters import Comparison, Filter, HasDone
from models.goal import Goal, GoalKind
from models.period import Period
from models.query import ResolvedQuery
from models.result import ImportsSkipped
from models.vocabulary import PROP_PREFIX, Dimension, Interval, Operator, interval_of

D = Dimension

TABLES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(map(str, (D.SOURCE, D.CHANNEL, D.REFERRER)), "imported_sources"),
        **dict.fromkeys(map(str, (D.UTM_SOURCE, D.UTM_MEDIUM, D.UTM_CAMPAIGN)), "imported_sources"),
        **dict.fromkeys(map(str, (D.UTM_CONTENT, D.UTM_TERM)), "imported_sources"),
        **dict.fromkeys(map(str, (D.COUNTRY, D.REGION, D.CITY)), "imported_locations"),
        **dict.fromkeys(map(str, (D.COUNTRY_NAME, D.REGION_NAME, D.CITY_NAME)), "imported_locations"),
        **dict.fromkeys(map(str, (D.BROWSER, D.BROWSER_VERSION)), "imported_browsers"),
        **dict.fromkeys(map(str, (D.OS, D.OS_VERSION)), "imported_operating_systems"),
        **dict.fromkeys(map(str, (D.PAGE, D.HOSTNAME)), "imported_pages"),
        **dict.fromkeys(map(str, (D.EVENT, "prop:url", "prop:path")), "imported_custom_events"),
        str(D.DEVICE): "imported_devices",
        str(D.ENTRY_PAGE): "imported_entry_pages",
        str(D.EXIT_PAGE): "imported_exit_pages",
    }
)
"""The one table that can group or filter by a dimension; a dimension that is absent has none."""

COLUMN_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "prop:url": "link_url",
        "prop:path": "path",
        str(D.PAGE): "page",
        str(D.OS): "operating_system",
        str(D.OS_VERSION): "operating_system_version",
    }
)

SYSTEM_EVENTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "prop:url": frozenset({"Outbound Link: Click", "Cloaked Link: Click", "File Download"}),
        "prop:path": frozenset({"404", "WP Form Completions", "WP Search Queries", "Form: Submission"}),
    }
)
"""Properties that imported events keep, and the events that always carry them."""

GOAL_TABLES: Mapping[GoalKind, str] = MappingProxyType(
    {GoalKind.EVENT: "imported_custom_events", GoalKind.PAGE: "imported_pages"}
)

BLANKS_STAY = frozenset(
    map(str, (D.SOURCE, D.REFERRER, D.CHANNEL, D.DEVICE, D.BROWSER, D.BROWSER_VERSION, D.OS, D.OS_VERSION))
)
"""Grouped by these, rows without a value are shown under the label of blanks; by others they are left out."""

UNKNOWN_COUNTRY = "ZZ"
"""What imports write where they know no country; grouped by country, it is no row."""

_VISITS = {"imported_entry_pages": "entrances", "imported_exit_pages": "exits"}


def skipped(query: ResolvedQuery, imports: Sequence[ImportedRange], goals: Sequence[Goal]) -> ImportsSkipped | None:
    """Why imported history stays out of an answer; None where it takes part."""
    if not imports:
        return ImportsSkipped.NO_IMPORTED_DATA
    if not any(each.overlaps(query.period.first_date, query.period.last_date) for each in imports):
        return ImportsSkipped.OUT_OF_RANGE
    if any(interval_of(name) in (Interval.HOUR, Interval.MINUTE) for name in query.dimensions):
        return ImportsSkipped.UNSUPPORTED_INTERVAL
    served = serving(query.filters, query.dimensions, passing(query.filters, goals))
    return None if served else ImportsSkipped.UNSUPPORTED_QUERY


def serving(filters: Sequence[Filter], dimensions: Iterable[str], goals: Sequence[Goal]) -> frozenset[str]:
    """The imported tables that answer; none where no single one can. `goals` are those the filters let through."""
    if behaves(filters):
        return frozenset()
    grouped = [name for name in dimensions if not is_time(name)]
    used = {c.dimension for f in filters for c in outside_behaviour(f)} | set(grouped)
    if not used:
        return frozenset({"imported_visitors"})
    if used == {D.GOAL} and not is_filtered_by_goal(filters):
        return frozenset(GOAL_TABLES.values())
    props = [name for name in used if name.startswith(PROP_PREFIX)]
    if not all(_is_kept(name, filters, goals) for name in props):
        return frozenset()
    found = {TABLES.get(name) for name in used if name != D.GOAL}
    if D.GOAL in used:
        if any(goal.custom_props for goal in goals):
            return frozenset()
        if not props:  # these are kept for a filter on events that complete no page goal
            found |= {GOAL_TABLES.get(goal.kind) for goal in goals}
    return _complete(found) if len(found) == 1 else frozenset()


def _complete(tables: Iterable[str | None]) -> frozenset[str]:
    held = frozenset(table for table in tables if table is not None)
    return held if None not in tables else frozenset()


def _is_kept(prop: str, filters: Sequence[Filter], goals: Sequence[Goal]) -> bool:
    """Whether imported events know the property: only under a filter on exactly the events that always carry it."""
    carriers = SYSTEM_EVENTS.get(prop, frozenset())
    if top_level(filters, D.GOAL):
        return bool(goals) and all(goal.event_name in carriers for goal in goals)
    return any(c.operator is Operator.IS and carriers.issuperset(c.values) for c in top_level(filters, D.EVENT))


def conditions(
    table: str, filters: Sequence[Filter], goals: Sequence[Goal], site: str, imports: Sequence[ImportedRange],
    period: Period, bind: Bindings,
) -> list[str]:  # fmt: skip
    """Conditions on rows of an imported table: site, imports, days, and the filters."""

    def leaf(comparison: Comparison) -> str:
        if comparison.dimension == D.GOAL:
            return goal_condition(comparison, lambda named: completed(table, named, bind), goals)
        return compare(comparison, column_of(comparison.dimension), bind)

    def behaviour(_: HasDone) -> str:
        raise ValueError("imported history knows no single events")

    return [
        f"site = {bind.text(site)}",
        f"import IN {bind.texts(sorted(each.id for each in imports))}",
        f"date >= {bind.day(period.first_date)}",
        f"date <= {bind.day(period.last_date)}",
        *(tree(f, leaf, behaviour) for f in filters),
    ]


def column_of(name: str) -> str:
    """The column of a dimension in its imported table."""
    return COLUMN_NAMES[name] if name in COLUMN_NAMES else COLUMNS[known(name)].name


def is_named(name: str) -> str:
    """The condition that a row has a value of a dimension whose blanks are left out."""
    of_country = name in (D.COUNTRY, D.COUNTRY_NAME)
    return f"{column_of(name)} " + (f"NOT IN ('', '{UNKNOWN_COUNTRY}')" if of_country else "!= ''")


def completed(table: str, goals: Sequence[Goal], bind: Bindings) -> str:
    """The condition that a row's events completed one of the goals."""
    held = [
        f"name = {bind.text(goal.event_name or '')}"
        if goal.kind is GoalKind.EVENT
        else f"({on_page(goal, 'page', bind)})"
        for goal in goals
        if GOAL_TABLES.get(goal.kind) == table and not goal.custom_props
    ]
    return "(" + " OR ".join(held) + ")" if held else "0"


def part(table: str, name: str) -> str | None:
    """The expression of a part on rows of a table; None where the table cannot say."""
    expression, columns = PARTS[name].imported, IMPORTED[table]
    if expression == "visits":
        expression = _VISITS.get(table, "visits")
    elif expression == "whole_visits":  # pages count a visit once per page: they say nothing of bounces or durations
        expression = "" if table == "imported_pages" else _VISITS.get(table, "visits")
    elif expression == "events":
        expression = "events" if table == "imported_custom_events" else "pageviews"
    return f"sum({expression})" if expression.split(" ")[-1] in columns else None


def seen_only(table: str, parts: Iterable[str]) -> bool:
    """Whether rows without a page view stay out, as they do where page views are asked."""
    return table != "imported_custom_events" and bool({"pageviews", "viewed"} & set(parts))
