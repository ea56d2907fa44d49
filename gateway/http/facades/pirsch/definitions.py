"""Goals and funnels: their objects, and what they mean in canonical words (contracts: Pirsch 6, 11, 12)."""

from collections.abc import Mapping, Sequence
from typing import Any

import re2
from pydantic import ValidationError

from gateway.catalog.audit_trail import Note
from gateway.http.facades.pirsch import patterns
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.documents import EPOCH, documents, key, listed, new_id, now
from gateway.http.facades.pirsch.domains import visible
from gateway.http.facades.pirsch.filters import event_filters, filters_of
from gateway.http.facades.pirsch.parameters import Parameters
from gateway.http.facades.pirsch.wording import invalid, refused
from gateway.tenancy import SiteRecord
from models.errors import NotFound
from models.event import PAGEVIEW
from models.filters import Comparison, Filter
from models.goal import Goal, GoalDraft, GoalKind
from models.insight import MAX_STEPS, MIN_STEPS, FunnelStep
from models.vocabulary import Dimension, Operator

GOALS, FUNNELS = "goal", "funnel"
TARGETS = {
    "visitors": "visitor_goal",
    "cr": "cr_goal",
    "custom_metric_total_goal": "custom_metric_total_goal",
    "custom_metric_avg_goal": "custom_metric_avg_goal",
}
"""Names in a request to names in an answer; 0 is none."""
KEPT = ("custom_metric_key", "custom_metric_type")


async def goal_view(ask: PirschAsk, record: SiteRecord, goal: Goal) -> dict[str, Any]:
    """A goal's object. Times of goals that were not made here are not known."""
    kept = await documents(ask).get(GOALS, key(record, goal.id)) or {}
    path = patterns.from_canonical(goal.page_path) if goal.page_path else None
    meta = next(iter(sorted(goal.custom_props.items())), (None, None))
    return {
        "id": goal.id,
        "def_time": kept.get("def_time", EPOCH),
        "mod_time": kept.get("mod_time", EPOCH),
        "domain_id": record.site.id,
        "name": goal.shown_as,
        "path_pattern": path,
        "pattern": patterns.expression(path) if path else None,
        "event_name": goal.event_name,
        "event_meta_key": meta[0],
        "event_meta_value": meta[1],
        **{name: kept.get(name) for name in (*KEPT, *TARGETS.values())},
        "delete_reached": bool(kept.get("delete_reached")),
        "email_reached": bool(kept.get("email_reached")),
    }


async def list_goals(ask: PirschAsk) -> Any:
    """`GET /goal`; scroll goals are none of Pirsch's."""
    record, search = await ask.named_site(), ask.given.first("search").lower()
    goals = [g for g in await ask.services.goals.listed(record) if g.kind is not GoalKind.SCROLL]
    return [await goal_view(ask, record, goal) for goal in goals if search in goal.shown_as.lower()]


async def create_goal(ask: PirschAsk) -> Any:
    """`POST /goal`."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("domain_id"))
    return await _put_goal(ask, record, fields, {})


async def update_goal(ask: PirschAsk) -> Any:
    """`PUT /goal`: a goal of another meaning is another goal to the backend, and gets another id."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("domain_id"))
    old = await ask.services.goals.get(record, str(fields.get("id", "")))
    kept = await documents(ask).get(GOALS, key(record, old.id)) or {}
    await ask.services.goals.delete(ask.caller, record, old.id)
    await documents(ask).delete(GOALS, key(record, old.id))
    return await _put_goal(ask, record, fields, kept)


async def _put_goal(ask: PirschAsk, record: SiteRecord, fields: Mapping[str, Any], kept: Mapping[str, Any]) -> Any:
    goal = await ask.services.goals.put(ask.caller, record, _goal_draft(fields))
    extras = {name: fields.get(name) for name in KEPT}
    extras |= {shown: fields.get(given) or None for given, shown in TARGETS.items()}
    extras |= {name: fields.get(name) is True for name in ("delete_reached", "email_reached")}
    times = {"def_time": kept.get("def_time", now(ask)), "mod_time": now(ask)}
    await documents(ask).put(GOALS, key(record, goal.id), extras | times)
    return await goal_view(ask, record, goal)


def _goal_draft(fields: Mapping[str, Any]) -> GoalDraft:
    """Raises Refused."""
    path, event = fields.get("path_pattern"), fields.get("event_name")
    if path and event:
        raise invalid("path_pattern", "an event on certain pages only cannot be kept here: set one of the two")
    meta = fields.get("event_meta_key")
    props = {meta: fields.get("event_meta_value") or ""} if meta and event else {}
    try:
        return GoalDraft(
            display_name=fields.get("name") or "",
            page_path=patterns.canonical(path) if isinstance(path, str) and path else None,
            event_name=event or None,
            custom_props=props,
        )
    except ValidationError as error:
        raise refused(*(e["msg"] for e in error.errors())) from None


async def delete_goal(ask: PirschAsk) -> Any:
    """`DELETE /goal?id=`: found among the goals of the sites that the client sees."""
    wanted = ask.given.required("id")
    for record in await visible(ask):
        if wanted in {goal.id for goal in await ask.services.goals.listed(record)}:
            known = await documents(ask).get(GOALS, key(record, wanted))
            if known is None and ask.caller.sites is None:
                continue  # ids of goals may repeat from site to site: only one that was made here is meant
            await ask.services.goals.delete(ask.caller, record, wanted)
            await documents(ask).delete(GOALS, key(record, wanted))
            return {}
    raise NotFound("there is no such goal")


async def test_expression(ask: PirschAsk) -> Any:
    """`POST /goal/regex`."""
    fields = await ask.fields()
    try:
        compiled = re2.compile(str(fields.get("regex", "")))
    except re2.error as error:
        raise invalid("regex", str(error)) from None
    return {"match": compiled.search(str(fields.get("sample", ""))) is not None}


async def list_funnels(ask: PirschAsk) -> Any:
    """`GET /funnel?id=`."""
    record, search = await ask.named_site(), ask.given.first("search").lower()
    return [f for f in await listed(ask, record, FUNNELS) if search in f["name"].lower()]


async def put_funnel(ask: PirschAsk) -> Any:
    """`POST /funnel`: a new one, or with an id another definition of an old one."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("domain_id"))
    steps = fields.get("steps")
    if not isinstance(steps, list) or not MIN_STEPS <= len(steps) <= MAX_STEPS:
        raise invalid("steps", f"a funnel has {MIN_STEPS} to {MAX_STEPS} steps")
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("name", "is required")
    old = await funnel_of(ask, record, fields["id"]) if fields.get("id") else {}
    made, funnel_id = now(ask), old.get("id") or new_id()
    value = {
        "id": funnel_id,
        "def_time": old.get("def_time", made),
        "mod_time": made,
        "domain_id": record.site.id,
        "name": name,
        "steps": [_step(n, step, funnel_id, made) for n, step in enumerate(steps)],
    }
    steps_of(value)
    note = Note(key(record, funnel_id), before=old or None, after=value)
    noting = ask.services.audit.noting(ask.caller, "funnel.put", note)
    await documents(ask, noting).put(FUNNELS, key(record, funnel_id), value)
    return value


def _step(number: int, given: Any, funnel_id: str, made: str) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("filter"), dict):
        raise invalid(f"steps[{number}]", "must have a name and a filter")
    return {
        "id": new_id(),
        "def_time": made,
        "mod_time": made,
        "funnel_id": funnel_id,
        "name": str(given.get("name", "")),
        "step": number,
        "filter": given["filter"],
    }


async def funnel_of(ask: PirschAsk, record: SiteRecord, funnel_id: Any) -> dict[str, Any]:
    """Raises NotFound."""
    found = await documents(ask).get(FUNNELS, key(record, str(funnel_id)))
    if found is None:
        raise NotFound("there is no such funnel")
    return found


async def delete_funnel(ask: PirschAsk) -> Any:
    """`DELETE /funnel?id=`: found among the sites that the client sees."""
    wanted = ask.given.required("id")
    for record in await visible(ask):
        if old := await documents(ask).get(FUNNELS, key(record, wanted)):
            noting = ask.services.audit.noting(ask.caller, "funnel.delete", Note(key(record, wanted), before=old))
            await documents(ask, noting).delete(FUNNELS, key(record, wanted))
            return {}
    raise NotFound("there is no such funnel")


RENAMED = {"event_name": "event", "path_regex": "pattern"}


def steps_of(definition: Mapping[str, Any]) -> list[FunnelStep]:
    """The steps in canonical words. Raises Refused for a filter that cannot be read."""
    return [FunnelStep(step["name"], step_filters(step["filter"])) for step in definition["steps"]]


def step_filters(written: Mapping[str, Any]) -> tuple[Filter, ...]:
    """A step's filter on one event: page views, unless it names events."""
    given = parameters_of(written)
    of_event = event_filters(given)
    paths = [patterns.expression(text) for text in _texts(written.get("path_pattern"))]
    found: list[Filter] = [*filters_of(given, event=False), *of_event]
    if paths:
        found.append(Comparison(Operator.MATCHES, str(Dimension.PAGE), tuple(paths)))
    if not of_event:
        found.append(Comparison(Operator.IS, str(Dimension.EVENT), (PAGEVIEW,)))
    return tuple(found)


def parameters_of(written: Mapping[str, Any]) -> Parameters:
    """The lists and maps of a stored filter as the parameters of a request."""
    pairs: list[tuple[str, str]] = []
    for name, value in written.items():
        if name in ("tags", "event_meta") and isinstance(value, dict):
            prefix = "tag_" if name == "tags" else "meta_"
            pairs += [(f"{prefix}{k}", str(v)) for k, v in value.items()]
        elif name != "path_pattern":
            pairs += [(RENAMED.get(name, name), text) for text in _texts(value)]
    return Parameters.of(pairs)


def _texts(value: Any) -> Sequence[str]:
    if value is None or value == "":
        return []
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]
