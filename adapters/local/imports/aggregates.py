"""Carries out the import of a Plausible archive: rows first, then the note that makes queries see them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.base import Ledger
from adapters.local.imports.ndjson import MOST_PROBLEMS
from adapters.local.imports.plausible_csv import Archive, ArchiveRefused, Rows, TableFile, open_archive, read_rows
from adapters.local.imports.task import Done, Report, Task
from adapters.local.store.event_store import EventStore
from adapters.local.store.imported import KIND
from adapters.local.store.schema import IMPORTED
from models.errors import Conflict
from models.job import ImportJob, JobStatus, LineProblem, OnError
from models.site import Site

MOST_IMPORTS = 20
"""Archives that a site may hold at once; each makes its queries a little longer."""


@dataclass(slots=True)
class Tally:
    """What was found so far. `held` are the tables with rows."""

    rows: int = 0
    skipped: int = 0
    broken: int = 0
    problems: list[LineProblem] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    scroll_depth: bool = False

    def add(self, table: str, rows: Rows) -> None:
        self.rows += rows.count
        self.skipped += rows.outside + len(rows.problems)
        self.broken += len(rows.problems)
        self.problems += rows.problems[: MOST_PROBLEMS - len(self.problems)]
        if rows.count:
            self.held.add(table)
        self.scroll_depth = self.scroll_depth or any(rows.columns.get("total_scroll_depth_visits", ()))


class AggregateImport:
    """Takes archives of daily aggregates."""

    def __init__(self, store: EventStore, ledger: Ledger) -> None:
        self._store, self._ledger = store, ledger

    async def admit(self, site: Site) -> None:
        """Raises Conflict when the site holds as many archives as it may."""
        if len(await self._ledger.list(KIND, f"{site.id}/")) >= MOST_IMPORTS:
            raise Conflict(f"at most {MOST_IMPORTS} imports of daily aggregates per site; delete one first")

    async def run(self, task: Task, report: Report) -> Done:
        """Import the archive; an attempt that was cut off is made anew. Raises OSError, Conflict, BackendError."""
        await self._ledger.delete(KIND, _key(task.site, task.job))  # of an attempt cut off after it: it counts as none
        await self.admit(task.site)
        try:
            archive = await asyncio.to_thread(open_archive, task.path)
            if task.on_error is OnError.ABORT:
                found = await self._examined(archive)
                if found.broken:
                    return Done(_refused(task, found, f"nothing was taken: {found.broken} rows cannot be"))
            await self._withdraw(task.site, task.job)
            return Done(await self._take(task, archive, report))
        except ArchiveRefused as refusal:
            await self._withdraw(task.site, task.job)
            return Done(_refused(task, Tally(problems=[refusal.problem]), f"nothing was taken: {refusal}"))

    async def remove(self, site: Site, job: ImportJob, path: Path, traces: Mapping[str, Any]) -> None:
        """Hide the rows at once, then delete them."""
        await self._ledger.delete(KIND, _key(site, job))
        await self._withdraw(site, job)

    def clean(self, path: Path) -> None:
        """Nothing is kept beside an archive."""

    async def _examined(self, archive: Archive) -> Tally:
        tally = Tally()
        async for file, rows in _all(archive):
            tally.add(file.table, rows)
        return tally

    async def _take(self, task: Task, archive: Archive, report: Report) -> ImportJob:
        tally, attempt = Tally(), secrets.token_hex(8)
        part = 0
        async for file, rows in _all(archive):
            part += 1
            if rows.count:
                whose = {"site": [task.site.id] * rows.count, "import": [task.job.id] * rows.count}
                await self._store.insert(file.table, {**whose, **rows.columns}, f"import-{attempt}-{part}")
            tally.add(file.table, rows)
            report(_counted(task, tally, archive))
        document = {
            "id": task.job.id,
            "first": archive.first.isoformat(),
            "last": archive.last.isoformat(),
            "tables": sorted(tally.held),
            "scroll_depth": tally.scroll_depth,
        }
        await self._ledger.put(KIND, _key(task.site, task.job), document)
        return _counted(task, tally, archive).model_copy(update={"status": JobStatus.COMPLETED})

    async def _withdraw(self, site: Site, job: ImportJob) -> None:
        given = {"site": site.id, "import": job.id}
        condition = "site = {site:String} AND `import` = {import:String}"
        for table in IMPORTED:
            if (await self._store.query(f"SELECT count() FROM {table} WHERE {condition}", given))[0][0]:
                await self._store.delete(table, condition, given)


async def _all(archive: Archive) -> AsyncIterator[tuple[TableFile, Rows]]:
    for file in archive.files:
        reading = read_rows(archive, file)
        while (rows := await asyncio.to_thread(next, reading, None)) is not None:
            yield file, rows


def _key(site: Site, job: ImportJob) -> str:
    return f"{site.id}/{int(job.id):012d}"


def _counted(task: Task, tally: Tally, archive: Archive) -> ImportJob:
    return task.job.model_copy(
        update={
            "rows": tally.rows,
            "skipped": tally.skipped,
            "problems": tuple(tally.problems),
            "first_date": archive.first.isoformat(),
            "last_date": archive.last.isoformat(),
        }
    )


def _refused(task: Task, found: Tally, error: str) -> ImportJob:
    return task.job.model_copy(
        update={
            "status": JobStatus.FAILED,
            "skipped": found.broken,
            "problems": tuple(found.problems),
            "error": error,
        }
    )
