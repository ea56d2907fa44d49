"""Rules of collection of a site: what is not counted, how long it is kept, which signals are respected."""

from dataclasses import replace

from adapters.protocols import Configures
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.outbound.backends import Backends, refused
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.capability import Operation
from models.settings import SiteSettings


class Rules:
    """Reads and replaces the rules."""

    def __init__(self, backends: Backends, audit: AuditTrail) -> None:
        self._backends, self._audit = backends, audit

    async def _keeper(self, record: SiteRecord) -> Configures:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, Configures) or not adapter.can.allows(Operation.SETTINGS):
            raise refused(adapter, Operation.SETTINGS)
        return adapter

    async def get(self, record: SiteRecord) -> SiteSettings:
        return await (await self._keeper(record)).get_settings(record.site)

    async def put(self, caller: Caller, record: SiteRecord, settings: SiteSettings) -> SiteSettings:
        """Replace all rules of the site."""
        caller.require(KeyScope.MANAGE_SITES)
        keeper = await self._keeper(record)
        before = await keeper.get_settings(record.site)
        note = Note(record.site.id, before=before.model_dump(mode="json"))
        async with self._audit.writing(caller, "settings.put", note) as change:
            after = await keeper.put_settings(record.site, settings)
            change.note = replace(note, after=after.model_dump(mode="json"))
        return after
