"""The filter tree as SQL on events, on visits, or on rows of imported history (contracts: Plausible 7.4, 7.7, 7.8).

A comparison about the other table becomes `session IN (...)`. On visits, all filters that speak of events must hold for
one and the same event in the period; on events, comparisons about the visit look the visit up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from adapters.local.sql.bindings import Bindings
from adapters.local.sql.comparisons import POSITIVE, compare
from adapters.local.sql.dimensions import COLUMNS, known, scope
from adapters.local.sql.goals import completed, has_scroll, inner_goals, named, outside_behaviour
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.goal import Goal
from models.period import Period
from models.vocabulary import PROP_PREFIX, Dimension, Scope, prop_key

LONGEST_VISIT = timedelta(days=7)
EVENTS, VISITS = "events", "sessions FINAL"


@dataclass(frozen=True, slots=True)
class Window:
    """What every condition of one query shares: the site's key, the period, all goals, and the bindings."""

    site: str
    period: Period
    goals: tuple[Goal, ...]
    bind: Bindings

    def events_in_period(self, engagement: bool) -> list[str]:
        bounds = [
            f"site = {self.bind.text(self.site)}",
            f"time >= {self.bind.moment(self.period.first)}",
            f"time <= {self.bind.moment(self.period.last)}",
        ]
        return bounds if engagement else [*bounds, "name != 'engagement'"]

    def visits_in_period(self) -> list[str]:
        """Visits active in the period, begun at most a week before it (contracts: Plausible 7.3)."""
        return [
            f"site = {self.bind.text(self.site)}",
            f"time >= {self.bind.moment(self.period.first)}",
            f"start <= {self.bind.moment(self.period.last)}",
            f"start >= {self.bind.moment(self.period.first - LONGEST_VISIT)}",
        ]


Leaf = Callable[[Comparison], str]


def tree(node: Filter, leaf: Leaf, behaviour: Callable[[HasDone], str]) -> str:
    """A filter as a condition, its comparisons and behavioural parts written by the given functions."""
    match node:
        case Comparison():
            return f"({leaf(node)})"
        case And(parts):
            return "(" + " AND ".join(tree(p, leaf, behaviour) for p in parts) + ")"
        case Or(parts):
            return "(" + " OR ".join(tree(p, leaf, behaviour) for p in parts) + ")"
        case Not(part):
            return f"(NOT {tree(part, leaf, behaviour)})"
        case HasDone():
            return behaviour(node)


def column_of(name: str, bind: Bindings) -> str:
    """The expression of a stored value; "" for a property that an event lacks."""
    if name.startswith(PROP_PREFIX):
        return f"props[{bind.text(prop_key(name))}]"
    return COLUMNS[known(name)].name


def scopes_of(filters: Iterable[Filter]) -> frozenset[Scope]:
    """What the filters outside behavioural ones speak of."""
    return frozenset(scope(c.dimension) for f in filters for c in outside_behaviour(f))


def on_events(filters: Sequence[Filter], window: Window, *, engagement: bool) -> list[str]:
    """Conditions on rows of the events table, period and site included."""
    conditions = window.events_in_period(engagement)
    of_visit = [f for f in filters if scopes_of([f]) and not scopes_of([f]) - {Scope.VISIT, Scope.EITHER}]
    of_visit = [f for f in of_visit if Scope.VISIT in scopes_of([f]) and not _behaves(f)]
    rest = [f for f in filters if f not in of_visit]
    if of_visit or Scope.VISIT in scopes_of(rest):
        conditions.append(f"session IN {_visits_where(of_visit, window)}")
    return conditions + [tree(f, lambda c: _event_leaf(c, window), lambda h: _behaviour(h, window)) for f in rest]


def on_visits(filters: Sequence[Filter], window: Window, *, engagement: bool) -> list[str]:
    """Conditions on rows of the visits table, period and site included."""
    of_events = [f for f in filters if Scope.EVENT in scopes_of([f])]
    rest = [f for f in filters if f not in of_events]
    conditions = [*window.visits_in_period(), *(visit_condition(f, window) for f in rest)]
    if of_events:
        inner = " AND ".join(on_events(of_events, window, engagement=engagement))
        conditions.append(f"session IN (SELECT session FROM {EVENTS} WHERE {inner})")
    return conditions


def visit_condition(node: Filter, window: Window) -> str:
    """A filter that speaks of visits only, on a row of the visits table."""
    return tree(
        node, lambda c: compare(c, column_of(c.dimension, window.bind), window.bind), lambda h: _behaviour(h, window)
    )


def _visits_where(filters: Sequence[Filter], window: Window) -> str:
    conditions = [*window.visits_in_period(), *(visit_condition(f, window) for f in filters)]
    return f"(SELECT session FROM {VISITS} WHERE {' AND '.join(conditions)})"


def _event_leaf(comparison: Comparison, window: Window) -> str:
    if comparison.dimension == Dimension.GOAL:
        return goal_condition(comparison, lambda goals: completed(goals, window.bind), window.goals)
    if scope(comparison.dimension) is Scope.VISIT:
        return f"session IN {_visits_where([comparison], window)}"
    return compare(comparison, column_of(comparison.dimension, window.bind), window.bind)


def goal_condition(comparison: Comparison, written: Callable[[Sequence[Goal]], str], goals: Sequence[Goal]) -> str:
    """Some (or, negated, none) of the goals that the comparison names is completed."""
    condition = written(named(comparison, goals))
    return f"NOT {condition}" if comparison.operator in POSITIVE else condition


def _behaviour(node: HasDone, window: Window) -> str:
    """Visits with an event in the period that fits the part (or without one)."""
    engagement = has_scroll(inner_goals(node.part, window.goals))
    inner = " AND ".join(on_events([node.part], window, engagement=engagement))
    return f"(session {'IN' if node.done else 'NOT IN'} (SELECT session FROM {EVENTS} WHERE {inner}))"


def _behaves(node: Filter) -> bool:
    match node:
        case Comparison():
            return False
        case And(parts) | Or(parts):
            return any(_behaves(p) for p in parts)
        case Not(part):
            return _behaves(part)
        case HasDone():
            return True


def behaves(filters: Iterable[Filter]) -> bool:
    """Whether a behavioural filter is among them, at any depth."""
    return any(_behaves(f) for f in filters)


def top_level(filters: Iterable[Filter], dimension: str) -> list[Comparison]:
    """The comparisons of one dimension that stand at the top, joined by and."""
    return [f for f in filters if isinstance(f, Comparison) and f.dimension == dimension]


def renamed(node: Filter, names: Mapping[str, str]) -> Filter:
    """The same filter about other dimensions; behavioural parts keep theirs."""
    match node:
        case Comparison(dimension=dimension):
            return replace(node, dimension=names.get(dimension, dimension))
        case And(parts):
            return And(tuple(renamed(p, names) for p in parts))
        case Or(parts):
            return Or(tuple(renamed(p, names) for p in parts))
        case Not(part):
            return Not(renamed(part, names))
        case HasDone():
            return node
