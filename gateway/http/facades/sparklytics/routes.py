"""Every route of the Sparklytics-shaped API, under `/sparklytics`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.http.api.service import STATIC
from gateway.http.body import answer
from gateway.http.facades.sparklytics import collect, websites
from gateway.http.facades.sparklytics.call import Refused, open_route, route
from gateway.http.trackers import JAVASCRIPT, SCRIPT
from gateway.services import Services
from gateway.tenancy import KeyScope

READ, SITES = KeyScope.READ, KeyScope.MANAGE_SITES
PREFIX = "/sparklytics"
WEBSITE = "/api/websites/{website}"
BY_ID = b"document.currentScript.dataset.domain ||= document.currentScript.dataset.websiteId;\n"
"""Their snippet names the website by id, which our script sends in place of a domain."""


def routes(services: Services) -> list[BaseRoute]:
    """The facade's routes."""
    return [
        route(
            services,
            {"GET": (websites.list_websites, READ), "POST": (websites.create_website, SITES)},
            PREFIX + "/api/websites",
        ),
        route(
            services,
            {"POST": (websites.share_website, SITES), "DELETE": (websites.unshare_website, SITES)},
            PREFIX + WEBSITE + "/share",
        ),
        route(
            services,
            {
                "GET": (websites.get_website, READ),
                "PUT": (websites.update_website, SITES),
                "DELETE": (websites.delete_website, SITES),
            },
            PREFIX + WEBSITE,
        ),
        *(open_route(services, "POST", PREFIX + path, collect.collect) for path in ("/api/collect", "/e")),
        *(open_route(services, "OPTIONS", PREFIX + path, collect.preflight) for path in ("/api/collect", "/e")),
        open_route(services, "GET", PREFIX + "/s.js", _script),
        open_route(services, "GET", PREFIX + "/api/auth/status", _status),
        open_route(services, "GET", PREFIX + "/health", _health),
    ]


async def _script(request: Request, services: Services) -> Response:
    return Response(BY_ID + (STATIC / "tallyway.js").read_bytes(), headers=SCRIPT, media_type=JAVASCRIPT)


async def _status(request: Request, services: Services) -> Response:
    """Keys are made by Tallyway; there is nothing to set up or to log in to."""
    return answer({"data": {"mode": "local", "setup_required": False, "authenticated": False}})


async def _health(request: Request, services: Services) -> Response:
    check = await (await services.connections.adapter("", "local")).check()
    if not check.ok:
        raise Refused(503, "internal_error", "The event store is not ready")
    return answer({"status": "ok", "version": "0.2.0"})
