"""Credentials: issued under `/v1/sites/{site}/pirsch-clients`, changed for tokens at `/api/v1/token`."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.catalog.clients import ID_LENGTH, ClientKind, ClientRecord
from gateway.clients import Token
from gateway.http.body import answer, nothing
from gateway.http.endpoint import Ask, Endpoint
from gateway.http.facades.pirsch.call import bound_to, failed
from gateway.http.facades.pirsch.wording import Refused
from gateway.http.visitor import client_of
from gateway.services import Services
from gateway.tenancy import KeyScope
from models.base import Frozen
from models.errors import GatewayError, InvalidRequest, NotAuthenticated, NotFound, Problem

SCOPES = (KeyScope.READ, KeyScope.INGEST, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS)
PATH = "/v1/sites/{site}/pirsch-clients"


class ClientDraft(Frozen):
    """A client to make. `key` makes a write-only access key, `all_sites` a client of all sites of the tenant."""

    kind: ClientKind = ClientKind.OAUTH
    scopes: tuple[KeyScope, ...] = (KeyScope.READ, KeyScope.INGEST)
    all_sites: bool = False
    description: str = Field(default="", max_length=200)


class ClientView(Frozen):
    """A client without its secret; `client_id` is also the id to delete it by."""

    client_id: str
    kind: ClientKind
    scopes: tuple[KeyScope, ...]
    all_sites: bool
    description: str
    created_at: datetime
    last_used_at: datetime | None


class NewClient(ClientView):
    """A client with what it needs, shown this once: `client_secret`, or `access_key` for a key."""

    client_secret: str | None = None
    access_key: str | None = None
    identification_code: str
    base_url: str


class ClientList(Frozen):
    """The clients of a site, and the public code that its pages carry."""

    clients: tuple[ClientView, ...]
    identification_code: str


def view(record: ClientRecord) -> dict[str, Any]:
    return {
        "client_id": record.id,
        "kind": record.kind,
        "scopes": record.scopes,
        "all_sites": record.site is None,
        "description": record.description,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
    }


async def create_client(ask: Ask) -> Response:
    """201 with the secret. Raises InvalidRequest for scopes that clients cannot have."""
    record, draft = await ask.site(), await ask.model(ClientDraft)
    problems = []
    if unknown := [s for s in draft.scopes if s not in SCOPES]:
        problems.append(Problem("scopes", f"clients cannot have {', '.join(unknown)}", tuple(map(str, SCOPES))))
    if draft.kind is ClientKind.CODE:
        problems.append(Problem("kind", "every site has its code already", ("oauth", "key")))
    if problems:
        raise InvalidRequest(problems)
    clients = ask.services.clients
    made, secret = await clients.create(
        ask.caller,
        None if draft.all_sites else record,
        kind=draft.kind,
        scopes=draft.scopes,
        description=draft.description,
    )
    shown = NewClient(
        **view(made),
        client_secret=secret if made.kind is ClientKind.OAUTH else None,
        access_key=secret if made.kind is ClientKind.KEY else None,
        identification_code=await clients.code_of(record),
        base_url=f"{ask.services.settings.public_url}/pirsch",
    )
    return answer(shown, 201)


async def list_clients(ask: Ask) -> Response:
    record = await ask.site()
    clients = ask.services.clients
    found = [ClientView(**view(c)) for c in await clients.listed(ask.caller, record)]
    return answer(ClientList(clients=tuple(found), identification_code=await clients.code_of(record)))


async def delete_client(ask: Ask) -> Response:
    """204. Raises NotFound, also for a client of another site."""
    record = await ask.site()
    wanted = ask.path("client")
    known = [
        *await ask.services.clients.listed(ask.caller, record),
        *await ask.services.clients.listed(ask.caller, None),
    ]
    if wanted not in {c.id for c in known}:
        raise NotFound("there is no such client")
    await ask.services.clients.delete(ask.caller, wanted)
    return nothing()


SITES = KeyScope.MANAGE_SITES
ENDPOINTS = (
    Endpoint("GET", PATH, list_clients, "List clients of the Pirsch API", SITES, "Sites", answers=ClientList),
    Endpoint(
        "POST",
        PATH,
        create_client,
        "Create a client of the Pirsch API; its secret is shown once",
        SITES,
        "Sites",
        body=ClientDraft,
        answers=NewClient,
        status=201,
        creates=True,
    ),
    Endpoint(
        "DELETE", PATH + "/{client}", delete_client, "Delete a client of the Pirsch API", SITES, "Sites", status=204
    ),
)


def token_route(services: Services, path: str) -> Route:
    """`POST /api/v1/token`: JSON under any content type; what else stands in the body does not matter."""

    async def respond(request: Request) -> Response:
        try:
            return await _token(bound_to(request), services)
        except Refused as error:
            return answer(error.body(), error.status)
        except GatewayError as error:
            return failed(error)

    return Route(path, respond, methods=["POST"])


async def _token(request: Request, services: Services) -> Response:
    try:
        given = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused("The request body is not valid JSON.") from None
    names = ("client_id", "client_secret")
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in names):
        raise Refused("client_id and client_secret are required", validation=dict.fromkeys(names, "is required"))
    token = await _guessed(request, services, given["client_id"], given["client_secret"])
    return answer({"access_token": token.text, "expires_at": token.expires_at})


async def _guessed(request: Request, services: Services, client_id: str, secret: str) -> Token:
    """Wrong secrets are counted, by address and client. Raises NotAuthenticated, TooManyRequests."""
    guesses = f"{client_of(request.scope, services.settings).name} {client_id[:ID_LENGTH]}"
    services.guesses.check(guesses)
    try:
        return await services.clients.token(client_id, secret)
    except NotAuthenticated:
        services.guesses.note(guesses)
        raise
