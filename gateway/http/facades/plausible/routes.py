"""Every route of the Plausible-shaped API, under `/plausible`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.http import dialect, trackers
from gateway.http.endpoint import Access, Ask, Endpoint, Limit
from gateway.http.facades.plausible import belongings, collect, scripts, sites, stats
from gateway.http.facades.plausible.dialect import SITES as SITES_API
from gateway.http.facades.plausible.dialect import STATS as STATS_API
from gateway.http.facades.plausible.dialect import PlausibleAsk
from gateway.http.server.body import answer
from gateway.services import Services
from gateway.tenancy import KeyScope

READ, SITES, GOALS = KeyScope.READ, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS
PREFIX = "/plausible"
V1 = "/api/v1"
Handler = Callable[[PlausibleAsk], Awaitable[Any]]

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


OPEN: Sequence[Endpoint[Ask]] = (
    Endpoint("POST", PREFIX + "/api/event", collect.track, "", Access.OPEN, "", limit=Limit.EVENT),
    Endpoint("OPTIONS", PREFIX + "/api/event", trackers.preflight, "", Access.OPEN, ""),
    Endpoint("GET", PREFIX + "/js/{name}.js", scripts.script, "", Access.OPEN, ""),
    Endpoint("GET", PREFIX + "/api/health", stats.health, "", Access.OPEN, ""),
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(services: Services) -> list[BaseRoute]:
    """The facade's routes; trackers that are pointed at the facade's address are served too."""
    found: list[BaseRoute] = []
    for api, of_stats in ((STATS_API, True), (SITES_API, False)):
        found += dialect.routes(api, services, (_endpoint(*row) for row in ROUTES if _asks_stats(row[1]) is of_stats))
    found += dialect.routes(dialect.NATIVE, services, OPEN)
    return [*found, Route(PREFIX + "/api/{rest:path}", _nothing_here, methods=METHODS)]


def _asks_stats(path: str) -> bool:
    return "/stats/" in path or path.endswith("/query")


def _endpoint(method: str, path: str, handler: Handler, scope: KeyScope) -> Endpoint[PlausibleAsk]:
    return Endpoint(method, PREFIX + path, handler, "", scope, "", creates=True)


async def _nothing_here(request: Request) -> Response:
    """Unknown addresses and methods, in the shape that the vendor's clients read."""
    return answer({"error": "Not found"}, 404)
