"""Sites: found by id or domain, listed and selected, for whoever asks."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from cachetools import TTLCache

from adapters.domain import strip_domain
from gateway.access.metering import concerned
from gateway.catalog import Catalog
from gateway.catalog import sites as rows
from gateway.tenancy import Caller, SiteRecord, Tenant
from models.errors import InvalidRequest, Problem, UnknownSite

REMEMBERED, REMEMBERED_SECONDS = 20_000, 4.0
"""Look-ups kept in memory; changes of this process take effect at once, those of another within seconds."""
LONGEST_NAME = 300
"""No domain or id is longer, nor a spelling of one that trackers send; longer names are not even looked up."""
PAGE = 200


@dataclass(frozen=True, slots=True)
class SitePage:
    """One page of sites; `next` is the cursor of the following one, None on the last."""

    sites: tuple[SiteRecord, ...]
    next: str | None


class Sites:
    """The sites of all tenants; every method takes who asks."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
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
            raise UnknownSite
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
                problems.append(UnknownSite.problem(f"sites[{i}]", ref))
        if len(found) != 1:
            concerned.set("")
        if problems:
            raise InvalidRequest(problems)
        return tuple(found.values())

    async def bump(self, record: SiteRecord) -> None:
        """Answers kept for the site are no longer true."""
        await self._catalog.run(rows.bump, Tenant(record.tenant), record.site.id)
        self.forget()

    def forget(self) -> None:
        """Drop remembered look-ups."""
        self._by_ref.clear()
        self._by_name.clear()
        self.changes += 1


def cursor_of(record: SiteRecord) -> str:
    """Where a listing by domain goes on."""
    return f"{record.site.domain} {record.site.id}"
