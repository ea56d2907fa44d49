"""Requests that carried an Idempotency-Key and the answers they got, kept for a day. The caller seals the answers.

A request whose outcome is unknown may be done again where that finds out first what became of it; where nothing can,
the key is used up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from gateway.catalog.base import one
from gateway.catalog.text import written
from gateway.tenancy import Tenant
from models.errors import IdempotencyConflict

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=15)
"""A request without an answer after so long died with its process."""
UNKNOWN = 0
"""In the place of a status: nobody knows what became of the request."""
IN_DOUBT = (
    "the outcome of the first request with this Idempotency-Key is unknown; look at the backend, and use another key"
)


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer given before."""

    status: int
    answer: bytes


def claim(
    db: Database, tenant: Tenant, key: str, digest: str, now: datetime, repeatable: bool = True
) -> Remembered | None:
    """The answer given before, or None when this request is the first and must now be done.

    Raises IdempotencyConflict for another request under the same key, while the first is not finished, and, unless it
    is `repeatable`, when nobody knows how it ended.
    """
    db.execute("DELETE FROM idempotency WHERE created_at < ?", [written(now - KEPT)])
    sql = "SELECT digest, status, answer, created_at FROM idempotency WHERE tenant = ? AND key = ?"
    row = one(db, sql, tenant.id, key)
    if row is None:
        db.execute("INSERT INTO idempotency VALUES (?, ?, ?, NULL, NULL, ?)", [tenant.id, key, digest, written(now)])
        return None
    if row["digest"] != digest:
        raise IdempotencyConflict("this Idempotency-Key was used for another request")
    abandoned = row["status"] is None and row["created_at"] < written(now - ABANDONED)
    if row["status"] == UNKNOWN or (abandoned and not repeatable):
        raise IdempotencyConflict(IN_DOUBT)
    if abandoned:
        sql = "UPDATE idempotency SET created_at = ? WHERE tenant = ? AND key = ?"
        db.execute(sql, [written(now), tenant.id, key])
        return None
    if row["status"] is None:
        raise IdempotencyConflict("the first request with this Idempotency-Key has not been answered yet")
    return Remembered(row["status"], row["answer"])


def keep(db: Database, tenant: Tenant, key: str, remembered: Remembered) -> None:
    """Remember the answer."""
    db.execute(
        "UPDATE idempotency SET status = ?, answer = ? WHERE tenant = ? AND key = ?",
        [remembered.status, remembered.answer, tenant.id, key],
    )


def doubt(db: Database, tenant: Tenant, key: str) -> None:
    """Nobody knows what became of the request."""
    db.execute("UPDATE idempotency SET status = ? WHERE tenant = ? AND key = ?", [UNKNOWN, tenant.id, key])


def forget(db: Database, tenant: Tenant, key: str) -> None:
    """The request failed and may be tried again under the same key."""
    db.execute("DELETE FROM idempotency WHERE tenant = ? AND key = ? AND status IS NULL", [tenant.id, key])
