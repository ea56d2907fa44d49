"""The Starlette application: routes, error handlers, the frame around every request, and the fast paths before it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from gateway.http.fast_path import event, query
from gateway.http.fast_path.base import FastPath
from gateway.http.openapi import document_bytes
from gateway.http.routes import ENDPOINTS, routes
from gateway.http.server.access_log import access_log
from gateway.http.server.accounting import Accounting
from gateway.http.server.errors import plain
from gateway.http.server.frame import Frame
from gateway.services import Services

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
NO_MORE_READERS = 499
"""What the access log says of a client that left, as nginx does."""


class Application(Starlette):
    """Starlette, but for what is answered before anything else sees it."""

    fast_paths: Mapping[str, FastPath]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (path := self.fast_paths.get(scope["path"])) is not None:
            rest = await path.answered(scope, receive, send)
            if rest is None:
                return
            receive = rest
        await super().__call__(scope, receive, send)


def application(
    services: Services, lifespan: Lifespan, more: Sequence[BaseRoute] = (), tracking: frozenset[str] = frozenset()
) -> Application:
    """The whole HTTP surface over the services; `more` routes come after ours, and trackers send to `tracking`, too."""
    settings = services.settings
    access = access_log(wanted=settings.access_log)
    whole = Application(
        routes=[*routes(services), *more],
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _http_exception,
            ClientDisconnect: _gone,
        },
        middleware=[
            Middleware(
                Frame,
                access=access,
                hosts=settings.hosts,
                https=settings.public_url.startswith("https://"),
                accounting=Accounting(services, {event.PATH, *tracking}),
            )
        ],
    )
    whole.state.openapi = partial(document_bytes, ENDPOINTS)
    whole.fast_paths = {
        query.PATH: query.FastQuery(services, access),
        event.PATH: event.FastEvent(services, access),
    }
    return whole


async def _http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = {404: "there is no such address", 405: "this address does not know that method"}.get(
        error.status_code, error.detail
    )
    return plain(error.status_code, detail, request.state.request_id, error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=NO_MORE_READERS)
