"""Filter trees as selections: sorted out, joined as the vendor joins, refused where it cannot be said truly. Pure.

What no parameter says is left for the list of a dimension's values (`unlisted`) or for a session walk (`residual`).
The vendor's rules: contract section 8 (2026-07-10).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.pirsch.capabilities import VIEWED
from adapters.pirsch.translate.matching import NEGATED, POSITIVE, chosen, conjuncts, fits_value, holds, nothing, regex
from adapters.pirsch.translate.selection import ANY_VIEW, Selection, combined, exactly, with_property
from adapters.pirsch.translate.statistics import refuse
from adapters.pirsch.vocabulary import FILTERS, LISTINGS, SESSION_KEYS
from models.filters import And, Comparison, Filter, HasDone, Or, comparisons
from models.goal import Goal, GoalKind
from models.result import Reason
from models.vocabulary import Dimension, Operator, dimension_of

D, Op = Dimension, Operator
_NOT_ATTRIBUTES = (D.PAGE, D.PROP, D.GOAL, D.EVENT)


@dataclass(frozen=True, slots=True)
class Lookups:
    """What filters are held against: the goals of the site, and the values of a dimension as the vendor writes them."""

    goals: tuple[Goal, ...] = ()
    values: Mapping[Dimension, Sequence[str]] = field(default_factory=dict)
    sampled: bool = False
    """The goals stand for those of the site, which were not read yet: every filter on goals names them."""


def select(filters: Sequence[Filter], known: Lookups) -> Selection:
    """The selection of filters joined by and; those by pattern are exact where the values are known.

    Raises UnsupportedQuery with every reason why a filter cannot be said truly.
    """
    plain = tuple(conjuncts(filters))
    selection = _selected(plain, known)
    while leaf := next((u for u in selection.unlisted if u.dimension in known.values), None):
        exact = chosen(leaf, known.values[D(leaf.dimension)])
        plain = tuple(n for f in plain for n in ((f,) if f != leaf else (exact,) if exact is not None else ()))
        selection = _selected(plain, known)
    return selection


def _selected(filters: Sequence[Filter], known: Lookups) -> Selection:
    selection = _of_leaves([n for n in filters if isinstance(n, Comparison)], known)
    for node in filters:
        if isinstance(node, HasDone):
            selection = _with_behaviour(selection, node, known)
    residual = tuple(n for n in filters if not isinstance(n, Comparison | HasDone))
    for node in residual:
        _check_walkable(node)
    return replace(selection, residual=residual)


def _check_walkable(node: Filter) -> None:
    if _behaves(node):
        raise refuse("has_done inside `or`: Pirsch can only be asked for it beside other filters")
    strangers = sorted({c.dimension for c in comparisons(node) if dimension_of(c.dimension) not in SESSION_KEYS})
    if strangers:
        raise refuse(f"or, not: Pirsch's list of sessions does not know {', '.join(strangers)}")


def _behaves(node: Filter) -> bool:
    return isinstance(node, HasDone) or (isinstance(node, And | Or) and any(_behaves(p) for p in node.parts))


def _of_leaves(leaves: Sequence[Comparison], known: Lookups) -> Selection:
    pages = [leaf for leaf in leaves if leaf.dimension == D.PAGE]
    parts, named = [], []
    for leaf, by_list in _one_each(leaves):
        match dimension_of(leaf.dimension):
            case D.PAGE | D.PROP:
                continue
            case D.GOAL:
                found = goals_named(leaf, known)
                named.append(_of_goals(found))
                pages += _pages_of(found)
            case D.EVENT:
                named.append(_of_events(leaf))
                pages += [Comparison(Op.MATCHES, D.PAGE, (ANY_VIEW,))] if named[-1].viewed and not pages else []
            case dimension:
                parts.append(_of_column(leaf, dimension, by_list=by_list))
    events = [s for s in named if s.events or s.unlisted]
    if len(events) + any(s.viewed for s in named) > 1:
        raise refuse("two filters on events at once: Pirsch joins event names by `or`, never by `and`")
    selection = combined(*parts, *named, _of_pages(pages))
    for leaf in leaves:
        if dimension_of(leaf.dimension) is D.PROP:
            selection = with_property(selection, leaf)
    if selection.events and selection.by_page:
        scoped = Reason("session_scoped", "the page was seen in a visit with the event, not necessarily by the event")
        selection = replace(selection, reasons=(*selection.reasons, scoped))
    return selection


def _one_each(leaves: Sequence[Comparison]) -> Iterator[tuple[Comparison, bool]]:
    """Comparisons, and whether the values have to be listed first.

    At most one comparison a visit's attribute that goes into the vendor's `or`: two joined by and are made one.

    Exact values are sifted here by the other comparisons; beside a piece of text, further ones need the list of values.
    """
    for leaf in leaves:
        rivals = [r for r in leaves if r.dimension == leaf.dimension and r.operator is not Op.IS_NOT]
        exact = [r for r in rivals if r.operator is Op.IS and r.case_sensitive]
        if len(rivals) < 2 or leaf.operator is Op.IS_NOT or dimension_of(leaf.dimension) in _NOT_ATTRIBUTES:
            yield leaf, False
        elif not exact:
            yield leaf, leaf is not rivals[0]
        elif leaf is exact[0]:
            dimension = D(leaf.dimension)
            fitting = tuple(v for v in leaf.values if all(fits_value(r, dimension, v) for r in rivals))
            yield replace(leaf, values=fitting or (nothing(dimension),)), False


# Attributes of visits


def _of_column(leaf: Comparison, dimension: Dimension | None, *, by_list: bool = False) -> Selection:
    """One comparison of a visit's attribute. Several `^` on one key would be an `or` of negations: never sent."""
    if dimension is None or dimension not in FILTERS or (leaf.operator in (Op.IS, Op.IS_NOT) and leaf.case_sensitive):
        return exactly(leaf)
    key = FILTERS[dimension]
    if not by_list and leaf.operator is Op.CONTAINS and _plainly_contained(leaf, dimension):
        return Selection(params=tuple((key, f"~{v}") for v in leaf.values), reasons=_case(leaf))
    alone = not by_list and len(leaf.values) == 1
    if leaf.operator is Op.CONTAINS_NOT and alone and _plainly_contained(leaf, dimension):
        return Selection(params=((key, f"^{leaf.values[0]}"),), reasons=_case(leaf))
    if dimension not in LISTINGS:
        raise refuse(f"{leaf.operator} on {leaf.dimension}: Pirsch cannot be asked for it, nor for the list of values")
    return Selection(unlisted=(leaf,))


def _plainly_contained(leaf: Comparison, dimension: Dimension) -> bool:
    """Whether `~` means contains here: no live LIKE wildcard, no list membership, nothing that reads as empty."""
    return dimension not in (D.COUNTRY, D.LANGUAGE, D.DEVICE) and not any(
        set(v) & set("%_\\") or not v for v in leaf.values
    )


def _case(leaf: Comparison) -> tuple[Reason, ...]:
    if not leaf.case_sensitive or not any(v.lower() != v.upper() for v in leaf.values):
        return ()
    told = f"{leaf.operator} on {leaf.dimension}: Pirsch does not look at upper and lower case"
    return (Reason("case_insensitive", told),)


# Events, goals, properties


def _of_events(leaf: Comparison) -> Selection:
    if leaf.operator in POSITIVE:
        raise refuse(f"{leaf.operator} on event: Pirsch would keep every visit that also had another event")
    if leaf.operator is not Op.IS or not leaf.case_sensitive:
        return Selection(unlisted=(leaf,))
    found = exactly(leaf)
    return Selection(viewed=True) if found.viewed else found


def goals_named(leaf: Comparison, known: Lookups) -> tuple[Goal, ...]:
    """The goals that a filter means, by display name. Raises UnsupportedQuery when there are none."""
    if leaf.operator in POSITIVE:
        raise refuse(f"{leaf.operator} on goal: Pirsch would keep every visit that completed another goal")
    found = tuple(g for g in known.goals if known.sampled or holds(leaf, g.shown_as))
    if not found:
        raise refuse(f"goal: the site has no goal that {leaf.operator} {', '.join(leaf.values)}")
    return found


def _of_goals(goals: Sequence[Goal]) -> Selection:
    """What completes any of the goals; page goals are read by our own pattern, not by the vendor's."""
    kinds = {g.kind for g in goals}
    if len(kinds) > 1:
        raise refuse("goal: event goals and page goals cannot be alternatives of one request to Pirsch")
    if kinds == {GoalKind.PAGE}:
        return Selection(viewed=True)
    props = [g.custom_props for g in goals if g.custom_props]
    if len(goals) > 1 and props:
        raise refuse("goal: goals with properties can only be asked for one by one")
    currencies = {g.currency for g in goals}
    return Selection(
        events=tuple(dict.fromkeys(str(g.event_name) for g in goals)),
        meta=tuple((f"meta_{k}", v) for p in props for k, v in p.items()),
        currency=(currencies.pop() or "") if len(currencies) == 1 else "",
    )


def _pages_of(goals: Sequence[Goal]) -> list[Comparison]:
    paths = tuple(g.page_path for g in goals if g.page_path)
    return [Comparison(Op.WILDCARD, D.PAGE, paths)] if paths else []


def of_goal(goal: Goal) -> Selection:
    """What completes one goal."""
    return combined(_of_goals((goal,)), _of_pages(_pages_of((goal,))))


def _with_behaviour(selection: Selection, behaviour: HasDone, known: Lookups) -> Selection:
    """Visits with (without) an event. `event=!X` would mean "some other event", so visits with X are subtracted."""
    inner = _selected(tuple(conjuncts((behaviour.part,))), known)
    if inner.unlisted or inner.residual or inner.without:
        raise refuse("has_done: only exact names of events, goals and pages can be asked of Pirsch")
    if not inner.events and not inner.by_page:
        raise refuse("has_done: only events, goals and pages are something a visit does")
    if (inner.events and selection.events) or (inner.by_page and selection.by_page):
        raise refuse("has_done: beside another filter on events or pages it would become an `or` at Pirsch")
    if inner.by_page and not inner.viewed:
        inner = replace(inner, reasons=(*inner.reasons, Reason("definition_differs", f"has_done: {VIEWED}")))
        selection = replace(selection, reasons=tuple(dict.fromkeys((*selection.reasons, *inner.reasons))))
    if behaviour.done:
        return combined(selection, replace(inner, whole=True))
    if selection.without:
        raise refuse("has_not_done: only one at once")
    return replace(selection, without=(inner,))


# Pages


def _of_pages(leaves: Sequence[Comparison]) -> Selection:
    """All comparisons of the page as `path` or as `pattern`, never both: path wins and the pattern is not looked at."""
    if not leaves:
        return Selection()
    exact = [leaf for leaf in leaves if leaf.operator is Op.IS and leaf.case_sensitive]
    if exact:
        rest = [leaf for leaf in leaves if leaf is not exact[0]]
        values = [v for v in exact[0].values if all(holds(leaf, v) for leaf in rest)]
        if not values:
            raise refuse("page: no page fits all filters at once")
        return exactly(replace(exact[0], values=tuple(values)))
    positive = [leaf for leaf in leaves if leaf.operator in NEGATED]
    if len(positive) > 1:
        raise refuse("page: two patterns at once would be an `or` at Pirsch")
    patterns = [("!" if leaf.operator in POSITIVE else "") + regex(leaf) for leaf in leaves]
    return Selection(params=tuple(("pattern", p) for p in patterns), by_page=True)
