"""The adapter of Pirsch: the protocols of `adapters.base`, each handed to the part that knows how."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from adapters.base import Check, Context, Request, VendorCall
from adapters.pirsch.bounds import Bounds, moment
from adapters.pirsch.capabilities import PIRSCH
from adapters.pirsch.client import Client, Spent
from adapters.pirsch.management import Goals, Links, People, Sites, TrafficFilters, upload_plausible
from adapters.pirsch.options import PirschCredential, PirschOptions
from adapters.pirsch.records import parcels
from adapters.pirsch.token import BACKEND, Bearer
from adapters.pirsch.translate.plan import Plan, draft
from adapters.pirsch.translate.question import CallLimits
from adapters.pirsch.translate.script import script
from adapters.pirsch.vendor.calls import VENDOR_CALLS, call_vendor
from models.capability import Capabilities, Operation
from models.errors import GatewayError, NotFound, UnsupportedQuery
from models.event import Drop, Event, Received
from models.goal import Goal, GoalDraft
from models.job import ImportJob, JobStatus, OnError
from models.link import SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, Team
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, PlanKind
from models.settings import SiteSettings
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

IMPORTS = "pirsch_import"
POLL_SECONDS = 5.0
CSV_FLAGS = (
    "visitors", "pages", "entry_pages", "exit_pages", "session_duration", "growth", "languages", "referrer", "os",
    "browser", "country", "region", "city", "platform", "screen", "utm", "conversion_goals", "events", "tags",
    "hostname",
)  # fmt: skip
WRITE_ONLY = "an access key of Pirsch sends traffic and reads nothing; connect a client instead"


class PirschAdapter:
    """One connection. Answers carry the calls they took."""

    import_formats: tuple[str, ...] = ("plausible",)
    export_formats: Mapping[str, str] = {"csv": "application/zip"}
    vendor_calls: tuple[VendorCall, ...] = VENDOR_CALLS

    def __init__(self, options: PirschOptions, credential: PirschCredential, context: Context) -> None:
        self.can: Capabilities = PIRSCH
        self.context, self.now = context, context.now
        self.client = Client(context.transport, Bearer(context.transport, credential, context.now), context.now)
        self.limits = CallLimits(options.fan_out_calls, options.session_walk_calls)
        self.sites, self.people, self.filters = Sites(self.client), People(self.client), TrafficFilters(self.client)
        self.goals, self.links = Goals(self.client), Links(self.client, self.sites)
        self.bounds = Bounds(self.client, self.sites, context.now)

    async def start(self) -> None:
        """Nothing to get ready: the first call fetches the token."""

    async def close(self) -> None:
        await self.context.transport.close()

    async def check(self) -> Check:
        """Try the credential. An access key cannot be tried without counting a hit, so it is believed."""
        native = [o for o in Operation if self.can.allows(o)]
        if self.client.bearer.write_only:
            writes = {Operation.COLLECT_EVENTS, Operation.BACKDATE_EVENTS}
            return Check(True, operations={o: o in writes for o in native}, reasons=(WRITE_ONLY,))
        try:
            page = await self.sites.list(None, 2)
        except GatewayError as error:
            return Check(False, operations=dict.fromkeys(native, False), reasons=(error.detail,))
        account = page.sites[0].domain if len(page.sites) == 1 else ""
        return Check(True, account=account, operations=dict.fromkeys(native, True))

    # Statistics

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return self._draft(site, query).foreseen

    def _draft(self, site: Site, query: ResolvedQuery) -> Plan:
        if self.client.bearer.write_only:
            return Plan(query, refusals=(WRITE_ONLY,))
        return draft(site, query, self.limits)

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        """Runs what `foresee` announced, and looks at the ends of the range.

        Raises UnsupportedQuery before any call, or when goals, sizes or imported history forbid it.
        """
        drafted = self._draft(site, query)
        if drafted.refusals:
            raise UnsupportedQuery(drafted.refusals, backend=BACKEND)
        imported, note = await self.bounds.imports(site, query, drafted.foreseen.plan)
        at_ends = await self.bounds.reasons(site, query)
        spent = Spent()
        with closing(script(site, query, self.limits, drafted)) as steps:
            answer = await self.client.run(steps, at_most=drafted.calls, spent=spent)
        plan = PlanKind.NATIVE if spent.calls == 1 else PlanKind.FAN_OUT
        reasons = dict.fromkeys((*answer.reasons, *((imported,) if imported else ()), *at_ends))
        imports = note if query.include.imports else None
        return replace(answer, plan=plan, calls=spent.calls, reasons=tuple(reasons), imports=imports)

    async def stats_start(self, site: Site) -> date | None:
        """The day statistics begin, or the dashboard was made."""
        domain = await self.sites.raw(site.ref)
        started = domain.get("statistics_start") or domain.get("def_time")
        if not started:
            return None
        return moment(started).astimezone(ZoneInfo(site.timezone)).date()

    async def realtime(self, site: Site) -> int:
        found = await self.client.get("statistics/active", id=site.ref, start="300", tz=site.timezone)
        return int(found["visitors"])

    # Management

    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage:
        return await self.sites.list(cursor, limit)

    async def get_site(self, ref: str) -> RemoteSite:
        domain = await self.sites.raw(ref)
        return RemoteSite(
            ref=ref, domain=domain["hostname"], timezone=domain.get("timezone"), name=domain.get("display_name") or ""
        )

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        return await self.sites.create(draft)

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        return await self.sites.update(site, change)

    async def delete_site(self, site: Site) -> None:
        await self.sites.delete(site)

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        return await self.goals.list(site)

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        return await self.goals.create(site, draft)

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        await self.goals.delete(site, goal_id)

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        return await self.links.put(site, draft)

    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]:
        return await self.links.list(site)

    async def delete_shared_link(self, site: Site, link_id: str) -> None:
        await self.links.delete(site, link_id)

    async def list_guests(self, site: Site) -> tuple[Guest, ...]:
        return await self.people.guests(site)

    async def put_guest(self, site: Site, draft: GuestDraft) -> Guest:
        return await self.people.put(site, draft)

    async def delete_guest(self, site: Site, email: str) -> None:
        await self.people.delete(site, email)

    async def list_teams(self) -> tuple[Team, ...]:
        return await self.people.teams()

    async def get_settings(self, site: Site) -> SiteSettings:
        return await self.filters.get(site)

    async def put_settings(self, site: Site, settings: SiteSettings) -> SiteSettings:
        return await self.filters.put(site, settings)

    # Events

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Sends hits and events in order of time, one request after the other.

        Pirsch answers 200 even for what it drops (bots, quota, foreign hosts), so None means sent, not counted.
        """
        sent, drops = parcels(site, events, received, self.now())
        for parcel in sent:
            request = Request("POST", f"/api/v1/{parcel.path}", json=parcel.body, idempotent=False)
            await self.client.send(request, writes_traffic=True)
        return tuple(drops.get(place) for place in range(len(events)))

    # History

    async def start_import(self, site: Site, format: str, source: Path, on_error: OnError = OnError.SKIP) -> ImportJob:
        """Upload Plausible's CSV export. Pirsch says nothing of single lines, so `on_error` has no effect there."""
        if format not in self.import_formats:
            raise NotFound(f"Pirsch imports {', '.join(self.import_formats)}, not {format}")
        content = await asyncio.to_thread(source.read_bytes)
        made = await upload_plausible(self.client, site, content, source.name)
        job = ImportJob(
            id=made["id"], site=site.id, format=format, status=JobStatus.RUNNING, started_at=self.now(),
            bytes_done=len(content), bytes_total=len(content),
        )  # fmt: skip
        await self._keep(site, job)
        return job

    async def list_imports(self, site: Site) -> tuple[ImportJob, ...]:
        kept = await self.context.ledger.list(IMPORTS, f"{site.id}/")
        return tuple([await self._current(site, ImportJob.model_validate(document)) for _, document in kept])

    async def get_import(self, site: Site, job_id: str, *, wait: bool = False) -> ImportJob:
        """Pirsch names only the running import: one it no longer names has ended. It tells no failures."""
        document = await self.context.ledger.get(IMPORTS, f"{site.id}/{job_id}")
        if document is None:
            raise NotFound
        job = await self._current(site, ImportJob.model_validate(document))
        while wait and job.status is JobStatus.RUNNING:
            await asyncio.sleep(POLL_SECONDS)
            job = await self._current(site, job)
        return job

    async def delete_import(self, site: Site, job_id: str) -> None:
        """Cancels a running import; what is imported already can only be deleted with `delete_statistics`."""
        job = await self.get_import(site, job_id)
        if job.status is JobStatus.RUNNING:
            await self.client.call("DELETE", "import", params=(("domain_id", site.ref),))
        await self.context.ledger.delete(IMPORTS, f"{site.id}/{job_id}")

    async def _current(self, site: Site, job: ImportJob) -> ImportJob:
        if job.status is not JobStatus.RUNNING:
            return job
        running = await self.client.get("import", domain_id=site.ref)
        if running and running.get("id") == job.id:
            return job
        ended = job.model_copy(update={"status": JobStatus.COMPLETED, "finished_at": self.now()})
        await self._keep(site, ended)
        return ended

    async def _keep(self, site: Site, job: ImportJob) -> None:
        await self.context.ledger.put(IMPORTS, f"{site.id}/{job.id}", job.model_dump(mode="json"))

    async def export(
        self, site: Site, format: str, first: date | None = None, last: date | None = None
    ) -> AsyncIterator[bytes]:
        """Everything Pirsch puts into its zip of CSV files. Raises NotFound for another format."""
        if format not in self.export_formats:
            raise NotFound(f"Pirsch exports {', '.join(self.export_formats)}, not {format}")
        today = self.now().astimezone(ZoneInfo(site.timezone)).date()
        begin = first or await self.stats_start(site) or today
        params = (("id", site.ref), ("from", begin.isoformat()), ("to", (last or today).isoformat()))
        flags = tuple((name, "true") for name in CSV_FLAGS)
        reply = await self.client.send(Request("GET", "/api/v1/statistics", params=params + flags))
        yield reply.body

    # What only Pirsch has

    async def call_vendor(self, site: Site, call: VendorCall, query: BaseModel | None, body: BaseModel | None) -> Any:
        return await call_vendor(self.client, self.sites, site, call, query, body)


def open_pirsch(options: BaseModel, credential: BaseModel | None, context: Context) -> PirschAdapter:
    """The factory that the registry calls with this backend's own options and credential."""
    if not isinstance(options, PirschOptions) or not isinstance(credential, PirschCredential):
        raise TypeError("pirsch takes PirschOptions and PirschCredential")
    return PirschAdapter(options, credential, context)
