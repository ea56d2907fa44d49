"""Clients of vendor-shaped APIs, as they are asked for and shown."""

from datetime import datetime

from pydantic import Field

from gateway.catalog.clients import ClientKind
from gateway.http.schema.base import Given, Told
from gateway.tenancy import KeyScope


class PirschClientDraft(Given):
    """A client to make. `key` makes a write-only access key, `all_sites` a client of all sites of the tenant."""

    kind: ClientKind = ClientKind.OAUTH
    scopes: tuple[KeyScope, ...] = Field(default=(KeyScope.READ, KeyScope.INGEST), max_length=len(KeyScope))
    all_sites: bool = False
    description: str = Field(default="", max_length=200)


class PirschClientView(Told):
    """A client without its secret; `client_id` is also the id to delete it by."""

    client_id: str
    kind: ClientKind
    scopes: tuple[KeyScope, ...]
    all_sites: bool
    description: str
    created_at: datetime
    last_used_at: datetime | None


class NewPirschClient(PirschClientView):
    """A client with what it needs, shown this once: `client_secret`, or `access_key` for a key."""

    client_secret: str | None = None
    access_key: str | None = None
    identification_code: str
    base_url: str


class PirschClientList(Told):
    """The clients of a site, and the public code that its pages carry."""

    clients: tuple[PirschClientView, ...]
    identification_code: str
