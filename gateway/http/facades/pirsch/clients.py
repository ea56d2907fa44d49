"""Clients as Pirsch's own API lists and makes them (contracts: Pirsch 1 and 6)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.catalog.clients import ClientKind, ClientRecord
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.documents import written
from gateway.http.facades.pirsch.wording import invalid
from gateway.tenancy import KeyScope

GRANTS: Mapping[str, tuple[str, tuple[KeyScope, ...]]] = MappingProxyType(
    {
        "scope_hit": ("w", (KeyScope.INGEST,)),
        "scope_event": ("w", (KeyScope.INGEST,)),
        "scope_session": ("w", (KeyScope.INGEST,)),
        "scope_statistics": ("r", (KeyScope.READ,)),
        "scope_domains": ("w", (KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS)),
    }
)
NOT_GRANTED = ("scope_organizations", "scope_themes", "scope_billing")
KINDS = MappingProxyType({"oauth": ClientKind.OAUTH, "token": ClientKind.KEY})


def _client(record: ClientRecord) -> dict[str, Any]:
    made = written(record.created_at)
    granted = {name: way for name, (way, scopes) in GRANTS.items() if set(scopes) <= set(record.scopes)}
    return {
        "id": record.id,
        "def_time": made,
        "mod_time": made,
        "domain_id": record.site,
        "client_id": record.id,
        "description": record.description,
        **{name: granted.get(name, "") for name in (*GRANTS, *NOT_GRANTED)},
    }


async def list_clients(ask: PirschAsk) -> Any:
    """`GET /client?id=`."""
    return [_client(c) for c in await ask.services.clients.listed(ask.caller, await ask.named_site())]


async def put_client(ask: PirschAsk) -> Any:
    """`POST /client`: a new one, or with an id another description. A `token` is an access key, in `client_secret`."""
    fields = await ask.fields()
    description = str(fields.get("description") or "")[:200]
    if fields.get("id"):
        return _client(await ask.services.clients.describe(ask.caller, str(fields["id"]), description))
    kind = KINDS.get(str(fields.get("type") or "oauth"))
    if kind is None:
        raise invalid("type", "must be oauth or token")
    record = await ask.site_of(fields.get("domain_id"))
    scopes = {scope for name, (_, held) in GRANTS.items() if fields.get(name) for scope in held}
    made, secret = await ask.services.clients.create(
        ask.caller, record, kind=kind, scopes=scopes, description=description
    )
    return {**_client(made), "client_secret": secret}


async def delete_client(ask: PirschAsk) -> Any:
    """`DELETE /client?id=`."""
    await ask.services.clients.delete(ask.caller, ask.given.required("id"))
    return {}
