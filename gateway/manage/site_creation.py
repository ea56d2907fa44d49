"""Create a site at a vendor once, although the answer to an attempt may get lost.

Vendors know no idempotency keys. An attempt is written down before it is sent; while its outcome is unknown (time ran
out, the connection broke, we were killed), the domain is looked up at the vendor before anything is created again.
"""

from adapters.protocols import CreatesSites, ListsSites
from gateway.catalog import Catalog
from gateway.catalog.documents import DocumentLedger
from gateway.tenancy import Tenant
from models.errors import OUTCOME_UNKNOWN, BackendError, Conflict, GatewayError
from models.site import RemoteSite, SiteDraft

KIND = "gateway.creating"
MOST_PAGES = 100


class SiteCreation:
    """The attempts on one connection of a tenant."""

    def __init__(self, catalog: Catalog, tenant: Tenant, connection: str) -> None:
        self._ledger = DocumentLedger(catalog, tenant.id, connection)

    async def create(self, adapter: CreatesSites, draft: SiteDraft) -> RemoteSite:
        """The new site, or the one that an earlier attempt made after all. Stays written down until `settled`.

        Raises what the adapter raises; Conflict when an earlier outcome is unknown and cannot be found out.
        """
        if await self._ledger.get(KIND, draft.domain) is not None:
            found = await self._look_up(adapter, draft.domain)
            if found is not None:
                return found
        await self._ledger.put(KIND, draft.domain, {"domain": draft.domain})
        try:
            return await adapter.create_site(draft)
        except OUTCOME_UNKNOWN as error:
            return await self._found_after(error, adapter, draft.domain)
        except GatewayError:
            await self.settled(draft.domain)
            raise

    async def settled(self, domain: str) -> None:
        """The outcome is known and kept."""
        await self._ledger.delete(KIND, domain)

    async def _found_after(self, error: GatewayError, adapter: CreatesSites, domain: str) -> RemoteSite:
        """What the attempt made; the error when nothing is to be seen, or the vendor cannot be asked just now."""
        try:
            found = await self._look_up(adapter, domain)
        except (BackendError, Conflict):
            raise error from None
        if found is None:
            raise error
        return found

    async def _look_up(self, adapter: object, domain: str) -> RemoteSite | None:
        if not isinstance(adapter, ListsSites):
            raise Conflict("the outcome of an earlier attempt is unknown; look at the backend, then synchronise")
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await adapter.list_sites(cursor, 100)
            for remote in page.sites:
                if remote.domain == domain:
                    return remote
            cursor = page.next
            if cursor is None:
                return None
        raise Conflict("the outcome of an earlier attempt is unknown; look at the backend, then synchronise")
