"""Taking hits, events and keep-alives: from servers with a client, from browsers with a site's code.

Everything that is understood is answered with 200, counted or not, as Pirsch does (2026-07, contract 3); what is not
counted is said in the header `x-tallyway-dropped`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from starlette.responses import Response

from gateway.collect.ingest import MAX_EVENTS
from gateway.http.dialect import Refused
from gateway.http.endpoint import Access, Ask, Endpoint, Limit
from gateway.http.facades.pirsch import hits
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.wording import refused
from gateway.http.server.body import answer, decoded
from gateway.http.server.visitor import received, trusted_networks
from gateway.http.trackers import CORS, preflight
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.errors import UnknownSite
from models.event import Drop, Event

DROPPED = "x-tallyway-dropped"
Read = Callable[[Mapping[str, Any], datetime, str], Event]


def _hit(fields: Mapping[str, Any], now: datetime, domain: str) -> Event:
    return hits.hit(fields, now)


def _event(fields: Mapping[str, Any], now: datetime, domain: str) -> Event:
    return hits.event(fields, now)


async def hit(ask: PirschAsk) -> Response:
    """`POST /api/v1/hit`."""
    return await _one(ask, _hit)


async def event(ask: PirschAsk) -> Response:
    """`POST /api/v1/event`."""
    return await _one(ask, _event)


async def session(ask: PirschAsk) -> Response:
    """`POST /api/v1/session`."""
    return await _one(ask, hits.keep_alive)


async def hit_batch(ask: PirschAsk) -> Response:
    """`POST /api/v1/hit/batch`."""
    return await _many(ask, _hit)


async def event_batch(ask: PirschAsk) -> Response:
    """`POST /api/v1/event/batch`."""
    return await _many(ask, _event)


async def session_batch(ask: PirschAsk) -> Response:
    """`POST /api/v1/session/batch`."""
    return await _many(ask, hits.keep_alive)


async def _one(ask: PirschAsk, read: Read) -> Response:
    record = await ask.own_site()
    fields = await ask.fields()
    made = read({k: v for k, v in fields.items() if k != "time"}, ask.services.settings.clock(), record.site.domain)
    bare = made.model_copy(update={"ip": None, "user_agent": None, "language": None})
    return _taken(await ask.services.ingest.collect(record, (bare,), hits.received(fields)))


async def _many(ask: PirschAsk, read: Read) -> Response:
    """A batch counts in the order it has, each item at its own time. Nothing is taken when one item is wrong."""
    record = await ask.own_site()
    given = await ask.json()
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise refused("The request body must be a list of objects.")
    if len(given) > MAX_EVENTS:
        raise refused(f"A batch has at most {MAX_EVENTS} items.")
    if not given:
        return _taken(())
    now = ask.services.settings.clock()
    events = [read(item, now, record.site.domain) for item in given]
    taken = await ask.services.ingest.send(record, [e.model_dump(exclude_none=True) for e in events])
    return _taken([drop for _, drop in taken.dropped])


def _taken(drops: Sequence[Drop | None], headers: Mapping[str, str] | None = None) -> Response:
    reasons = ", ".join(sorted({drop.reason for drop in drops if drop is not None}))
    return Response(status_code=200, headers={**(headers or {}), **({DROPPED: reasons} if reasons else {})})


async def browser_hit(ask: Ask) -> Response:
    """`GET /hit` of the snippet."""
    query = ask.request.query_params
    return await _from_browser(ask, query.get("code", ""), lambda now: hits.browser_hit(query.multi_items(), now))


async def browser_event(ask: Ask) -> Response:
    """`POST /event` of the snippet: JSON, sent as plain text."""
    try:
        fields = decoded(await ask.request.body())
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        return _wrong(refused("The request body is not valid JSON."))
    code = fields.get("identification_code")
    return await _from_browser(ask, code if isinstance(code, str) else "", lambda now: hits.browser_event(fields, now))


async def browser_session(ask: Ask) -> Response:
    """`POST /session` of the snippet; its body is empty."""
    query = ask.request.query_params
    return await _from_browser(
        ask, query.get("code", ""), lambda now: hits.browser_keep_alive(query.get("url", ""), now)
    )


async def _from_browser(ask: Ask, code: str, read: Callable[[datetime], Event]) -> Response:
    settings = ask.services.settings
    record = await _site_of_code(ask.services, code)
    if record is None:
        return _taken((Drop(reason="unknown_site"),), BROWSER)
    try:
        made = read(settings.clock())
    except Refused as error:
        return _wrong(error)
    visitor = received(ask.request, trusted_networks(settings.trusted_proxies))
    return _taken(await ask.services.ingest.collect(record, (made,), visitor), BROWSER)


async def _site_of_code(services: Services, code: str) -> SiteRecord | None:
    found = await services.clients.site_of_code(code) if code else None
    if found is None:
        return None
    tenant, site = found
    try:
        return await services.sites.find(Caller(tenant, "", frozenset({KeyScope.INGEST}), frozenset({site})), site)
    except UnknownSite:
        return None


BROWSER = {**CORS, "access-control-expose-headers": DROPPED}


def _wrong(error: Refused) -> Response:
    return answer(error.body, error.status, CORS)


_PLACES = (
    ("/hit", "/event", "/session"),
    ("/pirsch/hit", "/pirsch/event", "/pirsch/session"),
    ("/p/pv", "/p/e", "/p/s"),
)
"""The snippet's own addresses, below our prefix too, and those of Pirsch's proxies."""


def browser_endpoints() -> tuple[Endpoint[Ask], ...]:
    """Open routes for browsers."""
    found: list[Endpoint[Ask]] = []
    for view, custom, alive in _PLACES:
        found.append(Endpoint("GET", view, browser_hit, "", Access.OPEN, ""))
        for path, handler in ((custom, browser_event), (alive, browser_session)):
            found.append(Endpoint("POST", path, handler, "", Access.OPEN, "", limit=Limit.EVENT))
            found.append(Endpoint("OPTIONS", path, preflight, "", Access.OPEN, ""))
    return tuple(found)
