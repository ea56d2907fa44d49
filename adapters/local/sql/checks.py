"""What is wrong with a query that only the store's rules or the site's goals can tell."""

from collections.abc import Iterator, Sequence

from adapters.local.sql import patterns
from adapters.local.sql.comparisons import POSITIVE, expression
from adapters.local.sql.goals import named, outside_behaviour
from adapters.local.sql.metrics import OF_ENGAGEMENT
from adapters.local.sql.tables import BY_VISIT, OURS
from models.errors import Problem
from models.filters import And, Comparison, Filter, HasDone, Not, Or, comparisons
from models.goal import Goal
from models.query import ResolvedQuery
from models.vocabulary import GOAL_RATES, Dimension, Metric, Operator

TOO_LARGE = "too many or too long values to compare by pattern"
NO_NUL = "must not hold the character U+0000"
"""The store ends an expression there, and what is left may match everything."""


def problems(query: ResolvedQuery, goals: Sequence[Goal]) -> tuple[Problem, ...]:
    """Goals that are not configured, expressions that RE2 refuses, extras we do not know; each with its place."""
    given = query.extra.get(OURS, {})
    extras = tuple(Problem(f"extra.{OURS}.{n}", "no such field", (BY_VISIT,)) for n in sorted(given) if n != BY_VISIT)
    may = patterns.Allowance()
    found = [p for i, f in enumerate(query.filters) for p in _problems(f, f"filters[{i}]", goals, may)]
    together = [p for p in found if p.reason == patterns.TOGETHER]
    return (*extras, *(p for p in found if p.reason != patterns.TOGETHER), *together[:1])


def compiles(filters: Sequence[Filter]) -> bool:
    """Whether expressions have to be compiled to check the filters and to answer them."""
    return any(expression(c) is not None for f in filters for c in comparisons(f))


def _problems(node: Filter, where: str, goals: Sequence[Goal], may: patterns.Allowance) -> Iterator[Problem]:
    match node:
        case Comparison(operator=operator):
            if node.dimension == Dimension.GOAL and POSITIVE.get(operator, operator) is Operator.IS:
                yield from _unknown_goals(node, where, goals)
            if nul := [i for i, value in enumerate(node.values) if "\0" in value]:
                yield from (Problem(f"{where}[2][{i}]", NO_NUL) for i in nul)
            elif POSITIVE.get(operator, operator) is Operator.MATCHES:
                yield from _bad_patterns(node, where, may)
            else:
                yield from _too_large(node, where, may)
        case And(parts) | Or(parts):
            for i, part in enumerate(parts):
                yield from _problems(part, f"{where}[1][{i}]", goals, may)
        case Not(part) | HasDone(part):
            yield from _problems(part, f"{where}[1]", goals, may)


def _unknown_goals(node: Comparison, where: str, goals: Sequence[Goal]) -> Iterator[Problem]:
    known = tuple(dict.fromkeys(goal.shown_as for goal in goals))
    for i, value in enumerate(node.values):
        if not named(Comparison(Operator.IS, node.dimension, (value,), node.case_sensitive), goals):
            yield Problem(f"{where}[2][{i}]", f"the site has no goal named {value[:200]!r}", known[:100], value)


def _bad_patterns(node: Comparison, where: str, may: patterns.Allowance) -> Iterator[Problem]:
    faults = ((i, may.fault(value)) for i, value in enumerate(node.values))
    found = [Problem(f"{where}[2][{i}]", fault) for i, fault in faults if fault is not None]
    yield from found or _too_large(node, where, may)


def _too_large(node: Comparison, where: str, may: patterns.Allowance) -> Iterator[Problem]:
    """The one expression of all values; each of them may be fine by itself."""
    pattern = expression(node)
    if pattern is None or (len(node.values) == 1 and pattern == node.values[0]):
        return
    fault = may.fault(pattern)
    if fault is not None:
        yield Problem(f"{where}[2]", fault if fault == patterns.TOGETHER else TOO_LARGE)


def refusals(query: ResolvedQuery) -> Iterator[str]:
    """Reasons against a query that the declaration cannot express (contracts: Plausible 4.5)."""
    filtered = {c.dimension for f in query.filters for c in outside_behaviour(f)}
    of_pages = [str(m) for m in query.metrics if m in OF_ENGAGEMENT]
    if of_pages and Dimension.PAGE not in filtered.union(query.dimensions):
        yield f"{', '.join(of_pages)}: of a page; group by page or filter on it"
    if Metric.VIEWS_PER_VISIT in query.metrics and Dimension.PAGE in filtered:
        yield "views_per_visit: counts all pages of a visit, which a page filter takes away; has_done keeps them"
    rates = [str(m) for m in query.metrics if m in GOAL_RATES]
    nested = [f for f in query.filters if not isinstance(f, Comparison)]
    about = {c.dimension for f in nested for c in outside_behaviour(f)}
    if rates and any(name.startswith("prop:") or name == Dimension.GOAL for name in about):
        yield f"{', '.join(rates)}: filters on goals and custom properties must stand at the top level"
