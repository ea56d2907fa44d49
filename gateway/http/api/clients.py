"""Clients of the Pirsch-shaped API: made and taken back here, by our own keys."""

from typing import Any

from starlette.responses import Response

from gateway.catalog.clients import ClientKind, ClientRecord
from gateway.http.endpoint import Ask
from gateway.http.schema.clients import NewPirschClient, PirschClientDraft, PirschClientList, PirschClientView
from gateway.http.server.body import answer, nothing
from gateway.tenancy import KeyScope
from models.errors import InvalidRequest, NotFound, Problem

SCOPES = (KeyScope.READ, KeyScope.INGEST, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS)


def _view(record: ClientRecord) -> dict[str, Any]:
    return {
        "client_id": record.id,
        "kind": record.kind,
        "scopes": record.scopes,
        "all_sites": record.site is None,
        "description": record.description,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
    }


async def create_pirsch_client(ask: Ask) -> Response:
    """201 with the secret. Raises InvalidRequest for scopes that clients cannot have."""
    record, draft = await ask.site(), await ask.model(PirschClientDraft)
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
    shown = NewPirschClient(
        **_view(made),
        client_secret=secret if made.kind is ClientKind.OAUTH else None,
        access_key=secret if made.kind is ClientKind.KEY else None,
        identification_code=await clients.code_of(record),
        base_url=f"{ask.origin}/pirsch",
    )
    return answer(shown, 201)


async def list_pirsch_clients(ask: Ask) -> Response:
    record = await ask.site()
    clients = ask.services.clients
    found = [PirschClientView(**_view(c)) for c in await clients.listed(ask.caller, record)]
    return answer(PirschClientList(clients=tuple(found), identification_code=await clients.code_of(record)))


async def delete_pirsch_client(ask: Ask) -> Response:
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
