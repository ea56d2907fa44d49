"""The audit log: who changed what, with digests of before and after. A trigger keeps rows from being changed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from gateway.catalog.base import every, packed
from gateway.catalog.text import written
from gateway.tenancy import Tenant


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One change. `before` and `after` are SHA-256 digests, None where there was nothing."""

    id: int
    at: str
    key: str
    action: str
    object: str
    before: str | None
    after: str | None


def record(
    db: Database,
    tenant: Tenant,
    key: str,
    action: str,
    subject: str,
    now: datetime,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """Add a row; `before` and `after` are JSON values of which only digests are kept."""
    values = [tenant.id, written(now), key, action, subject, _digest(before), _digest(after)]
    db.execute(
        "INSERT INTO audit (tenant, at, key, action, object, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)", values
    )


def listed(db: Database, tenant: Tenant, before_id: int, limit: int) -> tuple[AuditRow, ...]:
    """The newest first, those older than an id."""
    sql = (
        "SELECT id, at, key, action, object, before, after FROM audit WHERE tenant = ? AND id < ? "
        "ORDER BY id DESC LIMIT ?"
    )
    return tuple(AuditRow(**row) for row in every(db, sql, tenant.id, before_id, limit))


def _digest(value: Any) -> str | None:
    return None if value is None else hashlib.sha256(packed(value).encode()).hexdigest()
