"""What changes the sites of a tenant: made and attached, changed and deleted, at their backend and in the catalog."""

from asyncio import Lock
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from adapters.domain import DomainError, clean_domain
from adapters.protocols import CreatesSites, DeletesSites, ListsSites, ProvesDeletion, ReadsRealtime, UpdatesSites
from gateway.access.metering import Meter
from gateway.catalog import Catalog, audit, teams
from gateway.catalog import sites as rows
from gateway.catalog.audit_trail import AuditTrail, Note, Writing
from gateway.catalog.base import Database
from gateway.catalog.connections import ConnectionRecord
from gateway.catalog.documents import DocumentLedger, Write, held
from gateway.manage.site_creation import SiteCreation
from gateway.manage.sites import Sites
from gateway.outbound.backends import refused
from gateway.outbound.connections import Connections
from gateway.tenancy import BUILT_IN, Caller, KeyScope, SiteRecord, Tenant
from models.capability import Operation
from models.deletion import Deletion
from models.errors import AlreadyExists, InvalidRequest, MissingAtBackend, NotFound, Problem
from models.period import is_zone
from models.site import RemoteSite, Site, SiteChange, SiteDraft

CHANGES = "gateway.sites_changed"
"""Counts our changes of a connection's sites."""
SITE_CREATE, SITE_DELETE = "site.create", "site.delete"


@dataclass(frozen=True, slots=True)
class Wish:
    """A site as somebody wants it, and where."""

    draft: SiteDraft
    connection: ConnectionRecord
    tags: tuple[str, ...] = ()


class SiteChanges:
    """Whoever asks must be allowed to manage sites, of the whole tenant where a site comes or goes."""

    def __init__(
        self,
        *,
        sites: Sites,
        catalog: Catalog,
        connections: Connections,
        audit: AuditTrail,
        meter: Meter,
        now: Callable[[], datetime],
    ) -> None:
        self._sites, self._catalog, self._connections = sites, catalog, connections
        self._audit, self._meter, self._now = audit, meter, now
        self._making = defaultdict[str, Lock](Lock)

    async def create(
        self, caller: Caller, draft: SiteDraft, *, connection: str = BUILT_IN, tags: tuple[str, ...] = ()
    ) -> SiteRecord:
        """A new site at its backend and here. Raises InvalidRequest, AlreadyExists, UnsupportedQuery."""
        require_whole_tenant(caller)
        _vet(draft.domain, draft.timezone)
        draft = draft.model_copy(update={"domain": clean_domain(draft.domain)})
        return await self.create_as_written(caller, draft, connection=connection, tags=tags)

    async def attach(
        self, caller: Caller, draft: SiteDraft, ref: str, *, connection: str, tags: tuple[str, ...] = ()
    ) -> SiteRecord:
        """Make a site known that its backend has already, also where the backend does not list its sites.

        Raises MissingAtBackend when it has no such site, InvalidRequest on our own store, AlreadyExists.
        """
        require_whole_tenant(caller)
        _vet(draft.domain, draft.timezone)
        if self._connections.is_built_in(connection):
            raise InvalidRequest([Problem("existing", "every site of our own store is known already")])
        draft = draft.model_copy(update={"domain": clean_domain(draft.domain)})
        kept = await self._connections.get(caller.tenant, connection)
        adapter = await self._connections.adapter(caller.tenant.id, connection)
        if isinstance(adapter, ListsSites) and adapter.can.allows(Operation.LIST_SITES):
            remote = await adapter.get_site(ref)
        else:
            remote = RemoteSite(ref=ref, domain=draft.domain)
            if isinstance(adapter, ReadsRealtime) and adapter.can.allows(Operation.REALTIME):
                await adapter.realtime(Site(id="site_", domain=draft.domain, external_id=ref))
        return await self.know(caller, remote, Wish(draft, kept, tags))

    async def know(self, caller: Caller, remote: RemoteSite, wish: Wish) -> SiteRecord:
        """A site that its backend has, in the catalog. Raises QuotaExceeded, AlreadyExists."""
        async with self._making[caller.tenant.id]:
            await self._meter.admit_site(caller.tenant)
            return await self._keep(caller, remote, wish)

    async def create_as_written(
        self, caller: Caller, draft: SiteDraft, *, connection: str = BUILT_IN, tags: tuple[str, ...] = ()
    ) -> SiteRecord:
        """The same for callers that have checked the domain by rules of their own (vendor-shaped APIs).

        Raises NotFound for a team that the tenant does not have.
        """
        require_whole_tenant(caller)
        kept = await self._connections.get(caller.tenant, connection)
        adapter = await self._connections.adapter(caller.tenant.id, connection)
        if not isinstance(adapter, CreatesSites) or not adapter.can.allows(Operation.CREATE_SITE):
            raise refused(adapter, Operation.CREATE_SITE)
        if kept.built_in and draft.team is not None:
            await self._catalog.run(teams.get, caller.tenant, draft.team)
        if kept.built_in:
            await self._refuse_taken(caller.tenant, draft.domain)
        wish = Wish(draft, kept, tags)
        async with self._making[caller.tenant.id]:
            await self._meter.admit_site(caller.tenant)
            if kept.built_in:
                with held() as writes:
                    remote = await adapter.create_site(draft)
                return await self._keep(caller, remote, wish, together=writes)
            creation = SiteCreation(self._catalog, caller.tenant, connection)
            note = Note(f"{connection}/{draft.domain}", after=draft.model_dump(mode="json"))
            changing = self._changing(caller.tenant.id, connection)
            async with changing, self._audit.writing(caller, SITE_CREATE, note) as change:
                remote = await creation.create(adapter, draft)
                made = await self._keep(caller, remote, wish, change)
            await creation.settled(draft.domain)
            return made

    async def _refuse_taken(self, tenant: Tenant, domain: str) -> None:
        """Raises AlreadyExists for a domain that our own store has already, or whose events are another tenant's."""
        taken = await self._catalog.run(rows.for_tracker, domain)
        own = taken is not None and taken.built_in and taken.site.domain == domain
        if own or await self._catalog.run(rows.owner_of, domain) not in (None, tenant.id):
            raise AlreadyExists(f"the domain {domain} is taken on this connection")

    async def _keep(
        self,
        caller: Caller,
        remote: RemoteSite,
        wish: Wish,
        change: Writing | None = None,
        together: Sequence[Write] = (),
    ) -> SiteRecord:
        """The backend's site in the catalog; `change` is what ends with it, when it was made there just now.

        `together` is what our own store keeps of it.
        """
        site = Site(
            id=rows.new_site_id(),
            domain=remote.domain or wish.draft.domain,
            timezone=remote.timezone or wish.draft.timezone,
            name=remote.name or wish.draft.name,
            external_id=remote.ref,
            tags=wish.tags,
        )
        team = wish.draft.team if wish.connection.built_in else None
        record = SiteRecord(site, caller.tenant.id, wish.connection.id, wish.connection.backend, team=team)
        work = partial(_and, together, rows.create)
        if change is None:
            made = await self._audit.noting(caller, SITE_CREATE, _created).run(work, caller.tenant, record, self._now())
        else:
            made = await change.keep(_created, work, caller.tenant, record, self._now())
        self._sites.forget()
        return made

    async def change(
        self, caller: Caller, record: SiteRecord, change: SiteChange, tags: tuple[str, ...] | None = None
    ) -> SiteRecord:
        """Change domain, zone, name or tags. What the backend keeps is changed there first."""
        caller.require(KeyScope.MANAGE_SITES)
        _vet(change.domain, change.timezone)
        if change.domain is not None:
            change = change.model_copy(update={"domain": clean_domain(change.domain)})
            if record.built_in and change.domain != record.site.domain:
                await self._refuse_taken(caller.tenant, str(change.domain))
        before = _public(record)
        changing = self._changing(record.tenant, record.connection)
        async with changing, self._audit.writing(caller, "site.change", Note(record.site.id, before)) as writing:
            work: Callable[..., SiteRecord] = rows.change
            if change != SiteChange():
                work = partial(_and, await self._change_at_backend(caller, record, change), rows.change)
            changed = await writing.keep(
                lambda changed: Note(record.site.id, before, _public(changed)),
                work,
                caller.tenant,
                record.site.id,
                change,
                tags,
            )
        self._sites.forget()
        return changed

    async def _change_at_backend(self, caller: Caller, record: SiteRecord, change: SiteChange) -> list[Write]:
        """Change it at its backend; what is to be kept of that together with the site's row.

        A name is ours to keep where the backend has no way to change sites.
        """
        adapter = await self._connections.adapter(caller.tenant.id, record.connection)
        if not isinstance(adapter, UpdatesSites) or not adapter.can.allows(Operation.UPDATE_SITE):
            if change.domain is None and change.timezone is None:
                return []
            raise refused(adapter, Operation.UPDATE_SITE)
        if record.built_in:
            with held() as writes:
                remote = await adapter.update_site(record.site, change)
        else:
            writes, remote = [], await adapter.update_site(record.site, change)
        return [*writes, lambda db: rows.renamed_at_backend(db, caller.tenant, record.site.id, remote.ref)]

    async def delete(self, caller: Caller, record: SiteRecord, *, here_only: bool = False) -> None:
        """Delete the site with its statistics at its backend, or only forget it here."""
        require_whole_tenant(caller)
        note = Note(record.site.id, before=_public(record))
        changing = self._changing(record.tenant, record.connection)
        async with changing, self._audit.writing(caller, SITE_DELETE, note) as change:
            if not here_only:
                await self._delete_at_backend(caller, record)
            await change.keep(lambda _: note, rows.delete, caller.tenant, record.site.id)
        self._sites.forget()

    async def _delete_at_backend(self, caller: Caller, record: SiteRecord) -> None:
        adapter = await self._connections.adapter(caller.tenant.id, record.connection)
        if not isinstance(adapter, DeletesSites) or not adapter.can.allows(Operation.DELETE_SITE):
            raise refused(adapter, Operation.DELETE_SITE)
        with suppress(MissingAtBackend):  # it is gone already, which is what was asked for
            await adapter.delete_site(record.site)

    async def deletion(self, caller: Caller, site: str) -> Deletion:
        """What is left of a site that the tenant deleted from our own store. Raises NotFound."""
        caller.require(KeyScope.ADMIN)
        require_whole_tenant(caller)
        adapter = await self._connections.own_store()
        theirs = caller.platform or await self._catalog.run(audit.has, caller.tenant, SITE_DELETE, site)
        found = await adapter.deletion(site) if theirs and isinstance(adapter, ProvesDeletion) else None
        if found is None:
            raise NotFound("no site with this id was deleted from our own store")
        return found

    @asynccontextmanager
    async def _changing(self, tenant: str, connection: str) -> AsyncIterator[None]:
        """Lists of the connection's sites that were kept before are not true afterwards, however it ends."""
        try:
            yield
        finally:
            if not self._connections.is_built_in(connection):
                await DocumentLedger(self._catalog, tenant, connection).next_id(CHANGES)


def _vet(domain: str | None, timezone: str | None) -> None:
    """Raises InvalidRequest with every problem."""
    problems = []
    if domain is not None:
        try:
            clean_domain(domain)
        except DomainError as error:
            problems.append(Problem("domain", str(error), ("example.com", "blog.example.com")))
    if timezone is not None and not is_zone(timezone):
        problems.append(Problem("timezone", "no such IANA time zone", ("Etc/UTC", "Europe/Berlin", "...")))
    if problems:
        raise InvalidRequest(problems)


def _and(together: Sequence[Write], work: Callable[..., SiteRecord], db: Database, *args: Any) -> SiteRecord:
    """Do the work after what belongs to it, in its transaction."""
    for write in together:
        write(db)
    return work(db, *args)


def _created(made: SiteRecord) -> Note:
    return Note(made.site.id, after=_public(made))


def require_whole_tenant(caller: Caller) -> None:
    """Raises NotAllowed unless the key may manage every site of the tenant."""
    caller.require(KeyScope.MANAGE_SITES)
    caller.require_whole()


def _public(record: SiteRecord) -> dict[str, Any]:
    return record.site.model_dump(mode="json") | {"connection": record.connection}
