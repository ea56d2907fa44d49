"""The sites of the local backend. The gateway owns them; here only domains are kept apart."""

import asyncio

from adapters.base import Ledger
from models.errors import AlreadyExists, MissingAtBackend, UnknownSite
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

SITES = "sites"


class Sites:
    """Sites by domain, in the ledger. Changes are atomic within the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = asyncio.Lock()

    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage:
        """By domain; the cursor is the last domain of the page before."""
        found = [key for key, _ in await self._ledger.list(SITES) if cursor is None or key > cursor]
        page = tuple([await self.get_site(domain) for domain in found[:limit]])
        return RemotePage(sites=page, next=found[limit - 1] if len(found) > limit else None)

    async def get_site(self, ref: str) -> RemoteSite:
        """Raises MissingAtBackend."""
        found = await self._ledger.get(SITES, ref)
        if found is None:
            raise MissingAtBackend(UnknownSite.title, backend="local")
        return RemoteSite(ref=ref, domain=ref, timezone=found["timezone"], name=found["name"])

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        """Raises AlreadyExists when the domain is taken."""
        async with self._lock:
            if await self._ledger.get(SITES, draft.domain) is not None:
                raise AlreadyExists("this domain is taken")
            await self._ledger.put(SITES, draft.domain, {"timezone": draft.timezone, "name": draft.name})
        return await self.get_site(draft.domain)

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        """Raises AlreadyExists when the new domain is taken, MissingAtBackend."""
        async with self._lock:
            held = await self.get_site(site.ref)
            domain = change.domain or held.domain
            if domain != held.domain and await self._ledger.get(SITES, domain) is not None:
                raise AlreadyExists("this domain is taken")
            await self._ledger.put(
                SITES,
                domain,
                {
                    "timezone": held.timezone if change.timezone is None else change.timezone,
                    "name": held.name if change.name is None else change.name,
                },
            )
            if domain != held.domain:
                await self._ledger.delete(SITES, held.domain)
        return await self.get_site(domain)

    async def delete_site(self, site: Site) -> None:
        """Free the domain; nothing happens when it is free."""
        await self._ledger.delete(SITES, site.ref)
