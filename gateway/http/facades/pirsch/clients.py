"""Clients as Pirsch's own API lists and makes them (contracts: Pirsch 1 and 6)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.catalog.clients import ClientKind, ClientRecord
from gateway.http.facades.pirsch.dialect import Call
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


async def list_clients(call: Call) -> Any:
    """`GET /client?id=`."""
    return [_client(c) for c in await call.services.clients.listed(call.caller, await call.site())]


async def put_client(call: Call) -> Any:
    """`POST /client`: a new one, or with an id another description. A `token` is an access key, in `client_secret`."""
    fields = await call.fields()
    description = str(fields.get("description") or "")[:200]
    if fields.get("id"):
        return _client(await call.services.clients.describe(call.caller, str(fields["id"]), description))
    kind = KINDS.get(str(fields.get("type") or "oauth"))
    if kind is None:
        raise invalid("type", "must be oauth or token")
    record = await call.site_of(fields.get("domain_id"))
    scopes = {scope for name, (_, held) in GRANTS.items() if fields.get(name) for scope in held}
    made, secret = await call.services.clients.create(
        call.caller, record, kind=kind, scopes=scopes, description=description
    )
    return {**_client(made), "client_secret": secret}


async def delete_client(call: Call) -> Any:
    """`DELETE /client?id=`."""
    await call.services.clients.delete(call.caller, call.given.required("id"))
    return {}
