"""Write down who changed what: one way into the audit log for every service.

await audit_trail.noting(caller, "team.delete", Note(team, before=...)).run(rows.delete, ...)   # one transaction
async with audit_trail.writing(caller, "goal.delete", Note(...)) as change:                     # at a backend
    await adapter.delete_goal(...)
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from gateway.catalog import Catalog, audit
from gateway.catalog.audit import Note, Outcome
from gateway.catalog.base import Database
from gateway.tenancy import Caller, Tenant
from models.errors import leaves_outcome_unknown

__all__ = ["AuditTrail", "Note", "Noting", "Outcome", "Writing"]

P = ParamSpec("P")
T = TypeVar("T")
Noted = Note | Callable[[Any], Note]
"""What is to be written, or how it follows from the result of the change."""


@dataclass(frozen=True, slots=True)
class Noting:
    """Runs work of the catalog and adds its row, both or neither. It stands where a catalog would."""

    catalog: Catalog
    caller: Caller
    action: str
    noted: Noted
    now: Callable[[], datetime]
    begun: int | None = None

    async def run(self, work: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The work's result."""

        def both(db: Database) -> T:
            result = work(db, *args, **kwargs)
            if self.begun is not None:
                audit.end(db, self.begun)
            note = self.noted(result) if callable(self.noted) else self.noted
            _add(db, self.caller.tenant, self.caller.key, self.action, note, self.now())
            return result

        return await self.catalog.run(both)


@dataclass(slots=True)
class Writing:
    """A change at a backend under way. The block says in `note` what it came to; None when nothing was changed."""

    catalog: Catalog
    caller: Caller
    action: str
    note: Note | None
    now: Callable[[], datetime]
    begun: int
    kept: bool = False

    async def keep(
        self, noted: Callable[[T], Note], work: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Keep in the catalog what the backend did; the change ends with it, in one transaction."""
        self.kept = True
        try:
            return await Noting(self.catalog, self.caller, self.action, noted, self.now, self.begun).run(
                work, *args, **kwargs
            )
        except BaseException:
            await self.catalog.run(self._end, Outcome.UNKNOWN)  # the backend did it, and we do not have it
            raise

    async def end(self, outcome: Outcome | None) -> None:
        """Write the row in place of the beginning; None when nothing was changed."""
        if not self.kept:
            await self.catalog.run(self._end, outcome)

    def _end(self, db: Database, outcome: Outcome | None) -> None:
        audit.end(db, self.begun)
        if outcome is not None and self.note is not None:
            _add(db, self.caller.tenant, self.caller.key, self.action, self.note, self.now(), outcome)


class AuditTrail:
    """Adds rows to the audit log of the caller's tenant."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now

    async def note(self, caller: Caller, action: str, note: Note) -> None:
        """What changes nothing in any store, and shall be known nevertheless."""
        await self._catalog.run(_add, caller.tenant, caller.key, action, note, self._now())

    def noting(self, caller: Caller, action: str, noted: Noted) -> Noting:
        """Where a change of the catalog is run together with its row."""
        return Noting(self._catalog, caller, action, noted, self._now)

    @asynccontextmanager
    async def writing(self, caller: Caller, action: str, note: Note) -> AsyncIterator[Writing]:
        """A change at a backend: written down before it is sent, so that one without an answer leaves a trace."""
        begun = await self._catalog.run(audit.begin, caller.tenant, caller.key, action, note, self._now())
        change = Writing(self._catalog, caller, action, note, self._now, begun)
        try:
            yield change
        except BaseException as error:
            await change.end(Outcome.UNKNOWN if leaves_outcome_unknown(error) else None)
            raise
        await change.end(Outcome.DONE)

    async def listed(self, caller: Caller, before_id: int, limit: int) -> tuple[audit.AuditRow, ...]:
        """The newest rows first."""
        await self._catalog.run(audit.give_up, caller.tenant, self._now())
        return await self._catalog.run(audit.listed, caller.tenant, before_id, limit)


def _add(
    db: Database, tenant: Tenant, key: str, action: str, note: Note, now: datetime, outcome: Outcome = Outcome.DONE
) -> None:
    owner = note.tenant or tenant
    audit.add(db, owner, key, action, note.subject, now, before=note.before, after=note.after, outcome=outcome)
