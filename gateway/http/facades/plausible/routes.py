"""Every route of the Plausible-shaped API, under `/plausible`."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.http import trackers
from gateway.http.endpoint import Access, Endpoint, Limit, resource
from gateway.http.facades.plausible import belongings, collect, scripts, sites, stats
from gateway.http.facades.plausible.dialect import Handler, route
from gateway.http.server.body import answer
from gateway.services import Services
from gateway.tenancy import KeyScope

READ, SITES, GOALS = KeyScope.READ, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS
PREFIX = "/plausible"
V1 = "/api/v1"

ROUTES: Sequence[tuple[str, str, Handler, KeyScope]] = (
    ("POST", "/api/v2/query", stats.query, READ),
    ("GET", "/api/docs/query/schema.json", stats.query_schema, READ),
    ("GET", V1 + "/stats/aggregate", stats.aggregate, READ),
    ("GET", V1 + "/stats/timeseries", stats.timeseries, READ),
    ("GET", V1 + "/stats/breakdown", stats.breakdown, READ),
    ("GET", V1 + "/stats/realtime/visitors", stats.realtime, READ),
    ("GET", V1 + "/sites", sites.list_sites, READ),
    ("POST", V1 + "/sites", sites.create_site, SITES),
    ("GET", V1 + "/sites/teams", belongings.list_teams, READ),
    ("GET", V1 + "/sites/goals", belongings.list_goals, READ),
    ("PUT", V1 + "/sites/goals", belongings.put_goal, GOALS),
    ("POST", V1 + "/sites/goals", belongings.put_goal, GOALS),  # kctl-plausible 0.10.3 creates goals so
    ("DELETE", V1 + "/sites/goals/{goal_id}", belongings.delete_goal, GOALS),
    ("GET", V1 + "/sites/custom-props", belongings.list_custom_props, READ),
    ("PUT", V1 + "/sites/custom-props", belongings.put_custom_prop, SITES),
    ("DELETE", V1 + "/sites/custom-props/{property:path}", belongings.delete_custom_prop, SITES),
    ("PUT", V1 + "/sites/shared-links", belongings.put_shared_link, SITES),
    ("PUT", V1 + "/shared-links/{name:path}", belongings.put_shared_link, SITES),
    ("GET", V1 + "/sites/guests", belongings.list_guests, SITES),
    ("PUT", V1 + "/sites/guests", belongings.put_guest, SITES),
    ("DELETE", V1 + "/sites/guests/{email}", belongings.delete_guest, SITES),
    ("GET", V1 + "/sites/{site_id:path}", sites.get_site, READ),
    ("PUT", V1 + "/sites/{site_id:path}", sites.update_site, SITES),
    ("DELETE", V1 + "/sites/{site_id:path}", sites.delete_site, SITES),
)


TRACKING = (
    Endpoint("POST", "/api/event", collect.track, "", Access.OPEN, "Trackers", limit=Limit.EVENT),
    Endpoint("OPTIONS", "/api/event", trackers.preflight, "", Access.OPEN, "Trackers"),
)
SCRIPT = Endpoint("GET", "/js/{name}.js", scripts.script, "", Access.OPEN, "Trackers")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEALTH = Endpoint("GET", "/api/health", stats.health, "", Access.OPEN, "Service")


def routes(services: Services) -> list[BaseRoute]:
    """The facade's routes; trackers that are pointed at the facade's address are served too."""
    found: list[BaseRoute] = [route(services, method, PREFIX + path, h, scope) for method, path, h, scope in ROUTES]
    found += [resource(PREFIX + group[0].path, group, services) for group in (TRACKING, (SCRIPT,), (HEALTH,))]
    return [*found, Route(PREFIX + "/api/{rest:path}", _nothing_here, methods=METHODS)]


async def _nothing_here(request: Request) -> Response:
    """Unknown addresses and methods, in the shape that the vendor's clients read."""
    return answer({"error": "Not found"}, 404)
