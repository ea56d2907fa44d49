"""Goals of a site, kept by its backend."""

from adapters.protocols import CreatesGoals, DeletesGoals, ListsGoals
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.manage.sites import Sites
from gateway.outbound.backends import Backends, refused
from gateway.read.cache import ResultCache
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.capability import Operation
from models.errors import UnknownGoal
from models.goal import Goal, GoalDraft


class Goals:
    """Lists, finds, creates and deletes goals."""

    def __init__(self, backends: Backends, sites: Sites, audit: AuditTrail, cache: ResultCache) -> None:
        self._backends, self._sites, self._audit, self._cache = backends, sites, audit, cache

    async def listed(self, record: SiteRecord) -> tuple[Goal, ...]:
        """All goals of the site, in the backend's order; those of vendors are kept for a minute."""
        adapter = await self._lister(record)
        standing = self._backends.standing(record.tenant, record.connection)
        return await self._cache.goals(record, lambda: adapter.list_goals(record.site), standing)

    async def _lister(self, record: SiteRecord) -> ListsGoals:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ListsGoals) or not adapter.can.allows(Operation.LIST_GOALS):
            raise refused(adapter, Operation.LIST_GOALS)
        return adapter

    async def get(self, record: SiteRecord, goal_id: str) -> Goal:
        """As the backend has it now. Raises UnknownGoal."""
        goals = await (await self._lister(record)).list_goals(record.site)
        found = next((g for g in goals if g.id == goal_id), None)
        if found is None:
            raise UnknownGoal("there is no such goal")
        return found

    async def put(self, caller: Caller, record: SiteRecord, draft: GoalDraft) -> Goal:
        """The goal of the same identity, or a new one."""
        caller.require(KeyScope.MANAGE_GOALS)
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, CreatesGoals) or not adapter.can.allows(Operation.CREATE_GOAL):
            raise refused(adapter, Operation.CREATE_GOAL)
        try:
            async with self._audit.writing(caller, "goal.put", Note(record.site.id)) as change:
                goal = await adapter.create_goal(record.site, draft)
                change.note = Note(f"{record.site.id}/{goal.id}", after=goal.model_dump(mode="json"))
        finally:  # also when the backend's answer was lost
            await self._sites.bump(record)
        return goal

    async def delete(self, caller: Caller, record: SiteRecord, goal_id: str) -> None:
        """Raises UnknownGoal."""
        caller.require(KeyScope.MANAGE_GOALS)
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, DeletesGoals) or not adapter.can.allows(Operation.DELETE_GOAL):
            raise refused(adapter, Operation.DELETE_GOAL)
        lists = isinstance(adapter, ListsGoals) and adapter.can.allows(Operation.LIST_GOALS)
        before = (await self.get(record, goal_id)).model_dump(mode="json") if lists else {"id": goal_id}
        note = Note(f"{record.site.id}/{goal_id}", before)
        try:
            async with self._audit.writing(caller, "goal.delete", note):
                await adapter.delete_goal(record.site, goal_id)
        finally:
            await self._sites.bump(record)
