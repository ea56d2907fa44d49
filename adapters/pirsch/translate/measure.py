"""Numbers of one selection: which a metric needs, which calls give them, and what the metric makes of them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from adapters.pirsch.translate.call import Call, Params, Script, Span, Tally, listed, paged, refuse
from adapters.pirsch.translate.selection import Selection
from adapters.pirsch.vocabulary import TOTAL_KEYS, Field
from adapters.pirsch.wire import CURRENCY_KEY, REVENUE_KEY
from models.result import Money, Value
from models.vocabulary import Metric

F, M = Field, Metric
EVENT_PAGES = 3
"""Pages of event names that are read to count all events."""
REVENUE_KEYS: Mapping[Field, str] = MappingProxyType(
    {F.REVENUE: "custom_metric_total", F.AVERAGE_REVENUE: "custom_metric_avg"}
)

NEEDS: Mapping[Metric, tuple[Field, ...]] = MappingProxyType(
    {
        M.VISITORS: (F.VISITORS,),
        M.VISITS: (F.VISITS,),
        M.PAGEVIEWS: (F.VIEWS,),
        M.EVENTS: (F.VIEWS, F.EVENT_COUNT),
        M.VIEWS_PER_VISIT: (F.VIEWS, F.VISITS),
        M.BOUNCE_RATE: (F.BOUNCES, F.VISITS),
        M.VISIT_DURATION: (F.DURATION,),
        M.TIME_ON_PAGE: (F.TIME_ON_PAGE,),
        M.CONVERSIONS: (F.EVENT_COUNT,),
        M.CONVERSION_RATE: (F.VISITORS,),
        M.GROUP_CONVERSION_RATE: (F.VISITORS,),
        M.PERCENTAGE: (F.VISITORS,),
        M.EXIT_RATE: (F.VISITS, F.VIEWS),
        M.TOTAL_REVENUE: (F.REVENUE,),
        M.AVERAGE_REVENUE: (F.AVERAGE_REVENUE,),
    }
)

_REASONS_MULTIPLIED = "Pirsch counts a visit once for each matching event there, so {} would be inflated"


def needs(metrics: Iterable[Metric], selection: Selection) -> frozenset[Field]:
    """The fields the metrics are made of. A page goal's conversions are views; an event has no page views."""
    found: set[Field] = set()
    for metric in metrics:
        match metric:
            case M.PAGEVIEWS if selection.events and not selection.whole:
                continue
            case M.EVENTS if selection.events:
                found.add(F.EVENT_COUNT)
            case M.CONVERSIONS | M.EVENTS if selection.viewed:
                found.add(F.VIEWS)
            case _:
                found.update(NEEDS[metric])
    return frozenset(found)


def objections(metrics: Iterable[Metric], selection: Selection) -> list[str]:
    """Why metrics cannot be truly counted for a selection."""
    found: list[str] = []
    for metric in metrics:
        match metric:
            case M.BOUNCE_RATE | M.VIEWS_PER_VISIT if selection.multiplied and not selection.by_page:
                found.append(f"{metric}: {_REASONS_MULTIPLIED.format(metric)}; ask for one event without properties")
            case M.PAGEVIEWS if selection.whole and (selection.multiplied or selection.by_page):
                found.append("pageviews: has_done is a filter on pages here, which narrows the views it counts")
            case M.EVENTS if selection.whole or (selection.events and selection.by_page):
                found.append("events: Pirsch counts events by name, not those of whole visits")
            case M.TOTAL_REVENUE | M.AVERAGE_REVENUE if not selection.currency:
                found.append(f"{metric}: needs a filter on one goal that has a currency")
            case _:
                continue
    return found


def subtractable(metrics: Iterable[Metric], selection: Selection) -> bool:
    """Whether numbers without an event are numbers of all visits less those with it: never so for visitors."""
    fields = {M.VISITS, M.BOUNCE_RATE} | (set() if any(w.by_page for w in selection.without) else {M.PAGEVIEWS})
    return set(metrics) <= fields and not any(w.multiplied for w in selection.without)


_TOTALS = frozenset(TOTAL_KEYS)


def calls_for(fields: frozenset[Field]) -> int:
    """The most calls `measure` makes."""
    return (
        bool(fields & _TOTALS) + (EVENT_PAGES if F.EVENT_COUNT in fields else 0)
        + (2 if F.DURATION in fields else 0) + (F.TIME_ON_PAGE in fields)
        + bool(fields & {F.REVENUE, F.AVERAGE_REVENUE})
    )  # fmt: skip


def measure(span: Span, selection: Selection, fields: frozenset[Field]) -> Script[Tally]:
    """The fields of one selection, side by side."""
    query, wanted = selection.query, dict[str, Call]()
    if fields & _TOTALS:
        wanted["total"] = span.call("total", query)
    if F.EVENT_COUNT in fields:
        wanted["events"] = paged(span.call("events", query), 0)
    if F.DURATION in fields:
        wanted["visitor"] = span.call("visitor", query, scale="day")
        wanted["duration"] = span.call("duration/session", query, scale="day")
    if F.TIME_ON_PAGE in fields:
        wanted["page"] = span.call("duration/page", query, scale="day")
    if fields & {F.REVENUE, F.AVERAGE_REVENUE}:
        wanted["revenue"] = span.call("total", (*query, *revenue_params(selection.currency)))
    replies = dict(zip(wanted, (yield tuple(wanted.values())), strict=True))
    found: Tally = tally_of(replies["total"], TOTAL_KEYS) if "total" in replies else {}
    if "events" in replies:
        found[F.EVENT_COUNT] = yield from _events(wanted["events"], replies["events"])
    if "duration" in replies:
        found[F.DURATION] = estimated_duration(replies["visitor"], replies["duration"])
    if "page" in replies:
        times = [row["average_time_spent_seconds"] for row in listed(replies["page"])]
        spent = [t for t in times if t]
        found[F.TIME_ON_PAGE] = sum(spent) / len(spent) if spent else None
    if "revenue" in replies:
        found |= tally_of(replies["revenue"], REVENUE_KEYS)
    return {f: v for f, v in found.items() if f in fields}


def _events(first: Call, reply: Any) -> Script[float]:
    """The count of all events that a selection keeps."""
    rows, page = listed(reply), 1
    while len(rows) == 100 * page:
        if page == EVENT_PAGES:
            raise refuse(f"events: the site has more than {100 * EVENT_PAGES} event names; filter on one")
        base = Call(first.path, first.params[:-2])
        rows, page = rows + listed((yield (paged(base, page),))[0]), page + 1
    return float(sum(row["count"] for row in rows))


def revenue_params(currency: str) -> Params:
    """Reads money from an event's metadata, in one currency."""
    wanted = (f"meta_{CURRENCY_KEY}", currency)
    return (wanted, ("custom_metric_key", REVENUE_KEY), ("custom_metric_type", "float"))


def tally_of(row: Mapping[str, Any], keys: Mapping[Field, str]) -> Tally:
    """The documented numbers of a row. Raises KeyError or TypeError when one is missing or is no number."""
    return {field: _number(row[key]) for field, key in keys.items()}


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return value


def estimated_duration(days: Any, durations: Any) -> float | None:
    """Seconds a visit lasts, from daily averages over visits longer than 0, weighted by visits that did not bounce.

    An estimate: a visit that bounced may have lasted (an event that is not interactive), and the averages are rounded.
    """
    averages = {row["day"]: row["average_time_spent_seconds"] for row in listed(durations)}
    visits = sum(row["sessions"] for row in listed(days))
    seconds = sum(averages.get(row["day"], 0) * (row["sessions"] - row["bounces"]) for row in listed(days))
    return seconds / visits if visits else None


def day_of(stamp: str) -> date:
    """The local date that a midnight stamp with Z denotes."""
    return date.fromisoformat(stamp[:10])


def subtracted(whole: Tally, part: Tally | None) -> Tally:
    """The visits that are not in the part."""
    return {f: (v or 0) - ((part or {}).get(f) or 0) for f, v in whole.items()}


@dataclass(frozen=True, slots=True)
class Context:
    """Denominators of a group: visitors of the query, those without its goal, those of the group without the goal."""

    whole: float = 0
    without_goal: float = 0
    group: float = 0


def value(metric: Metric, tally: Tally, selection: Selection, context: Context) -> Value:
    """A metric in canonical units; None where the vendor has no number."""
    match metric:
        case M.VISITORS:
            return _whole(tally.get(F.VISITORS))
        case M.VISITS:
            return _whole(tally.get(F.VISITS))
        case M.PAGEVIEWS:
            return 0 if selection.events and not selection.whole else _whole(tally.get(F.VIEWS))
        case M.EVENTS | M.CONVERSIONS if selection.viewed:
            return _whole(tally.get(F.VIEWS))
        case M.EVENTS if not selection.events:
            return _sum(tally, F.VIEWS, F.EVENT_COUNT)
        case M.EVENTS | M.CONVERSIONS:
            return _whole(tally.get(F.EVENT_COUNT))
        case M.VIEWS_PER_VISIT:
            return _ratio(tally, F.VIEWS, F.VISITS, lambda q: round(q * 100) / 100, 0.0)
        case M.BOUNCE_RATE:
            return _ratio(tally, F.BOUNCES, F.VISITS, lambda q: round(100 * q), 0)
        case M.EXIT_RATE:
            return _ratio(tally, F.VISITS, F.VIEWS, lambda q: round(100 * q, 1), None)
        case M.VISIT_DURATION:
            return _whole(tally.get(F.DURATION) or 0) if F.DURATION in tally else None
        case M.TIME_ON_PAGE:
            return _whole(tally.get(F.TIME_ON_PAGE) or None)
        case M.PERCENTAGE:
            return _share(tally, context.whole, None)
        case M.CONVERSION_RATE:
            return _share(tally, context.without_goal, 0.0)
        case M.GROUP_CONVERSION_RATE:
            return _share(tally, context.group, 0.0)
        case M.TOTAL_REVENUE | M.AVERAGE_REVENUE:
            amount = tally.get(F.REVENUE if metric is M.TOTAL_REVENUE else F.AVERAGE_REVENUE)
            return None if amount is None else Money(round(amount, 2), selection.currency)
        case _:
            raise ValueError(f"{metric} is no number of Pirsch")


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _sum(tally: Tally, *fields: Field) -> int | None:
    numbers = [tally.get(f) for f in fields]
    return None if None in numbers else round(sum(n or 0 for n in numbers))


def _ratio(tally: Tally, part: Field, of: Field, shown: Callable[[float], Value], empty: Value) -> Value:
    above, below = tally.get(part), tally.get(of)
    if above is None or below is None:
        return None
    return shown(above / below) if below else empty


def _share(tally: Tally, whole: float, empty: float | None) -> float | None:
    visitors = tally.get(F.VISITORS)
    if visitors is None:
        return None
    return round(100 * visitors / whole * 100) / 100 if whole else empty
