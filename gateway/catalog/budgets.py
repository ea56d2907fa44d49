"""Vendor budgets in the catalog: one row for each credential, changed in one transaction whatever the process."""

from typing import TypeVar

from sqlite_utils import Database

from gateway.budget.bucket import Bucket
from gateway.budget.store import Step
from gateway.catalog.base import Catalog, one

T = TypeVar("T")


class CatalogBudgets:
    """Satisfies `gateway.budget.BudgetStore`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def change(self, credential: str, step: Step[T]) -> T:
        return await self._catalog.run(change, credential, step)


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
