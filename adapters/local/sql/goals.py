"""Goals: which of them a query speaks of, and which events complete them (contracts: Plausible 7.6)."""

import re
from collections.abc import Callable, Iterable, Sequence

from adapters.local.sql import patterns
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.comparisons import POSITIVE
from models.filters import And, Comparison, Filter, HasDone, Not, Or, comparisons
from models.goal import Goal, GoalKind
from models.vocabulary import Dimension, Operator


def named(comparison: Comparison, goals: Iterable[Goal]) -> tuple[Goal, ...]:
    """The goals whose display name a goal filter compares with success, its negation left aside."""
    operator = POSITIVE.get(comparison.operator, comparison.operator)
    fits = _matcher(operator, comparison.values, comparison.case_sensitive)
    return tuple(goal for goal in goals if fits(goal.shown_as))


def _matcher(operator: Operator, values: Sequence[str], case_sensitive: bool) -> Callable[[str], bool]:
    fold: Callable[[str], str] = str if case_sensitive else str.lower
    wanted = [fold(v) for v in values]
    match operator:
        case Operator.IS:
            return lambda name: fold(name) in wanted
        case Operator.CONTAINS:
            return lambda name: any(text in fold(name) for text in wanted)
        case Operator.WILDCARD:
            pattern = patterns.any_of([patterns.wildcard(v) for v in values])
        case _:
            pattern = patterns.any_of(values)
    return lambda name: patterns.found(pattern, name, case_sensitive)


def passing(filters: Sequence[Filter], goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """The goals that the filters let through: those for which no filter is certainly false."""
    return tuple(goal for goal in goals if not any(_verdict(f, goal) is False for f in filters))


def _verdict(node: Filter, goal: Goal) -> bool | None:
    """What a filter says of a goal; None where that depends on other things."""
    match node:
        case Comparison(operator=operator, dimension=dimension):
            if dimension != Dimension.GOAL:
                return None
            return bool(named(node, [goal])) is not (operator in POSITIVE)
        case And(parts):
            said = [_verdict(part, goal) for part in parts]
            return False if False in said else None if None in said else True
        case Or(parts):
            said = [_verdict(part, goal) for part in parts]
            return True if True in said else None if None in said else False
        case Not(part):
            inner = _verdict(part, goal)
            return None if inner is None else not inner
        case HasDone():
            return None


def is_filtered_by_goal(filters: Iterable[Filter]) -> bool:
    """Whether a filter outside behavioural ones speaks of goals."""
    return any(_mentions_goal(f) for f in filters)


def _mentions_goal(node: Filter) -> bool:
    if isinstance(node, HasDone):
        return False
    return any(c.dimension == Dimension.GOAL for c in outside_behaviour(node))


def outside_behaviour(node: Filter) -> Iterable[Comparison]:
    """The comparisons of a tree that are not inside has_done."""
    match node:
        case Comparison():
            yield node
        case And(parts) | Or(parts):
            for part in parts:
                yield from outside_behaviour(part)
        case Not(part):
            yield from outside_behaviour(part)
        case HasDone():
            return


def has_scroll(goals: Iterable[Goal]) -> bool:
    return any(goal.kind is GoalKind.SCROLL for goal in goals)


def inner_goals(node: Filter, goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """The goals that comparisons below a node name."""
    about = [c for c in comparisons(node) if c.dimension == Dimension.GOAL]
    return tuple(goal for goal in goals if any(named(c, [goal]) for c in about))


def completed(goals: Sequence[Goal], bind: Bindings) -> str:
    """The condition that an event completes one goal of several."""
    return "(" + " OR ".join(_completes(goal, bind) for goal in goals) + ")" if goals else "0"


def _completes(goal: Goal, bind: Bindings) -> str:
    match goal.kind:
        case GoalKind.EVENT:
            held = [f"name = {bind.text(goal.event_name or '')}"]
        case GoalKind.PAGE:
            held = ["name = 'pageview'", on_page(goal, "path", bind)]
        case GoalKind.SCROLL:
            depth = f"scroll_depth BETWEEN {int(goal.scroll_threshold or 0)} AND 100"
            held = ["name = 'engagement'", depth, on_page(goal, "path", bind)]
    held += [f"props[{bind.text(k)}] = {bind.text(v)}" for k, v in sorted(goal.custom_props.items())]
    return "(" + " AND ".join(held) + ")"


def plain(goal: Goal) -> tuple[str, str] | None:
    """The column of an event that alone decides a goal, and its value; None where more has to be looked at."""
    if goal.custom_props:
        return None
    if goal.kind is GoalKind.EVENT:
        return "name", goal.event_name or ""
    if goal.kind is GoalKind.PAGE and "*" not in (goal.page_path or ""):
        return "path", _exactly(goal)
    return None


def _exactly(goal: Goal) -> str:
    return (goal.page_path or "").replace(chr(92) + "|", "|")


_PREFIX = re.compile(r"^[^*\\]*\*{1,2}$")


def on_page(goal: Goal, path: str, bind: Bindings) -> str:
    """The condition that a path is the goal's page; a `*` at the end alone is a prefix."""
    wanted = goal.page_path or ""
    if "*" not in wanted:
        return f"{path} = {bind.text(_exactly(goal))}"
    if _PREFIX.match(wanted):
        return f"startsWith({path}, {bind.text(wanted.rstrip('*'))})"
    return f"match({path}, {bind.text(patterns.wildcard(wanted))})"
