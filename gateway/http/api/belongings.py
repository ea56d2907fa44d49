"""What belongs to a site: goals, shared links, guests, custom properties, rules of collection; and teams."""

from starlette.responses import Response

from gateway.http.endpoint import Ask
from gateway.http.schema.sites import (
    GoalList,
    GuestList,
    LinkList,
    PropDraft,
    PropList,
    TeamDraft,
    TeamList,
    TeamParams,
)
from gateway.http.server.body import answer, nothing
from models.goal import GoalDraft
from models.link import SharedLinkDraft
from models.people import GuestDraft
from models.settings import SiteSettings


async def list_goals(ask: Ask) -> Response:
    return answer(GoalList(goals=list(await ask.services.goals.listed(await ask.site()))))


async def put_goal(ask: Ask) -> Response:
    draft = await ask.model(GoalDraft)
    return answer(await ask.services.goals.put(ask.caller, await ask.site(), draft))


async def get_goal(ask: Ask) -> Response:
    return answer(await ask.services.goals.get(await ask.site(), ask.path("goal")))


async def delete_goal(ask: Ask) -> Response:
    await ask.services.goals.delete(ask.caller, await ask.site(), ask.path("goal"))
    return nothing()


async def list_shared_links(ask: Ask) -> Response:
    return answer(LinkList(shared_links=list(await ask.services.links.listed(await ask.site(), ask.origin))))


async def put_shared_link(ask: Ask) -> Response:
    draft = await ask.model(SharedLinkDraft)
    return answer(await ask.services.links.put(ask.caller, await ask.site(), draft, ask.origin))


async def delete_shared_link(ask: Ask) -> Response:
    await ask.services.links.delete(ask.caller, await ask.site(), ask.path("link"))
    return nothing()


async def list_guests(ask: Ask) -> Response:
    return answer(GuestList(guests=list(await ask.services.guests.listed(await ask.site()))))


async def put_guest(ask: Ask) -> Response:
    draft = await ask.model(GuestDraft)
    return answer(await ask.services.guests.put(ask.caller, await ask.site(), draft, ask.origin))


async def delete_guest(ask: Ask) -> Response:
    await ask.services.guests.delete(ask.caller, await ask.site(), ask.path("email"))
    return nothing()


async def list_teams(ask: Ask) -> Response:
    params = ask.query(TeamParams)
    if ask.services.connections.is_built_in(params.connection):
        return answer(TeamList(teams=list(await ask.services.teams.listed(ask.caller))))
    return answer(TeamList(teams=list(await ask.services.guests.teams(ask.caller, params.connection))))


async def create_team(ask: Ask) -> Response:
    draft = await ask.model(TeamDraft)
    return answer(await ask.services.teams.create(ask.caller, draft.name), 201)


async def delete_team(ask: Ask) -> Response:
    await ask.services.teams.delete(ask.caller, ask.path("team"))
    return nothing()


async def list_custom_props(ask: Ask) -> Response:
    return answer(PropList(custom_props=list(await ask.services.props.listed(await ask.site()))))


async def put_custom_prop(ask: Ask) -> Response:
    draft, record = await ask.model(PropDraft), await ask.site()
    await ask.services.props.put(ask.caller, record, draft.property)
    return answer(draft)


async def delete_custom_prop(ask: Ask) -> Response:
    await ask.services.props.delete(ask.caller, await ask.site(), ask.path("property"))
    return nothing()


async def get_settings(ask: Ask) -> Response:
    return answer(await ask.services.rules.get(await ask.site()))


async def put_settings(ask: Ask) -> Response:
    settings = await ask.model(SiteSettings)
    return answer(await ask.services.rules.put(ask.caller, await ask.site(), settings))
