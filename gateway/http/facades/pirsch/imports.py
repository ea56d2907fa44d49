"""Imports of Plausible's CSV archive, and what became of them (contracts: Pirsch 13)."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.datastructures import FormData, UploadFile

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.documents import written
from gateway.http.facades.pirsch.wording import invalid
from models.job import ImportJob, JobStatus

FORMAT = "plausible"
CHUNK = 1 << 20
RUNNING = (JobStatus.WAITING, JobStatus.RUNNING)


async def start(ask: PirschAsk) -> Any:
    """`POST /import/plausible`: a form of `file` and `domain`, elsewhere `domain_id` (2026-07, contract 7, row 16)."""
    async with ask.request.form(max_files=1, max_fields=10) as form:
        record = await ask.site_of(form.get("domain"))
        job = await ask.services.history.start(ask.caller, record, FORMAT, _chunks(form))
    return _view(job)


async def _chunks(form: FormData) -> AsyncIterator[bytes]:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise invalid("file", "is required")
    while chunk := await file.read(CHUNK):
        yield chunk


async def show(ask: PirschAsk) -> Any:
    """`GET /import?domain_id=`: the newest job; an empty object when there is none."""
    jobs = await ask.services.history.listed(await ask.named_site("domain_id"))
    newest = max(jobs, key=lambda job: written(job.started_at), default=None)
    return {} if newest is None else _view(newest)


async def cancel(ask: PirschAsk) -> Any:
    """`DELETE /import?domain_id=`: takes back what is not finished yet."""
    record = await ask.named_site("domain_id")
    for job in await ask.services.history.listed(record):
        if job.status in RUNNING:
            await ask.services.history.delete(ask.caller, record, job.id)
    return {}


def _view(job: ImportJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "def_time": written(job.started_at),
        "mod_time": written(job.finished_at or job.started_at),
        "domain_id": job.site,
        "type": job.format,
        "from": job.first_date,
        "to": job.last_date,
        "status": str(job.status),
    }
