"""The script of a read: look up what the plan needs to know, then ask exactly what it says, part by part. Pure."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from adapters.pirsch.translate import listings
from adapters.pirsch.translate.filters import Lookups
from adapters.pirsch.translate.measure import hours, measure, minutes, series
from adapters.pirsch.translate.plan import ESTIMATED, Part, Plan, asks_goals, plan
from adapters.pirsch.translate.question import CallLimits, Question, Shape
from adapters.pirsch.translate.rows import Denominators, answer_of
from adapters.pirsch.translate.session_walk import walk
from adapters.pirsch.translate.statistics import (
    VALUE_PAGES,
    Grouped,
    Key,
    Script,
    StatisticsCall,
    Tally,
    pages,
    refuse,
    span_of,
    together,
)
from adapters.pirsch.vocabulary import LISTINGS, Field
from adapters.pirsch.wire import goals_of
from models.errors import UnsupportedQuery
from models.event import PAGEVIEW
from models.query import ResolvedQuery
from models.result import Answer
from models.site import Site
from models.vocabulary import Dimension

D, F = Dimension, Field


def script(site: Site, query: ResolvedQuery, limits: CallLimits, draft: Plan) -> Script[Answer]:
    """Asks what the draft says, or the plan that is made once goals and values are known.

    Ends in the answer; its `calls` are the caller's to count.
    """
    if not asks_goals(query) and not draft.unlisted:
        return (yield from carried_out(draft))
    known = yield from _looked_up(site, query, draft.unlisted)
    made = plan(site, query, limits, known)
    if made.refusals:
        raise refuse(*made.refusals)
    return (yield from carried_out(made))


def _looked_up(site: Site, query: ResolvedQuery, unlisted: Sequence[Dimension]) -> Script[Lookups]:
    goals, values = None, {}
    if asks_goals(query):
        (goals,) = yield (StatisticsCall("goal", (("id", site.ref),)),)
    for dimension in unlisted:
        listing = LISTINGS.get(dimension)
        path, key = (listing.path, listing.keys[-1][1]) if listing else ("events", "name")
        rows = yield from pages(span_of(site, query).call(path), at_most=VALUE_PAGES, what=str(dimension))
        values[dimension] = [*([PAGEVIEW] if dimension is D.EVENT else ()), *(row[key] for row in rows)]
    return Lookups(goals_of(goals), values)


def carried_out(plan: Plan) -> Script[Answer]:
    """Everything the plan asks for, then the answer that is made of it."""
    whole = yield from _visitors(plan.everybody)
    without_goal = yield from _visitors(plan.without_goal)
    counted: list[Grouped] = []
    for part in plan.parts:
        counted += [(yield from _counted(part))]
    totals = (yield from _counted(plan.totals)) if plan.totals else None
    return answer_of(plan, counted, totals, Denominators(whole.get((), 0), without_goal))


def _visitors(parts: Sequence[Part]) -> Script[dict[Key, float]]:
    found: dict[Key, float] = {}
    for part in parts:
        tallies = (yield from _counted(part)).tallies
        found |= {key: tally.get(F.VISITORS) or 0 for key, tally in tallies.items()}
    return found


def _counted(part: Part) -> Script[Grouped]:
    """The tallies of one part, with the reasons why they are inexact."""
    exact = yield from _durations(part)
    found = yield from (grouped(part.question) if exact is None else _joined(part.question, exact))
    for less in part.less:
        fewer = (yield from grouped(less)).tallies
        found.tallies = {key: _subtracted(tally, fewer.get(key, {})) for key, tally in found.tallies.items()}
    if part.exits:
        yield from _add_exits(part.exits, found)
    found.reasons = [r for r in (*part.reasons, *found.reasons) if exact is None or r is not ESTIMATED]
    return found


def _durations(part: Part) -> Script[Grouped | None]:
    """visit_duration read from the visits themselves; None where it is not asked for, or they are too many."""
    with suppress(UnsupportedQuery):
        if part.visits_calls:
            return (yield from walk(replace(part.question, at_most=part.visits_calls)))
    return None


def _joined(question: Question, exact: Grouped) -> Script[Grouped]:
    rest = question.without(F.DURATION)
    found = (yield from grouped(rest)) if rest.fields else Grouped({key: {} for key in exact.tallies})
    for key, tally in found.tallies.items():
        tally[F.DURATION] = exact.tallies.get(key, {}).get(F.DURATION)
    return Grouped(found.tallies, [*exact.reasons, *found.reasons])


def _subtracted(whole: Tally, part: Tally) -> Tally:
    """The visits that are not in the part."""
    return {f: (v or 0) - (part.get(f) or 0) for f, v in whole.items()}


def _add_exits(exits: Question, found: Grouped) -> Script[None]:
    """A page that no visit ended on has 0 of them; of a page that is in no list the views are not known."""
    (field,), counted = exits.fields, (yield from grouped(exits)).tallies
    for key, tally in found.tallies.items():
        tally[field] = (counted.get(key) or {}).get(field, 0 if field is F.VISITS else None)


def grouped(question: Question) -> Script[Grouped]:
    """The tallies of a question by its dimensions, in their order."""
    return _READERS[question.shape](question)


def _total(question: Question) -> Script[Grouped]:
    return Grouped({(): (yield from measure(question.span, question.selection, question.fields))})


def _by_value(question: Question) -> Script[Grouped]:
    """The values of one dimension, then the other with each of them as a filter."""
    if question.outer is None or question.inner is None:
        raise TypeError(question.shape)
    (outer,), inner = question.outer.dimensions, question.inner
    values = yield from grouped(question.outer)
    keys = [key for key, tally in values.tallies.items() if tally.get(F.VISITORS) != 0]
    parts = []
    for key in keys:
        asked = (question.inner_of_views or inner) if key == (PAGEVIEW,) else inner
        parts.append(grouped(replace(asked, selection=question.selection.having(outer, key[0]))))
    listings.affordable(question, outer, len(parts))
    found = Grouped({}, list(values.reasons))
    for key, part in zip(keys, (yield from together(parts)), strict=True):
        found.reasons += [r for r in part.reasons if r not in found.reasons]
        for own, tally in part.tallies.items():
            found.tallies[key + own if question.dimensions[0] == outer else own + key] = tally
    return found


_READERS: Mapping[Shape, Callable[[Question], Script[Grouped]]] = MappingProxyType(
    {
        Shape.TOTAL: _total,
        Shape.SERIES: series,
        Shape.HOURS: hours,
        Shape.MINUTES: minutes,
        Shape.LISTING: listings.listing,
        Shape.DEVICES: listings.devices,
        Shape.EVENTS: listings.events,
        Shape.PROPERTIES: listings.properties,
        Shape.REFERRERS: listings.referrers,
        Shape.BY_VALUE: _by_value,
        Shape.SESSION_WALK: walk,
    }
)
