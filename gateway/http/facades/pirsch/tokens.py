"""Credentials change for tokens at `/api/v1/token`; our own API issues them (`gateway/http/api/clients.py`)."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.access.clients import Token
from gateway.catalog.clients import ID_LENGTH
from gateway.http.facades.pirsch.dialect import bound_to, failed
from gateway.http.facades.pirsch.wording import Refused
from gateway.http.server.auth import counted_guesses
from gateway.http.server.body import answer, decoded
from gateway.http.server.visitor import client_of
from gateway.services import Services
from models.errors import GatewayError


def token_route(services: Services, path: str) -> Route:
    """`POST /api/v1/token`: JSON under any content type; what else stands in the body does not matter."""

    async def respond(request: Request) -> Response:
        try:
            return await _token(bound_to(request, services.settings.body_limit), services)
        except Refused as error:
            return answer(error.body(), error.status)
        except GatewayError as error:
            return failed(error)

    return Route(path, respond, methods=["POST"])


async def _token(request: Request, services: Services) -> Response:
    try:
        given = decoded(await request.body())
    except orjson.JSONDecodeError:
        raise Refused("The request body is not valid JSON.") from None
    names = ("client_id", "client_secret")
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in names):
        raise Refused("client_id and client_secret are required", validation=dict.fromkeys(names, "is required"))
    token = await _guessed(request, services, given["client_id"], given["client_secret"])
    return answer({"access_token": token.text, "expires_at": token.expires_at})


async def _guessed(request: Request, services: Services, client_id: str, secret: str) -> Token:
    """Wrong secrets are counted, by address and client. Raises NotAuthenticated, TooManyRequests."""
    name = client_of(request.scope, services.settings).name
    with counted_guesses(services, f"{name} {client_id[:ID_LENGTH]}"):
        return await services.clients.token(client_id, secret)
