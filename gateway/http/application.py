"""The Starlette application: routes, error handlers, and the frame around every request."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.http.books import Books
from gateway.http.errors import plain, problem
from gateway.http.frame import Frame
from gateway.http.routes import routes
from gateway.services import Services
from models.errors import GatewayError

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
NO_MORE_READERS = 499
"""What the access log says of a client that left, as nginx does."""


def application(services: Services, lifespan: Lifespan, more: Sequence[BaseRoute] = ()) -> Starlette:
    """The whole HTTP surface over the services; `more` routes come after ours."""
    settings = services.settings
    return Starlette(
        routes=[*routes(services), *more],
        lifespan=lifespan,
        exception_handlers={
            GatewayError: _gateway_error,
            HTTPException: _http_exception,
            ClientDisconnect: _gone,
        },
        middleware=[
            Middleware(
                Frame,
                access_log=settings.access_log,
                hosts=settings.hosts,
                https=settings.public_url.startswith("https://"),
                books=Books(services),
            )
        ],
    )


async def _gateway_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, GatewayError):
        raise error
    return problem(error, request.state.request_id)


async def _http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = {404: "there is no such address", 405: "this address does not know that method"}.get(
        error.status_code, error.detail
    )
    return plain(error.status_code, detail, request.state.request_id, error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=NO_MORE_READERS)
