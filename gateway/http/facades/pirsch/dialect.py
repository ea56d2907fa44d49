"""One call to the facade: which client asks, with what, and how answers and errors are said in the vendor's shape."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.access.clients import TokenEnded
from gateway.catalog.clients import KEY_MARK
from gateway.catalog.keys import PREFIX
from gateway.http.approximation import say_why
from gateway.http.facades.pirsch.parameters import Parameters
from gateway.http.facades.pirsch.wording import ACCESS_DENIED, NO_DOMAIN, NO_TOKEN, Refused, invalid
from gateway.http.server.auth import admit, counted_guesses
from gateway.http.server.body import answer, bounded, decoded
from gateway.http.server.errors import status_of
from gateway.http.server.visitor import client_of
from gateway.http.server.work import only_reads, perform
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.errors import (
    ConfigurationError,
    GatewayError,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    UnknownSite,
    UnsupportedQuery,
)
from models.result import Reason


@dataclass(frozen=True, slots=True)
class Call:
    """A request by a known client. `reasons` gathers why the answer is not exact, for a header."""

    request: Request
    services: Services
    caller: Caller
    given: Parameters
    reasons: list[Reason] = field(default_factory=list)

    async def site(self, name: str = "id") -> SiteRecord:
        """The site that a query parameter names. Raises Refused."""
        return await self.site_of(self.given.required(name))

    async def site_of(self, ref: Any) -> SiteRecord:
        """A site the client sees, by id. Raises Refused."""
        if not isinstance(ref, str) or not ref:
            raise invalid("domain_id", "is required")
        try:
            return await self.services.sites.find(self.caller, ref)
        except UnknownSite:
            raise Refused(NO_DOMAIN, status=404) from None

    async def own_site(self) -> SiteRecord:
        """The one site of a client that takes events; clients of all sites name it in `id`. Raises Refused."""
        if self.caller.sites is not None and len(self.caller.sites) == 1:
            return await self.site_of(next(iter(self.caller.sites)))
        return await self.site()

    async def json(self) -> Any:
        """The body, which is JSON whatever its content type says. Raises Refused."""
        try:
            return decoded(await self.request.body())
        except orjson.JSONDecodeError:
            raise Refused("The request body is not valid JSON.") from None

    async def fields(self) -> dict[str, Any]:
        """The body as an object. Raises Refused."""
        value = await self.json()
        if not isinstance(value, dict):
            raise Refused("The request body must be an object.")
        return value


Handler = Callable[[Call], Awaitable[Any]]


def route(
    services: Services,
    method: str,
    path: str,
    handler: Handler,
    scope: KeyScope,
    *,
    limit: int,
    streams: bool = False,
) -> Route:
    """A route that answers JSON values (or responses) with exactly 200; Pirsch's Go client takes nothing else.

    Writes honour Idempotency-Key, but for bodies that are streamed: files, which are known by their content.
    """

    async def respond(request: Request) -> Response:
        try:
            return await _respond(bound_to(request, limit), services, handler, scope, creates=not streams)
        except Refused as error:
            return answer(error.body(), error.status)
        except GatewayError as error:
            return failed(error)

    return Route(path, respond, methods=[method])


def bound_to(request: Request, limit: int) -> Request:
    """The request with its body bounded. Raises TooLarge."""
    return Request(request.scope, bounded(request.receive, limit, request.headers.get("content-length")))


async def _respond(
    request: Request, services: Services, handler: Handler, scope: KeyScope, *, creates: bool
) -> Response:
    caller = await _client(request, services)
    await admit(request.scope["state"], services, caller)
    caller.require(scope)
    call = Call(request, services, caller, Parameters.of(request.query_params.multi_items()))

    async def work() -> Response:
        result = await handler(call)
        return say_why(result if isinstance(result, Response) else answer(result), call.reasons)

    return await perform(request, services, caller, work, reads=only_reads(request.method, scope), creates=creates)


async def _client(request: Request, services: Services) -> Caller:
    """Who presents the token or access key. Raises NotAuthenticated, TooManyRequests.

    Failures are counted by address: tokens differ in every place, so that a part of one names no account to guess at.
    A token that is good is taken all the same, since many sites' servers share an address; so is the news that a token
    has ended, which is no guess.
    """
    bearer, name = _bearer(request), client_of(request.scope, services.settings).name
    if bearer.startswith(KEY_MARK):
        with counted_guesses(services, f"{name} {bearer[:PREFIX]}"):
            return await services.clients.caller(bearer)
    try:
        return await services.clients.caller(bearer)
    except TokenEnded:
        raise
    except NotAuthenticated:
        services.guesses.take(f"{name} token")
        raise


def _bearer(request: Request) -> str:
    """Raises NotAuthenticated; an empty bearer is how the clients ask for a token."""
    given: Sequence[str] = request.headers.getlist("authorization")
    parts = given[0].split() if len(given) == 1 else []
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise NotAuthenticated(NO_TOKEN)
    return parts[1]


def failed(error: GatewayError) -> Response:
    """An error of ours in the vendor's shape."""
    validation: dict[str, str] = {}
    match error:
        case NotAuthenticated():
            status, said = 401, [NO_TOKEN]
        case NotAllowed():
            status, said = 403, [ACCESS_DENIED]
        case InvalidRequest():
            validation = {p.field: p.reason for p in error.problems}
            status, said = 400, [f"{p.field}: {p.reason}" for p in error.problems]
        case UnsupportedQuery():
            status, said = 400, list(error.reasons)
        case ConfigurationError():
            status, said = 500, ["internal server error"]
        case _:
            status, said = status_of(error), [error.detail]
    headers = {} if error.retry_after is None else {"retry-after": str(ceil(error.retry_after))}
    return answer({"validation": validation, "error": said}, status, headers)
