"""Segments in the catalog: saved filters of a site."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlite_utils import Database

from gateway.catalog.base import Record, every, one, packed
from gateway.catalog.text import new_id, read, written
from gateway.tenancy import Tenant
from models.errors import AlreadyExists, NotFound


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A saved filter; `filters` in their written form, joined by and."""

    id: str
    site: str
    name: str
    filters: list[Any]
    created_at: datetime | None


def create(db: Database, tenant: Tenant, site: str, name: str, filters: list[Any], now: datetime) -> SegmentRecord:
    """Raises AlreadyExists when the site has a segment of that name."""
    segment_id = new_id("seg")
    values = [segment_id, tenant.id, site, name, packed(filters), written(now)]
    try:
        db.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)", values)
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"the site has a segment named {name}") from error
    return get(db, tenant, site, segment_id)


def get(db: Database, tenant: Tenant, site: str, segment_id: str) -> SegmentRecord:
    """Raises NotFound."""
    row = one(db, "SELECT * FROM segments WHERE tenant = ? AND site = ? AND id = ?", tenant.id, site, segment_id)
    if row is None:
        raise NotFound("there is no such segment")
    return _record(row)


def listed(db: Database, tenant: Tenant, site: str) -> tuple[SegmentRecord, ...]:
    """A site's segments by name."""
    sql = "SELECT * FROM segments WHERE tenant = ? AND site = ? ORDER BY name"
    return tuple(_record(row) for row in every(db, sql, tenant.id, site))


def change(
    db: Database, tenant: Tenant, site: str, segment_id: str, name: str | None, filters: list[Any] | None
) -> SegmentRecord:
    """Change what is given. Raises NotFound, AlreadyExists."""
    get(db, tenant, site, segment_id)
    try:
        db.execute(
            "UPDATE segments SET name = coalesce(?, name), filters = coalesce(?, filters) WHERE tenant = ? AND id = ?",
            [name, None if filters is None else packed(filters), tenant.id, segment_id],
        )
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"the site has a segment named {name}") from error
    return get(db, tenant, site, segment_id)


def delete(db: Database, tenant: Tenant, site: str, segment_id: str) -> None:
    """Raises NotFound."""
    get(db, tenant, site, segment_id)
    db.execute("DELETE FROM segments WHERE tenant = ? AND id = ?", [tenant.id, segment_id])


def _record(row: Record) -> SegmentRecord:
    return SegmentRecord(row["id"], row["site"], row["name"], orjson.loads(row["filters"]), read(row["created_at"]))
