"""Rows of a grouped question: series, listings, and asking once for each value where one call does not know. Pure.

Every script ends in tallies by group. Values of groups are canonical; each keeps what to ask it by in `wire`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.pirsch.translate import measure as m
from adapters.pirsch.translate.asking import Asking, Cut, Fields, Grouped, together
from adapters.pirsch.translate.call import (
    ROWS,
    Call,
    Key,
    Params,
    Script,
    Tallies,
    Tally,
    listed,
    paged,
    pages,
    refuse,
)
from adapters.pirsch.translate.selection import ANY_VIEW, Selection, combined, with_property
from adapters.pirsch.translate.series import series
from adapters.pirsch.vocabulary import BLANK, FILTERS, LISTINGS, TOTAL_KEYS, Field, Listing, from_wire, to_wire
from models.errors import UnsupportedQuery
from models.event import PAGEVIEW
from models.filters import Comparison
from models.query import Direction, Order
from models.result import Reason
from models.vocabulary import NO_PROP, Dimension, Interval, Metric, Operator, dimension_of, interval_of, prop_key

D, F = Dimension, Field
EVENT_PAGE: Mapping[Field, str] = {F.VISITORS: "visitors", F.VISITS: "sessions", F.BOUNCES: "bounces"}


def grouped(asking: Asking, dimensions: Sequence[str]) -> Script[Grouped]:
    """The tallies of a question by its dimensions, in their order."""
    if not dimensions:
        return Grouped({(): (yield from m.measure(asking.span, asking.selection, asking.fields))})
    if (listing := free_listing(dimensions)) is not None:
        return (yield from _listing(asking, listing, dimensions))
    if len(dimensions) == 1:
        return (yield from _single(asking, dimensions[0]))
    outer, inner = outer_and_inner(dimensions)
    return (yield from _by_value(asking, dimensions, outer, inner))


def free_listing(dimensions: Sequence[str]) -> Listing | None:
    """The endpoint whose rows carry all these dimensions."""
    for listing in LISTINGS.values():
        if set(dimensions) <= {str(d) for d in listing.dimensions} and listing.dimensions[-1] in dimensions:
            return listing
    return None


def outer_and_inner(dimensions: Sequence[str]) -> tuple[str, str]:
    """Of two dimensions the one whose values are asked for one by one, and the one that is grouped by then."""
    ranked = sorted(dimensions, key=lambda d: (_EXPECTED.get(d, 1000), d))
    return ranked[0], ranked[1]


_EXPECTED = {
    "device": 3, "hostname": 5, "os": 10, "screen": 10, "channel": 15, "browser": 15, "event": 20, "country": 60,
    "language": 60, **{f"time:{i}": 10_000 for i in Interval},
}  # fmt: skip


# One dimension


def _single(asking: Asking, name: str) -> Script[Grouped]:
    if (interval := interval_of(name)) is not None:
        return (yield from series(asking, interval))
    match dimension_of(name):
        case D.DEVICE:
            return (yield from _devices(asking))
        case D.EVENT:
            return (yield from _events(asking))
        case D.PROP:
            return (yield from _properties(asking, name))
        case D.REFERRER:
            return (yield from _referrers(asking))
        case _:
            raise refuse(f"{name}: Pirsch does not group by it")


def _listing(asking: Asking, listing: Listing, dimensions: Sequence[str]) -> Script[Grouped]:
    own = D(dimensions[-1]) if len(dimensions) == 1 else None
    path, offers, params = _endpoint(asking, listing)
    call = asking.span.call(path, (*asking.selection.query, *params))
    if asking.cut is not None and listing.own_order and len(listing.keys) == 1 and asking.cut.by is F.VISITORS:
        rows = yield from _first(call, asking.cut.rows)
    else:
        rows = yield from pages(call, at_most=asking.calls, what=" and ".join(dimensions))
    found = Grouped({})
    for row in rows:
        values = {str(d): from_wire(d, row[key]) for d, key in listing.keys}
        _merge(found, tuple(values[d] for d in dimensions), m.tally_of(row, offers))
    if own is not None:
        yield from _unmerged(asking, found, own, frozenset(offers) & frozenset(TOTAL_KEYS))
    missing = asking.fields - frozenset(offers)
    if missing and own is not None:
        yield from _filled(asking, found, missing, lambda key: asking.selection.having(own, key))
    return found


def _endpoint(asking: Asking, listing: Listing) -> tuple[str, Mapping[Field, str], Params]:
    """Path, offered fields and extra parameters. Under an event, pages are those the event fired on."""
    if listing.path == "page" and asking.selection.events and not asking.selection.whole:
        return "event/page", EVENT_PAGE, ()
    if F.TIME_ON_PAGE in asking.fields and listing.path in ("page", "page/entry"):
        offers = {**listing.offers, F.TIME_ON_PAGE: "average_time_spent_seconds"}
        return listing.path, offers, (("include_avg_time_on_page", "true"),)
    return listing.path, listing.offers, ()


def _first(call: Call, rows: int) -> Script[list[Any]]:
    """The first rows of a listing in the vendor's own order."""
    found: list[Any] = []
    for page in range(-(-rows // ROWS)):
        (more,) = yield (paged(call, page),)
        found += listed(more)
        if len(listed(more)) < ROWS:
            break
    return found


def _merge(found: Grouped, key: Key, tally: Tally) -> None:
    """Add a row; two wire values that are one canonical value are summed, which counts some visitors twice."""
    if (known := found.tallies.get(key)) is None:
        found.tallies[key] = tally
        return
    found.tallies[key] = {f: (v or 0) + (tally.get(f) or 0) for f, v in known.items()}
    found.merged = [*(k for k in found.merged if k != key), key]


def _unmerged(asking: Asking, found: Grouped, dimension: Dimension, fields: Fields) -> Script[None]:
    """Count groups of several rows again, each as one question; where there is no such filter they stay sums."""
    if found.merged and dimension not in FILTERS:
        found.reasons.append(Reason("summed_visitors", f"{dimension}: visitors of several programs are summed"))
        return
    asks = [m.measure(asking.span, asking.selection.having(dimension, key), fields) for key in found.merged]
    if len(asks) > asking.calls - 1:
        raise refuse(f"{dimension}: {len(asks)} values cost a call each, at most {asking.calls - 1}")
    for key, tally in zip(found.merged, (yield from together(asks)), strict=True):
        found.tallies[key] |= tally


def _filled(asking: Asking, found: Grouped, missing: Fields, selection_of: Callable[[Key], Selection]) -> Script[None]:
    """Ask for the missing fields once per group; only for the rows that will be shown, where that is known."""
    keys = shown(found.tallies, asking.cut) if asking.cut and asking.cut.by not in missing else list(found.tallies)
    cost = len(keys) * m.calls_for(missing)
    if cost > asking.calls - 1:
        names = ", ".join(sorted(missing))
        raise refuse(
            f"{names}: {len(keys)} values would cost {cost} more calls, at most {asking.calls - 1}; "
            "set a lower limit and order by visitors"
        )
    askable: list[tuple[Key, Selection]] = []
    for key in keys:
        try:
            askable.append((key, selection_of(key)))
        except UnsupportedQuery:
            found.reasons.append(Reason("unaskable_value", f"Pirsch cannot be asked for the value {key[-1]!r} alone"))
    measured = yield from together([m.measure(asking.span, chosen, missing) for _, chosen in askable])
    for (key, _), tally in zip(askable, measured, strict=True):
        found.tallies[key] = {**found.tallies[key], **tally}
    found.tallies = {key: found.tallies[key] for key in keys} if len(keys) < len(found.tallies) else found.tallies


def shown(tallies: Tallies, cut: Cut) -> list[Key]:
    """The groups of the first rows."""
    return sorted(tallies, key=lambda key: (-(tallies[key].get(cut.by) or 0), key))[: cut.rows]


def _devices(asking: Asking) -> Script[Grouped]:
    """One object, three kinds of device; those without visitors are no rows."""
    (reply,) = yield (asking.span.call("platform", asking.selection.query),)
    kinds = ("desktop", "mobile", "unknown")
    found = Grouped(
        {
            (from_wire(D.DEVICE, kind),): {F.VISITORS: reply[f"platform_{kind}"]}
            for kind in kinds
            if reply[f"platform_{kind}"]
        }
    )
    if missing := asking.fields - {F.VISITORS}:
        yield from _filled(asking, found, missing, lambda key: asking.selection.having(D.DEVICE, key))
    return found


def _events(asking: Asking) -> Script[Grouped]:
    """Events by name, and page views as the event they are here; nothing else where only page views are meant."""
    call = asking.span.call("events", asking.selection.query)
    rows = [] if asking.selection.viewed else (yield from pages(call, at_most=asking.calls, what="event"))
    found = Grouped({})
    for row in rows:
        found.tallies[(row["name"],)] = {F.VISITORS: row["visitors"], F.EVENT_COUNT: row["count"], F.VIEWS: 0}
    if F.VISITS in asking.fields:
        alone = replace(asking, cut=None)
        yield from _filled(alone, found, frozenset({F.VISITS}), lambda key: asking.selection.having(D.EVENT, key))
    if not asking.selection.events:
        viewed = asking.selection
        if not viewed.by_page:
            viewed = combined(viewed, Selection(params=(("pattern", ANY_VIEW),), by_page=True))
        tally = yield from m.measure(asking.span, viewed, frozenset({F.VISITORS, F.VISITS, F.VIEWS}))
        if tally[F.VIEWS]:
            found.tallies[(PAGEVIEW,)] = {**tally, F.EVENT_COUNT: 0}
    return found


def _properties(asking: Asking, name: str) -> Script[Grouped]:
    """Values of a property of one event; a second question finds the events without it."""
    key = prop_key(name)
    if not asking.selection.events:
        return (yield from _properties_of_all(asking, key))
    call = asking.span.call("event/meta", (*asking.selection.query, ("event_meta_key", key)))
    blank = combined(asking.selection, Selection(meta=((f"meta_{key}", BLANK),)))
    rows, missing = yield from together(
        [
            _rows(pages(call, at_most=asking.calls, what=name)),
            _rows(pages(asking.span.call("events", blank.query), at_most=1, what="event")),
        ]
    )
    keys = {F.VISITORS: "visitors", F.EVENT_COUNT: "count"}
    found = Grouped({(row["meta_value"],): m.tally_of(row, keys) for row in rows if row["meta_value"] != ""})
    if missing:
        found.tallies[(NO_PROP,)] = m.tally_of(missing[0], keys)
    if F.VISITS in asking.fields:
        yield from _filled(
            replace(asking, cut=None), found, frozenset({F.VISITS}),
            lambda k: with_property(asking.selection, Comparison(Operator.IS, name, k)),
        )  # fmt: skip
    return found


def _properties_of_all(asking: Asking, key: str) -> Script[Grouped]:
    """Values over all events, one question each, summed; and of page views, whose properties are tags."""
    query, span = asking.selection.query, asking.span
    names = yield from pages(span.call("events", query), at_most=m.EVENT_PAGES, what="event")
    carriers = [row["name"] for row in names if key in (row["meta_keys"] or ())]
    if len(carriers) + 3 > asking.calls:
        raise refuse(f"prop:{key}: {len(carriers)} events cost a call each, at most {asking.calls - 3}")
    of = (("event_meta_key", key),)
    tags, (untagged,), *metas = yield from together(
        [
            _rows(pages(span.call("tag/details", (*query, ("tag", key))), at_most=asking.calls, what=f"prop:{key}")),
            _rows(_once(span.call("total", (*query, ("tag", f"!{key}"))))),
            *(_rows(pages(span.call("event/meta", (*query, *of), event=e), at_most=3, what=e)) for e in carriers),
        ]
    )
    found = Grouped({(NO_PROP,): m.tally_of(untagged, {F.VISITORS: "visitors"})})
    values = [(row["value"], row["visitors"]) for row in tags]
    values += [(row["meta_value"], row["visitors"]) for rows in metas for row in rows]
    for value, visitors in values:
        if value:
            _merge(found, (value,), {F.VISITORS: visitors})
    return found


def _once(call: Call) -> Script[list[Any]]:
    return (yield (call,))


def _rows(script: Script[list[Any]]) -> Script[list[Any]]:
    return (yield from script)


def _referrers(asking: Asking) -> Script[Grouped]:
    """Full referrers, one question for each source."""
    sources = yield from pages(
        asking.span.call("referrer", asking.selection.query), at_most=asking.calls, what="source"
    )
    names = [row["referrer_name"] for row in sources]
    if len(names) > asking.calls - 1:
        raise refuse(f"referrer: {len(names)} sources cost a call each, at most {asking.calls - 1}")
    found = Grouped({})
    offers = LISTINGS[D.SOURCE].offers
    asks = []
    for name in names:
        wanted = to_wire(D.SOURCE, name)
        if not wanted:
            raise refuse(f"referrer: Pirsch cannot be asked for the source {name!r}")
        chosen = (*asking.selection.query, ("referrer_name", wanted[0]))
        asks.append(_rows(pages(asking.span.call("referrer", chosen), at_most=asking.calls, what="referrer")))
    for row in (row for rows in (yield from together(asks)) for row in rows):
        _merge(found, (from_wire(D.REFERRER, row["referrer"]),), m.tally_of(row, offers))
    yield from _unmerged(asking, found, D.REFERRER, frozenset(offers))
    return found


# Two dimensions


def _by_value(asking: Asking, dimensions: Sequence[str], outer: str, inner: str) -> Script[Grouped]:
    """List the values of one dimension, then group by the other with each of them as a filter."""
    values = yield from grouped(replace(asking, fields=frozenset({F.VISITORS}), cut=None), (outer,))
    keys = [key for key, tally in values.tallies.items() if tally.get(F.VISITORS) != 0]
    parts = []
    for key in keys:
        chosen = asking.selection.having(outer, key)
        parts.append(grouped(replace(asking, selection=chosen, cut=None), (inner,)))
    if len(parts) > asking.calls - 1:
        raise refuse(f"{outer}: {len(parts)} values cost a call each, at most {asking.calls - 1}")
    found = Grouped({}, list(values.reasons))
    for key, part in zip(keys, (yield from together(parts)), strict=True):
        found.reasons += [r for r in part.reasons if r not in found.reasons]
        for own, tally in part.tallies.items():
            pair = {outer: key[0], inner: own[0]}
            found.tallies[tuple(pair[d] for d in dimensions)] = tally
    return found


def order_cut(order: Sequence[Order], dimensions: Sequence[str], rows: int) -> Cut | None:
    """The cut of an order that is one field descending and then the dimensions ascending; None for any other."""
    if not order or order[0].direction is not Direction.DESC or order[0].by in dimensions:
        return None
    if [(o.by, o.direction) for o in order[1:]] != [(d, Direction.ASC) for d in dimensions]:
        return None
    fields = m.NEEDS.get(Metric(order[0].by), ())
    return Cut(fields[0], rows) if len(fields) == 1 else None
