"""Tenants in the catalog."""

import sqlite3
from datetime import datetime

from sqlite_utils import Database

from gateway.catalog.base import every, one
from gateway.catalog.text import new_id, written
from gateway.tenancy import Tenant
from models.errors import AlreadyExists, NotFound


def get(db: Database, ref: str) -> Tenant:
    """A tenant by id or slug. Raises NotFound."""
    row = one(db, "SELECT id, slug, name FROM tenants WHERE id = ? OR slug = ? ORDER BY id = ? DESC", ref, ref, ref)
    if row is None:
        raise NotFound("there is no such tenant")
    return Tenant(**row)


def listed(db: Database, after: str, limit: int) -> tuple[Tenant, ...]:
    """Tenants by id, those after an id."""
    sql = "SELECT id, slug, name FROM tenants WHERE id > ? ORDER BY id LIMIT ?"
    return tuple(Tenant(**row) for row in every(db, sql, after, limit))


def create(db: Database, name: str, slug: str, now: datetime) -> Tenant:
    """Raises AlreadyExists when the slug is taken."""
    tenant = Tenant(new_id("ten"), slug, name)
    try:
        db.execute("INSERT INTO tenants VALUES (?, ?, ?, ?)", [tenant.id, slug, name, written(now)])
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"there is a tenant with the slug {slug}") from error
    return tenant
