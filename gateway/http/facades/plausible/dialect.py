"""One call to the facade: who asks, with what, and how errors are said in the vendor's shape."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.approximation import say_why
from gateway.http.facades.plausible import wording
from gateway.http.facades.plausible.parameters import Parameters, parameters, text
from gateway.http.facades.plausible.wording import Refused
from gateway.http.server.auth import authenticate
from gateway.http.server.body import answer, bounded
from gateway.http.server.errors import status_of
from gateway.http.server.origin import origin_of
from gateway.http.server.work import only_reads, perform
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.errors import (
    ConfigurationError,
    GatewayError,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    UnknownGoal,
    UnknownSite,
    UnsupportedQuery,
)
from models.result import Reason

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """A request by a known caller; `given` holds query string and body, `reasons` why the answer is not exact."""

    request: Request
    services: Services
    caller: Caller
    given: Parameters
    reasons: list[Reason] = field(default_factory=list)

    def text(self, name: str) -> str:
        return text(self.given, name)

    @property
    def origin(self) -> str:
        """Where browsers reach this service."""
        return origin_of(self.request, self.services.settings)

    async def site(self, ref: str) -> SiteRecord:
        """A site of the caller. Raises Refused: 404 for a site nobody has, and for somebody else's.

        Plausible tells them apart by a 401 (contracts: Plausible 2), and so tells strangers who its customers are.
        """
        try:
            return await self.services.sites.find(self.caller, ref)
        except UnknownSite:
            raise Refused(wording.NO_SITE, 404) from None

    async def named_site(self) -> SiteRecord:
        """The site of `site_id`. Raises Refused."""
        ref = self.text("site_id")
        if not ref:
            raise Refused(wording.MISSING_SITE)
        return await self.site(ref)

    async def measured_site(self) -> SiteRecord:
        """The same for statistics, where an unknown site is answered like a wrong key."""
        ref = self.text("site_id")
        if not ref:
            raise Refused(wording.MISSING_SITE)
        try:
            return await self.services.sites.find(self.caller, ref)
        except UnknownSite:
            raise Refused(wording.STATS_KEY, 401) from None


Handler = Callable[[Call], Awaitable[Any]]


def route(services: Services, method: str, path: str, handler: Handler, scope: KeyScope) -> Route:
    """A route whose answers are JSON values (or responses) and whose errors have the vendor's shape."""
    stats = "/stats/" in path or path.endswith("/query")

    async def respond(request: Request) -> Response:
        try:
            return await _respond(request, services, handler, scope)
        except Refused as error:
            return answer({"error": error.text}, error.status)
        except GatewayError as error:
            return failed(error, stats=stats)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request failed", method=method)
            return answer({"error": wording.FAILED}, 500)

    return Route(path, respond, methods=[method])


async def _respond(request: Request, services: Services, handler: Handler, scope: KeyScope) -> Response:
    scheme, _, key = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refused(wording.MISSING_KEY, 401)
    most = services.settings.body_limit
    bound = Request(request.scope, bounded(request.receive, most, request.headers.get("content-length")))
    caller = await authenticate(bound, services)
    caller.require(scope)
    call = Call(bound, services, caller, await parameters(bound))

    async def work() -> Response:
        result = await handler(call)
        return say_why(result if isinstance(result, Response) else answer(result), call.reasons)

    return await perform(bound, services, caller, work, reads=only_reads(request.method, scope), creates=True)


def failed(error: GatewayError, *, stats: bool) -> Response:
    """An error of ours as `{"error": text}`."""
    match error:
        case NotAuthenticated() | NotAllowed():
            status, said = 401, wording.STATS_KEY if stats else wording.SITES_KEY
        case UnknownSite():
            status, said = (401, wording.STATS_KEY) if stats else (404, wording.NO_SITE)
        case UnknownGoal():
            status, said = 404, wording.NO_GOAL
        case NotFound():
            status, said = 404, error.detail
        case InvalidRequest():
            status, said = 400, ", ".join(f"{p.field}: {p.reason}" for p in error.problems)
        case UnsupportedQuery():
            status, said = 400, "; ".join(error.reasons)
        case ConfigurationError():
            status, said = 500, wording.FAILED
        case _:
            status, said = status_of(error), error.detail
    headers = {} if error.retry_after is None else {"retry-after": str(ceil(error.retry_after))}
    return answer({"error": said}, status, headers)
