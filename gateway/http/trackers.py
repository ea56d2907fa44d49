"""What browsers meet: the endpoint of the trackers and our own script. Open to every origin, without credentials."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.api.service import STATIC
from gateway.http.body import answer, bounded
from gateway.http.endpoint import Ask
from gateway.http.visitor import received_from, trusted_networks
from gateway.payload import BadPayload, read_payload
from gateway.services import Services
from models.errors import UnknownSite
from models.event import Drop

CORS: Mapping[str, str] = MappingProxyType(
    {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "x-tallyway-dropped",
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": "no-store",
    }
)
PREFLIGHT: Mapping[str, str] = MappingProxyType(
    {
        **CORS,
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "86400",
    }
)
SCRIPT: Mapping[str, str] = MappingProxyType(
    {
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": "public, max-age=3600",
    }
)
JAVASCRIPT = "text/javascript; charset=utf-8"
_TAKEN = [
    (b"content-length", b"2"),
    (b"content-type", b"text/plain; charset=utf-8"),
    *((name.encode(), value.encode()) for name, value in CORS.items()),
]


async def track(ask: Ask) -> Response:
    """202 `ok`, with the reason in `x-tallyway-dropped` when the event will not be counted; 400 names the fields."""
    try:
        return taken(await counted(ask))
    except BadPayload as error:
        return answer({"errors": error.errors}, 400, CORS)


async def counted(ask: Ask) -> tuple[Drop | None, ...]:
    """Take a tracker's event; for each of its sites None, or why it will not be counted. Raises BadPayload."""
    return await _counted(ask.services, ask.request.scope, await ask.request.body())


async def _counted(services: Services, scope: Scope, body: bytes) -> tuple[Drop | None, ...]:
    settings, client = services.settings, scope.get("client")
    payload = read_payload(body, settings.clock())
    trusted = trusted_networks(settings.trusted_proxies)
    return await services.ingest.track(payload, received_from(scope["headers"], client[0] if client else None, trusted))


def taken(drops: Sequence[Drop | None]) -> Response:
    """The answer of every tracker endpoint: what was dropped is answered like the rest, and said in a header."""
    reasons = sorted({drop.reason for drop in drops if drop is not None})
    headers = {**CORS, "x-tallyway-dropped": ", ".join(reasons)} if reasons else CORS
    return PlainTextResponse("ok", 202, headers)


class LeanTracker:
    """The short way of a tracker's event: the same steps as `track`, without the general machinery around them."""

    def __init__(self, services: Services, ordinary: ASGIApp) -> None:
        self.services, self.ordinary = services, ordinary

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self.ordinary(scope, receive, send)
            return
        limit = self.services.settings.event_body_limit
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        body = await _body(bounded(receive, limit, announced.decode("latin-1")))
        try:
            drops = await _counted(self.services, scope, body)
        except BadPayload as error:
            await answer({"errors": error.errors}, 400, CORS)(scope, receive, send)
            return
        if any(drops):
            await taken(drops)(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 202, "headers": _TAKEN})
        await send({"type": "http.response.body", "body": b"ok"})


async def _body(receive: Receive) -> bytes:
    """Raises ClientDisconnect."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def preflight(ask: Ask) -> Response:
    """The answer to a browser that asks first."""
    return Response(status_code=204, headers=PREFLIGHT)


@lru_cache(maxsize=1)
def _script() -> bytes:
    return (STATIC / "tallyway.js").read_bytes()


async def script(ask: Ask) -> Response:
    """The tracking script; the page says the domain in `data-domain`."""
    return Response(_script(), headers=SCRIPT, media_type=JAVASCRIPT)


async def site_script(ask: Ask) -> Response:
    """The script of one site, which knows its domain by itself."""
    name = ask.path("tracker")
    record = await ask.services.sites.by_tracker_id(name)
    if not name.isalnum():
        raise UnknownSite("there is no such script")
    domain = orjson.dumps(record.site.domain).decode()
    head = f"document.currentScript.dataset.domain ||= {domain};\n".encode()
    return Response(head + _script(), headers=SCRIPT, media_type=JAVASCRIPT)
