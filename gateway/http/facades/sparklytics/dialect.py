"""One call to the facade, and errors as `{"error": {"code", "message", "field"}}` (contracts: Sparklytics 2)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.server.auth import authenticate
from gateway.http.server.body import answer, bounded
from gateway.http.server.errors import status_of
from gateway.http.server.work import only_reads, perform
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.errors import (
    AlreadyExists,
    GatewayError,
    IdempotencyConflict,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RateLimited,
    TooLarge,
    TooManyRequests,
    UnknownSite,
    UnsupportedQuery,
)

EVENTS_LIMIT = 100_000
"""Bytes of a batch of events (contracts: Sparklytics 4.4)."""
MISSING = "Website not found"


class Refused(Exception):
    """An error answer; `field` names what is wrong where one field is."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


def invalid(message: str, field: str | None = None) -> Refused:
    """400 validation_error."""
    return Refused(400, "validation_error", message, field)


@dataclass(frozen=True, slots=True)
class Call:
    """A request by a known caller."""

    request: Request
    services: Services
    caller: Caller

    async def website(self) -> SiteRecord:
        """The site of the path. Raises Refused: 404 also for other people's."""
        try:
            return await self.services.sites.find(self.caller, self.request.path_params["website"])
        except UnknownSite:
            raise Refused(404, "not_found", MISSING) from None


Handler = Callable[[Call], Awaitable[Response]]
OpenHandler = Callable[[Request, Services], Awaitable[Response]]


def route(services: Services, methods: dict[str, tuple[Handler, KeyScope]], path: str) -> Route:
    """A path with the handlers of its methods and the scopes they need."""

    async def respond(request: Request) -> Response:
        handler, scope = methods["GET" if request.method == "HEAD" else request.method]
        return await shaped(_with_key(_bound(request, services.settings.body_limit), services, handler, scope))

    return Route(path, respond, methods=list(methods))


def open_route(services: Services, method: str, path: str, handler: OpenHandler) -> Route:
    """A path anybody may call."""

    async def respond(request: Request) -> Response:
        return await shaped(handler(_bound(request, EVENTS_LIMIT), services))

    return Route(path, respond, methods=[method])


def _bound(request: Request, most: int) -> Request:
    return Request(request.scope, bounded(request.receive, most, request.headers.get("content-length")))


async def _with_key(request: Request, services: Services, handler: Handler, scope: KeyScope) -> Response:
    caller = await authenticate(request, services)
    caller.require(scope)
    call = Call(request, services, caller)
    reads = only_reads(request.method, scope)
    return await perform(request, services, caller, lambda: handler(call), reads=reads, creates=True)


async def shaped(working: Awaitable[Response]) -> Response:
    """The answer, or the error in the vendor's shape."""
    try:
        return await working
    except Refused as refused:
        return _error(refused.status, refused.code, refused.message, refused.field)
    except GatewayError as error:
        return _failed(error)


CODES: tuple[tuple[type[GatewayError], int, str], ...] = (
    (NotAuthenticated, 401, "unauthorized"),
    (NotAllowed, 403, "forbidden"),
    (NotFound, 404, "not_found"),
    (AlreadyExists, 400, "validation_error"),
    (IdempotencyConflict, 409, "conflict"),
    (UnsupportedQuery, 422, "validation_error"),
    (TooLarge, 400, "payload_too_large"),
    (TooManyRequests, 429, "rate_limited"),
    (RateLimited, 429, "rate_limited"),
)
"""Statuses and codes of the vendor; everything else keeps our status as an internal error."""


def _failed(error: GatewayError) -> Response:
    headers = {} if error.retry_after is None else {"retry-after": str(ceil(error.retry_after))}
    if isinstance(error, InvalidRequest):
        first = error.problems[0]
        return _error(400, "validation_error", first.reason, first.field)
    for kind, status, code in CODES:
        if isinstance(error, kind):
            return _error(status, code, error.detail, headers=headers)
    status = status_of(error)
    code = "ingest_overloaded" if status == 503 else "internal_error"
    return _error(status, code, error.title, headers=headers)


def _error(
    status: int, code: str, message: str, field: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    return answer({"error": {"code": code, "message": message, "field": field}}, status, headers)
