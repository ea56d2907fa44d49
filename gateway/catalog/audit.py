"""The audit log: who changed what, with digests of before and after. A trigger keeps rows from being changed.

A change in the catalog and its row are one transaction. A change at a backend cannot be: it is written down as begun,
and its row takes that place when it has ended. What was begun long ago ended with its process, its outcome unknown.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlite_utils import Database

from gateway.catalog.base import every, packed
from gateway.catalog.text import written
from gateway.tenancy import Tenant

LONGEST = timedelta(minutes=15)
"""No change takes so long; one that was begun before was cut off."""


class Outcome(StrEnum):
    """What became of a change. One that certainly did not happen has no row."""

    DONE = "done"
    UNKNOWN = "unknown"
    """The backend's answer was lost, or our process ended before it came."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a row says besides who and when. `before` and `after` are JSON values of which only digests are kept.

    `tenant` is whose log it belongs to, if not to that of the caller's tenant.
    """

    subject: str
    before: Any = None
    after: Any = None
    tenant: Tenant | None = None


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
    outcome: str


def add(
    db: Database,
    tenant: Tenant,
    key: str,
    action: str,
    subject: str,
    now: datetime,
    *,
    before: Any = None,
    after: Any = None,
    outcome: Outcome = Outcome.DONE,
) -> None:
    """Add a row; `before` and `after` are JSON values of which only digests are kept."""
    values = [tenant.id, written(now), key, action, subject, _digest(before), _digest(after), outcome]
    db.execute(
        "INSERT INTO audit (tenant, at, key, action, object, before, after, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )


def begin(db: Database, tenant: Tenant, key: str, action: str, note: Note, now: datetime) -> int:
    """Write down that a change at a backend begins; what `end` takes."""
    values = [tenant.id, written(now), key, action, note.subject, _digest(note.before)]
    sql = "INSERT INTO audit_begun (tenant, at, key, action, object, before) VALUES (?, ?, ?, ?, ?, ?)"
    return int(db.execute(sql, values).lastrowid or 0)


def end(db: Database, begun: int) -> None:
    """The change has ended; the caller writes its row, unless nothing was changed."""
    db.execute("DELETE FROM audit_begun WHERE id = ?", [begun])


def give_up(db: Database, tenant: Tenant, now: datetime) -> None:
    """Rows for the changes of the tenant that were cut off."""
    cut_off = (tenant.id, written(now - LONGEST))
    db.execute(
        "INSERT INTO audit (tenant, at, key, action, object, before, outcome) "
        "SELECT tenant, at, key, action, object, before, 'unknown' FROM audit_begun WHERE tenant = ? AND at < ? "
        "ORDER BY id",
        cut_off,
    )
    db.execute("DELETE FROM audit_begun WHERE tenant = ? AND at < ?", cut_off)


def listed(db: Database, tenant: Tenant, before_id: int, limit: int) -> tuple[AuditRow, ...]:
    """The newest first, those older than an id."""
    sql = (
        "SELECT id, at, key, action, object, before, after, outcome FROM audit WHERE tenant = ? AND id < ? "
        "ORDER BY id DESC LIMIT ?"
    )
    return tuple(AuditRow(**row) for row in every(db, sql, tenant.id, before_id, limit))


def has(db: Database, tenant: Tenant, action: str, subject: str) -> bool:
    """Whether somebody of the tenant did this to the object."""
    sql = "SELECT 1 FROM audit WHERE tenant = ? AND action = ? AND object = ? LIMIT 1"
    return db.execute(sql, [tenant.id, action, subject]).fetchone() is not None


def _digest(value: Any) -> str | None:
    return None if value is None else hashlib.sha256(packed(value).encode()).hexdigest()
