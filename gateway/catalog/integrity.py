"""Whether the catalog is whole, for `tallyway doctor`."""

from datetime import datetime

from sqlite_utils import Database

from gateway.catalog.base import every, one
from gateway.catalog.text import read


def faults(db: Database) -> tuple[str, ...]:
    """What SQLite says of its file, and rows that belong nowhere; nothing when all is well."""
    said = [str(row["integrity_check"]) for row in every(db, "PRAGMA integrity_check(5)")]
    orphans = len(every(db, "PRAGMA foreign_key_check"))
    return (*(s for s in said if s != "ok"), *([f"{orphans} orphaned rows"] if orphans else []))


def last_change(db: Database) -> datetime | None:
    """When something was last changed, as the audit log says."""
    row = one(db, "SELECT max(at) AS at FROM audit")
    return read(row["at"]) if row is not None else None


def connections(db: Database) -> tuple[tuple[str, str, str], ...]:
    """Tenant, id and backend of every connection."""
    sql = "SELECT tenant, id, backend FROM connections ORDER BY tenant, id"
    return tuple((row["tenant"], row["id"], row["backend"]) for row in every(db, sql))
