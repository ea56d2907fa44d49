"""History: Plausible's export taken in, and everything given out as CSV (contract section 13)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from adapters.base import Request
from adapters.pirsch.client import PirschClient
from adapters.pirsch.reports import first_day
from adapters.pirsch.vendor.table import CSV_FLAGS
from adapters.pirsch.wire import BACKEND
from models.errors import NotFound, Unintelligible
from models.job import ImportJob, JobStatus, OnError
from models.site import Site

IMPORTS = "pirsch_import"
POLL_SECONDS = 5.0


class History:
    """ImportsHistory, ExportsHistory. The jobs are kept in the ledger: Pirsch names only the one that runs."""

    client: PirschClient
    import_formats: tuple[str, ...] = ("plausible",)
    export_formats: Mapping[str, str] = MappingProxyType({"csv": "application/zip"})

    async def start_import(self, site: Site, format: str, source: Path, on_error: OnError = OnError.SKIP) -> ImportJob:
        """Upload Plausible's CSV export. Pirsch says nothing of single lines, so `on_error` has no effect there."""
        if format not in self.import_formats:
            raise NotFound(f"Pirsch imports {', '.join(self.import_formats)}, not {format}")
        content = await asyncio.to_thread(source.read_bytes)
        # the field is `domain` here, `domain_id` elsewhere (2026-07-10, contract section 13)
        files = {"file": (source.name, content, "application/zip")}
        made = await self.client.call("POST", "import/plausible", form={"domain": site.ref}, files=files)
        if not isinstance(made, dict) or "id" not in made:
            raise Unintelligible("Pirsch's import job is not of the documented shape", backend=BACKEND)
        job = ImportJob(
            id=made["id"], site=site.id, format=format, status=JobStatus.RUNNING, started_at=self.client.context.now(),
            bytes_done=len(content), bytes_total=len(content),
        )  # fmt: skip
        await self._keep(site, job)
        return job

    async def list_imports(self, site: Site) -> tuple[ImportJob, ...]:
        kept = await self.client.context.ledger.list(IMPORTS, f"{site.id}/")
        return tuple([await self._current(site, ImportJob.model_validate(document)) for _, document in kept])

    async def get_import(self, site: Site, job_id: str, *, wait: bool = False) -> ImportJob:
        """One that Pirsch no longer names has ended. It tells no failures."""
        document = await self.client.context.ledger.get(IMPORTS, f"{site.id}/{job_id}")
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
        await self.client.context.ledger.delete(IMPORTS, f"{site.id}/{job_id}")

    async def _current(self, site: Site, job: ImportJob) -> ImportJob:
        if job.status is not JobStatus.RUNNING:
            return job
        running = await self.client.get("import", domain_id=site.ref)
        if running and running.get("id") == job.id:
            return job
        ended = job.model_copy(update={"status": JobStatus.COMPLETED, "finished_at": self.client.context.now()})
        await self._keep(site, ended)
        return ended

    async def _keep(self, site: Site, job: ImportJob) -> None:
        await self.client.context.ledger.put(IMPORTS, f"{site.id}/{job.id}", job.model_dump(mode="json"))

    async def export(
        self, site: Site, format: str, first: date | None = None, last: date | None = None
    ) -> AsyncIterator[bytes]:
        """Everything Pirsch puts into its zip of CSV files. Raises NotFound for another format."""
        if format not in self.export_formats:
            raise NotFound(f"Pirsch exports {', '.join(self.export_formats)}, not {format}")
        today = self.client.context.now().astimezone(ZoneInfo(site.timezone)).date()
        begin = first or await first_day(self.client, site) or today
        params = (("id", site.ref), ("from", begin.isoformat()), ("to", (last or today).isoformat()))
        flags = tuple((name, "true") for name in CSV_FLAGS.split())
        reply = await self.client.send(Request("GET", "/api/v1/statistics", params=params + flags))
        yield reply.body
