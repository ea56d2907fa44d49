"""Credentials change for tokens at `/api/v1/token`; our own API issues them (`gateway/http/api/clients.py`)."""

from typing import Any

from gateway.catalog.clients import ID_LENGTH
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.wording import refused
from gateway.http.server.auth import counted_guesses

NAMES = ("client_id", "client_secret")


async def token(ask: PirschAsk) -> Any:
    """`POST /api/v1/token`: JSON under any content type; what else stands in the body does not matter.

    The PHP client calls its JSON a form and adds `grant_type` (2.0.2, 2026-07, contract 2).

    Wrong secrets are counted, by address and client.
    """
    given = await ask.json()
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in NAMES):
        raise refused("client_id and client_secret are required", validation=dict.fromkeys(NAMES, "is required"))
    client_id, secret = (given[name] for name in NAMES)
    with counted_guesses(ask.request, ask.services, client_id[:ID_LENGTH]):
        found = await ask.services.clients.token(client_id, secret)
    return {"access_token": found.text, "expires_at": found.expires_at}
