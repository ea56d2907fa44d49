"""Credentials of vendors' own clients in the catalog: who they are, what they may do; secrets only as digests.

Three kinds: `oauth` (an id and a secret), `key` (a secret alone, for events), `code` (a public word that names a site
to browsers). A client without a site acts on all sites of its tenant.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson
from sqlite_utils import Database

from gateway.catalog.base import Record, every, one, packed
from gateway.catalog.text import random_text, read, written
from gateway.tenancy import KeyScope, Tenant
from models.errors import NotFound

ID_LENGTH, SECRET_LENGTH, CODE_LENGTH = 32, 64, 32
KEY_MARK, KEY_LENGTH = "pa_", 45
"""Lengths that the clients check before they send anything (contracts: Pirsch 1)."""


class ClientKind(StrEnum):
    """How a client shows who it is."""

    OAUTH = "oauth"
    """Client id and secret, changed for a token."""
    KEY = "key"
    """A secret that takes events and reads nothing."""
    CODE = "code"
    """A public code in a page's mark-up."""


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client without its secret. `site` None: all sites of the tenant."""

    id: str
    tenant: str
    site: str | None
    kind: ClientKind
    scopes: tuple[KeyScope, ...]
    description: str
    created_at: datetime
    last_used_at: datetime | None


def digest_of(secret: str) -> bytes:
    """SHA-256: secrets are random, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def create(
    db: Database,
    tenant: Tenant,
    *,
    site: str | None,
    kind: ClientKind,
    scopes: Iterable[KeyScope],
    description: str,
    now: datetime,
) -> tuple[ClientRecord, str]:
    """A new client and its secret, which is shown this once; a code has none."""
    secret = {
        ClientKind.OAUTH: random_text(SECRET_LENGTH),
        ClientKind.KEY: KEY_MARK + random_text(KEY_LENGTH),
        ClientKind.CODE: "",
    }[kind]
    client_id = random_text(ID_LENGTH)
    db.table("clients").insert(
        {
            "id": client_id,
            "tenant": tenant.id,
            "site": site,
            "kind": str(kind),
            "digest": digest_of(secret) if secret else None,
            "scopes": packed(sorted(scopes)),
            "description": description,
            "created_at": written(now),
            "last_used_at": None,
        }
    )
    return get(db, tenant, client_id), secret


def get(db: Database, tenant: Tenant, client_id: str) -> ClientRecord:
    """Raises NotFound."""
    row = one(db, "SELECT * FROM clients WHERE tenant = ? AND id = ?", tenant.id, client_id)
    if row is None:
        raise NotFound("there is no such client")
    return _record(row)


def listed(db: Database, tenant: Tenant, site: str | None) -> tuple[ClientRecord, ...]:
    """The secret-bearing clients of a site, or those of all sites, oldest first."""
    sql = "SELECT * FROM clients WHERE tenant = ? AND site IS ? AND kind != 'code' ORDER BY created_at, id"
    return tuple(_record(row) for row in every(db, sql, tenant.id, site))


def by_id(db: Database, client_id: str) -> tuple[ClientRecord, Tenant] | None:
    """A client of any tenant, by what it presents as its id."""
    row = one(db, f"{_WITH_TENANT} WHERE clients.id = ?", client_id)
    return None if row is None else (_record(row), _tenant(row))


def with_secret(db: Database, client_id: str, secret: str) -> tuple[ClientRecord, Tenant] | None:
    """The client whose id and secret these are; both ways of failing take the same time."""
    row = one(db, f"{_WITH_TENANT} WHERE clients.id = ? AND kind = 'oauth'", client_id)
    if not hmac.compare_digest(row["digest"] if row else bytes(32), digest_of(secret)) or row is None:
        return None
    return _record(row), _tenant(row)


def with_key(db: Database, key: str) -> tuple[ClientRecord, Tenant] | None:
    """The client whose key this is."""
    row = one(db, f"{_WITH_TENANT} WHERE digest = ? AND kind = 'key'", digest_of(key))
    return None if row is None else (_record(row), _tenant(row))


def code_of(db: Database, tenant: Tenant, site: str, now: datetime) -> str:
    """The code that names a site to browsers; made when it is first asked for."""
    row = one(db, "SELECT id FROM clients WHERE tenant = ? AND site = ? AND kind = 'code'", tenant.id, site)
    if row is not None:
        return str(row["id"])
    made, _ = create(db, tenant, site=site, kind=ClientKind.CODE, scopes=(KeyScope.INGEST,), description="", now=now)
    return made.id


def renew_code(db: Database, tenant: Tenant, site: str, now: datetime) -> str:
    """A new code for the site; the old one names nothing from now on."""
    db.execute("DELETE FROM clients WHERE tenant = ? AND site = ? AND kind = 'code'", [tenant.id, site])
    return code_of(db, tenant, site, now)


def describe(db: Database, tenant: Tenant, client_id: str, description: str) -> ClientRecord:
    """Raises NotFound."""
    get(db, tenant, client_id)
    db.execute("UPDATE clients SET description = ? WHERE tenant = ? AND id = ?", [description, tenant.id, client_id])
    return get(db, tenant, client_id)


def delete(db: Database, tenant: Tenant, client_id: str) -> ClientRecord:
    """Raises NotFound."""
    found = get(db, tenant, client_id)
    db.execute("DELETE FROM clients WHERE tenant = ? AND id = ?", [tenant.id, client_id])
    return found


def used(db: Database, client_id: str, now: datetime) -> None:
    """Note that a client was used."""
    db.execute("UPDATE clients SET last_used_at = ? WHERE id = ?", [written(now), client_id])


_WITH_TENANT = (
    "SELECT clients.*, tenants.slug AS tenant_slug, tenants.name AS tenant_name FROM clients "
    "JOIN tenants ON tenants.id = clients.tenant"
)


def _tenant(row: Record) -> Tenant:
    return Tenant(row["tenant"], row["tenant_slug"], row["tenant_name"])


def _record(row: Record) -> ClientRecord:
    created = read(row["created_at"])
    if created is None:
        raise AssertionError("created_at is NOT NULL")
    return ClientRecord(
        id=row["id"],
        tenant=row["tenant"],
        site=row["site"],
        kind=ClientKind(row["kind"]),
        scopes=tuple(KeyScope(s) for s in orjson.loads(row["scopes"])),
        description=row["description"],
        created_at=created,
        last_used_at=read(row["last_used_at"]),
    )
