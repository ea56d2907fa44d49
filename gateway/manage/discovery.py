"""Sites that a connection's backend has: listed as it says, and made known here."""

from dataclasses import dataclass

from adapters.protocols import ListsSites
from gateway.catalog import Catalog
from gateway.catalog import sites as rows
from gateway.catalog.documents import DocumentLedger
from gateway.manage.site_changes import CHANGES, SiteChanges, Wish, require_whole_tenant
from gateway.manage.sites import PAGE, cursor_of
from gateway.outbound.backends import refused
from gateway.outbound.connections import Connections
from gateway.read.cache import ResultCache
from gateway.read.cache.results import Listing
from gateway.tenancy import Caller, KeyScope, SiteRecord, Tenant
from models.capability import Operation
from models.site import RemotePage, SiteDraft


@dataclass(frozen=True, slots=True)
class Synced:
    """What a synchronisation found: newly known sites, and how many were known before."""

    added: tuple[SiteRecord, ...]
    known: int


class Discovery:
    """The sites of backends that can list them."""

    def __init__(self, *, catalog: Catalog, connections: Connections, cache: ResultCache, changes: SiteChanges) -> None:
        self._catalog, self._connections, self._cache, self._changes = catalog, connections, cache, changes

    async def discover(self, caller: Caller, connection: str, cursor: str | None, limit: int) -> RemotePage:
        """Sites as the backend lists them, known here or not; kept for a minute, and dropped when we change one."""
        lister = await self._lister(caller, connection)
        changes = await DocumentLedger(self._catalog, caller.tenant.id, connection).last_id(CHANGES)
        listing = Listing(caller.tenant.id, connection, changes, cursor, limit)
        standing = self._connections.standing(caller.tenant.id, connection)
        return await self._cache.sites(listing, lambda: lister.list_sites(cursor, limit), standing)

    async def _lister(self, caller: Caller, connection: str) -> ListsSites:
        caller.require(KeyScope.MANAGE_SITES)
        adapter = await self._connections.adapter(caller.tenant.id, connection)
        if not isinstance(adapter, ListsSites) or not adapter.can.allows(Operation.LIST_SITES):
            raise refused(adapter, Operation.LIST_SITES)
        return adapter

    async def sync(self, caller: Caller, connection: str) -> Synced:
        """Make every site that the backend lists known here."""
        require_whole_tenant(caller)
        kept = await self._connections.get(caller.tenant, connection)
        lister = await self._lister(caller, connection)
        known = await self._refs(caller.tenant, connection)
        added: list[SiteRecord] = []
        cursor: str | None = None
        while True:
            page = await lister.list_sites(cursor, 100)
            for remote in page.sites:
                if remote.ref not in known:
                    wish = Wish(SiteDraft(domain=remote.domain), kept)
                    added.append(await self._changes.know(caller, remote, wish))
            cursor = page.next
            if cursor is None:
                return Synced(tuple(added), len(known))

    async def _refs(self, tenant: Tenant, connection: str) -> frozenset[str]:
        refs: list[str] = []
        after = ""
        while part := await self._catalog.run(rows.listed, tenant, after=after, limit=PAGE, connection=connection):
            refs += [r.site.ref for r in part]
            after = cursor_of(part[-1])
        return frozenset(refs)
