"""Vendor budgets in the catalog: one row for each credential, changed in one transaction whatever the process."""

import secrets
from typing import TypeVar

from sqlite_utils import Database

from gateway.outbound.budget.bucket import Bucket
from gateway.outbound.budget.store import Step
from gateway.catalog.base import Catalog, one
from gateway.catalog.vault import Vault
from models.errors import ConfigurationError

T = TypeVar("T")
PEPPER = "pepper"


class CatalogBudgets:
    """Satisfies `gateway.outbound.budget.BudgetStore`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def change(self, credential: str, step: Step[T]) -> T:
        return await self._catalog.run(change, credential, step)

    async def pepper(self, vault: Vault) -> bytes:
        """A secret of the installation that goes into the names of credentials, so that a stolen catalog does not help
        to guess them. Made anew when no key opens it; budgets then start full once more."""
        fresh = secrets.token_bytes(32)
        kept = await self._catalog.run(keep_pepper, vault.seal(fresh, PEPPER).hex(), False)
        try:
            return vault.open(bytes.fromhex(kept), PEPPER)
        except ConfigurationError:
            kept = await self._catalog.run(keep_pepper, vault.seal(fresh, PEPPER).hex(), True)
            return vault.open(bytes.fromhex(kept), PEPPER)


def keep_pepper(db: Database, sealed: str, replace: bool) -> str:
    """The pepper as it is kept, sealed; the given one becomes it when there is none, or to replace it."""
    verb = "REPLACE" if replace else "IGNORE"
    db.execute(
        f"INSERT OR {verb} INTO documents (tenant, connection, kind, key, value) VALUES ('', '', 'budgets', ?, ?)",  # noqa: S608 - one of two words
        [PEPPER, sealed],
    )
    row = one(db, "SELECT value FROM documents WHERE tenant = '' AND connection = '' AND kind = 'budgets'")
    return str(row["value"]) if row is not None else sealed


def change(db: Database, credential: str, step: Step[T]) -> T:
    """Apply a step to a bucket. The first statement writes, so that no other process can read in between."""
    db.execute("UPDATE budgets SET at = at WHERE credential = ?", [credential])
    row = one(db, "SELECT level, at, factor, closed FROM budgets WHERE credential = ?", credential)
    after, result = step(Bucket(**row) if row is not None else None)
    db.execute(
        "INSERT INTO budgets (credential, level, at, factor, closed) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (credential) DO UPDATE SET level = excluded.level, at = excluded.at, factor = excluded.factor, "
        "closed = excluded.closed",
        [credential, after.level, after.at, after.factor, after.closed],
    )
    return result
