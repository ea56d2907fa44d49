"""Where browsers reach this service, for links that we hand out."""

from starlette.requests import Request

from gateway.http.frame import hosted
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
