"""API keys in the catalog: a public prefix to find them by, a digest to compare with; the key itself is never kept."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlite_utils import Database

from gateway.catalog.base import Record, every, one, packed
from gateway.catalog.text import new_id, random_text, read, written
from gateway.tenancy import KeyScope, Tenant
from models.errors import Conflict, NotFound

MARK = "tw_"
PUBLIC, SECRET = 8, 32
PREFIX = len(MARK) + PUBLIC
NOBODY = bytes(32)
"""Compared with when a prefix is unknown, so that both ways take the same time."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key without its secret. `sites` None means all sites of the tenant."""

    id: str
    tenant: str
    name: str
    prefix: str
    scopes: tuple[KeyScope, ...]
    sites: tuple[str, ...] | None
    platform: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def digest_of(key: str) -> bytes:
    """SHA-256: keys are random, so a slow hash would add nothing."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def create(
    db: Database,
    tenant: Tenant,
    *,
    name: str,
    scopes: Iterable[KeyScope],
    now: datetime,
    sites: tuple[str, ...] | None = None,
    expires_at: datetime | None = None,
    platform: bool = False,
) -> tuple[KeyRecord, str]:
    """A new key: its record, and the key itself, which is shown this once."""
    key = MARK + random_text(PUBLIC + SECRET)
    record_id = new_id("key")
    db.table("keys").insert(
        {
            "id": record_id,
            "tenant": tenant.id,
            "name": name,
            "prefix": key[:PREFIX],
            "digest": digest_of(key),
            "scopes": packed(sorted(scopes)),
            "sites": None if sites is None else packed(sorted(sites)),
            "platform": int(platform),
            "created_at": written(now),
            "expires_at": None if expires_at is None else written(expires_at),
            "last_used_at": None,
            "revoked_at": None,
        }
    )
    return get(db, tenant, record_id), key


def get(db: Database, tenant: Tenant, key_id: str) -> KeyRecord:
    """Raises NotFound."""
    row = one(db, "SELECT * FROM keys WHERE tenant = ? AND id = ?", tenant.id, key_id)
    if row is None:
        raise NotFound("there is no such key")
    return _record(row)


def listed(db: Database, tenant: Tenant, after: str, limit: int) -> tuple[KeyRecord, ...]:
    """Keys of a tenant by id, those after an id; revoked ones stay in sight."""
    sql = "SELECT * FROM keys WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?"
    return tuple(_record(row) for row in every(db, sql, tenant.id, after, limit))


def matching(db: Database, key: str) -> tuple[KeyRecord, Tenant] | None:
    """The record of a presented key and its tenant; None when there is no such key."""
    row = one(
        db,
        "SELECT keys.*, tenants.slug AS tenant_slug, tenants.name AS tenant_name FROM keys "
        "JOIN tenants ON tenants.id = keys.tenant WHERE prefix = ?",
        key[:PREFIX],
    )
    if not hmac.compare_digest(row["digest"] if row else NOBODY, digest_of(key)) or row is None:
        return None
    return _record(row), Tenant(row["tenant"], row["tenant_slug"], row["tenant_name"])


def used(db: Database, key_id: str, now: datetime) -> None:
    """Note that a key was used; called at most once a minute for each key."""
    db.execute("UPDATE keys SET last_used_at = ? WHERE id = ?", [written(now), key_id])


def revoke(db: Database, tenant: Tenant, key_id: str, now: datetime) -> KeyRecord:
    """Raises NotFound. Revoking twice keeps the first time."""
    found = get(db, tenant, key_id)
    db.execute("UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", [written(now), found.id])
    return get(db, tenant, key_id)


def expire(db: Database, tenant: Tenant, key_id: str, at: datetime) -> None:
    """Let a key end at a time, unless it ends before."""
    db.execute(
        "UPDATE keys SET expires_at = min(coalesce(expires_at, ?), ?) WHERE tenant = ? AND id = ?",
        [written(at), written(at), tenant.id, key_id],
    )


def replaced(db: Database, tenant: Tenant, key_id: str, now: datetime, until: datetime) -> tuple[KeyRecord, str]:
    """A new key that may do what an old one may; the old one ends at `until`. Raises NotFound, Conflict."""
    old = get(db, tenant, key_id)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise Conflict("a key that has ended is not rotated; make a new one")
    made = create(
        db,
        tenant,
        name=old.name,
        scopes=old.scopes,
        now=now,
        sites=old.sites,
        expires_at=old.expires_at,
        platform=old.platform,
    )
    if until <= now:
        revoke(db, tenant, key_id, now)
    else:
        expire(db, tenant, key_id, until)
    return made


def _record(row: Record) -> KeyRecord:
    created = read(row["created_at"])
    if created is None:
        raise AssertionError("created_at is NOT NULL")
    return KeyRecord(
        id=row["id"],
        tenant=row["tenant"],
        name=row["name"],
        prefix=row["prefix"],
        scopes=tuple(KeyScope(s) for s in orjson.loads(row["scopes"])),
        sites=None if row["sites"] is None else tuple(orjson.loads(row["sites"])),
        platform=bool(row["platform"]),
        created_at=created,
        expires_at=read(row["expires_at"]),
        last_used_at=read(row["last_used_at"]),
        revoked_at=read(row["revoked_at"]),
    )
