"""Which visits a request keeps, as Pirsch's query parameters, and exact values as such. Pure.

The vendor's rules, with every trap named here: contract section 8 (2026-07-10).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.pirsch.translate.statistics import Params, refuse
from adapters.pirsch.vocabulary import DEVICES, FILTERS, means_blank, to_wire
from models.event import PAGEVIEW
from models.filters import Comparison, Filter
from models.result import Reason
from models.vocabulary import NO_PROP, Dimension, Operator, dimension_of, prop_key

D, Op = Dimension, Operator
ANY_VIEW = ".*"
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

    @property
    def of_event_hits(self) -> bool:
        """Whether an event is asked about itself, not the visits that had it."""
        return bool(self.events) and not self.whole

    def having(self, dimension: str, value: str) -> "Selection":
        """The selection cut down to a value that a list under this selection gave.

        The value takes the place of the filters on its own key: beside them it would be one more alternative.
        """
        chosen = exactly(Comparison(Op.IS, dimension, (value,)))
        if chosen.viewed and self.by_page:
            chosen = Selection(viewed=True)  # of the pages that are kept already
        replaced = {key for key, _ in chosen.params} | ({"pattern"} if chosen.by_page else set())
        kept = tuple((k, v) for k, v in self.params if k not in replaced)
        return combined(replace(self, params=kept, events=() if chosen.events else self.events), chosen)


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


def exactly(leaf: Comparison) -> Selection:
    """A comparison with `is` or `is_not`, case looked at. Raises UnsupportedQuery for what no parameter can say."""
    dimension = dimension_of(leaf.dimension)
    if dimension is None or dimension not in FILTERS:
        raise refuse(f"{leaf.dimension}: Pirsch has no filter on it")
    if dimension is D.EVENT:
        return _named(leaf)
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
    params = tuple((FILTERS[dimension], mark + v) for v in values)
    return Selection(params=params, by_page=dimension is D.PAGE)


def _named(leaf: Comparison) -> Selection:
    """Event names. A page view is no event at Pirsch: `event is pageview` keeps visits with a view, nothing more."""
    if PAGEVIEW in leaf.values:
        if len(leaf.values) > 1:
            raise refuse("event: page views and events cannot be alternatives of one request to Pirsch")
        return Selection(params=(("pattern", ANY_VIEW),), by_page=True, viewed=True)
    if any(not to_wire(D.EVENT, v) or means_blank(D.EVENT, v) for v in leaf.values):
        raise refuse("event: a name that begins with ! ~ ^, or is null, cannot be asked for")
    return Selection(events=leaf.values)


def _platform(values: Sequence[str], *, negate: bool) -> Selection:
    """platform takes one value; two of three are the complement of the third (2026-07-10, contract section 8)."""
    every = set(DEVICES)
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


def with_property(about: Selection, leaf: Comparison) -> Selection:
    """meta_<k>=v: one value a key, and only beside an event; without one the vendor ignores it.

    (2026-07-10, contract section 8.)
    """
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
