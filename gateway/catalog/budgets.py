"""Rows of vendor budgets: one for each credential, changed in one transaction whatever the process."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlite_utils import Database

from gateway.catalog.base import one

T = TypeVar("T")
RowStep = Callable[[Mapping[str, Any] | None], tuple[Mapping[str, Any], T]]
PEPPER = "pepper"


def keep_pepper(db: Database, sealed: str, replace: bool) -> str:
    """The pepper as it is kept, sealed; the given one becomes it when there is none, or to replace it."""
    verb = "REPLACE" if replace else "IGNORE"
    db.execute(
        f"INSERT OR {verb} INTO documents (tenant, connection, kind, key, value) VALUES ('', '', 'budgets', ?, ?)",  # noqa: S608 - one of two words
        [PEPPER, sealed],
    )
    row = one(db, "SELECT value FROM documents WHERE tenant = '' AND connection = '' AND kind = 'budgets'")
    return str(row["value"]) if row is not None else sealed


def change(db: Database, credential: str, step: RowStep[T]) -> T:
    """Apply a step to a row. The first statement writes, so that no other process can read in between."""
    db.execute("UPDATE budgets SET at = at WHERE credential = ?", [credential])
    row = one(db, "SELECT level, at, factor, closed FROM budgets WHERE credential = ?", credential)
    after, result = step(row)
    db.execute(
        "INSERT INTO budgets (credential, level, at, factor, closed) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (credential) DO UPDATE SET level = excluded.level, at = excluded.at, factor = excluded.factor, "
        "closed = excluded.closed",
        [credential, *(after[name] for name in ("level", "at", "factor", "closed"))],
    )
    return result
