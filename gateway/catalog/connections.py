"""Connections in the catalog: a backend, its options, and the sealed credential."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlite_utils import Database

from gateway.catalog.base import Record, every, one, packed
from gateway.catalog.text import new_id, read, written
from gateway.tenancy import BUILT_IN, Tenant
from models.errors import Conflict, UnknownConnection


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """A connection. `credential` is sealed; `version` grows with every change, and the seal is bound to it."""

    id: str
    tenant: str
    name: str
    backend: str
    options: Mapping[str, Any]
    credential: bytes | None
    version: int
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def built_in(self) -> bool:
        """Whether it is the connection to the store of our own, which has no row."""
        return self.id == BUILT_IN


def new_connection_id() -> str:
    """Made before the row, because the credential's seal is bound to it."""
    return new_id("con")


def get(db: Database, tenant: Tenant, connection_id: str) -> ConnectionRecord:
    """Raises UnknownConnection."""
    row = one(db, "SELECT * FROM connections WHERE tenant = ? AND id = ?", tenant.id, connection_id)
    if row is None:
        raise UnknownConnection("there is no such connection")
    return _record(row)


def listed(db: Database, tenant: Tenant, after: str, limit: int) -> tuple[ConnectionRecord, ...]:
    """Connections of a tenant by id, those after an id."""
    sql = "SELECT * FROM connections WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?"
    return tuple(_record(row) for row in every(db, sql, tenant.id, after, limit))


def create(db: Database, tenant: Tenant, record: ConnectionRecord, now: datetime) -> ConnectionRecord:
    """Keep a new connection under the id it came with."""
    db.table("connections").insert(
        {
            "id": record.id,
            "tenant": tenant.id,
            "name": record.name,
            "backend": record.backend,
            "options": packed(dict(record.options)),
            "credential": record.credential,
            "version": record.version,
            "created_at": written(now),
            "updated_at": written(now),
        }
    )
    return get(db, tenant, record.id)


def replace(db: Database, tenant: Tenant, record: ConnectionRecord, now: datetime) -> ConnectionRecord:
    """Write a changed connection whose version was raised by one. Raises Conflict when somebody was faster."""
    cursor = db.execute(
        "UPDATE connections SET name = ?, options = ?, credential = ?, version = ?, updated_at = ? "
        "WHERE tenant = ? AND id = ? AND version = ?",
        [
            record.name,
            packed(dict(record.options)),
            record.credential,
            record.version,
            written(now),
            tenant.id,
            record.id,
            record.version - 1,
        ],
    )
    if cursor.rowcount != 1:
        raise Conflict("the connection was changed at the same moment; read it again")
    return get(db, tenant, record.id)


def delete(db: Database, tenant: Tenant, connection_id: str) -> None:
    """Raises UnknownConnection, and Conflict while sites use it."""
    get(db, tenant, connection_id)
    if one(db, "SELECT 1 FROM sites WHERE tenant = ? AND connection = ?", tenant.id, connection_id):
        raise Conflict("sites use this connection; delete or move them first")
    for table in ("documents", "counters"):
        db.execute(f"DELETE FROM {table} WHERE tenant = ? AND connection = ?", [tenant.id, connection_id])  # noqa: S608 - two names of ours
    db.execute("DELETE FROM connections WHERE tenant = ? AND id = ?", [tenant.id, connection_id])


def _record(row: Record) -> ConnectionRecord:
    times = {name: read(row[name]) for name in ("created_at", "updated_at")}
    values: Record = row | {"options": orjson.loads(row["options"])} | times
    return ConnectionRecord(**values)
