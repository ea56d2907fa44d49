"""Shared links of a site."""

from adapters.protocols import HostsVisitors, ManagesLinks, SharesLinks
from gateway.access.rate_limit import UNLIMITED, RateLimit
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.outbound.backends import Backends, refused
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.capability import Operation
from models.link import LinkState, SharedLink, SharedLinkDraft


class Links:
    """Finds or creates shared links by name; lists and revokes them where the backend lets us."""

    def __init__(self, backends: Backends, audit: AuditTrail, pace: RateLimit = UNLIMITED) -> None:
        self._backends, self._audit, self._pace = backends, audit, pace

    async def _manager(self, record: SiteRecord) -> ManagesLinks:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ManagesLinks) or not adapter.can.allows(Operation.MANAGE_SHARED_LINKS):
            raise refused(adapter, Operation.MANAGE_SHARED_LINKS)
        return adapter

    async def can_list(self, record: SiteRecord) -> bool:
        """Whether the site's backend tells its shared links."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        return isinstance(adapter, ManagesLinks) and adapter.can.allows(Operation.MANAGE_SHARED_LINKS)

    async def listed(self, record: SiteRecord, origin: str = "") -> tuple[SharedLink, ...]:
        found = await (await self._manager(record)).list_shared_links(record.site)
        return tuple(_absolute(link, origin) for link in found)

    async def put(self, caller: Caller, record: SiteRecord, draft: SharedLinkDraft, origin: str = "") -> SharedLink:
        """The link of that name, or a new one; `origin` completes an address that the settings do not make absolute.

        Raises UnsupportedQuery, TooManyRequests.
        """
        caller.require(KeyScope.MANAGE_SITES)
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, SharesLinks) or not adapter.can.allows(Operation.SHARED_LINKS):
            raise refused(adapter, Operation.SHARED_LINKS)
        if not caller.platform:
            self._pace.take(record.tenant)
        note = Note(f"{record.site.id}/{draft.name}", after={"name": draft.name})
        async with self._audit.writing(caller, "shared_link.put", note):
            link = await adapter.put_shared_link(record.site, draft)
        return _absolute(link, origin)

    async def state(self, record: SiteRecord, slug: str, opened: str = "") -> LinkState:
        """What a link to one of our pages opens; a vendor's links lead to the vendor, so nothing is open here."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, HostsVisitors):
            return LinkState.CLOSED
        return await adapter.open_shared_link(record.site, slug, opened)

    async def unlock(self, record: SiteRecord, slug: str, password: str) -> str | None:
        """What opens a link with a password for a day; None for a wrong one."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        return (
            await adapter.unlock_shared_link(record.site, slug, password)
            if isinstance(adapter, HostsVisitors)
            else None
        )

    async def delete(self, caller: Caller, record: SiteRecord, link_id: str) -> None:
        """Raises NotFound."""
        caller.require(KeyScope.MANAGE_SITES)
        manager = await self._manager(record)
        old = next((link for link in await manager.list_shared_links(record.site) if link.id == link_id), None)
        note = Note(f"{record.site.id}/{link_id}", before=None if old is None else {"name": old.name})
        async with self._audit.writing(caller, "shared_link.delete", note):
            await manager.delete_shared_link(record.site, link_id)


def _absolute(link: SharedLink, origin: str) -> SharedLink:
    return link.model_copy(update={"url": origin + link.url}) if link.url.startswith("/") else link
