"""Rows by anything but time: lists of the vendor, and asking once for each row what a list does not know. Pure."""

from collections.abc import Callable
from typing import Any

from adapters.pirsch.translate.measure import measure, tally_of
from adapters.pirsch.translate.question import Question
from adapters.pirsch.translate.selection import ANY_VIEW, Selection, combined, with_property
from adapters.pirsch.translate.statistics import (
    EVENT_PAGES,
    ROWS,
    VALUE_PAGES,
    Fields,
    Grouped,
    Key,
    Script,
    StatisticsCall,
    Tally,
    pages,
    refuse,
    together,
)
from adapters.pirsch.vocabulary import BLANK, FILTERS, LISTINGS, TOTAL_KEYS, Field, from_wire, to_wire
from models.errors import UnsupportedQuery
from models.event import PAGEVIEW
from models.filters import Comparison
from models.result import Reason
from models.vocabulary import NO_PROP, Dimension, Operator, prop_key

D, F = Dimension, Field
_EVENT_KEYS = {F.VISITORS: "visitors", F.EVENT_COUNT: "count"}


def listing(question: Question) -> Script[Grouped]:
    """One list whose rows carry all dimensions."""
    endpoint, dimensions = question.listing, question.dimensions
    if endpoint is None:
        raise TypeError(question.shape)
    call = question.span.call(endpoint.path, (*question.selection.query, *endpoint.params))
    if question.first_rows:
        rows = yield from pages(call, at_most=-(-question.first_rows // ROWS))
    else:
        rows = yield from pages(call, at_most=question.at_most, what=" and ".join(dimensions))
    found = Grouped({})
    for row in rows:
        values = {str(d): from_wire(d, row[key]) for d, key in endpoint.keys}
        _merge(found, tuple(values[d] for d in dimensions), tally_of(row, endpoint.offers))
    if len(dimensions) == 1:
        yield from _unmerged(question, found, frozenset(endpoint.offers) & frozenset(TOTAL_KEYS))
        yield from _filled(question, found)
    return found


def _merge(found: Grouped, key: Key, tally: Tally) -> None:
    """Add a row; two wire values that are one canonical value are summed, which counts some visitors twice."""
    if (known := found.tallies.get(key)) is None:
        found.tallies[key] = tally
        return
    found.tallies[key] = {f: (v or 0) + (tally.get(f) or 0) for f, v in known.items()}
    found.merged = [*(k for k in found.merged if k != key), key]


def _unmerged(question: Question, found: Grouped, fields: Fields) -> Script[None]:
    """Count groups of several rows again, each as one question; where there is no such filter they stay sums."""
    (name,), span = question.dimensions, question.span
    if found.merged and name not in FILTERS:
        found.reasons.append(Reason("summed_visitors", f"{name}: visitors of several programs are summed"))
        return
    asks = [measure(span, question.selection.having(name, key[0]), fields) for key in found.merged]
    affordable(question, name, len(asks))
    for key, tally in zip(found.merged, (yield from together(asks)), strict=True):
        found.tallies[key] |= tally


def affordable(question: Question, name: str, values: int) -> None:
    """Raises UnsupportedQuery when a call for each value would be too many."""
    if values > question.at_most - 1:
        raise refuse(f"{name}: {values} values cost a call each, at most {question.at_most - 1}")


def _filled(question: Question, found: Grouped, selection_of: Callable[[str], Selection] | None = None) -> Script[None]:
    """Ask for the missing fields once per group; only for the rows that will be shown, where that is known."""
    if not question.by_row:
        return
    keys = _shown(question, found)
    if (cost := len(keys) * question.row_calls) > question.at_most - 1:
        raise refuse(
            f"{', '.join(sorted(question.by_row))}: {len(keys)} values would cost {cost} more calls, "
            f"at most {question.at_most - 1}; set a lower limit and order by visitors"
        )
    askable: list[tuple[Key, Selection]] = []
    for key in keys:
        try:
            having = selection_of(key[0]) if selection_of else question.selection.having(question.dimensions[0], key[0])
            askable.append((key, having))
        except UnsupportedQuery:
            found.reasons.append(Reason("unaskable_value", f"Pirsch cannot be asked for the value {key[0]!r} alone"))
    measured = yield from together([measure(question.span, having, question.by_row) for _, having in askable])
    for (key, _), tally in zip(askable, measured, strict=True):
        found.tallies[key] = {**found.tallies[key], **tally}
    found.tallies = {key: found.tallies[key] for key in keys}


def _shown(question: Question, found: Grouped) -> list[Key]:
    """The groups of the rows that will be shown."""
    tallies, top = found.tallies, question.top
    if top is None:
        return list(tallies)
    return sorted(tallies, key=lambda key: (-(tallies[key].get(top.by) or 0), key))[: top.rows]


def devices(question: Question) -> Script[Grouped]:
    """One object, three kinds of device (fixtures/pirsch/platform.json); those without visitors are no rows."""
    (reply,) = yield (question.span.call("platform", question.selection.query),)
    visitors = {kind: reply[f"platform_{kind}"] for kind in ("desktop", "mobile", "unknown")}
    found = Grouped({(from_wire(D.DEVICE, kind),): {F.VISITORS: count} for kind, count in visitors.items() if count})
    yield from _filled(question, found)
    return found


def events(question: Question) -> Script[Grouped]:
    """Events by name, and page views as the event they are here; nothing else where only page views are meant."""
    span, selection = question.span, question.selection
    call = span.call("events", selection.query)
    rows = [] if selection.viewed else (yield from pages(call, at_most=question.at_most, what="event"))
    found = Grouped({(row["name"],): {**tally_of(row, _EVENT_KEYS), F.VIEWS: 0} for row in rows})
    yield from _filled(question, found)
    if not selection.events:
        viewed = selection
        if not viewed.by_page:
            viewed = combined(viewed, Selection(params=(("pattern", ANY_VIEW),), by_page=True))
        tally = yield from measure(span, viewed, frozenset({F.VISITORS, F.VISITS, F.VIEWS}))
        if tally[F.VIEWS]:
            found.tallies[(PAGEVIEW,)] = {**tally, F.EVENT_COUNT: 0}
    return found


def properties(question: Question) -> Script[Grouped]:
    """Values of a property of one event; a second question finds the events without it."""
    span, selection, (name,) = question.span, question.selection, question.dimensions
    key = prop_key(name)
    if not selection.events:
        return (yield from _properties_of_all(question, key))
    call = span.call("event/meta", (*selection.query, ("event_meta_key", key)))
    blank = combined(selection, Selection(meta=((f"meta_{key}", BLANK),)))
    rows, missing = yield from together(
        [
            pages(call, at_most=question.at_most, what=name),
            pages(span.call("events", blank.query), at_most=1, what="event"),
        ]
    )
    found = Grouped({(row["meta_value"],): tally_of(row, _EVENT_KEYS) for row in rows if row["meta_value"] != ""})
    if missing:
        found.tallies[(NO_PROP,)] = tally_of(missing[0], _EVENT_KEYS)
    yield from _filled(question, found, lambda v: with_property(selection, Comparison(Operator.IS, name, (v,))))
    return found


def _properties_of_all(question: Question, key: str) -> Script[Grouped]:
    """Values over all events, one question each, summed; and of page views, whose properties are tags."""
    span, query, at_most, name = question.span, question.selection.query, question.at_most, f"prop:{key}"
    names = yield from pages(span.call("events", query), at_most=EVENT_PAGES, what="event")
    carriers = [row["name"] for row in names if key in (row["meta_keys"] or ())]
    if len(carriers) + 3 > at_most:
        raise refuse(f"{name}: {len(carriers)} events cost a call each, at most {at_most - 3}")
    meta = (*query, ("event_meta_key", key))
    tags, (untagged,), *metas = yield from together(
        [
            pages(span.call("tag/details", (*query, ("tag", key))), at_most=at_most, what=name),
            _replies(span.call("total", (*query, ("tag", f"!{key}")))),
            *(pages(span.call("event/meta", meta, event=e), at_most=VALUE_PAGES, what=e) for e in carriers),
        ]
    )
    found = Grouped({(NO_PROP,): tally_of(untagged, {F.VISITORS: "visitors"})})
    values = [(row["value"], row["visitors"]) for row in tags]
    values += [(row["meta_value"], row["visitors"]) for rows in metas for row in rows]
    for value, visitors in values:
        if value:
            _merge(found, (value,), {F.VISITORS: visitors})
    return found


def _replies(*calls: StatisticsCall) -> Script[list[Any]]:
    replies: list[Any] = yield calls
    return replies


def referrers(question: Question) -> Script[Grouped]:
    """Full referrers, one question for each source."""
    span, query, at_most = question.span, question.selection.query, question.at_most
    sources = yield from pages(span.call("referrer", query), at_most=at_most, what="source")
    names = [row["referrer_name"] for row in sources]
    if len(names) > at_most - 1:
        raise refuse(f"referrer: {len(names)} sources cost a call each, at most {at_most - 1}")
    asks = []
    for name in names:
        wanted = to_wire(D.SOURCE, name)
        if not wanted:
            raise refuse(f"referrer: Pirsch cannot be asked for the source {name!r}")
        call = span.call("referrer", (*query, ("referrer_name", wanted[0])))
        asks.append(pages(call, at_most=at_most, what="referrer"))
    found, offers = Grouped({}), LISTINGS[D.SOURCE].offers
    for row in (row for rows in (yield from together(asks)) for row in rows):
        _merge(found, (from_wire(D.REFERRER, row["referrer"]),), tally_of(row, offers))
    yield from _unmerged(question, found, frozenset(offers))
    return found
