"""Teams of a tenant: groups of its sites. Teams of vendors' accounts are the vendors' (see `Guests.teams`)."""

from collections.abc import Callable
from datetime import datetime

from gateway.catalog import Catalog
from gateway.catalog import teams as rows
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.tenancy import Caller, KeyScope
from models.people import Team


class Teams:
    """Lists, makes and deletes teams."""

    def __init__(self, catalog: Catalog, audit: AuditTrail, now: Callable[[], datetime]) -> None:
        self._catalog, self._audit, self._now = catalog, audit, now

    async def listed(self, caller: Caller) -> tuple[Team, ...]:
        return await self._catalog.run(rows.listed, caller.tenant)

    async def create(self, caller: Caller, name: str) -> Team:
        caller.require(KeyScope.ADMIN)
        noting = self._audit.noting(caller, "team.create", lambda team: Note(team.id, after=_public(team)))
        return await noting.run(rows.create, caller.tenant, name, self._now())

    async def delete(self, caller: Caller, team: str) -> None:
        """Raises NotFound, and Conflict while the team has sites."""
        caller.require(KeyScope.ADMIN)
        old = await self._catalog.run(rows.get, caller.tenant, team)
        noting = self._audit.noting(caller, "team.delete", Note(team, before=_public(old)))
        await noting.run(rows.delete, caller.tenant, team)


def _public(team: Team) -> dict[str, str]:
    return {"name": team.name}
