"""Move history: imports from files into a site's backend, exports out of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import structlog

from adapters.protocols import ExportsHistory, ImportsHistory, ReportsProblems
from gateway.access.metering import Meter
from gateway.access.rate_limit import UNLIMITED, RateLimit
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.catalog.bills import OpenBill
from gateway.catalog.text import written
from gateway.manage.sites import Sites
from gateway.manage.spool import rows_in, spooled
from gateway.outbound.backends import Backends, refused
from gateway.tenancy import Caller, KeyScope, SiteRecord, Tenant
from models.capability import Operation
from models.errors import GatewayError, InvalidRequest, Problem, UnknownSite
from models.job import ImportJob, JobStatus, OnError, ProblemPage

log = structlog.get_logger()

ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)


class History:
    """Imports and exports. A finished import makes the answers kept for its site untrue, so it is waited for."""

    def __init__(
        self,
        backends: Backends,
        sites: Sites,
        audit: AuditTrail,
        meter: Meter,
        spool: Path,
        most: int,
        pace: RateLimit = UNLIMITED,
    ) -> None:
        self._pace = pace
        self._backends, self._sites, self._audit = backends, sites, audit
        self._meter, self._spool, self._most = meter, spool, most
        self._watched: set[asyncio.Task[None]] = set()

    async def _importer(self, record: SiteRecord) -> ImportsHistory:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ImportsHistory) or not adapter.can.allows(Operation.IMPORT_HISTORY):
            raise refused(adapter, Operation.IMPORT_HISTORY)
        return adapter

    async def start(
        self,
        caller: Caller,
        record: SiteRecord,
        format: str,
        body: AsyncIterator[bytes],
        *,
        on_error: OnError = OnError.SKIP,
        wait: bool = False,
    ) -> ImportJob:
        """Spool the body to disk in constant memory and begin. `wait` returns when the rows are queryable.

        Raises InvalidRequest for an unknown format or an empty body, TooLarge, UnsupportedQuery, QuotaExceeded,
        TooManyRequests.
        """
        caller.require(KeyScope.INGEST)
        importer = await self._importer(record)
        if format not in importer.import_formats:
            raise InvalidRequest([Problem("format", f"no such format: {format[:60]!r}", importer.import_formats)])
        await self._meter.admit_events(record.tenant, 1)
        if not caller.platform:
            self._pace.take(record.tenant)
        file = await spooled(body, self._spool, self._most)
        try:
            job = await self._begun(caller, record, importer, format, file, on_error)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        if not wait:
            self._watch(importer, record, job.id)
            return job
        return await self._seen(importer, record, job.id)

    async def _begun(
        self, caller: Caller, record: SiteRecord, importer: ImportsHistory, format: str, file: Path, on_error: OnError
    ) -> ImportJob:
        """The job, on the tenant's bill with every row that the file may bring."""
        limited = await self._meter.is_limited(record.tenant)
        rows = await asyncio.to_thread(rows_in, file) if limited else 0
        bill = await self._meter.begin_import(record.tenant, record.site.id, rows)
        try:
            async with self._audit.writing(caller, "import.start", Note(record.site.id)) as change:
                job = await importer.start_import(record.site, format, file, on_error)
                change.note = Note(f"{record.site.id}/{job.id}", after={"format": format})
        except (GatewayError, OSError):
            await self._meter.cancel_import(record.tenant, bill)
            raise
        await self._meter.name_import(bill, job.id)
        return job

    async def resume(self) -> None:
        """Follow the imports whose end was not seen before we were stopped; backends go on with them by themselves."""
        for bill in await self._meter.open_imports():
            self._keep(asyncio.create_task(self._followed(bill)))

    async def _followed(self, bill: OpenBill) -> None:
        try:
            record = await self._sites.get(Tenant(bill.tenant), bill.site)
            importer = await self._importer(record)
            job = bill.job or await self._unnamed(bill, record, importer)
            if job:
                await self._finished(importer, record, job)
            else:
                await self._meter.cancel_import(bill.tenant, bill.number)
        except UnknownSite:
            await self._meter.cancel_import(bill.tenant, bill.number)  # its rows went with it
        except GatewayError as error:
            log.warning("import lost from sight", site=bill.site, job=bill.job, code=error.code)

    async def _unnamed(self, bill: OpenBill, record: SiteRecord, importer: ImportsHistory) -> str:
        """The job that came of a file when we were cut off before its name was kept; empty when none did."""
        billed = await self._meter.billed_imports(bill.site)
        for job in await importer.list_imports(record.site):
            if job.id not in billed and job.started_at and written(job.started_at) >= bill.begun_at:
                await self._meter.name_import(bill.number, job.id)
                return job.id
        return ""

    def _watch(self, importer: ImportsHistory, record: SiteRecord, job: str) -> None:
        self._keep(asyncio.create_task(self._finished(importer, record, job)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._watched.add(task)
        task.add_done_callback(self._watched.discard)

    async def _finished(self, importer: ImportsHistory, record: SiteRecord, job: str) -> None:
        try:
            done = await self._seen(importer, record, job)
        except GatewayError as error:
            log.warning("import lost from sight", site=record.site.id, job=job, code=error.code)
            return
        log.info("import ended", site=record.site.id, job=job, status=str(done.status), rows=done.rows)

    async def _seen(self, importer: ImportsHistory, record: SiteRecord, job: str) -> ImportJob:
        """The job at its end. Its rows are events of the month they came in; the same file again counts nothing."""
        done = await importer.get_import(record.site, job, wait=True)
        if done.status in ENDED:  # otherwise our backend was stopped, and goes on when it starts again
            await self._ended(record, done)
        await self._sites.bump(record)
        return done

    async def _ended(self, record: SiteRecord, done: ImportJob) -> None:
        rows = 0 if done.duplicate else done.rows
        await self._meter.end_import(record.tenant, record.site.id, done.id, rows)

    async def listed(self, record: SiteRecord) -> tuple[ImportJob, ...]:
        return await (await self._importer(record)).list_imports(record.site)

    async def get(self, record: SiteRecord, job_id: str) -> ImportJob:
        """Raises NotFound."""
        return await (await self._importer(record)).get_import(record.site, job_id)

    async def problems(self, record: SiteRecord, job_id: str, offset: int, limit: int) -> ProblemPage:
        """Refused lines from an offset on. Raises NotFound, InvalidRequest for an offset that is none."""
        importer = await self._importer(record)
        if isinstance(importer, ReportsProblems):
            return await importer.import_problems(record.site, job_id, offset, limit)
        told, end = (await importer.get_import(record.site, job_id)).problems, offset + limit
        return ProblemPage(problems=told[offset:end], next=end if end < len(told) else None)

    async def delete(self, caller: Caller, record: SiteRecord, job_id: str) -> None:
        """Take an import and its rows back."""
        caller.require(KeyScope.MANAGE_SITES)
        importer = await self._importer(record)
        old = await importer.get_import(record.site, job_id)
        note = Note(f"{record.site.id}/{job_id}", before=old.model_dump(mode="json"))
        async with self._audit.writing(caller, "import.delete", note):
            await importer.delete_import(record.site, job_id)
        await self._ended(record, old)
        await self._sites.bump(record)

    async def export(
        self, record: SiteRecord, format: str, first: date | None, last: date | None
    ) -> tuple[str, AsyncIterator[bytes]]:
        """Media type and content. Raises InvalidRequest, UnsupportedQuery."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ExportsHistory) or not adapter.can.allows(Operation.EXPORT_HISTORY):
            raise refused(adapter, Operation.EXPORT_HISTORY)
        if format not in adapter.export_formats:
            formats = tuple(adapter.export_formats)
            raise InvalidRequest([Problem("format", f"no such format: {format[:60]!r}", formats)])
        return adapter.export_formats[format], adapter.export(record.site, format, first, last)

    async def close(self) -> None:
        """Stop watching; the backends keep their own jobs."""
        for task in self._watched:
            task.cancel()
        await asyncio.gather(*self._watched, return_exceptions=True)
