"""One SELECT for each place numbers come from: events, scrolling, visits, their active hours, imported tables.

Each yields keys `k0...`, `present` (whether its groups are rows of the answer) and one column `p_<part>` for every part
of the whole query, zero where it cannot say, so that all of them stack with UNION ALL and add up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapters.local.sql import imported, times
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.dimensions import ENTRY, blank_label, is_time, scope
from adapters.local.sql.filters import (
    EVENTS,
    VISITS,
    Window,
    column_of,
    on_events,
    on_visits,
    renamed,
    top_level,
    visit_condition,
)
from adapters.local.sql.goals import completed, has_scroll, is_filtered_by_goal, plain
from adapters.local.sql.metrics import OF_ENGAGEMENT, PARTS, parts_of
from adapters.local.sql.tables import Ask
from adapters.local.store.imported import ImportedRange
from models.filters import Comparison, Filter
from models.goal import Goal
from models.vocabulary import NO_PROP, Dimension, Scope

GOAL_KEY = "goal"
SMEARED = frozenset({"visitors", "visits"})


@dataclass(frozen=True, slots=True)
class Shown:
    """The goals that become rows: each display name once, with the goals behind it."""

    goals: Mapping[str, tuple[Goal, ...]]

    @classmethod
    def of(cls, goals: Sequence[Goal]) -> "Shown":
        names = dict.fromkeys(goal.shown_as for goal in goals)
        return cls({name: tuple(goal for goal in goals if goal.shown_as == name) for name in names})

    def index(self, condition: Callable[[Sequence[Goal]], str]) -> str:
        """The numbers (from 1) of the goals an event completes, as rows."""
        return _joined(f"toUInt32(if({condition(goals)}, {i}, 0))" for i, goals in enumerate(self.goals.values(), 1))

    def index_of_events(self, bind: Bindings) -> str:
        """The same for rows of events: names and pages are looked up once for all goals, the others are tried."""
        layers: dict[str, list[dict[str, int]]] = {}
        tried: list[str] = []
        for number, goals in enumerate(self.goals.values(), 1):
            others = []
            for goal in goals:
                if (found := plain(goal)) is None:
                    others.append(goal)
                else:
                    _enter(layers.setdefault(found[0], []), found[1], number)
            if others:
                tried.append(f"toUInt32(if({completed(others, bind)}, {number}, 0))")
        looked_up = (LOOKED_UP[kind].format(_lookup(kind, one, bind)) for kind, many in layers.items() for one in many)
        return _joined((*looked_up, *tried))


LOOKED_UP = {"name": "{}", "path": "if(name = 'pageview', {}, 0)"}
"""How the goal's number found by a column counts: a page is completed by page views alone."""


def _enter(layers: list[dict[str, int]], value: str, number: int) -> None:
    """Goals that look for the same value stand in different layers."""
    layer = next((one for one in layers if value not in one), None)
    if layer is None:
        layers.append(layer := {})
    layer[value] = number


def _lookup(column: str, numbers: Mapping[str, int], bind: Bindings) -> str:
    listed = ", ".join(str(number) for number in numbers.values())
    values = bind.texts(tuple(numbers))
    return f"toUInt32(transform(toString({column}), {values}, CAST([{listed}], 'Array(UInt32)'), toUInt32(0)))"


def _joined(numbers: Iterable[str]) -> str:
    listed = ", ".join(numbers)
    return (
        f"arrayJoin(arrayDistinct(arrayFilter(i -> i > 0, [{listed}])))" if listed else "arrayJoin(emptyArrayUInt32())"
    )


@dataclass(frozen=True, slots=True)
class Members:
    """Writes the SELECTs of one query. `parts` are all the query needs, `labels` other names for stored values."""

    window: Window
    parts: tuple[str, ...]
    imports: tuple[ImportedRange, ...]
    labels: Mapping[str, Mapping[str, str]]
    currency: str

    def events(self, ask: Ask, present: bool) -> list[str]:
        """The events table's share, scrolling and imports included."""
        given = {p: PARTS[p].events.format(currency=self.currency) for p in _of_events(ask) if PARTS[p].events}
        selects = [self._select(self._event_keys(ask), given, self._event_source(ask), present)]
        if "depth" in _of_events(ask):
            selects.append(self._scrolling(ask))
        return selects + self._imported(ask, _of_events(ask), present)

    def visits(self, ask: Ask, present: bool) -> list[str]:
        """The visits table's share, active hours and imports included."""
        pages = top_level(ask.filters, Dimension.PAGE)
        entered = " AND ".join(visit_condition(f, self.window) for f in _entries(pages)) or "1"
        given = {p: PARTS[p].visits.format(entered=entered) for p in _of_visits(ask)}
        engagement = self._lets_engagement_in(ask)
        source = f"{VISITS} WHERE {' AND '.join(on_visits(ask.filters, self.window, engagement=engagement))}"
        smeared = {p: given.pop(p) for p in tuple(given) if p in SMEARED and self._is_smeared(ask)}
        selects = [self._select(self._visit_keys(ask, "least"), given, source, present)] if given or not smeared else []
        if smeared:
            active = times.active_hours(self.window.period, self.window.bind)
            hours = f"(SELECT *, arrayJoin({active}) AS hour FROM {source})"
            selects.append(self._select(self._visit_keys(ask, "hour"), smeared, hours, present))
        return selects + self._imported(ask, _of_visits(ask), present)

    @staticmethod
    def _is_smeared(ask: Ask) -> bool:
        """By the hour, people and visits count in every hour they were active (contracts: Plausible 7.9)."""
        return Dimension.TIME_HOUR in ask.dimensions and not top_level(ask.filters, Dimension.GOAL)

    def _select(self, keys: Sequence[str], given: Mapping[str, str], source: str, present: bool) -> str:
        columns = [f"{key} AS k{i}" for i, key in enumerate(keys)]
        columns.append(f"{int(present)} AS present")
        columns += [f"{_cast(given.get(p, ''), p)} AS p_{p}" for p in self.parts]
        grouped = f" GROUP BY {', '.join(f'k{i}' for i in range(len(keys)))}" if keys else ""
        return f"SELECT {', '.join(columns)} FROM {source}{grouped}"

    def _scrolling(self, ask: Ask) -> str:
        """The deepest scroll of each visit, summed; only engagement knows of scrolling."""
        keys = self._event_keys(ask)
        inner = [*(f"{key} AS s{i}" for i, key in enumerate(keys)), "session", "max(scroll_depth) AS deepest"]
        grouped = ", ".join([*(f"s{i}" for i in range(len(keys))), "session"])
        source = self._event_source(ask, ("name = 'engagement'", "scroll_depth <= 100"))
        deepest = f"(SELECT {', '.join(inner)} FROM {source} GROUP BY {grouped})"
        given = {"depth": "sum(deepest)", "depth_visits": "count()"}
        return self._select([f"s{i}" for i in range(len(keys))], given, deepest, present=False)

    def _event_source(self, ask: Ask, also: Sequence[str] = ()) -> str:
        engagement = self._lets_engagement_in(ask)
        where = " AND ".join([*also, *on_events(ask.filters, self.window, engagement=engagement)])
        columns = ", ".join(column_of(d, self.window.bind) for d in ask.dimensions if scope(d) is Scope.VISIT)
        table = EVENTS
        if columns:
            active = " AND ".join(self.window.visits_in_period())
            table += f" INNER JOIN (SELECT session, {columns} FROM {VISITS} WHERE {active}) AS visit USING (session)"
        if Dimension.GOAL not in ask.dimensions:
            return f"{table} WHERE {where}"
        index = Shown.of(ask.goals).index_of_events(self.window.bind)
        return f"(SELECT *, {index} AS {GOAL_KEY} FROM {table} WHERE {where})"

    @staticmethod
    def _lets_engagement_in(ask: Ask) -> bool:
        by_goal = Dimension.GOAL in ask.dimensions or is_filtered_by_goal(ask.filters)
        return bool(OF_ENGAGEMENT.intersection(ask.metrics)) or (by_goal and has_scroll(ask.goals))

    def _event_keys(self, ask: Ask) -> list[str]:
        return [self._key(d, times.bucket(d, "time", self.window.period, self.window.bind) if is_time(d) else "")
                for d in ask.dimensions]  # fmt: skip

    def _visit_keys(self, ask: Ask, moment: str) -> list[str]:
        """A visit belongs to the bucket of its last activity in the period, or to an hour it was active in."""
        last = f"least(time, {self.window.bind.moment(self.window.period.last)})"
        return [
            ("hour" if moment == "hour" and d == Dimension.TIME_HOUR else
             self._key(d, times.bucket(d, last, self.window.period, self.window.bind) if is_time(d) else ""))
            for d in ask.dimensions
        ]  # fmt: skip

    def _key(self, name: str, time: str = "") -> str:
        if time:
            return time
        return GOAL_KEY if name == Dimension.GOAL else self._labelled(name, column_of(name, self.window.bind))

    def _labelled(self, name: str, column: str) -> str:
        """The value as it is shown, so that a blank and its label are one group."""
        bind, blank = self.window.bind, blank_label(name)
        if other := self.labels.get(name):
            stored, shown = bind.texts(tuple(other)), bind.texts(tuple(other.values()))
            column = f"transform(toString({column}), {stored}, {shown}, toString({column}))"
        return f"if({column} = '', {bind.text(blank)}, {column})" if blank else column

    # Imported history

    def _imported(self, ask: Ask, parts: Sequence[str], present: bool) -> list[str]:
        if not self.imports:
            return []
        tables = imported.serving(ask.filters, ask.dimensions, ask.goals)
        return [self._imported_table(table, ask, parts, present) for table in sorted(tables)]

    def _imported_table(self, table: str, ask: Ask, parts: Sequence[str], present: bool) -> str:
        window = self.window
        where = imported.conditions(
            table, ask.filters, ask.goals, window.site, self.imports, window.period, window.bind
        )  # fmt: skip
        if imported.seen_only(table, parts):
            where.append("pageviews > 0")
        if ask.dimensions:
            where.append("visitors > 0")
        where += [imported.is_named(d) for d in ask.dimensions if _is_left_out_blank(d)]
        source = f"{table} WHERE {' AND '.join(where)}"
        if Dimension.GOAL in ask.dimensions:
            index = Shown.of(ask.goals).index(lambda goals: imported.completed(table, goals, window.bind))
            source = f"(SELECT *, {index} AS {GOAL_KEY} FROM {source})"
        given = {p: expression for p in parts if (expression := imported.part(table, p))}
        return self._select([self._imported_key(d) for d in ask.dimensions], given, source, present)

    def _imported_key(self, name: str) -> str:
        if is_time(name):
            return times.day_bucket(name, "date", self.window.period, self.window.bind)
        return GOAL_KEY if name == Dimension.GOAL else self._labelled(name, imported.column_of(name))


def _of_events(ask: Ask) -> tuple[str, ...]:
    """The parts of the asked metrics that the events table, or history in its place, gives."""
    return tuple(p for p in parts_of(ask.metrics) if PARTS[p].events or not PARTS[p].visits)


def _of_visits(ask: Ask) -> tuple[str, ...]:
    return tuple(p for p in parts_of(ask.metrics) if PARTS[p].visits)


def _entries(pages: Sequence[Comparison]) -> list[Filter]:
    return [renamed(page, ENTRY) for page in pages]


def _is_left_out_blank(name: str) -> bool:
    return (
        not is_time(name)
        and name != Dimension.GOAL
        and name not in imported.BLANKS_STAY
        and (blank_label(name) != NO_PROP)
    )


def _cast(expression: str, part: str) -> str:
    """A part in its type, so that it stacks; no money in a group is none, not unknown."""
    if PARTS[part].money:  # summed as a decimal, and by one SELECT alone, so the float loses nothing
        return f"ifNull(toFloat64({expression}), 0.)" if expression else "0."
    return f"toInt64({expression or 0})"
