"""Every route of the Sparklytics-shaped API, under `/sparklytics`."""

from collections.abc import Sequence
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.http.facades.sparklytics import collect, websites
from gateway.http.facades.sparklytics.dialect import Handler, OpenHandler, Refused, open_route, route
from gateway.http.server.body import answer
from gateway.http.static import STATIC
from gateway.http.trackers import JAVASCRIPT, SCRIPT
from gateway.services import Services
from gateway.tenancy import KeyScope

READ, SITES = KeyScope.READ, KeyScope.MANAGE_SITES
PREFIX = "/sparklytics"
WEBSITE = "/api/websites/{website}"
BY_ID = b"document.currentScript.dataset.domain ||= document.currentScript.dataset.websiteId;\n"
"""Their snippet names the website by id, which our script sends in place of a domain."""


async def _script(request: Request, services: Services) -> Response:
    return Response(BY_ID + (STATIC / "tallyway.js").read_bytes(), headers=SCRIPT, media_type=JAVASCRIPT)


async def _status(request: Request, services: Services) -> Response:
    """Keys are made by Tallyway; there is nothing to set up or to log in to."""
    return answer({"data": {"mode": "local", "setup_required": False, "authenticated": False}})


async def _health(request: Request, services: Services) -> Response:
    """As our own readiness says it: an event store that was never used is not started for anybody who asks."""
    if await services.failing():
        raise Refused(503, "internal_error", "The event store is not ready")
    return answer({"status": "ok", "version": "0.2.0"})


ROUTES: Sequence[tuple[str, str, Handler, KeyScope]] = (
    ("GET", "/api/websites", websites.list_websites, READ),
    ("POST", "/api/websites", websites.create_website, SITES),
    ("POST", WEBSITE + "/share", websites.share_website, SITES),
    ("DELETE", WEBSITE + "/share", websites.unshare_website, SITES),
    ("GET", WEBSITE, websites.get_website, READ),
    ("PUT", WEBSITE, websites.update_website, SITES),
    ("DELETE", WEBSITE, websites.delete_website, SITES),
)
OPEN: Sequence[tuple[str, str, OpenHandler]] = (
    *(("POST", path, collect.collect) for path in ("/api/collect", "/e")),
    *(("OPTIONS", path, collect.preflight) for path in ("/api/collect", "/e")),
    ("GET", "/s.js", _script),
    ("GET", "/api/auth/status", _status),
    ("GET", "/health", _health),
)
"""What anybody may call."""


def routes(services: Services) -> list[BaseRoute]:
    """The facade's routes."""
    found: list[BaseRoute] = []
    for path, rows in groupby(ROUTES, lambda row: row[1]):
        found.append(route(services, {method: (handler, scope) for method, _, handler, scope in rows}, PREFIX + path))
    return [*found, *(open_route(services, method, PREFIX + path, handler) for method, path, handler in OPEN)]
