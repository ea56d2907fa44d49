"""Imports as jobs: announced, carried out in the background, resumed after a restart, never taken twice.

The ledger holds a document for each job and one for the content of each file, by format; the files wait in a folder.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from adapters.base import Ledger
from adapters.local.imports import problems
from adapters.local.imports.task import Done, Runner, Task
from adapters.local.store.imported import KIND
from models.errors import GatewayError, InvalidRequest, NotFound, Problem
from models.job import ImportJob, JobStatus, OnError, ProblemPage
from models.site import Site

log = structlog.get_logger(__name__)

JOBS, DIGESTS = "import_jobs", "import_digests"
AT_ONCE = 2
"""Large imports that run beside each other; small ones do not wait for them."""
LARGE = 1 << 20
NOTE_SECONDS = 1.0
"""How often progress is written to the ledger."""
ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)


class Imports:
    """The imports of every site, by format. `start` first, `close` last: what is unfinished goes on at the next one."""

    def __init__(
        self, ledger: Ledger, folder: Path, runners: Mapping[str, Runner], *, now: Callable[[], datetime]
    ) -> None:
        self._ledger, self._folder, self._runners, self._now = ledger, folder, runners, now
        self._jobs: dict[str, ImportJob] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._starting = asyncio.Lock()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.ending = asyncio.Lock()
        """Held while a job is written down as ended and its file removed: a backup must see both or neither."""

    @property
    def formats(self) -> tuple[str, ...]:
        return tuple(self._runners)

    async def start(self) -> None:
        """Go on with what a stop or a crash left unfinished."""
        found = [(ImportJob(**document["job"]), document) for _, document in await self._ledger.list(JOBS)]
        wanted = {job.id for job, _ in found if job.status is not JobStatus.COMPLETED}
        await asyncio.to_thread(_tidy, self._folder, wanted, {job.id for job, _ in found})
        for job, document in found:
            if job.status not in ENDED:
                self._begin(self._task(job, document), document)

    async def close(self) -> None:
        """Stop at the next block."""
        running = tuple(self._tasks.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def start_import(self, site: Site, format: str, source: Path, on_error: OnError) -> ImportJob:
        """Begin, or find the job that took (or is taking) the same content; a failed one goes on. Moves the file.

        Raises InvalidRequest for an unknown format, Conflict when the site has too many imports.
        """
        if format not in self._runners:
            raise InvalidRequest([Problem("format", "is not known", self.formats)])
        content, size = await asyncio.to_thread(_measured, source)
        digest = f"{format}-{content}"  # read in the wrong format it gave no rows: it is not there yet
        async with self._starting:
            twin = await self._twin(site, f"{site.id}/{digest}")
            if twin is not None and twin.status is not JobStatus.COMPLETED:
                return await self._again(site, twin, source, on_error)
            if twin is None:
                await self._runners[format].admit(site)
            number = await self._ledger.next_id(JOBS)
            job = ImportJob(
                id=str(number), site=site.id, format=format, status=JobStatus.WAITING, bytes_total=size,
                started_at=self._now(),
            )  # fmt: skip
            if twin is not None:
                await asyncio.to_thread(source.unlink, missing_ok=True)
                return await self._announce_duplicate(job, twin)
            await asyncio.to_thread(_move, source, self._path(job))
            document = {"digest": digest, "on_error": str(on_error), "site": site.model_dump(mode="json")}
            # One fact: a job without its digest would let the same file count again.
            await self._ledger.change(
                {(JOBS, _key(job)): _kept(job, document), (DIGESTS, f"{site.id}/{digest}"): {"job": job.id}}
            )
            self._begin(self._task(job, document), document)
            return job

    async def _twin(self, site: Site, key: str) -> ImportJob | None:
        pointer = await self._ledger.get(DIGESTS, key)
        return await self.get_import(site, pointer["job"]) if pointer else None

    async def _again(self, site: Site, job: ImportJob, source: Path, on_error: OnError) -> ImportJob:
        """The job of a file that is being taken, or whose taking broke off and now goes on."""
        if job.id in self._tasks:
            await asyncio.to_thread(source.unlink, missing_ok=True)
            return job
        await asyncio.to_thread(_move, source, self._path(job))
        document = await self._document(site, job.id)
        document["on_error"] = str(on_error)
        resumed = job.model_copy(update={"status": JobStatus.WAITING, "error": "", "finished_at": None})
        await self._save(resumed, document)
        self._begin(self._task(resumed, document), document)
        return resumed

    async def _announce_duplicate(self, job: ImportJob, twin: ImportJob) -> ImportJob:
        done = job.model_copy(
            update={
                "status": JobStatus.COMPLETED, "duplicate": True, "bytes_done": job.bytes_total,
                "first_date": twin.first_date, "last_date": twin.last_date, "finished_at": self._now(),
            }
        )  # fmt: skip
        await self._save(done, {"digest": ""})
        return done

    async def list_imports(self, site: Site) -> tuple[ImportJob, ...]:
        """Oldest first."""
        found = [ImportJob(**document["job"]) for _, document in await self._ledger.list(JOBS, f"{site.id}/")]
        return tuple(self._jobs.get(job.id, job) for job in found)

    async def get_import(self, site: Site, job_id: str, *, wait: bool = False) -> ImportJob:
        """`wait` returns when the job has ended. Raises NotFound."""
        document = await self._document(site, job_id)
        task = self._tasks.get(job_id)
        if wait and task is not None:
            await asyncio.wait([task])
            document = await self._document(site, job_id)
        return self._jobs.get(job_id) or ImportJob(**document["job"])

    async def problems_of(self, site: Site, job_id: str, offset: int, limit: int) -> ProblemPage:
        """Refused lines from an offset on. Raises NotFound, InvalidRequest for an offset that is none."""
        job = await self.get_import(site, job_id)
        found = await asyncio.to_thread(problems.page, problems.beside(self._path(job)), offset, limit)
        return problems.page_of(job.problems, offset, limit) if found is None else found

    async def delete_import(self, site: Site, job_id: str) -> None:
        """Stop it if it runs, take its rows back, forget it: the same file may be imported again. Raises NotFound."""
        document = await self._document(site, job_id)
        await self._stop(job_id)
        document = await self._document(site, job_id)
        job = ImportJob(**document["job"])
        if not job.duplicate:
            await self._runners[job.format].remove(site, job, self._path(job), document.get("traces", {}))
        await self._forget(job, document)

    async def forget_site(self, site_id: str) -> None:
        """Drop the jobs of a deleted site and what queries know of them; its rows are purged by others."""
        for _, document in await self._ledger.list(JOBS, f"{site_id}/"):
            job = ImportJob(**document["job"])
            await self._stop(job.id)
            await self._forget(job, document)
        for key, _ in await self._ledger.list(KIND, f"{site_id}/"):
            await self._ledger.delete(KIND, key)

    async def _forget(self, job: ImportJob, document: Mapping[str, Any]) -> None:
        """The documents at once; files that stay behind when we are cut off here are tidied at the next start."""
        digest = document.get("digest")
        await self._ledger.change({}, [(JOBS, _key(job)), *([(DIGESTS, f"{job.site}/{digest}")] if digest else [])])
        await asyncio.to_thread(self._clean, job)
        await asyncio.to_thread(problems.beside(self._path(job)).unlink, missing_ok=True)

    async def _stop(self, job_id: str) -> None:
        task = self._tasks.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _document(self, site: Site, job_id: str) -> dict[str, Any]:
        known = job_id.isdecimal() and len(job_id) <= 12
        document = await self._ledger.get(JOBS, f"{site.id}/{int(job_id):012d}") if known else None
        if document is None:
            raise NotFound("no such import on this site")
        return document

    async def _save(self, job: ImportJob, document: Mapping[str, Any]) -> None:
        await self._ledger.put(JOBS, _key(job), _kept(job, document))

    def _path(self, job: ImportJob) -> Path:
        return self._folder / f"{job.id}.{job.format}"

    def _clean(self, job: ImportJob) -> None:
        path = self._path(job)
        self._runners[job.format].clean(path)
        path.unlink(missing_ok=True)

    def _task(self, job: ImportJob, document: Mapping[str, Any]) -> Task:
        running = job.model_copy(update={"status": JobStatus.RUNNING})
        return Task(running, Site(**document["site"]), self._path(job), OnError(document["on_error"]))

    # Carrying out

    def _begin(self, task: Task, document: Mapping[str, Any]) -> None:
        job = task.job
        self._jobs[job.id] = job
        running = asyncio.create_task(self._run(task, document), name=f"import-{job.id}")
        self._tasks[job.id] = running
        running.add_done_callback(lambda _: (self._tasks.pop(job.id), self._jobs.pop(job.id)))

    async def _run(self, task: Task, document: Mapping[str, Any]) -> None:
        gate = self._gate if task.job.bytes_total >= LARGE else contextlib.nullcontext()
        async with gate:
            noting = asyncio.create_task(self._note(task.job.id, document))
            try:
                done = await self._carried_out(task)
            finally:
                noting.cancel()
                await asyncio.gather(noting, return_exceptions=True)
            ended = done.job.model_copy(update={"finished_at": self._now()})
            if ended.status is JobStatus.COMPLETED:
                ended = ended.model_copy(update={"bytes_done": ended.bytes_total})
            async with self.ending:
                await self._save(ended, {**document, "traces": dict(done.traces)})
                self._jobs[ended.id] = ended
                if ended.status is JobStatus.COMPLETED or not ended.rows:
                    await asyncio.to_thread(self._clean, ended)

    async def _carried_out(self, task: Task) -> Done:
        """The end of a job, or of the attempt: what broke off keeps its file and goes on when it is sent again."""
        try:
            return await self._runners[task.job.format].run(task, lambda job: self._jobs.update({job.id: job}))
        except Exception as error:  # whatever broke, the job must not look as if it still ran
            held = self._jobs[task.job.id]
            log.warning("import_failed", job=held.id, site=held.site, exc_info=error)
            said = error.detail if isinstance(error, GatewayError) else "the file could not be read to its end"
            reason = f"stopped after {held.rows} rows: {said}; send the file again to go on"
            return Done(held.model_copy(update={"status": JobStatus.FAILED, "error": reason}))

    async def _note(self, job_id: str, document: Mapping[str, Any]) -> None:
        """Write progress to the ledger now and then, for those who ask after a crash."""
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            await self._save(self._jobs[job_id], document)


def _kept(job: ImportJob, document: Mapping[str, Any]) -> dict[str, Any]:
    """A job's document in the ledger."""
    return {**document, "job": job.model_dump(mode="json")}


def _key(job: ImportJob) -> str:
    return f"{job.site}/{int(job.id):012d}"


def _tidy(folder: Path, wanted: Collection[str], known: Collection[str]) -> None:
    """Make the folder; remove files of jobs that need them no more. A name begins with the job's id.

    What was refused is kept for as long as the job is known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        number = path.name.lstrip(".").partition(".")[0]
        if number not in (known if path.suffix == problems.SUFFIX else wanted):
            path.unlink()


def _measured(path: Path) -> tuple[str, int]:
    """Digest and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
        return digest, file.tell()


def _move(source: Path, target: Path) -> None:
    """Move a file and see to it that it survives a power cut."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
    for path in (target, target.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
