"""Filters as Pirsch's query parameters. Pure; what cannot be said truly is refused or left for a session walk.

The vendor's rules, with every trap named here: contract section 8.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from adapters.pirsch.capabilities import VIEWED
from adapters.pirsch.translate.call import Params, refuse
from adapters.pirsch.translate.matching import NEGATED, OPPOSITE, POSITIVE, fits_value, holds, nothing, regex
from adapters.pirsch.vocabulary import FILTERS, LISTINGS, SESSION_KEYS, means_blank, to_wire
from models.event import PAGEVIEW
from models.filters import And, Comparison, Filter, HasDone, Not, Or, comparisons
from models.goal import Goal, GoalKind
from models.result import Reason
from models.vocabulary import NO_PROP, Dimension, Operator, dimension_of, prop_key

D, Op = Dimension, Operator
ANY_VIEW = ".*"
_NOT_ATTRIBUTES = (D.PAGE, D.PROP, D.GOAL, D.EVENT)
MAX_VALUES = 100
"""Values in one request; a longer address might not arrive, and splitting would count visitors twice."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a request keeps. `events` name custom events (with `meta`), `whole` says that their visits are meant whole;
    `viewed` that of the events on the pages only page views are meant.

    `residual` filters need a session walk; `unlisted` ones need the list of a dimension's values first.
    """

    params: Params = ()
    events: tuple[str, ...] = ()
    meta: Params = ()
    whole: bool = False
    by_page: bool = False
    viewed: bool = False
    currency: str = ""
    without: tuple["Selection", ...] = ()
    residual: tuple[Filter, ...] = ()
    unlisted: tuple[Comparison, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def query(self) -> Params:
        """The parameters of a request."""
        return (*self.params, *(("event", name) for name in self.events), *self.meta)

    @property
    def multiplied(self) -> bool:
        """Whether a session may stand several times in the vendor's join, so that views and bounces are inflated."""
        return len(self.events) > 1 or bool(self.meta)

    def having(self, dimension: str, values: Sequence[str]) -> "Selection":
        """The selection cut down to a value that a list under this selection gave.

        The value takes the place of the filters on its own key: beside them it would be one more alternative.
        """
        chosen = select((Comparison(Op.IS, dimension, tuple(values)),))
        if chosen.viewed and self.by_page:
            chosen = Selection(viewed=True)  # of the pages that are kept already
        replaced = {key for key, _ in chosen.params} | ({"pattern"} if chosen.by_page else set())
        kept = tuple((k, v) for k, v in self.params if k not in replaced)
        return combined(replace(self, params=kept, events=() if chosen.events else self.events), chosen)


def select(filters: Sequence[Filter], goals: Sequence[Goal] = ()) -> Selection:
    """The selection of filters joined by and. `goals` are those of the site, which goal filters name.

    Raises UnsupportedQuery with every reason why a filter cannot be said truly.
    """
    leaves, behaviours, residual = _sorted_out(filters)
    selection = _of_leaves(leaves, goals)
    for behaviour in behaviours:
        selection = _with_behaviour(selection, behaviour, goals)
    for node in residual:
        _check_walkable(node)
    return replace(selection, residual=tuple(residual))


def _sorted_out(filters: Sequence[Filter]) -> tuple[list[Comparison], list[HasDone], list[Filter]]:
    leaves: list[Comparison] = []
    behaviours: list[HasDone] = []
    residual: list[Filter] = []
    for node in conjuncts(filters):
        match node:
            case Comparison():
                leaves.append(node)
            case HasDone():
                behaviours.append(node)
            case _:
                residual.append(node)
    return leaves, behaviours, residual


def conjuncts(filters: Iterable[Filter]) -> Iterator[Filter]:
    """The parts joined by and, negations pushed down to the comparisons (De Morgan)."""
    for node in filters:
        plain = _pushed(node, negate=False)
        if isinstance(plain, And):
            yield from conjuncts(plain.parts)
        else:
            yield plain


def _pushed(node: Filter, *, negate: bool) -> Filter:
    match node:
        case Comparison(operator):
            return replace(node, operator=OPPOSITE[operator]) if negate else node
        case Not(part):
            return _pushed(part, negate=not negate)
        case And(parts):
            inner = tuple(_pushed(p, negate=negate) for p in parts)
            return _either(inner) if negate else And(inner)
        case Or(parts):
            inner = tuple(_pushed(p, negate=negate) for p in parts)
            return And(inner) if negate else _either(inner)
        case HasDone(part, done):
            return HasDone(part, done=done != negate)
        case _:
            assert_never(node)


def _either(parts: tuple[Filter, ...]) -> Filter:
    """Alternatives; those of one dimension and one positive operator are one comparison with more values."""
    first = parts[0]
    if len(parts) == 1:
        return first
    same = [
        p
        for p in parts
        if isinstance(p, Comparison) and isinstance(first, Comparison) and p.operator in NEGATED
        and (p.dimension, p.operator, p.case_sensitive) == (first.dimension, first.operator, first.case_sensitive)
    ]  # fmt: skip
    if isinstance(first, Comparison) and len(same) == len(parts):
        return replace(first, values=tuple(dict.fromkeys(v for p in same for v in p.values)))
    return Or(parts)


def _check_walkable(node: Filter) -> None:
    if any(isinstance(part, HasDone) for part in _nodes(node)):
        raise refuse("has_done inside `or`: Pirsch can only be asked for it beside other filters")
    strangers = sorted({c.dimension for c in comparisons(node) if dimension_of(c.dimension) not in SESSION_KEYS})
    if strangers:
        raise refuse(f"or, not: Pirsch's list of sessions does not know {', '.join(strangers)}")


def _nodes(node: Filter) -> Iterator[Filter]:
    yield node
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _nodes(part)
        case Not(part) | HasDone(part):
            yield from _nodes(part)
        case Comparison():
            return


def _of_leaves(leaves: Sequence[Comparison], goals: Sequence[Goal]) -> Selection:
    pages = [leaf for leaf in leaves if leaf.dimension == D.PAGE]
    parts, named = [], []
    for leaf, by_list in _one_each(leaves):
        match dimension_of(leaf.dimension):
            case D.PAGE | D.PROP:
                continue
            case D.GOAL:
                found = goals_named(leaf, goals)
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


def combined(*parts: Selection) -> Selection:
    """Selections joined by and."""
    return Selection(
        params=tuple(p for s in parts for p in s.params),
        events=tuple(e for s in parts for e in s.events),
        meta=tuple(m for s in parts for m in s.meta),
        whole=any(s.whole for s in parts),
        by_page=any(s.by_page for s in parts),
        viewed=any(s.viewed for s in parts),
        currency=next((s.currency for s in parts if s.currency), ""),
        without=tuple(w for s in parts for w in s.without),
        residual=tuple(r for s in parts for r in s.residual),
        unlisted=tuple(u for s in parts for u in s.unlisted),
        reasons=tuple(dict.fromkeys(r for s in parts for r in s.reasons)),
    )


# Attributes of visits


def _of_column(leaf: Comparison, dimension: Dimension | None, *, by_list: bool = False) -> Selection:
    """One comparison of a visit's attribute. Several `^` on one key would be an `or` of negations: never sent."""
    if dimension is None or dimension not in FILTERS:
        raise refuse(f"{leaf.dimension}: Pirsch has no filter on it")
    key = FILTERS[dimension]
    if leaf.operator in (Op.IS, Op.IS_NOT) and leaf.case_sensitive:
        return _exact(leaf, dimension, key)
    if not by_list and leaf.operator is Op.CONTAINS and _plainly_contained(leaf, dimension):
        return Selection(params=tuple((key, f"~{v}") for v in leaf.values), reasons=_case(leaf))
    alone = not by_list and len(leaf.values) == 1
    if leaf.operator is Op.CONTAINS_NOT and alone and _plainly_contained(leaf, dimension):
        return Selection(params=((key, f"^{leaf.values[0]}"),), reasons=_case(leaf))
    if dimension not in LISTINGS:
        raise refuse(f"{leaf.operator} on {leaf.dimension}: Pirsch cannot be asked for it, nor for the list of values")
    return Selection(unlisted=(leaf,))


def _exact(leaf: Comparison, dimension: Dimension, key: str) -> Selection:
    wanted = [to_wire(dimension, value) for value in leaf.values]
    impossible = [v for v, wire in zip(leaf.values, wanted, strict=True) if not wire]
    if impossible:
        raise refuse(f"{leaf.dimension}: Pirsch cannot be asked for the value {impossible[0]!r}")
    values = [v for wire in wanted for v in wire]
    if len(values) > MAX_VALUES:
        raise refuse(f"{leaf.dimension}: at most {MAX_VALUES} values in one request to Pirsch")
    if dimension is D.DEVICE:
        return _platform(values, negate=leaf.operator is Op.IS_NOT)
    mark = "!" if leaf.operator is Op.IS_NOT else ""
    return Selection(params=tuple((key, mark + v) for v in values))


def _platform(values: Sequence[str], *, negate: bool) -> Selection:
    """platform takes one value; two of three are the complement of the third."""
    every = {"desktop", "mobile", "unknown"}
    kept = sorted(every - set(values) if negate else set(values))
    match len(kept):
        case 0:
            raise refuse("device: the filter excludes every device")
        case 1:
            return Selection(params=(("platform", kept[0]),))
        case 2:
            return Selection(params=(("platform", f"!{min(every - set(kept))}"),))
        case _:
            return Selection()


def _plainly_contained(leaf: Comparison, dimension: Dimension) -> bool:
    """Whether `~` means contains here: no live LIKE wildcard, no list membership, nothing that reads as empty."""
    return dimension not in (D.COUNTRY, D.LANGUAGE, D.DEVICE) and not any(
        set(v) & set("%_\\") or not v for v in leaf.values
    )


def _case(leaf: Comparison) -> tuple[Reason, ...]:
    if not leaf.case_sensitive or not any(v.lower() != v.upper() for v in leaf.values):
        return ()
    return (
        Reason(
            "case_insensitive", f"{leaf.operator} on {leaf.dimension}: Pirsch does not look at upper and lower case"
        ),
    )


# Events, goals, properties


def _of_events(leaf: Comparison) -> Selection:
    """Event names. A page view is no event at Pirsch: `event is pageview` keeps visits with a view, nothing more."""
    if leaf.operator in POSITIVE:
        raise refuse(f"{leaf.operator} on event: Pirsch would keep every visit that also had another event")
    if leaf.operator is not Op.IS or not leaf.case_sensitive:
        return Selection(unlisted=(leaf,))
    if PAGEVIEW in leaf.values:
        if len(leaf.values) > 1:
            raise refuse("event: page views and events cannot be alternatives of one request to Pirsch")
        return Selection(viewed=True)
    if any(not to_wire(D.EVENT, v) or means_blank(D.EVENT, v) for v in leaf.values):
        raise refuse("event: a name that begins with ! ~ ^, or is null, cannot be asked for")
    return Selection(events=leaf.values)


def goals_named(leaf: Comparison, goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """The goals that a filter means, by display name. Raises UnsupportedQuery when there are none."""
    found = tuple(g for g in goals if holds(leaf, g.shown_as))
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


def with_property(about: Selection, leaf: Comparison) -> Selection:
    """meta_<k>=v: one value a key, and only beside an event; without one the vendor ignores it."""
    if not about.events and not any(u.dimension == D.EVENT for u in about.unlisted):
        raise refuse(f"{leaf.dimension}: Pirsch filters on a property only beside a filter on its event")
    if len(leaf.values) != 1 or leaf.operator not in (Op.IS, Op.IS_NOT) or not leaf.case_sensitive:
        raise refuse(f"{leaf.dimension}: Pirsch takes one exact value of a property")
    key = f"meta_{prop_key(leaf.dimension)}"
    if key in dict(about.meta):
        raise refuse(f"{leaf.dimension}: Pirsch takes one filter of a property")
    value = "null" if leaf.values[0] == NO_PROP else leaf.values[0]
    if (value != "null" and len(to_wire(D.EVENT, value)) != 1) or not value:
        raise refuse(f"{leaf.dimension}: Pirsch cannot be asked for the value {value!r}")
    return replace(about, meta=(*about.meta, (key, ("!" if leaf.operator is Op.IS_NOT else "") + value)))


def _with_behaviour(selection: Selection, behaviour: HasDone, goals: Sequence[Goal]) -> Selection:
    """Visits with (without) an event. `event=!X` would mean "some other event", so visits with X are subtracted."""
    inner = select((behaviour.part,), goals)
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
        return replace(_exact(replace(exact[0], values=tuple(values)), D.PAGE, "path"), by_page=True)
    positive = [leaf for leaf in leaves if leaf.operator in NEGATED]
    if len(positive) > 1:
        raise refuse("page: two patterns at once would be an `or` at Pirsch")
    patterns = [("!" if leaf.operator in POSITIVE else "") + regex(leaf) for leaf in leaves]
    return Selection(params=tuple(("pattern", p) for p in patterns), by_page=True)
