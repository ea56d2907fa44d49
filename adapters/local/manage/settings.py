"""Rules of collection of local sites, as they are set and as they are applied."""

from collections.abc import Mapping
from typing import Any

from adapters.base import Context
from adapters.local.collect.rules import Rules, checked_rules, compile_rules
from adapters.local.manage.sites import DELETED
from models.settings import SiteSettings
from models.site import Site

SETTINGS, ZONE = "settings", "timezone"


def settings_of(document: Mapping[str, Any]) -> SiteSettings:
    """The settings in a document of the ledger, which also holds the site's zone."""
    return SiteSettings(**{name: value for name, value in document.items() if name != ZONE})


class Settings:
    """Configures."""

    context: Context
    rules: dict[str, Rules | None]
    """Compiled settings by site id, kept once they were asked for; None of a site that was deleted."""

    async def get_settings(self, site: Site) -> SiteSettings:
        return settings_of(await self.context.ledger.get(SETTINGS, site.id) or {})

    async def put_settings(self, site: Site, settings: SiteSettings) -> SiteSettings:
        """Raises InvalidRequest for exclusions that cannot be read."""
        rules = checked_rules(settings)
        await self.context.ledger.put(SETTINGS, site.id, settings.model_dump(mode="json") | {ZONE: site.timezone})
        if self.rules.get(site.id, rules) is not None:  # else it was deleted meanwhile
            self.rules[site.id] = rules
        return settings

    async def rules_of(self, site: Site) -> Rules | None:
        """What is applied to the site's events; None when it was deleted."""
        if site.id not in self.rules:
            gone = await self.context.ledger.get(DELETED, site.id)
            if not gone:
                await self.keep_zone(site)
            rules = None if gone else compile_rules(await self.get_settings(site))
            self.rules.setdefault(site.id, rules)  # what was changed or deleted meanwhile stays so
        return self.rules[site.id]

    async def keep_zone(self, site: Site) -> None:
        """The site's zone beside its settings: what runs without being asked by anybody needs to know its days."""
        value = await self.context.ledger.get(SETTINGS, site.id)
        if value and value.get(ZONE) != site.timezone:
            await self.context.ledger.put(SETTINGS, site.id, value | {ZONE: site.timezone})
