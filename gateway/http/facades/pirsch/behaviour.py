"""Events, tags, goals, funnels and single sessions (contracts: Pirsch 5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.http.facades.pirsch.definitions import funnel_of, goal_view, steps_of
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.filters import CUSTOM, event_filters, searched, signed
from gateway.http.facades.pirsch.listings import PEOPLE_COUNTS, Listing
from gateway.http.facades.pirsch.question import Question, share
from gateway.http.facades.pirsch.values import Row
from gateway.http.facades.pirsch.wording import invalid
from models.errors import UnsupportedQuery
from models.filters import And, Comparison, Filter, HasDone
from models.goal import Goal, GoalKind
from models.insight import EventDetail, VisitEvent, VisitRow
from models.result import Reason
from models.vocabulary import NO_PROP, PROP_PREFIX, Dimension, Metric, Operator

D, M = Dimension, Metric
NO_CONSOLE = Reason("no_search_console", "keywords come from a search console, and none is connected")
EVENT = Listing({"name": D.EVENT})
EVENT_COUNTS = {**PEOPLE_COUNTS, "count": M.EVENTS, "cr": M.VISITORS}


def named(dimension: str, value: Any) -> Comparison:
    return Comparison(Operator.IS, dimension, (str(value),))


async def events(ask: PirschAsk) -> Any:
    """`GET /statistics/events`: views are the page views of the visits in which the event happened."""
    about = await Question.about(ask)
    question = (await Question.about(ask, event=False)).also(
        *event_filters(ask.given), CUSTOM, *searched(ask.given, D.EVENT)
    )
    rows = await question.page((M.VISITORS, M.EVENTS), (D.EVENT,), EVENT.order(ask, EVENT_COUNTS))
    details = await _details(question)
    (whole,) = await question.unfiltered().numbers(M.VISITORS)
    found = []
    for key, (people, count) in rows:
        name = str(key[0])
        (views,) = await about.also(HasDone(named(D.EVENT, name))).numbers(M.PAGEVIEWS)
        known = details.get(name)
        found.append({"name": name, **_counted(people, count, views, whole, known), "meta_value": ""})
    return found


def _counted(people: float, count: float, views: float, whole: float, known: EventDetail | None) -> Row:
    return {
        "count": int(count),
        "visitors": int(people),
        "views": int(views),
        "cr": share(people, whole),
        "average_duration_seconds": round(known.seconds) if known else 0,
        "meta_keys": list(known.prop_keys) if known else None,
    }


async def _details(question: Question) -> Mapping[str, EventDetail]:
    """Names of properties and durations of events, where the backend tells them; null and 0 elsewhere."""
    try:
        found = await question.ask.services.insights.details(question.record, question.query())
    except UnsupportedQuery:
        return {}
    return {detail.name: detail for detail in found}


async def event_meta(ask: PirschAsk) -> Any:
    """`GET /statistics/event/meta`: the values of one key of one event's metadata."""
    given = ask.given
    name, key = given.required("event"), signed(given.required("event_meta_key"))[1]
    dimension = f"{PROP_PREFIX}{key}"
    question = (await Question.about(ask, event=False)).also(*event_filters(given), *searched(given, dimension))
    listing = Listing({"meta_value": dimension})  # type: ignore[dict-item]  # a property is a dimension by name
    rows = await question.page((M.VISITORS, M.EVENTS), (dimension,), listing.order(ask, EVENT_COUNTS))
    around, details = await Question.about(ask, event=False), await _details(question)
    (whole,) = await question.unfiltered().numbers(M.VISITORS)
    found = []
    for value, (people, count) in ((row[0], numbers) for row, numbers in rows):
        if value == NO_PROP:
            continue
        done = HasDone(And((*event_filters(given), named(dimension, value))))
        (views,) = await around.also(done).numbers(M.PAGEVIEWS)
        found.append(
            {"name": name, **_counted(people, count, views, whole, details.get(name)), "meta_value": str(value)}
        )
    return found


async def event_list(ask: PirschAsk) -> Any:
    """`GET /statistics/event/list`: events by name and all their metadata."""
    question = (await Question.about(ask, event=False)).also(*event_filters(ask.given), *searched(ask.given, D.EVENT))
    rows = await ask.services.insights.events(question.record, question.query())
    return [{"name": row.name, "meta": dict(row.props), "visitors": row.visitors, "count": row.events} for row in rows]


async def tags(ask: PirschAsk) -> Any:
    """`GET /statistics/tags`: keys of properties."""
    return await _tags(ask, "")


async def tag_details(ask: PirschAsk) -> Any:
    """`GET /statistics/tag/details`: the values of `tag`."""
    return await _tags(ask, signed(ask.given.required("tag"))[1])


async def _tags(ask: PirschAsk, key: str) -> list[Row]:
    question = await Question.about(ask)
    rows = await ask.services.insights.props(question.record, question.query(), key)
    visitors, views = await question.unfiltered().numbers(M.VISITORS, M.PAGEVIEWS)
    return [
        {
            "key": row.key,
            "value": row.value,
            "visitors": row.visitors,
            "views": row.pageviews,
            "relative_visitors": share(row.visitors, visitors),
            "relative_views": share(row.pageviews, views),
        }
        for row in rows
    ]


async def goals(ask: PirschAsk) -> Any:
    """`GET /statistics/goals`: rows nested in `page_goal` and `stats`."""
    question = await Question.about(ask)
    search = ask.given.first("search").lower()
    listed = await ask.services.goals.listed(question.record)
    known = [g for g in listed if g.kind is not GoalKind.SCROLL and search in g.shown_as.lower()]
    (whole,) = await question.unfiltered().numbers(M.VISITORS)
    rows = [(goal, *await _reached(question, goal)) for goal in known]
    rows.sort(key=lambda row: (-row[1], row[0].shown_as))
    cut = rows[ask.given.offset : ask.given.offset + ask.given.limit]
    return [
        {
            "page_goal": await goal_view(ask, question.record, goal),
            "stats": {
                "visitors": int(people),
                "views": int(views),
                "cr": share(people, whole),
                "custom_metric_avg": 0.0,
                "custom_metric_total": 0.0,
            },
        }
        for goal, people, views in cut
    ]


async def _reached(question: Question, goal: Goal) -> tuple[float, float]:
    """Visitors who completed a goal, and views: of its pages, or of the visits in which its event happened."""
    completed = question.also(named(D.GOAL, goal.shown_as))
    people, count = await completed.numbers(M.VISITORS, M.CONVERSIONS)
    if goal.kind is GoalKind.PAGE:
        return people, count
    done: list[Filter] = [named(D.EVENT, goal.event_name)]
    done += [named(f"{PROP_PREFIX}{k}", v) for k, v in sorted(goal.custom_props.items())]
    (views,) = await question.also(HasDone(done[0] if len(done) == 1 else And(tuple(done)))).numbers(M.PAGEVIEWS)
    return people, views


async def funnel(ask: PirschAsk) -> Any:
    """`GET /statistics/funnel`: the filter of the request holds for every step."""
    question = await Question.about(ask)
    definition = await funnel_of(ask, question.record, ask.given.required("funnel_id"))
    counts = await ask.services.insights.funnel(question.record, question.query(), steps_of(definition))
    return {"definition": definition, "data": funnel_rows(counts)}


def funnel_rows(counts: Sequence[int]) -> list[Row]:
    """Steps from 1 on; what is relative is so to the first step, the drop-off to the step before."""
    first = counts[0] if counts else 0
    rows = []
    for step, count in enumerate(counts, 1):
        before = counts[step - 2] if step > 1 else 0
        dropped = max(before - count, 0)
        rows.append(
            {
                "step": step,
                "visitors": count,
                "relative_visitors": share(count, first),
                "previous_visitors": before,
                "relative_previous_visitors": share(before, first),
                "dropped": dropped,
                "drop_off": share(dropped, before),
            }
        )
    return rows


async def session_list(ask: PirschAsk) -> Any:
    """`GET /statistics/session/list`, the latest first."""
    question = await Question.about(ask)
    rows = await ask.services.insights.visits(question.record, question.query())
    return [_session(row) for row in rows]


async def session_details(ask: PirschAsk) -> Any:
    """`GET /statistics/session/details`: page views and events of one session, in order."""
    visitor, visit = (_whole(ask, name) for name in ("visitor_id", "session_id"))
    question = await Question.about(ask)
    found = await ask.services.insights.visit_events(question.record, question.query(), visitor, visit)
    return [_step(event) for event in found]


def _whole(ask: PirschAsk, name: str) -> int:
    text = ask.given.required(name)
    if not text.isdecimal() or int(text) >= 1 << 64:
        raise invalid(name, "must be a whole number")
    return int(text)


def _session(row: VisitRow) -> Row:
    return {
        "visitor_id": str(row.visitor),
        "session_id": row.visit,
        "time": row.end,
        "start": row.start,
        "duration_seconds": row.seconds,
        "entry_path": row.entry_page,
        "exit_path": row.exit_page,
        "entry_title": row.entry_title,
        "exit_title": row.exit_title,
        "page_views": row.pageviews,
        "is_bounce": row.is_bounce,
        **_attributes(row.attributes),
        "extended": 0,
    }


def _attributes(found: Mapping[str, str]) -> Row:
    device = found["device"]
    plain = ("language", "os", "os_version", "browser", "browser_version")
    utm = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
    return {
        **{name: found[name] for name in (*plain, *utm)},
        "country_code": found["country"].lower(),
        "region": found["region_name"],
        "city": found["city_name"],
        "referrer": found["referrer"],
        "referrer_name": found["source"],
        "referrer_icon": "",
        "desktop": device == "Desktop",
        "mobile": device in ("Mobile", "Tablet"),
        "screen_class": found["screen"],
    }


def _step(event: VisitEvent) -> Row:
    shared = {
        "visitor_id": str(event.visitor),
        "session_id": event.visit,
        "time": event.time,
        "duration_seconds": event.seconds,
        "path": event.page,
        "title": event.title,
        **_attributes(event.attributes),
    }
    keys, values = list(event.props), list(event.props.values())
    if event.name == "pageview":
        return {"page_view": {**shared, "tag_keys": keys, "tag_values": values}, "event": None}
    return {"page_view": None, "event": {**shared, "name": event.name, "meta_keys": keys, "meta_values": values}}


async def keywords(ask: PirschAsk) -> Any:
    """`GET /statistics/keywords`: no search console is connected, so no keyword is known; the header says so."""
    await Question.about(ask)
    ask.reasons.append(NO_CONSOLE)
    return []
