"""Every route of the Sparklytics-shaped API, under `/sparklytics`."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.http import dialect, trackers
from gateway.http.endpoint import Access, Ask, Endpoint
from gateway.http.facades.sparklytics import collect, websites
from gateway.http.facades.sparklytics.dialect import SPARKLYTICS
from gateway.http.facades.sparklytics.wording import refused
from gateway.http.server.body import answer
from gateway.http.static import STATIC
from gateway.http.trackers import JAVASCRIPT, SCRIPT
from gateway.services import Services
from gateway.tenancy import KeyScope

READ, SITES = KeyScope.READ, KeyScope.MANAGE_SITES
Handler = Callable[[Ask], Awaitable[Response]]
PREFIX = "/sparklytics"
WEBSITE = "/api/websites/{website}"
EVENTS_LIMIT = 100_000
"""Bytes of a batch of events (contracts: Sparklytics 4.4)."""
BY_ID = b"document.currentScript.dataset.domain ||= document.currentScript.dataset.websiteId;\n"
"""Their snippet names the website by id, which our script sends in place of a domain."""


async def _script(ask: Ask) -> Response:
    return Response(BY_ID + (STATIC / "tallyway.js").read_bytes(), headers=SCRIPT, media_type=JAVASCRIPT)


async def _status(ask: Ask) -> Response:
    """Keys are made by Tallyway; there is nothing to set up or to log in to."""
    return answer({"data": {"mode": "local", "setup_required": False, "authenticated": False}})


async def _health(ask: Ask) -> Response:
    """As our own readiness says it: an event store that was never used is not started for anybody who asks."""
    if await ask.services.failing():
        raise refused(503, "internal_error", "The event store is not ready")
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
OPEN: Sequence[tuple[str, str, Handler]] = (
    *(("POST", path, collect.collect) for path in ("/api/collect", "/e")),
    *(("OPTIONS", path, trackers.preflight) for path in ("/api/collect", "/e")),
    ("GET", "/s.js", _script),
    ("GET", "/api/auth/status", _status),
    ("GET", "/health", _health),
)
"""What anybody may call."""


def routes(services: Services) -> list[BaseRoute]:
    """The facade's routes."""
    known: list[Endpoint[Ask]] = [
        Endpoint(method, PREFIX + path, handler, "", scope, "", creates=True) for method, path, handler, scope in ROUTES
    ]
    known += [
        Endpoint(method, PREFIX + path, handler, "", Access.OPEN, "", limit=EVENTS_LIMIT)
        for method, path, handler in OPEN
    ]
    return [*dialect.routes(SPARKLYTICS, services, known)]
