"""Sites: found by id or domain, created at their backend and in the catalog, changed and deleted in both."""

from asyncio import Lock
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cachetools import TTLCache

from adapters.base import CreatesSites, DeletesSites, ListsSites, ProvesDeletion, ReadsRealtime, UpdatesSites
from adapters.domain import DomainError, clean_domain, strip_domain
from gateway.abilities import refused
from gateway.attempts import Attempts
from gateway.cache import ResultCache
from gateway.cache.results import Listing
from gateway.catalog import Catalog, audit, teams
from gateway.catalog import sites as rows
from gateway.catalog.documents import DocumentLedger
from gateway.connections import Connections
from gateway.metering import Meter, concerned
from gateway.record import Note, Recorder, Writing
from gateway.tenancy import LOCAL_CONNECTION, Caller, KeyScope, SiteRecord, Tenant
from models.capability import Operation
from models.deletion import Deletion
from models.errors import AlreadyExists, InvalidRequest, MissingAtBackend, NotFound, Problem, UnknownSite
from models.period import is_zone
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

REMEMBERED, REMEMBERED_SECONDS = 20_000, 4.0
"""Look-ups kept in memory; changes of this process take effect at once, those of another within seconds."""
LONGEST_NAME = 300
"""No domain or id is longer, nor a spelling of one that trackers send; longer names are not even looked up."""
PAGE = 200
CHANGES = "gateway.sites_changed"
"""Counts our changes of a connection's sites."""
SITE_CREATE, SITE_DELETE = "site.create", "site.delete"


@dataclass(frozen=True, slots=True)
class SitePage:
    """One page of sites; `next` is the cursor of the following one, None on the last."""

    sites: tuple[SiteRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Synced:
    """What a synchronisation found: newly known sites, and how many were known before."""

    added: tuple[SiteRecord, ...]
    known: int


class Sites:
    """The sites of all tenants; every method takes who asks."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        connections: Connections,
        recorder: Recorder,
        meter: Meter,
        cache: ResultCache,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._connections, self._recorder, self._now = catalog, connections, recorder, now
        self._cache, self._meter, self._making = cache, meter, defaultdict[str, Lock](Lock)
        self.changes = 0
        """Grows when a site was changed by this process."""
        self._by_ref: TTLCache[tuple[str, str], SiteRecord] = TTLCache(REMEMBERED, REMEMBERED_SECONDS)
        self._by_name: TTLCache[str, SiteRecord | None] = TTLCache(REMEMBERED, REMEMBERED_SECONDS)

    async def find(self, caller: Caller, ref: str) -> SiteRecord:
        """A site by id or domain. Raises UnknownSite, also for sites that the key may not see."""
        place = (caller.tenant.id, ref)
        record = self._by_ref.get(place)
        if record is None:
            record = self._by_ref[place] = await self._catalog.run(rows.by_ref, caller.tenant, ref)
        if not caller.sees(record.site.id):
            raise UnknownSite("there is no such site")
        concerned.set(record.site.id)
        return record

    async def get(self, tenant: Tenant, site_id: str) -> SiteRecord:
        """A site, whoever asks: for work of our own. Raises UnknownSite."""
        return await self._catalog.run(rows.by_ref, tenant, site_id)

    async def for_tracker(self, name: str) -> SiteRecord | None:
        """The site a tracker means by a domain or site id; None when there is none."""
        if len(name) > LONGEST_NAME:
            return None
        with suppress(KeyError):
            return self._by_name[name]
        known = await self._catalog.run(rows.for_tracker, name)
        if known is None and (stripped := strip_domain(name)) != name:
            known = await self._catalog.run(rows.for_tracker, stripped)
        self._by_name[name] = known
        return known

    async def by_tracker_id(self, tracker: str) -> SiteRecord:
        """The site whose own script was asked for. Raises UnknownSite."""
        record = await self._catalog.run(rows.by_tracker_id, tracker)
        if record is None:
            raise UnknownSite("there is no such script")
        return record

    async def listed(
        self,
        caller: Caller,
        *,
        after: str = "",
        limit: int = 100,
        tag: str | None = None,
        connection: str | None = None,
        team: str | None = None,
    ) -> SitePage:
        """Sites that the key may see, by domain."""
        found: list[SiteRecord] = []
        while True:
            part = await self._catalog.run(
                rows.listed, caller.tenant, after=after, limit=PAGE, tag=tag, connection=connection, team=team
            )
            found += caller.visible(part)
            if len(part) < PAGE or len(found) > limit:
                break
            after = cursor_of(part[-1])
        page = tuple(found[:limit])
        return SitePage(page, cursor_of(page[-1]) if len(found) > limit else None)

    async def select(self, caller: Caller, chosen: str | Sequence[str], most: int) -> tuple[SiteRecord, ...]:
        """The sites of a query: `all`, a tag, or a list of ids and domains. Raises InvalidRequest for unknown ones."""
        if isinstance(chosen, str):
            tag = None if chosen == "all" else chosen
            found = (await self.listed(caller, limit=most + 1, tag=tag)).sites
            if not found:
                reason = "there are no sites" if tag is None else f"no site has the tag {tag[:60]!r}"
                raise InvalidRequest([Problem("sites", reason, ("all", "[site, ...]", "a tag"))])
        else:
            found = await self._named(caller, chosen)
        if len(found) > most:
            raise InvalidRequest([Problem("sites", f"at most {most} sites in one query")])
        return found

    async def _named(self, caller: Caller, refs: Sequence[str]) -> tuple[SiteRecord, ...]:
        found: dict[str, SiteRecord] = {}
        problems = []
        for i, ref in enumerate(refs):
            try:
                record = await self.find(caller, ref)
                found[record.site.id] = record
            except UnknownSite:
                problems.append(Problem(f"sites[{i}]", f"there is no such site: {ref[:60]!r}"))
        if len(found) != 1:
            concerned.set("")
        if problems:
            raise InvalidRequest(problems)
        return tuple(found.values())

    async def create(
        self, caller: Caller, draft: SiteDraft, *, connection: str = LOCAL_CONNECTION, tags: tuple[str, ...] = ()
    ) -> SiteRecord:
        """A new site at its backend and here. Raises InvalidRequest, AlreadyExists, UnsupportedQuery."""
        _require_whole_tenant(caller)
        self._vet(draft.domain, draft.timezone)
        draft = draft.model_copy(update={"domain": _cleaned(draft.domain)})
        return await self.create_as_written(caller, draft, connection=connection, tags=tags)

    async def attach(
        self, caller: Caller, draft: SiteDraft, ref: str, *, connection: str, tags: tuple[str, ...] = ()
    ) -> SiteRecord:
        """Make a site known that its backend has already, also where the backend does not list its sites.

        Raises MissingAtBackend when it has no such site, InvalidRequest on our own store, AlreadyExists.
        """
        _require_whole_tenant(caller)
        self._vet(draft.domain, draft.timezone)
        if connection == LOCAL_CONNECTION:
            raise InvalidRequest([Problem("existing", "every site of our own store is known already")])
        draft = draft.model_copy(update={"domain": _cleaned(draft.domain)})
        kept = await self._connections.get(caller.tenant, connection)
        adapter = await self._connections.adapter(caller.tenant.id, connection)
        if isinstance(adapter, ListsSites) and adapter.can.allows(Operation.LIST_SITES):
            remote = await adapter.get_site(ref)
        else:
            remote = RemoteSite(ref=ref, domain=draft.domain)
            if isinstance(adapter, ReadsRealtime) and adapter.can.allows(Operation.REALTIME):
                await adapter.realtime(Site(id="site_", domain=draft.domain, external_id=ref))
        async with self._making[caller.tenant.id]:
            await self._meter.admit_site(caller.tenant)
            return await self._keep(caller, remote, kept.backend, connection, draft, tags)

    async def create_as_written(
        self, caller: Caller, draft: SiteDraft, *, connection: str = LOCAL_CONNECTION, tags: tuple[str, ...] = ()
    ) -> SiteRecord:
        """The same for callers that have checked the domain by rules of their own (vendor-shaped APIs).

        Raises NotFound for a team that the tenant does not have.
        """
        _require_whole_tenant(caller)
        kept = await self._connections.get(caller.tenant, connection)
        adapter = await self._connections.adapter(caller.tenant.id, connection)
        if not isinstance(adapter, CreatesSites) or not adapter.can.allows(Operation.CREATE_SITE):
            raise refused(adapter, Operation.CREATE_SITE)
        if connection == LOCAL_CONNECTION and draft.team is not None:
            await self._catalog.run(teams.get, caller.tenant, draft.team)
        if connection == LOCAL_CONNECTION and await self._catalog.run(rows.for_tracker, draft.domain) is not None:
            await self._refuse_taken(draft.domain)
        async with self._making[caller.tenant.id]:
            await self._meter.admit_site(caller.tenant)
            if connection == LOCAL_CONNECTION:
                return await self._keep(caller, await adapter.create_site(draft), kept.backend, connection, draft, tags)
            attempts = Attempts(self._catalog, caller.tenant, connection)
            note = Note(f"{connection}/{draft.domain}", after=draft.model_dump(mode="json"))
            changing = self._changing(caller.tenant.id, connection)
            async with changing, self._recorder.writing(caller, SITE_CREATE, note) as change:
                remote = await attempts.create(adapter, draft)
                made = await self._keep(caller, remote, kept.backend, connection, draft, tags, change)
            await attempts.settled(draft.domain)
            return made

    async def _refuse_taken(self, domain: str) -> None:
        """Raises AlreadyExists when our own store has the domain already, under any tenant."""
        taken = await self._catalog.run(rows.for_tracker, domain)
        if taken is not None and taken.connection == LOCAL_CONNECTION and taken.site.domain == domain:
            raise AlreadyExists(f"the domain {domain} is taken on this connection")

    async def _keep(
        self,
        caller: Caller,
        remote: RemoteSite,
        backend: str,
        connection: str,
        draft: SiteDraft,
        tags: tuple[str, ...] = (),
        change: Writing | None = None,
    ) -> SiteRecord:
        """The backend's site in the catalog; `change` is what ends with it, when it was made there just now."""
        site = Site(
            id=rows.new_site_id(),
            domain=remote.domain or draft.domain,
            timezone=remote.timezone or draft.timezone,
            name=remote.name or draft.name,
            external_id=remote.ref,
            tags=tags,
        )
        team = draft.team if connection == LOCAL_CONNECTION else None
        record = SiteRecord(site, caller.tenant.id, connection, backend, team=team)
        if change is None:
            made = await self._recorder.noting(caller, SITE_CREATE, _created).run(
                rows.create, caller.tenant, record, self._now()
            )
        else:
            made = await change.keep(_created, rows.create, caller.tenant, record, self._now())
        self.forget()
        return made

    async def change(
        self, caller: Caller, record: SiteRecord, change: SiteChange, tags: tuple[str, ...] | None = None
    ) -> SiteRecord:
        """Change domain, zone, name or tags. What the backend keeps is changed there first."""
        caller.require(KeyScope.MANAGE_SITES)
        self._vet(change.domain, change.timezone)
        if change.domain is not None:
            change = change.model_copy(update={"domain": _cleaned(change.domain)})
        before = _public(record)
        changing = self._changing(record.tenant, record.connection)
        async with changing, self._recorder.writing(caller, "site.change", Note(record.site.id, before)) as writing:
            if change != SiteChange():
                change = await self._change_at_backend(caller, record, change)
            changed = await writing.keep(
                lambda changed: Note(record.site.id, before, _public(changed)),
                rows.change,
                caller.tenant,
                record.site.id,
                change,
                tags,
            )
        self.forget()
        return changed

    async def _change_at_backend(self, caller: Caller, record: SiteRecord, change: SiteChange) -> SiteChange:
        """The change as the backend made it. A name is ours to keep where the backend has no way to change sites."""
        adapter = await self._connections.adapter(caller.tenant.id, record.connection)
        if not isinstance(adapter, UpdatesSites) or not adapter.can.allows(Operation.UPDATE_SITE):
            if change.domain is None and change.timezone is None:
                return change
            raise refused(adapter, Operation.UPDATE_SITE)
        remote = await adapter.update_site(record.site, change)
        await self._catalog.run(rows.renamed_at_backend, caller.tenant, record.site.id, remote.ref)
        return change

    async def delete(self, caller: Caller, record: SiteRecord, *, here_only: bool = False) -> None:
        """Delete the site with its statistics at its backend, or only forget it here."""
        _require_whole_tenant(caller)
        note = Note(record.site.id, before=_public(record))
        changing = self._changing(record.tenant, record.connection)
        async with changing, self._recorder.writing(caller, SITE_DELETE, note) as change:
            if not here_only:
                await self._delete_at_backend(caller, record)
            await change.keep(lambda _: note, rows.delete, caller.tenant, record.site.id)
        self.forget()

    async def _delete_at_backend(self, caller: Caller, record: SiteRecord) -> None:
        adapter = await self._connections.adapter(caller.tenant.id, record.connection)
        if not isinstance(adapter, DeletesSites) or not adapter.can.allows(Operation.DELETE_SITE):
            raise refused(adapter, Operation.DELETE_SITE)
        with suppress(MissingAtBackend):  # it is gone already, which is what was asked for
            await adapter.delete_site(record.site)

    async def deletion(self, caller: Caller, site: str) -> Deletion:
        """What is left of a site that the tenant deleted from our own store. Raises NotFound."""
        caller.require(KeyScope.ADMIN)
        _require_whole_tenant(caller)
        adapter = await self._connections.adapter(caller.tenant.id, LOCAL_CONNECTION)
        theirs = caller.platform or await self._catalog.run(audit.has, caller.tenant, SITE_DELETE, site)
        found = await adapter.deletion(site) if theirs and isinstance(adapter, ProvesDeletion) else None
        if found is None:
            raise NotFound("no site with this id was deleted from our own store")
        return found

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

    @asynccontextmanager
    async def _changing(self, tenant: str, connection: str) -> AsyncIterator[None]:
        """Lists of the connection's sites that were kept before are not true afterwards, however it ends."""
        try:
            yield
        finally:
            if connection != LOCAL_CONNECTION:
                await DocumentLedger(self._catalog, tenant, connection).next_id(CHANGES)

    async def sync(self, caller: Caller, connection: str) -> Synced:
        """Make every site that the backend lists known here."""
        _require_whole_tenant(caller)
        kept = await self._connections.get(caller.tenant, connection)
        lister = await self._lister(caller, connection)
        known = await self._refs(caller.tenant, connection)
        added: list[SiteRecord] = []
        cursor: str | None = None
        while True:
            page = await lister.list_sites(cursor, 100)
            for remote in page.sites:
                if remote.ref not in known:
                    draft = SiteDraft(domain=remote.domain)
                    await self._meter.admit_site(caller.tenant)
                    added.append(await self._keep(caller, remote, kept.backend, connection, draft))
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

    async def bump(self, record: SiteRecord) -> None:
        """Answers kept for the site are no longer true."""
        await self._catalog.run(rows.bump, Tenant(record.tenant), record.site.id)
        self.forget()

    def forget(self) -> None:
        """Drop remembered look-ups."""
        self._by_ref.clear()
        self._by_name.clear()
        self.changes += 1

    def _vet(self, domain: str | None, timezone: str | None) -> None:
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


def cursor_of(record: SiteRecord) -> str:
    """Where a listing by domain goes on."""
    return f"{record.site.domain} {record.site.id}"


def _cleaned(domain: str) -> str:
    return clean_domain(domain)


def _created(made: SiteRecord) -> Note:
    return Note(made.site.id, after=_public(made))


def _require_whole_tenant(caller: Caller) -> None:
    caller.require(KeyScope.MANAGE_SITES)
    caller.require_whole()


def _public(record: SiteRecord) -> dict[str, Any]:
    return record.site.model_dump(mode="json") | {"connection": record.connection}
