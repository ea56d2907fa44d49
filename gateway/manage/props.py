"""Custom properties that a site's statistics show."""

from adapters.protocols import ManagesProps
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.manage.sites import Sites
from gateway.outbound.backends import Backends, refused
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.capability import Operation
from models.errors import InvalidRequest, Problem

MAX_NAME = 300


class Props:
    """Lists, allows and withdraws custom properties."""

    def __init__(self, backends: Backends, sites: Sites, audit: AuditTrail) -> None:
        self._backends, self._sites, self._audit = backends, sites, audit

    async def _manager(self, record: SiteRecord) -> ManagesProps:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ManagesProps) or not adapter.can.allows(Operation.CUSTOM_PROPS):
            raise refused(adapter, Operation.CUSTOM_PROPS)
        return adapter

    async def listed(self, record: SiteRecord) -> tuple[str, ...]:
        return await (await self._manager(record)).list_custom_props(record.site)

    async def put(self, caller: Caller, record: SiteRecord, name: str) -> None:
        """Allow a property; allowing it twice changes nothing. Raises InvalidRequest."""
        caller.require(KeyScope.MANAGE_SITES)
        if not name.strip() or len(name) > MAX_NAME:
            raise InvalidRequest([Problem("property", f"must have 1 to {MAX_NAME} characters")])
        manager = await self._manager(record)
        note = Note(f"{record.site.id}/{name}", after={"property": name})
        async with self._audit.writing(caller, "custom_prop.put", note):
            await manager.put_custom_prop(record.site, name)
        await self._sites.bump(record)

    async def delete(self, caller: Caller, record: SiteRecord, name: str) -> None:
        caller.require(KeyScope.MANAGE_SITES)
        manager = await self._manager(record)
        note = Note(f"{record.site.id}/{name}", before={"property": name})
        async with self._audit.writing(caller, "custom_prop.delete", note):
            await manager.delete_custom_prop(record.site, name)
        await self._sites.bump(record)
