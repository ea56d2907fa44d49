"""Move history: imports from files into a site's backend, exports out of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog

from adapters.base import ExportsHistory, ImportsHistory
from gateway.abilities import Backends, refused
from gateway.metering import Meter
from gateway.record import Note, Recorder
from gateway.sites import Sites
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.capability import Operation
from models.errors import GatewayError, InvalidRequest, Problem, TooLarge
from models.job import ImportJob, JobStatus, OnError

log = structlog.get_logger()

ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)


class History:
    """Imports and exports. A finished import makes the answers kept for its site untrue, so it is waited for."""

    def __init__(
        self, backends: Backends, sites: Sites, recorder: Recorder, meter: Meter, spool: Path, most: int
    ) -> None:
        self._backends, self._sites, self._recorder = backends, sites, recorder
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

        Raises InvalidRequest for an unknown format or an empty body, TooLarge, UnsupportedQuery, QuotaExceeded.
        """
        caller.require(KeyScope.INGEST)
        importer = await self._importer(record)
        if format not in importer.import_formats:
            raise InvalidRequest([Problem("format", f"no such format: {format[:60]!r}", importer.import_formats)])
        await self._meter.admit_events(record.tenant, 1)
        spooled = await self._spooled(body)
        try:
            async with self._recorder.writing(caller, "import.start", Note(record.site.id)) as change:
                job = await importer.start_import(record.site, format, spooled, on_error)
                change.note = Note(f"{record.site.id}/{job.id}", after={"format": format})
        except BaseException:
            spooled.unlink(missing_ok=True)
            raise
        if not wait:
            self._watch(importer, record, job)
            return job
        done = await importer.get_import(record.site, job.id, wait=True)
        self._count(record, done)
        await self._sites.bump(record)
        return done

    def _count(self, record: SiteRecord, done: ImportJob) -> None:
        """Imported rows are events of the month they came in; the same file again counts nothing."""
        if not done.duplicate:
            self._meter.events(record.tenant, record.site.id, done.rows)

    async def _spooled(self, body: AsyncIterator[bytes]) -> Path:
        self._spool.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._spool, prefix="import-", delete=False) as file:
            path, size = Path(file.name), 0
            try:
                async for chunk in body:
                    size += len(chunk)
                    if size > self._most:
                        raise TooLarge(f"an import may have at most {self._most} bytes")
                    await asyncio.to_thread(file.write, chunk)
                if not size:
                    raise InvalidRequest([Problem("body", "the body is empty")])
            except BaseException:
                await asyncio.to_thread(path.unlink)
                raise
        return path

    def _watch(self, importer: ImportsHistory, record: SiteRecord, job: ImportJob) -> None:
        task = asyncio.create_task(self._finished(importer, record, job))
        self._watched.add(task)
        task.add_done_callback(self._watched.discard)

    async def _finished(self, importer: ImportsHistory, record: SiteRecord, job: ImportJob) -> None:
        try:
            done = await importer.get_import(record.site, job.id, wait=True)
        except GatewayError as error:
            log.warning("import lost from sight", site=record.site.id, job=job.id, code=error.code)
            return
        self._count(record, done)
        await self._sites.bump(record)
        log.info("import ended", site=record.site.id, job=job.id, status=str(done.status), rows=done.rows)

    async def listed(self, record: SiteRecord) -> tuple[ImportJob, ...]:
        return await (await self._importer(record)).list_imports(record.site)

    async def get(self, record: SiteRecord, job_id: str) -> ImportJob:
        """Raises NotFound."""
        return await (await self._importer(record)).get_import(record.site, job_id)

    async def delete(self, caller: Caller, record: SiteRecord, job_id: str) -> None:
        """Take an import and its rows back."""
        caller.require(KeyScope.MANAGE_SITES)
        importer = await self._importer(record)
        old = await importer.get_import(record.site, job_id)
        note = Note(f"{record.site.id}/{job_id}", before=old.model_dump(mode="json"))
        async with self._recorder.writing(caller, "import.delete", note):
            await importer.delete_import(record.site, job_id)
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
