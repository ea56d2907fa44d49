"""Where browsers reach this service, for links that we hand out and addresses that we send them to."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Match, Router
from starlette.types import Receive, Scope, Send

from gateway.http.server.frame import hosted
from gateway.settings import Settings


def origin_of(request: Request, settings: Settings) -> str:
    """The operator's word; a Host that the operator named; else the address that we listen on.

    Any other Host is whatever the client wrote: a link made from it would lead those who trust us to a stranger.
    """
    if settings.public_url:
        return settings.public_url
    host, server = request.headers.get("host", ""), request.scope.get("server")
    if settings.hosts and hosted(host, frozenset(name.lower() for name in settings.hosts)):
        return f"{request.url.scheme}://{host}"
    if server is None or server[1] is None:
        return ""  # a socket without a port: links stay relative
    name = f"[{server[0]}]" if ":" in server[0] else server[0]
    return f"{request.url.scheme}://{name}:{server[1]}"


def without_redirects_to_hosts(router: Router) -> None:
    """Starlette sends `/docs/` to `/docs` at whatever Host the client named; ours says the path alone."""
    missing = router.default

    async def slashed(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        found = path and path != scope["path"] and not path.startswith("//")
        if scope["type"] == "http" and found and _routed(router, {**scope, "path": path}):
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(quote(path) + (f"?{query}" if query else ""))(scope, receive, send)
        else:
            await missing(scope, receive, send)

    router.redirect_slashes, router.default = False, slashed


def _routed(router: Router, scope: Scope) -> bool:
    return any(route.matches(scope)[0] is not Match.NONE for route in router.routes)
