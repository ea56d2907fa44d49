"""Shared links of a site."""

from adapters.base import ManagesLinks, SharesLinks
from gateway.abilities import Backends, refused
from gateway.record import Recorder
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.capability import Operation
from models.link import SharedLink, SharedLinkDraft


class Links:
    """Finds or creates shared links by name; lists and revokes them where the backend lets us."""

    def __init__(self, backends: Backends, recorder: Recorder) -> None:
        self._backends, self._recorder = backends, recorder

    async def _manager(self, record: SiteRecord) -> ManagesLinks:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ManagesLinks) or not adapter.can.allows(Operation.MANAGE_SHARED_LINKS):
            raise refused(adapter, Operation.MANAGE_SHARED_LINKS)
        return adapter

    async def listed(self, record: SiteRecord) -> tuple[SharedLink, ...]:
        return await (await self._manager(record)).list_shared_links(record.site)

    async def put(self, caller: Caller, record: SiteRecord, draft: SharedLinkDraft) -> SharedLink:
        """The link of that name, or a new one."""
        caller.require(KeyScope.MANAGE_SITES)
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, SharesLinks) or not adapter.can.allows(Operation.SHARED_LINKS):
            raise refused(adapter, Operation.SHARED_LINKS)
        link = await adapter.put_shared_link(record.site, draft)
        await self._recorder.note(caller, "shared_link.put", f"{record.site.id}/{link.name}", after={"name": link.name})
        return link

    async def delete(self, caller: Caller, record: SiteRecord, link_id: str) -> None:
        """Raises NotFound."""
        caller.require(KeyScope.MANAGE_SITES)
        await (await self._manager(record)).delete_shared_link(record.site, link_id)
        await self._recorder.note(caller, "shared_link.delete", record.site.id)
