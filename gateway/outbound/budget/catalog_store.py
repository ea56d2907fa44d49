"""Vendor budgets that outlive the process, in the catalog."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from gateway.catalog import Catalog
from gateway.catalog import budgets as rows
from gateway.catalog.vault import Vault
from gateway.outbound.budget.bucket import Bucket
from gateway.outbound.budget.store import Step
from models.errors import ConfigurationError

T = TypeVar("T")


class CatalogBudgets:
    """Satisfies `gateway.outbound.budget.BudgetStore`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def change(self, credential: str, step: Step[T]) -> T:
        def on_row(row: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], T]:
            after, result = step(Bucket(**row) if row is not None else None)
            return asdict(after), result

        return await self._catalog.run(rows.change, credential, on_row)

    async def pepper(self, vault: Vault) -> bytes:
        """A secret of the installation that goes into the names of credentials, so that a stolen catalog does not help
        to guess them. Made anew when no key opens it; budgets then start full once more."""
        fresh = secrets.token_bytes(32)
        kept = await self._catalog.run(rows.keep_pepper, vault.seal(fresh, rows.PEPPER).hex(), False)
        try:
            return vault.open(bytes.fromhex(kept), rows.PEPPER)
        except ConfigurationError:
            kept = await self._catalog.run(rows.keep_pepper, vault.seal(fresh, rows.PEPPER).hex(), True)
            return vault.open(bytes.fromhex(kept), rows.PEPPER)
