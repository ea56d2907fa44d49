"""The Sites API: goals, custom properties, shared links, guests and teams (contracts: Plausible 3; seeds 000, 001)."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gateway.http.facades.plausible.dialect import PlausibleAsk
from gateway.http.facades.plausible.paging import page
from gateway.http.facades.plausible.wording import NO_GOAL, refused
from models.errors import InvalidRequest, UnknownGoal, UnsupportedQuery
from models.goal import MAX_PROPS, Goal, GoalDraft, GoalKind
from models.link import SharedLinkDraft
from models.people import Guest, GuestDraft, Role, Team

RESERVED_LINK = "WordPress - Shared Dashboard"
MAX_PROPERTY = 300
GOAL_TYPES_SENT = {"page_path": str(GoalKind.PAGE)}
"""Words of clients for a goal's type (kctl-plausible 0.10.3)."""
MANY = 10_000


async def list_goals(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/sites/goals`, newest first."""
    goals = await ask.services.goals.listed(await ask.named_site())
    newest = sorted(goals, key=_number, reverse=True)
    part = page(newest, ask.given, lambda goal: goal.id)
    return {"goals": [_goal(goal) for goal in part.items], "meta": part.meta}


async def put_goal(ask: PlausibleAsk) -> Any:
    """`PUT /api/v1/sites/goals`: find or create."""
    record = await ask.named_site()
    goal = await ask.services.goals.put(ask.caller, record, _goal_draft(ask))
    shown = _goal(goal)
    return {"domain": record.site.domain} | shown | {"goal_type": "event" if goal.event_name else "page"}


async def delete_goal(ask: PlausibleAsk) -> Any:
    """`DELETE /api/v1/sites/goals/:goal_id`."""
    record = await ask.named_site()
    try:
        await ask.services.goals.delete(ask.caller, record, ask.request.path_params["goal_id"])
    except UnknownGoal:
        raise refused(NO_GOAL, 404) from None
    return {"deleted": True}


def _number(goal: Goal) -> tuple[int, str]:
    return (int(goal.id) if goal.id.isdecimal() else 0, goal.id)


def _goal(goal: Goal) -> dict[str, Any]:
    return {
        "id": int(goal.id) if goal.id.isdecimal() else goal.id,
        "display_name": goal.display_name,
        "goal_type": str(goal.kind),
        "event_name": goal.event_name,
        "page_path": goal.page_path,
        "custom_props": goal.custom_props,
    }


def _goal_draft(ask: PlausibleAsk) -> GoalDraft:
    """Raises Refused: first for missing parameters, then with every wrong field."""
    kind = _required(ask, "goal_type", "create a goal")
    kind = GOAL_TYPES_SENT.get(kind, kind)
    if kind not in (GoalKind.EVENT, GoalKind.PAGE):
        raise refused("goal_type: is invalid")
    name = "event_name" if kind == GoalKind.EVENT else "page_path"
    fields = {name: _required(ask, name, "create a goal")}
    wrong = []
    if kind == GoalKind.PAGE and not fields[name].startswith("/"):
        wrong.append("page_path: this field is required and must start with a /")
    props = ask.given.get("custom_props") or {}
    if not isinstance(props, dict) or not all(isinstance(v, str) for pair in props.items() for v in pair):
        wrong.append("custom_props: must be a map with string keys and string values")
    elif len(props) > MAX_PROPS:
        wrong.append(f"custom_props: use at most {MAX_PROPS} properties per goal")
    if wrong:
        raise refused(", ".join(wrong))
    return _validated(
        GoalDraft,
        **fields,
        display_name=ask.text("display_name"),
        currency=ask.text("currency") or None if kind == GoalKind.EVENT else None,
        scroll_threshold=_threshold(ask),
        custom_props=props,
    )


def _threshold(ask: PlausibleAsk) -> int | None:
    """-1, the vendor's default, means that the goal is no scroll goal (2026-07, contract 7.6)."""
    given = ask.given.get("scroll_threshold")
    if given in (None, "", -1, "-1"):
        return None
    try:
        return int(str(given))
    except ValueError:
        raise refused("scroll_threshold: is invalid") from None


def _required(ask: PlausibleAsk, name: str, action: str) -> str:
    value = ask.text(name)
    if not value:
        raise refused(f"Parameter `{name}` is required to {action}")
    return value


def _validated(model: type[GoalDraft], **fields: Any) -> GoalDraft:
    try:
        return model(**fields)
    except ValidationError as error:
        raise refused(", ".join(map(_said, error.errors()))) from None


def _said(error: Mapping[str, Any]) -> str:
    """A pattern is no text for people, and in lower case it is another pattern."""
    why = "is invalid" if error["type"] == "string_pattern_mismatch" else error["msg"].lower()
    return f"{'.'.join(map(str, error['loc'])) or 'goal'}: {why}"


async def list_custom_props(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/sites/custom-props`."""
    names = await ask.services.props.listed(await ask.named_site())
    return {"custom_properties": [{"property": name} for name in sorted(names)]}


async def put_custom_prop(ask: PlausibleAsk) -> Any:
    """`PUT /api/v1/sites/custom-props`."""
    record = await ask.named_site()
    name = _required(ask, "property", "create a custom property")
    if len(name) > MAX_PROPERTY:
        raise refused("Parameter `property` is too long")
    try:
        await ask.services.props.put(ask.caller, record, name)
    except InvalidRequest:
        raise refused("Can't add any more custom properties") from None
    return {"created": True}


async def delete_custom_prop(ask: PlausibleAsk) -> Any:
    """`DELETE /api/v1/sites/custom-props/*property`."""
    record = await ask.named_site()
    await ask.services.props.delete(ask.caller, record, ask.request.path_params["property"])
    return {"deleted": True}


async def put_shared_link(ask: PlausibleAsk) -> Any:
    """`PUT /api/v1/sites/shared-links`, and `PUT /api/v1/shared-links/:name` of seed 001: find or create by name."""
    record = await ask.named_site()
    name = ask.request.path_params.get("name") or _required(ask, "name", "create a shared link")
    if name == RESERVED_LINK:
        raise refused("This name is reserved. Please choose another one")
    try:
        draft = SharedLinkDraft(name=name)
    except ValidationError:
        raise refused("name: should be at most 255 character(s)") from None
    link = await ask.services.links.put(ask.caller, record, draft, ask.origin)
    return {"name": link.name, "url": link.url}


async def list_guests(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/sites/guests`."""
    guests = await ask.services.guests.listed(await ask.named_site())
    part = page(guests, ask.given, lambda guest: guest.email)
    return {"guests": [_guest(guest) for guest in part.items], "meta": part.meta}


async def put_guest(ask: PlausibleAsk) -> Any:
    """`PUT /api/v1/sites/guests`: find or invite."""
    record = await ask.named_site()
    email = _required(ask, "email", "create guest")
    role = ask.text("role")
    if role not in set(Role):
        raise refused("Parameter `role` is required to create guest. Possible values: `viewer` or `editor`")
    try:
        draft = GuestDraft(email=email, role=Role(role))
    except ValidationError:
        raise refused("email: is invalid") from None
    return _guest(await ask.services.guests.put(ask.caller, record, draft, ask.origin))


async def delete_guest(ask: PlausibleAsk) -> Any:
    """`DELETE /api/v1/sites/guests/:email`; also when there is no such guest (2026-07, contract 3.1)."""
    record = await ask.named_site()
    await ask.services.guests.delete(ask.caller, record, ask.request.path_params["email"])
    return {"deleted": True}


def _guest(guest: Guest) -> dict[str, Any]:
    return {"email": guest.email, "role": str(guest.role), "status": str(guest.status)}


async def list_teams(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/sites/teams`: the tenant's own, then those of every connection that has some."""
    ask.caller.require_whole()
    teams: list[Team] = [*await ask.services.teams.listed(ask.caller)]
    for connection in await ask.services.connections.listed(ask.caller.tenant, "", MANY):
        try:
            teams += await ask.services.guests.teams(ask.caller, connection.id)
        except UnsupportedQuery:
            continue  # this connection's backend knows no teams
    part = page(teams, ask.given, lambda team: team.id)
    shown = [{"id": team.id, "name": team.name, "api_available": team.api_available} for team in part.items]
    return {"teams": shown, "meta": part.meta}
