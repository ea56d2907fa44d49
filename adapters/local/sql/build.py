"""A resolved query as one statement: the shares of the tables stacked, summed by group, and made into metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from adapters.local.sql import times
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.dimensions import ENTRY_TO_PAGE, EXIT, is_time
from adapters.local.sql.filters import Window, top_level
from adapters.local.sql.goals import has_scroll, is_filtered_by_goal, passing
from adapters.local.sql.members import Members, Shown
from adapters.local.sql.metrics import FORMULAS, parts_of
from adapters.local.sql.revenue import currencies
from adapters.local.sql.tables import BY_VISIT, OURS, SETTINGS, Ask, halves, with_hostnames
from adapters.local.store.imported import ImportedRange
from models.filters import Comparison
from models.goal import Goal, GoalKind
from models.query import ResolvedQuery
from models.vocabulary import Dimension, Metric, Operator, dimension_of

M = Metric
Labels = Mapping[str, Mapping[str, str]]
"""Shown values of a dimension's stored ones."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement with its parameters.

    Rows hold the dimensions, the metrics (revenue as a plain number), then `total_rows` if `counted`. `currencies` say
    whose money revenue is: by goal where goals are rows, else under "". `count_sql` counts the rows of all pages.
    """

    sql: str
    parameters: Mapping[str, object]
    count_sql: str
    counted: bool
    currencies: Mapping[str, str]


def compile_query(
    site: str,
    query: ResolvedQuery,
    goals: Sequence[Goal],
    imports: Sequence[ImportedRange] = (),
    labels: Labels = MappingProxyType({}),
) -> Compiled:
    """The statement that answers a query. `imports` are those that take part; nothing is refused here."""
    return _Compiler(site, query, tuple(goals), tuple(imports), labels).compiled()


def totals_of(query: ResolvedQuery) -> ResolvedQuery:
    """The query of the totals row: the same without groups; rows by goal leave only what completed one."""
    filters = query.filters
    if Dimension.GOAL in query.dimensions and not top_level(filters, Dimension.GOAL):
        filters = (*filters, ANY_GOAL)
    include = replace(query.include, total_rows=False, time_labels=False, zero_fill=False, totals=False)
    return replace(query, dimensions=(), filters=filters, order_by=(), limit=1, offset=0, include=include)


ANY_GOAL = Comparison(Operator.CONTAINS, str(Dimension.GOAL), ("",))


class _Compiler:
    """Holds what the statement's parts share: bindings, goals, groups."""

    def __init__(
        self,
        site: str,
        query: ResolvedQuery,
        goals: tuple[Goal, ...],
        imports: tuple[ImportedRange, ...],
        labels: Labels,
    ) -> None:
        self.query, self.bind, self.imports, self.labels = query, Bindings(), imports, labels
        filters = with_hostnames(query.filters, query.dimensions)
        self.window = Window(site, query.period, goals, self.bind)
        by_visit = query.extra.get(OURS, {}).get(BY_VISIT) is True
        self.ask = Ask(query.metrics, query.dimensions, filters, passing(filters, goals), by_visit)
        self.shown = Shown.of(self.ask.goals)
        self.currencies = currencies(self.shown, self.ask.goals, query.dimensions)

    def compiled(self) -> Compiled:
        query = self.query
        names = [f"d{i}" for i in range(len(query.dimensions))]
        columns = [f"{self.shown_key(i)} AS d{i}" for i in range(len(names))]
        columns += [f"{self.formula(m)} AS m{i}" for i, m in enumerate(query.metrics)]
        counted = query.include.total_rows and bool(names)
        if counted:
            columns.append("count() OVER () AS total_rows")
        base = self.base()
        sql = f"SELECT {', '.join(columns)} FROM ({base}) AS base{self.group_totals()}"
        if names:
            sql += f" ORDER BY {', '.join(self.order())} LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        count_sql = f"SELECT count() FROM ({base})"
        return Compiled(sql + SETTINGS, self.bind.values, count_sql + SETTINGS, counted, self.currencies)

    # Rows

    def base(self) -> str:
        """Groups with the sums of all parts."""
        stacked = self.members()
        base = self.summed(stacked, self.ask, parts_of(self.query.metrics))
        return self.zero_filled(base) if self.query.include.zero_fill else base

    def members(self) -> list[str]:
        write = self.writer(parts_of(self.query.metrics))
        shares = halves(self.ask)
        hourly = Dimension.TIME_HOUR in self.ask.dimensions
        stacked = write.events(shares.events, present=True) if shares.events else []
        if shares.visits:
            stacked += write.visits(shares.visits, present=hourly or shares.events is None)
        if M.EXIT_RATE in self.query.metrics:
            exits = replace(self.ask, metrics=(M.EXIT_RATE,))
            stacked += write.events(exits.about(ENTRY_TO_PAGE), present=Dimension.PAGE in exits.dimensions)
            stacked += write.visits(exits.about(EXIT), present=Dimension.EXIT_PAGE in exits.dimensions)
        return stacked

    def writer(self, parts: tuple[str, ...]) -> Members:
        return Members(self.window, parts, self.imports, self.labels, self.currency_of("goal"))

    def summed(self, stacked: Sequence[str], ask: Ask, parts: Sequence[str]) -> str:
        keys = [f"k{i}" for i in range(len(ask.dimensions))]
        sums = [f"sum(p_{part}) AS {part}" for part in parts]
        sql = f"SELECT {', '.join([*keys, *sums])} FROM ({' UNION ALL '.join(stacked)})"
        if not keys:
            return sql
        return f"{sql} GROUP BY {', '.join(keys)} HAVING max(present) = 1"

    def zero_filled(self, base: str) -> str:
        """Every time bucket of every other group seen, with zeros where nothing happened."""
        name = self.query.time_dimension
        if name is None:
            return base
        at, count = self.query.dimensions.index(name), len(self.query.dimensions)
        others = [f"k{i}" for i in range(count) if i != at]
        zeros = [f"toInt64(0) AS {p}" for p in parts_of(self.query.metrics)]
        labels = f"arrayJoin({times.all_keys(name, self.query.period, self.bind)}) AS k{at}"
        source = f" FROM (SELECT DISTINCT {', '.join(others)} FROM ({base}))" if others else ""
        keys = [labels if i == at else f"k{i}" for i in range(count)]
        every = f"SELECT {', '.join(keys + zeros)}{source}"
        names = [f"k{i}" for i in range(count)]
        sums = [f"sum({p}) AS {p}" for p in parts_of(self.query.metrics)]
        both = f"SELECT {', '.join(names + list(parts_of(self.query.metrics)))} FROM ({base}) UNION ALL {every}"
        return f"SELECT {', '.join(names + sums)} FROM ({both}) GROUP BY {', '.join(names)}"

    # Columns

    def shown_key(self, at: int) -> str:
        name = self.query.dimensions[at]
        if name == Dimension.GOAL:
            return f"arrayElement({self.bind.texts(tuple(self.shown.goals))}, base.k{at})"
        return times.label(f"base.k{at}") if is_time(name) else f"toString(base.k{at})"

    def formula(self, metric: Metric) -> str:
        formula = FORMULAS[metric]
        return formula.sql.format(**{name: self.given(name) for name in formula.given})

    def given(self, name: str) -> str:
        """What a formula takes from the query."""
        match name:
            case "events":
                return self.events_unless_scroll()
            case "currency":
                return self.currency_of(self.goal_key())
            case "whole":
                return self.visitors_of(self.ask)
            case "unfiltered":
                return self.visitors_of(_unfiltered(self.ask))
            case "group":
                return "of_group.visitors" if _group(self.ask).dimensions else self.visitors_of_group()
            case _:
                raise ValueError(f"no such total: {name}")

    def events_unless_scroll(self) -> str:
        """Scroll goals are completed by engagement, which is no event: beside one, the others' count is no answer.

        The totals of rows by goal are those of the rows that have a number.
        """
        if Dimension.GOAL in self.ask.dimensions:
            flags = [int(any(g.kind is GoalKind.SCROLL for g in goals)) for goals in self.shown.goals.values()]
            return f"if(arrayElement({flags}, {self.goal_key()}) = 1, NULL, events)" if 1 in flags else "events"
        if not self.ask.goals or not is_filtered_by_goal(self.ask.filters):
            return "events"
        some = all if ANY_GOAL in self.ask.filters else any
        return "NULL" if some(has_scroll([goal]) for goal in self.ask.goals) else "events"

    def goal_key(self) -> str:
        dimensions = self.query.dimensions
        return f"base.k{dimensions.index(Dimension.GOAL)}" if Dimension.GOAL in dimensions else ""

    def currency_of(self, goal: str) -> str:
        """The currency of a row, whose goal number is the given expression."""
        if Dimension.GOAL in self.query.dimensions:
            every = tuple(self.currencies.values()) or ("",)
            return f"arrayElement({self.bind.texts(every)}, {goal})"
        return self.bind.text(self.currencies.get("", ""))

    # Totals that rates divide by

    def visitors_of(self, ask: Ask) -> str:
        """Visitors of the events table without groups (contracts: Plausible 7.5)."""
        total = replace(ask, metrics=(M.VISITORS,), dimensions=())
        stacked = self.writer(("visitors",)).events(total, present=True)
        return f"(SELECT sum(p_visitors) FROM ({' UNION ALL '.join(stacked)}))"

    def visitors_of_group(self) -> str:
        return f"(SELECT visitors FROM ({self.group_query()}))"

    def group_query(self) -> str:
        ask = _group(self.ask)
        write, shares = self.writer(("visitors",)), halves(ask)
        stacked = write.events(shares.events, present=True) if shares.events else []
        stacked += write.visits(shares.visits, present=True) if shares.visits else []
        return self.summed(stacked, ask, ("visitors",))

    def group_totals(self) -> str:
        """The join that brings each row the visitors of its group, whether they completed the goal or not."""
        joined = any("group" in FORMULAS[m].given for m in self.query.metrics)
        if not joined or not _group(self.ask).dimensions:
            return ""
        pairs = [i for i, name in enumerate(self.query.dimensions) if name != Dimension.GOAL]
        held = " AND ".join(f"base.k{i} = of_group.k{at}" for at, i in enumerate(pairs))
        return f" LEFT JOIN ({self.group_query()}) AS of_group ON {held}"

    def order(self) -> list[str]:
        """The asked order, then the other dimensions, so that it is total. Nulls come last either way.

        Ids of cities are kept as text and go by number, as in Plausible.
        """
        metrics = [str(m) for m in self.query.metrics]
        dimensions = list(self.query.dimensions)
        asked = {
            (f"m{metrics.index(o.by)}" if o.by in metrics else f"d{dimensions.index(o.by)}"): str(o.direction).upper()
            for o in reversed(self.query.order_by)
        }
        ordered = dict(reversed(asked.items()))
        ordered |= {f"d{i}": "ASC" for i in range(len(dimensions)) if f"d{i}" not in ordered}
        ids = {f"d{i}" for i, name in enumerate(dimensions) if name == Dimension.CITY}
        keys = {name: (f"toUInt64OrZero({name})", name) if name in ids else (name,) for name in ordered}
        return [f"{key} {direction} NULLS LAST" for name, direction in ordered.items() for key in keys[name]]


def _unfiltered(ask: Ask) -> Ask:
    """Without top-level goal and property filters: everybody who could have completed the goal."""
    left = tuple(
        f
        for f in ask.filters
        if not (isinstance(f, Comparison) and dimension_of(f.dimension) in (Dimension.GOAL, Dimension.PROP))
    )
    return replace(ask, filters=left)


def _group(ask: Ask) -> Ask:
    groups = tuple(d for d in ask.dimensions if d != Dimension.GOAL)
    return replace(_unfiltered(ask), metrics=(M.VISITORS,), dimensions=groups)
