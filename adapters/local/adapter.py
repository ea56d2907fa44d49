"""The local backend as the gateway sees it: every protocol, each carried by the part that knows it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from adapters.base import Check, Context
from adapters.local.capabilities import LOCAL
from adapters.local.care import backup, fsck
from adapters.local.care.purge import DELETED
from adapters.local.collect.journal import BACKLOG_BYTES
from adapters.local.collect.rules import Rules, checked_rules, compile_rules
from adapters.local.engine import Engine, Places
from adapters.local.exports.formats import MEDIA_TYPES, exported
from adapters.local.exports.span import Span
from adapters.local.management import Management
from adapters.local.read import funnel as funnels
from adapters.local.read import tables, values, visits
from adapters.local.read.conditions import Insights
from adapters.local.read.reader import Reader
from adapters.local.sites import Sites
from adapters.local.store.imported import KIND as IMPORTS
from adapters.local.store.imported import ImportedRange
from adapters.maintenance import Finding
from models.base import Frozen
from models.deletion import Deletion
from models.errors import BackendError, UnknownSite
from models.event import Drop, Event, Received
from models.goal import Goal, GoalDraft
from models.insight import Aggregate, Clock, ClockRow, EventDetail, EventRow, FunnelStep, PropRow, VisitEvent, VisitRow
from models.job import ImportJob, OnError, ProblemPage
from models.link import LinkState, SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, Membership
from models.query import ResolvedQuery
from models.result import Answer, Foreseen
from models.settings import SiteSettings
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft


class LocalOptions(Frozen):
    """Options of the local backend; the operator's settings of the same names."""

    events: str = ""
    """`chdb:///path` or `clickhouse://...`; empty: embedded, in the data directory."""
    geo_mmdb: Path | None = None
    geo_attribution: str | None = None
    """Text that the licence of `geo_mmdb` asks to be shown; None: read from the file."""
    backlog_bytes: int = Field(default=BACKLOG_BYTES, ge=1 << 20)
    """Journal bytes that may wait for the store before events are refused."""


class LocalAdapter:
    """`start` opens store, journal and writer; `close` drains them."""

    can = LOCAL
    import_formats: tuple[str, ...] = ("ndjson", "plausible")
    export_formats: Mapping[str, str] = MEDIA_TYPES

    def __init__(self, options: LocalOptions, context: Context) -> None:
        self._context = context
        folder = context.data_dir / "local"
        dsn = options.events or f"chdb://{(folder / 'events').resolve()}"
        self._places = Places(dsn, folder, options.geo_mmdb, options.geo_attribution, options.backlog_bytes)
        self._management = Management(context.ledger, now=context.now, public_url=context.public_url)
        self._sites = Sites(context.ledger)
        self._rules: dict[str, Rules | None] = {}
        self._engine: Engine | None = None
        self._reader: Reader | None = None

    async def start(self) -> None:
        """Raises ConfigurationError, Unreachable, OSError."""
        self._engine = await Engine.open(self._places, self._context.ledger, self._rules_of, self._context.now)
        self._reader = Reader(
            self._engine.store, self.list_goals, self.imports_of, self._context.now, self._engine.geo.attribution
        )

    async def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    @property
    def engine(self) -> Engine:
        """The running parts, for imports, exports, backup and repair. Raises BackendError before `start`."""
        if self._engine is None:
            raise BackendError("the local backend is not running", backend="local")
        return self._engine

    @property
    def reader(self) -> Reader:
        """Raises BackendError before `start`."""
        if self._reader is None:
            raise BackendError("the local backend is not running", backend="local")
        return self._reader

    async def check(self) -> Check:
        await self.engine.store.query("SELECT 1")
        failing = self.engine.writer.failing
        return Check(ok=not failing, account="local", reasons=(failing,) if failing else ())

    # Reads

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return self.reader.foresee(site, query)

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        return await self.engine.writer.barrier.read(site.id, lambda: self.reader.read(site, query))

    async def stats_start(self, site: Site) -> date | None:
        return await self.reader.stats_start(site)

    async def realtime(self, site: Site) -> int:
        return await self.reader.realtime(site)

    async def imports_of(self, site: Site) -> tuple[ImportedRange, ...]:
        """Completed imports of daily aggregates."""
        found = await self._context.ledger.list(IMPORTS, f"{site.id}/")
        return tuple(_imported(value) for _, value in found)

    # Insights

    @property
    def _insights(self) -> Insights:
        return Insights(self.engine.store, self.list_goals)

    async def funnel(self, site: Site, query: ResolvedQuery, steps: Sequence[FunnelStep]) -> tuple[int, ...]:
        return await funnels.funnel(self._insights, site, query, steps)

    async def list_visits(self, site: Site, query: ResolvedQuery) -> tuple[VisitRow, ...]:
        return await visits.list_visits(self._insights, site, query)

    async def visit_events(self, site: Site, query: ResolvedQuery, visitor: int, visit: int) -> tuple[VisitEvent, ...]:
        return await visits.visit_events(self._insights, site, query, visitor, visit)

    async def list_values(self, site: Site, query: ResolvedQuery, dimension: str, search: str) -> tuple[str, ...]:
        return await values.list_values(self._insights, site, query, dimension, search)

    async def clock_table(self, site: Site, query: ResolvedQuery, clock: Clock) -> tuple[ClockRow, ...]:
        return await tables.clock_table(self._insights, site, query, clock)

    async def prop_table(self, site: Site, query: ResolvedQuery, key: str = "") -> tuple[PropRow, ...]:
        return await tables.prop_table(self._insights, site, query, key)

    async def event_table(self, site: Site, query: ResolvedQuery) -> tuple[EventRow, ...]:
        return await tables.event_table(self._insights, site, query)

    async def event_details(self, site: Site, query: ResolvedQuery) -> tuple[EventDetail, ...]:
        return await tables.event_details(self._insights, site, query)

    async def aggregate(self, site: Site, query: ResolvedQuery, key: str, *, whole: bool) -> Aggregate:
        return await tables.aggregate(self._insights, site, query, key, whole=whole)

    # Events

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Raises Overloaded."""
        return await self.engine.collector.collect(site, events, received)

    async def collect_together(self, site: Site, arrived: Sequence[tuple[Event, Received]]) -> tuple[Drop | None, ...]:
        """Raises Overloaded."""
        return await self.engine.collector.collect_together(site, arrived)

    async def flush(self) -> None:
        await self.engine.collector.flush()

    async def drops(self, site: Site, first: date, last: date) -> dict[date, dict[str, int]]:
        """Events answered but not counted, by UTC day and reason."""
        return await self.engine.counts.of(site.id, first, last)

    async def rules_of(self, site: Site) -> Rules:
        """Compiled settings, for imports. Raises BackendError for a deleted site."""
        rules = await self._rules_of(site)
        if rules is None:
            raise BackendError("the site was deleted", backend="local")
        return rules

    async def _rules_of(self, site: Site) -> Rules | None:
        if site.id not in self._rules:
            gone = await self._context.ledger.get(DELETED, site.id)
            if not gone:
                await self._management.keep_zone(site)
            rules = None if gone else compile_rules(await self._management.get_settings(site))
            self._rules.setdefault(site.id, rules)  # what was changed or deleted meanwhile stays so
        return self._rules[site.id]

    # History

    async def start_import(self, site: Site, format: str, source: Path, on_error: OnError = OnError.SKIP) -> ImportJob:
        """Moves the file. Raises InvalidRequest, UnknownSite when the site was deleted, perhaps during the upload."""
        await self._require(site)
        job = await self.engine.imports.start_import(site, format, source, on_error)
        try:
            await self._require(site)
        except UnknownSite:  # the deletion may have looked for its imports before this one was there
            await self.engine.imports.forget_site(site.id)
            raise
        return job

    async def _require(self, site: Site) -> None:
        if await self._rules_of(site) is None:
            raise UnknownSite

    async def list_imports(self, site: Site) -> tuple[ImportJob, ...]:
        return await self.engine.imports.list_imports(site)

    async def get_import(self, site: Site, job_id: str, *, wait: bool = False) -> ImportJob:
        """Raises NotFound."""
        return await self.engine.imports.get_import(site, job_id, wait=wait)

    async def import_problems(self, site: Site, job_id: str, offset: int, limit: int) -> ProblemPage:
        """Raises NotFound, InvalidRequest."""
        return await self.engine.imports.problems_of(site, job_id, offset, limit)

    async def delete_import(self, site: Site, job_id: str) -> None:
        """Raises NotFound."""
        await self.engine.imports.delete_import(site, job_id)

    async def export(
        self, site: Site, format: str, first: date | None = None, last: date | None = None
    ) -> AsyncIterator[bytes]:
        """Native events, or their daily aggregates, of days in the site's zone. Raises InvalidRequest."""
        await self.engine.collector.flush()
        async for piece in exported(self.engine.store, format, Span(site, first, last), self._places.folder):
            yield piece

    # Upkeep

    async def copy_to(self, folder: Path, beside: Callable[[], Awaitable[None]]) -> None:
        """Raises UnsupportedQuery when the events lie on a server."""
        engine = self.engine
        backup.refuse_server(engine.store)
        async with engine.imports.ending, engine.writer.paused(changing=False):
            await beside()
            await backup.copy(engine.store, engine.journal, self._places.folder / "imports", folder)

    async def inspect(self, *, repair: bool = False) -> tuple[Finding, ...]:
        """Drains the journal first; nothing is stored meanwhile."""
        engine = self.engine
        await engine.collector.flush()
        async with engine.writer.paused():
            return await fsck.inspect(engine.store, engine.journal, self._context.ledger, repair=repair)

    # Sites

    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage:
        return await self._sites.list_sites(cursor, limit)

    async def get_site(self, ref: str) -> RemoteSite:
        return await self._sites.get_site(ref)

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        return await self._sites.create_site(draft)

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        changed = await self._sites.update_site(site, change)
        await self._management.keep_zone(site.model_copy(update={"timezone": changed.timezone}))
        return changed

    async def delete_site(self, site: Site) -> None:
        """Hidden when it returns; its rows are removed in the background (`deletion`)."""
        self._rules[site.id] = None
        await self._sites.delete_site(site)
        await self._management.forget(site)
        await self.engine.imports.forget_site(site.id)
        self.engine.writer.forget_site(site.id)
        await self.engine.purge.delete_site(site.id, site.domain)

    async def deletion(self, site_id: str) -> Deletion | None:
        """When the site was hidden, and once its rows are gone when they were found to be, and how many they were."""
        told = await self._context.ledger.get(DELETED, site_id)
        return Deletion(site=site_id, **told) if told else None

    # Management

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        return await self._management.list_goals(site)

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        return await self._management.create_goal(site, draft)

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        await self._management.delete_goal(site, goal_id)

    async def list_custom_props(self, site: Site) -> tuple[str, ...]:
        return await self._management.list_custom_props(site)

    async def put_custom_prop(self, site: Site, name: str) -> None:
        await self._management.put_custom_prop(site, name)

    async def delete_custom_prop(self, site: Site, name: str) -> None:
        await self._management.delete_custom_prop(site, name)

    async def list_guests(self, site: Site) -> tuple[Guest, ...]:
        return await self._management.list_guests(site)

    async def put_guest(self, site: Site, draft: GuestDraft) -> Guest:
        return await self._management.put_guest(site, draft)

    async def delete_guest(self, site: Site, email: str) -> None:
        await self._management.delete_guest(site, email)

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        return await self._management.put_shared_link(site, draft)

    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]:
        return await self._management.list_shared_links(site)

    async def delete_shared_link(self, site: Site, link_id: str) -> None:
        await self._management.delete_shared_link(site, link_id)

    async def open_shared_link(self, site: Site, slug: str, opened: str = "") -> LinkState:
        return await self._management.open_shared_link(site, slug, opened)

    async def unlock_shared_link(self, site: Site, slug: str, password: str) -> str | None:
        return await self._management.unlock_shared_link(site, slug, password)

    async def find_invitation(self, token: str) -> Membership:
        """Raises NotFound."""
        return await self._management.find_invitation(token)

    async def accept_invitation(self, token: str) -> Membership:
        """Raises NotFound."""
        return await self._management.accept_invitation(token)

    async def get_settings(self, site: Site) -> SiteSettings:
        return await self._management.get_settings(site)

    async def put_settings(self, site: Site, settings: SiteSettings) -> SiteSettings:
        """Raises InvalidRequest for exclusions that cannot be read."""
        rules = checked_rules(settings)
        stored = await self._management.put_settings(site, settings)
        if self._rules.get(site.id, rules) is not None:  # else it was deleted meanwhile
            self._rules[site.id] = rules
        return stored


def _imported(value: dict[str, Any]) -> ImportedRange:
    return ImportedRange(
        id=value["id"],
        first=datetime.fromisoformat(value["first"]).date(),
        last=datetime.fromisoformat(value["last"]).date(),
        tables=frozenset(value["tables"]),
        scroll_depth=bool(value.get("scroll_depth", True)),
    )
