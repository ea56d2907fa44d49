"""Write down who changed what: one way into the audit log for every service."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gateway.catalog import Catalog, audit
from gateway.tenancy import Caller


class Recorder:
    """Adds rows to the audit log of the caller's tenant."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now

    async def note(self, caller: Caller, action: str, subject: str, *, before: Any = None, after: Any = None) -> None:
        """`before` and `after` are JSON values; only their digests are kept."""
        await self._catalog.run(
            audit.record, caller.tenant, caller.key, action, subject, self._now(), before=before, after=after
        )

    async def listed(self, caller: Caller, before_id: int, limit: int) -> tuple[audit.AuditRow, ...]:
        """The newest rows first."""
        return await self._catalog.run(audit.listed, caller.tenant, before_id, limit)
