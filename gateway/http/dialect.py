"""One way from a request to its answer, in the words of whoever asks.

A dialect says how its requests authenticate, how they are read and how errors are worded. All the rest is the same for
our own API and for every vendor-shaped one, and stands here once: the bound of the body, who asks, whether that may be,
and the work.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.endpoint import Access, AnyAsk, Ask, Endpoint
from gateway.http.server.auth import admit, key_holder, scraper
from gateway.http.server.body import answer, bounded
from gateway.http.server.errors import problem
from gateway.http.server.work import perform
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope
from models.errors import GatewayError, NotAllowed
from models.result import Reason

log = structlog.get_logger()

APPROXIMATE = "x-tallyway-approximate"
"""Why an answer is not exact: bodies of vendors' shapes have no place for it."""


class Refused(Exception):
    """An error that a dialect has words of its own for: a status and a JSON body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(body)
        self.status, self.body = status, body


@dataclass(frozen=True, slots=True)
class Dialect(Generic[AnyAsk]):
    """How an API is spoken.

    `identify` finds who asks and raises NotAuthenticated, NotAllowed, TooManyRequests; `read` makes what handlers are
    given; `word` is the response to an error, by the id of the request. All may raise Refused. `failure` is answered
    when our own code fails; without it the frame does that, in our own words.
    """

    identify: Callable[[Request, Services], Awaitable[Caller]]
    read: Callable[[Request, Services, Caller | None], Awaitable[AnyAsk]]
    word: Callable[[GatewayError, str], Response]
    failure: Refused | None = None


async def plain_ask(request: Request, services: Services, caller: Caller | None) -> Ask:
    """Requests whose handlers read them by themselves."""
    return Ask(request, services, caller)


NATIVE = Dialect(key_holder, plain_ask, problem)
"""Our own API, and what trackers and browsers meet."""


def routes(dialect: Dialect[AnyAsk], services: Services, endpoints: Iterable[Endpoint[AnyAsk]]) -> list[Route]:
    """One route for each path, in the order in which paths first appear."""
    by_path: dict[str, dict[str, Endpoint[AnyAsk]]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [_route(dialect, services, path, by_method) for path, by_method in by_path.items()]


def _route(dialect: Dialect[AnyAsk], services: Services, path: str, by_method: dict[str, Endpoint[AnyAsk]]) -> Route:
    async def respond(request: Request) -> Response:
        endpoint = by_method["GET" if request.method == "HEAD" else request.method]
        try:
            return await _answered(dialect, services, endpoint, request)
        except Refused as error:
            return answer(error.body, error.status)
        except GatewayError as error:
            return dialect.word(error, request.state.request_id)
        except (HTTPException, ClientDisconnect):
            raise
        except Exception:
            if dialect.failure is None:
                raise
            log.exception("request failed", method=request.method)
            return answer(dialect.failure.body, dialect.failure.status)

    return Route(path, respond, methods=list(by_method), name=path)


async def _answered(
    dialect: Dialect[AnyAsk], services: Services, endpoint: Endpoint[AnyAsk], request: Request
) -> Response:
    """Raises what the dialect and the handler raise, TooLarge, QuotaExceeded, and what `perform` does."""
    receive = bounded(request.receive, endpoint.most(services.settings), request.headers.get("content-length"))
    bound = Request(request.scope, receive)
    caller = await _known(dialect, services, endpoint, bound)
    ask = await dialect.read(bound, services, caller)

    async def work() -> Response:
        result = await endpoint.handler(ask)
        return _marked(result if isinstance(result, Response) else answer(result), ask.reasons)

    return await perform(
        bound,
        services,
        caller,
        work,
        reads=endpoint.reads,
        creates=endpoint.creates,
        repeatable=endpoint.repeatable,
    )


async def _known(
    dialect: Dialect[AnyAsk], services: Services, endpoint: Endpoint[AnyAsk], request: Request
) -> Caller | None:
    """Who asks, admitted, on the bill, and with the right to; nobody where anybody may."""
    if endpoint.access is Access.OPEN:
        return None
    identify = scraper if endpoint.access is Access.METRICS else dialect.identify
    caller = await identify(request, services)
    if caller is not None:
        await admit(request.scope["state"], services, caller)
        _require(caller, endpoint)
    return caller


def _require(caller: Caller, endpoint: Endpoint[AnyAsk]) -> None:
    """Raises NotAllowed."""
    match endpoint.access:
        case KeyScope() as scope:
            caller.require(scope)
        case Access.PLATFORM | Access.METRICS if not caller.platform:
            raise NotAllowed("only a platform administrator may do this")
    if caller.sites is not None and (endpoint.whole or endpoint.access is KeyScope.ADMIN):
        raise NotAllowed("this key is limited to certain sites")


def _marked(response: Response, reasons: Iterable[Reason]) -> Response:
    """The response with the codes of the reasons, each once; without any as it was."""
    if codes := dict.fromkeys(reason.code for reason in reasons):
        response.headers[APPROXIMATE] = ", ".join(codes)
    return response
