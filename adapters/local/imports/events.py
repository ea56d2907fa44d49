"""Carries out the import of a file of events: block by block through the journal, each line taken exactly once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.local.care.removal import Removal
from adapters.local.collect.ingest import GONE, Collector, RulesOf
from adapters.local.collect.journal import Journal
from adapters.local.imports import problems, state
from adapters.local.imports.ndjson import MOST_PROBLEMS, Block, Source
from adapters.local.imports.readers import Blocks, Readers
from adapters.local.imports.state import Progress, Step
from adapters.local.imports.task import Done, Report, Task
from models.errors import NotFound, Overloaded
from models.job import ImportJob, JobStatus, LineProblem, OnError
from models.site import Site

BACKLOG_BYTES = 128 << 20
"""An import waits while the journal is further ahead of the store than this; live events may go on."""
PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Totals:
    """What a pass over a whole file found, without taking anything."""

    broken: int = 0
    problems: tuple[LineProblem, ...] = ()


class EventImport:
    """Takes files of events into the journal that the collector writes to."""

    def __init__(
        self,
        journal: Journal,
        collector: Collector,
        readers: Readers,
        *,
        removal: Removal,
        rules_of: RulesOf,
        now: Callable[[], datetime],
    ) -> None:
        self._journal, self._recorder, self._readers = journal, collector, readers
        self._removal, self._rules_of, self._now = removal, rules_of, now
        self._steps: dict[Path, int] = {}

    async def admit(self, site: Site) -> None:
        """Any number of files may be imported."""

    async def run(self, task: Task, report: Report) -> Done:
        """Import the file, or go on where it was left. Raises OSError, NotFound when the site is gone."""
        rules = await self._rules_of(task.site)
        if rules is None:
            raise NotFound(GONE.reason)
        notes = task.path.with_suffix(state.SUFFIX)
        held = await asyncio.to_thread(state.load, notes)
        async with self._readers.open(Source(task.path, task.site, rules, self._now())) as blocks:
            if held is None and task.on_error is OnError.ABORT:
                found = await self._examined(blocks, report, task)
                if found.broken:
                    return Done(_refused(task, found))
            held = await self._settled(notes, held or Progress())
            await asyncio.to_thread(problems.cut, problems.beside(task.path), held.told)
            held = await self._take_all(task, blocks, notes, held, report)
        await self._recorder.flush()
        return Done(_running(task, held).model_copy(update={"status": JobStatus.COMPLETED}), {"seqs": held.seqs})

    async def remove(self, site: Site, job: ImportJob, path: Path, traces: Mapping[str, Any]) -> None:
        """Delete the file's events and count the visits they were part of anew. Takes seconds."""
        seqs = traces.get("seqs")
        if seqs is None:
            notes = path.with_suffix(state.SUFFIX)
            held = await asyncio.to_thread(state.load, notes)
            seqs = (await self._settled(notes, held)).seqs if held else []
            self._keep(notes, None)
        if seqs:
            await self._removal.events(site.id, seqs)

    def clean(self, path: Path) -> None:
        """The journal need not keep anything for it any more, either."""
        notes = path.with_suffix(state.SUFFIX)
        notes.unlink(missing_ok=True)
        self._keep(notes, None)

    async def _examined(self, blocks: Blocks, report: Report, task: Task) -> Totals:
        """Read all of it before anything is taken."""
        broken, told, first = 0, 0, list[LineProblem]()
        async for block in _all(blocks, Progress()):
            broken += block.broken
            first += block.problems[: MOST_PROBLEMS - len(first)]
            told = await _told(task.path, told, block)
            report(task.job.model_copy(update={"skipped": broken}))
        return Totals(broken, tuple(first))

    async def _settled(self, notes: Path, held: Progress) -> Progress:
        """The progress after a crash or a stop, once the journal has said whether the step under way got there."""
        step = held.step
        if step is None:
            return held
        self._keep(notes, step.after)
        await self._journal.settled()
        first = await asyncio.to_thread(self._find, step)
        return state.begun(held, step) if first is None else state.advanced(held, step, first)

    def _find(self, step: Step) -> int | None:
        if not step.rows:
            return None
        found = (r for r in self._journal.above(step.after) if r.events == step.rows)
        return next((r.first for r in found if state.digest_of(r.payload) == step.digest), None)

    async def _take_all(self, task: Task, blocks: Blocks, notes: Path, held: Progress, report: Report) -> Progress:
        """Every block from where the progress is. The journal keeps the last step until it is written down as taken."""
        try:
            async for block in _all(blocks, held):
                held = await self._take(notes, held, block)
                report(_running(task, held))
        except asyncio.CancelledError:
            raise
        except BaseException:
            await self._rest(notes, held)
            raise
        await self._rest(notes, held)
        return held

    async def _rest(self, notes: Path, held: Progress) -> None:
        await asyncio.to_thread(state.save, notes, held)
        self._keep(notes, None)

    async def _take(self, notes: Path, held: Progress, block: Block) -> Progress:
        """One block: written down as under way, journalled, counted. A full journal is waited for."""
        if self._journal.backlog > BACKLOG_BYTES:
            await self._recorder.flush()
        step = state.step_of(block, self._journal.last, await _told(notes, held.told, block))
        if not block.rows:
            return state.advanced(held, step, 0)
        self._keep(notes, step.after)
        await _saved(notes, state.begun(held, step))
        return state.advanced(held, step, await _insist(lambda: self._recorder.take_packed(block.payload, block.rows)))

    def _keep(self, notes: Path, after: int | None) -> None:
        """Tell the journal which records somebody may have to look for."""
        if after is None:
            self._steps.pop(notes, None)
        else:
            self._steps[notes] = after
        self._journal.keep_after = min(self._steps.values(), default=None)


async def _all(blocks: Blocks, held: Progress) -> AsyncIterator[Block]:
    """Blocks from where the progress is, the next one being read while one is worked on."""
    coming = asyncio.ensure_future(blocks.read(held.offset, held.line))
    line = held.line
    try:
        while (block := await coming).lines:
            line += block.lines
            coming = asyncio.ensure_future(blocks.read(block.end, line))
            yield block
    finally:
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await coming


async def _told(beside: Path, length: int, block: Block) -> int:
    """How long the file of problems is with those of the block."""
    return await asyncio.to_thread(problems.add, problems.beside(beside), length, block.told) if block.told else length


async def _saved(notes: Path, held: Progress) -> None:
    """Whoever cancels it may remove the file afterwards: no thread is left that would write it again."""
    saving = asyncio.ensure_future(asyncio.to_thread(state.save, notes, held))
    try:
        await asyncio.shield(saving)
    finally:
        await asyncio.wait([saving])


async def _insist(work: Callable[[], Awaitable[int]]) -> int:
    while True:
        try:
            return await work()
        except Overloaded as refusal:
            await asyncio.sleep(refusal.retry_after or PAUSE)


def _running(task: Task, held: Progress) -> ImportJob:
    """The job as it stands."""
    return task.job.model_copy(
        update={
            "rows": held.rows,
            "skipped": held.refused,
            "problems": state.problems_of(held),
            "bytes_done": held.offset,
            "first_date": task.day_of(held.first) if held.rows else None,
            "last_date": task.day_of(held.last) if held.rows else None,
        }
    )


def _refused(task: Task, found: Totals) -> ImportJob:
    return task.job.model_copy(
        update={
            "status": JobStatus.FAILED,
            "skipped": found.broken,
            "problems": found.problems,
            "error": f"nothing was taken: {found.broken} of the file's lines cannot be",
        }
    )
