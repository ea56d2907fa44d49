"""What is set up and ended for local sites, each part in a file of `manage/`."""

import asyncio
from collections import defaultdict

from adapters.base import Context, Place
from adapters.local.engine import Engine
from adapters.local.manage.goals import GOALS, PROPS, Goals
from adapters.local.manage.guests import GUESTS, Guests, opened_by
from adapters.local.manage.links import LINKS, SLUGS, Links
from adapters.local.manage.settings import SETTINGS, Settings
from adapters.local.manage.sites import DELETED, Sites
from models.deletion import Deletion
from models.site import RemoteSite, Site, SiteChange


class Management(Sites, Goals, Guests, Links, Settings):
    """The protocols of sites and of what belongs to them. Only what ends a site needs the engine."""

    engine: Engine

    def __init__(self, context: Context) -> None:
        self.context, self.locks, self.rules = context, defaultdict(asyncio.Lock), {}

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        changed = await self._move(site, change)
        await self.keep_zone(site.model_copy(update={"timezone": changed.timezone}))
        return changed

    async def delete_site(self, site: Site) -> None:
        """Hidden when it returns; its rows are removed in the background (`deletion`)."""
        self.rules[site.id] = None
        await self._free(site)
        await self.forget(site)
        await self.engine.imports.forget_site(site.id)
        self.engine.writer.forget_site(site.id)
        await self.engine.purge.delete_site(site.id, site.domain)

    async def deletion(self, site_id: str) -> Deletion | None:
        """When the site was hidden, and once its rows are gone when they were found to be, and how many they were."""
        told = await self.context.ledger.get(DELETED, site_id)
        return Deletion(site=site_id, **told) if told else None

    async def forget(self, site: Site) -> None:
        """Delete everything set up for a site, at once."""
        gone: list[Place] = [(SETTINGS, site.id)]
        for kind in (GOALS, PROPS, GUESTS, LINKS):
            for key, value in await self.context.ledger.list(kind, f"{site.id}/"):
                gone += [(kind, key), *opened_by(value)]
                if value.get("slug"):
                    gone.append((SLUGS, value["slug"]))
        await self.context.ledger.change({}, gone)
