"""The Sites API: goals, custom properties, shared links, guests and teams (contracts: Plausible 3; seeds 000, 001)."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gateway.http.facades.plausible.call import Call
from gateway.http.facades.plausible.paging import page
from gateway.http.facades.plausible.wording import NO_GOAL, Refused
from models.errors import InvalidRequest, UnknownGoal, UnsupportedQuery
from models.goal import MAX_PROPS, Goal, GoalDraft, GoalKind
from models.link import SharedLinkDraft
from models.people import Guest, GuestDraft, Role, Team

RESERVED_LINK = "WordPress - Shared Dashboard"
MAX_PROPERTY = 300
GOAL_TYPES_SENT = {"page_path": str(GoalKind.PAGE)}
"""Words of clients for a goal's type (kctl-plausible 0.10.3)."""
MANY = 10_000


async def list_goals(call: Call) -> Any:
    """`GET /api/v1/sites/goals`, newest first."""
    goals = await call.services.goals.listed(await call.named_site())
    newest = sorted(goals, key=_number, reverse=True)
    part = page(newest, call.given, lambda goal: goal.id)
    return {"goals": [_goal(goal) for goal in part.items], "meta": part.meta}


async def put_goal(call: Call) -> Any:
    """`PUT /api/v1/sites/goals`: find or create."""
    record = await call.named_site()
    goal = await call.services.goals.put(call.caller, record, _goal_draft(call))
    shown = _goal(goal)
    return {"domain": record.site.domain} | shown | {"goal_type": "event" if goal.event_name else "page"}


async def delete_goal(call: Call) -> Any:
    """`DELETE /api/v1/sites/goals/:goal_id`."""
    record = await call.named_site()
    try:
        await call.services.goals.delete(call.caller, record, call.request.path_params["goal_id"])
    except UnknownGoal:
        raise Refused(NO_GOAL, 404) from None
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


def _goal_draft(call: Call) -> GoalDraft:
    """Raises Refused: first for missing parameters, then with every wrong field."""
    kind = _required(call, "goal_type", "create a goal")
    kind = GOAL_TYPES_SENT.get(kind, kind)
    if kind not in (GoalKind.EVENT, GoalKind.PAGE):
        raise Refused("goal_type: is invalid")
    name = "event_name" if kind == GoalKind.EVENT else "page_path"
    fields = {name: _required(call, name, "create a goal")}
    wrong = []
    if kind == GoalKind.PAGE and not fields[name].startswith("/"):
        wrong.append("page_path: this field is required and must start with a /")
    props = call.given.get("custom_props") or {}
    if not isinstance(props, dict) or not all(isinstance(v, str) for pair in props.items() for v in pair):
        wrong.append("custom_props: must be a map with string keys and string values")
    elif len(props) > MAX_PROPS:
        wrong.append(f"custom_props: use at most {MAX_PROPS} properties per goal")
    if wrong:
        raise Refused(", ".join(wrong))
    return _validated(
        GoalDraft,
        **fields,
        display_name=call.text("display_name"),
        currency=call.text("currency") or None if kind == GoalKind.EVENT else None,
        scroll_threshold=_threshold(call),
        custom_props=props,
    )


def _threshold(call: Call) -> int | None:
    """-1, the vendor's default, means that the goal is no scroll goal."""
    given = call.given.get("scroll_threshold")
    if given in (None, "", -1, "-1"):
        return None
    try:
        return int(str(given))
    except ValueError:
        raise Refused("scroll_threshold: is invalid") from None


def _required(call: Call, name: str, action: str) -> str:
    value = call.text(name)
    if not value:
        raise Refused(f"Parameter `{name}` is required to {action}")
    return value


def _validated(model: type[GoalDraft], **fields: Any) -> GoalDraft:
    try:
        return model(**fields)
    except ValidationError as error:
        raise Refused(", ".join(map(_said, error.errors()))) from None


def _said(error: Mapping[str, Any]) -> str:
    """A pattern is no text for people, and in lower case it is another pattern."""
    why = "is invalid" if error["type"] == "string_pattern_mismatch" else error["msg"].lower()
    return f"{'.'.join(map(str, error['loc'])) or 'goal'}: {why}"


async def list_custom_props(call: Call) -> Any:
    """`GET /api/v1/sites/custom-props`."""
    names = await call.services.props.listed(await call.named_site())
    return {"custom_properties": [{"property": name} for name in sorted(names)]}


async def put_custom_prop(call: Call) -> Any:
    """`PUT /api/v1/sites/custom-props`."""
    record = await call.named_site()
    name = _required(call, "property", "create a custom property")
    if len(name) > MAX_PROPERTY:
        raise Refused("Parameter `property` is too long")
    try:
        await call.services.props.put(call.caller, record, name)
    except InvalidRequest:
        raise Refused("Can't add any more custom properties") from None
    return {"created": True}


async def delete_custom_prop(call: Call) -> Any:
    """`DELETE /api/v1/sites/custom-props/*property`."""
    record = await call.named_site()
    await call.services.props.delete(call.caller, record, call.request.path_params["property"])
    return {"deleted": True}


async def put_shared_link(call: Call) -> Any:
    """`PUT /api/v1/sites/shared-links`, and `PUT /api/v1/shared-links/:name` of seed 001: find or create by name."""
    record = await call.named_site()
    name = call.request.path_params.get("name") or _required(call, "name", "create a shared link")
    if name == RESERVED_LINK:
        raise Refused("This name is reserved. Please choose another one")
    try:
        draft = SharedLinkDraft(name=name)
    except ValidationError:
        raise Refused("name: should be at most 255 character(s)") from None
    link = await call.services.links.put(call.caller, record, draft, call.origin)
    return {"name": link.name, "url": link.url}


async def list_guests(call: Call) -> Any:
    """`GET /api/v1/sites/guests`."""
    guests = await call.services.guests.listed(await call.named_site())
    part = page(guests, call.given, lambda guest: guest.email)
    return {"guests": [_guest(guest) for guest in part.items], "meta": part.meta}


async def put_guest(call: Call) -> Any:
    """`PUT /api/v1/sites/guests`: find or invite."""
    record = await call.named_site()
    email = _required(call, "email", "create guest")
    role = call.text("role")
    if role not in set(Role):
        raise Refused("Parameter `role` is required to create guest. Possible values: `viewer` or `editor`")
    try:
        draft = GuestDraft(email=email, role=Role(role))
    except ValidationError:
        raise Refused("email: is invalid") from None
    return _guest(await call.services.guests.put(call.caller, record, draft, call.origin))


async def delete_guest(call: Call) -> Any:
    """`DELETE /api/v1/sites/guests/:email`; also when there is no such guest."""
    record = await call.named_site()
    await call.services.guests.delete(call.caller, record, call.request.path_params["email"])
    return {"deleted": True}


def _guest(guest: Guest) -> dict[str, Any]:
    return {"email": guest.email, "role": str(guest.role), "status": str(guest.status)}


async def list_teams(call: Call) -> Any:
    """`GET /api/v1/sites/teams`: the tenant's own, then those of every connection that has some."""
    call.caller.require_whole()
    teams: list[Team] = [*await call.services.teams.listed(call.caller)]
    for connection in await call.services.connections.listed(call.caller.tenant, "", MANY):
        try:
            teams += await call.services.guests.teams(call.caller, connection.id)
        except UnsupportedQuery:
            continue  # this connection's backend knows no teams
    part = page(teams, call.given, lambda team: team.id)
    shown = [{"id": team.id, "name": team.name, "api_available": team.api_available} for team in part.items]
    return {"teams": shown, "meta": part.meta}
