"""What browsers meet: the endpoint of the trackers and our own script. Open to every origin, without credentials."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import orjson
from starlette.responses import PlainTextResponse, Response

from gateway.collect.payload import BadPayload, read_payload
from gateway.http.endpoint import Ask
from gateway.http.server.body import answer
from gateway.http.server.visitor import received, trusted_networks
from gateway.http.static import STATIC
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


async def track(ask: Ask) -> Response:
    """202 `ok`, with the reason in `x-tallyway-dropped` when the event will not be counted; 400 names the fields."""
    try:
        return taken(await counted(ask))
    except BadPayload as error:
        return answer({"errors": error.errors}, 400, CORS)


async def counted(ask: Ask) -> tuple[Drop | None, ...]:
    """Take a tracker's event; for each of its sites None, or why it will not be counted. Raises BadPayload."""
    settings = ask.services.settings
    payload = read_payload(await ask.request.body(), settings.clock())
    return await ask.services.ingest.track(payload, received(ask.request, trusted_networks(settings.trusted_proxies)))


def taken(drops: Sequence[Drop | None]) -> Response:
    """The answer of every tracker endpoint: what was dropped is answered like the rest, and said in a header."""
    reasons = sorted({drop.reason for drop in drops if drop is not None})
    headers = {**CORS, "x-tallyway-dropped": ", ".join(reasons)} if reasons else CORS
    return PlainTextResponse("ok", 202, headers)


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
