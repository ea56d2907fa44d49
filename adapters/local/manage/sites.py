"""The sites of the local backend. The gateway owns them; here only domains are kept apart."""

import asyncio
from collections import defaultdict

from adapters.base import Context
from models.errors import AlreadyExists, MissingAtBackend, UnknownSite
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

Locks = defaultdict[str, asyncio.Lock]
"""Find-or-create is atomic: one at a time for each site, within the process that serves the local backend."""
SITES = "sites"
DELETED = "deleted_sites"
"""Ledger documents by site id: domain, deleted_at, and when it is done purged_at and the rows removed by table."""


class Sites:
    """ListsSites and CreatesSites, and what changes and ends in the ledger: sites by domain."""

    context: Context
    locks: Locks

    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage:
        """By domain; the cursor is the last domain of the page before."""
        found = [key for key, _ in await self.context.ledger.list(SITES) if cursor is None or key > cursor]
        page = tuple([await self.get_site(domain) for domain in found[:limit]])
        return RemotePage(sites=page, next=found[limit - 1] if len(found) > limit else None)

    async def get_site(self, ref: str) -> RemoteSite:
        """Raises MissingAtBackend."""
        found = await self.context.ledger.get(SITES, ref)
        if found is None:
            raise MissingAtBackend(UnknownSite.title, backend="local")
        return RemoteSite(ref=ref, domain=ref, timezone=found["timezone"], name=found["name"])

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        """Raises AlreadyExists when the domain is taken."""
        async with self.locks[SITES]:
            if await self.context.ledger.get(SITES, draft.domain) is not None:
                raise AlreadyExists("this domain is taken")
            made = {"timezone": draft.timezone, "name": draft.name}
            await self.context.ledger.put(SITES, draft.domain, made)
        return RemoteSite(ref=draft.domain, domain=draft.domain, **made)

    async def _move(self, site: Site, change: SiteChange) -> RemoteSite:
        """Raises AlreadyExists when the new domain is taken, MissingAtBackend."""
        async with self.locks[SITES]:
            held = await self.get_site(site.ref)
            domain = change.domain or held.domain
            if domain != held.domain and await self.context.ledger.get(SITES, domain) is not None:
                raise AlreadyExists("this domain is taken")
            made = {
                "timezone": held.timezone if change.timezone is None else change.timezone,
                "name": held.name if change.name is None else change.name,
            }
            await self.context.ledger.change({(SITES, domain): made}, [(SITES, str(held.domain))])
        return RemoteSite(ref=domain, domain=domain, **made)

    async def _free(self, site: Site) -> None:
        """Free the domain; nothing happens when it is free."""
        await self.context.ledger.delete(SITES, site.ref)
