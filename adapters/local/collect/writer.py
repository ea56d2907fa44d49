"""Journal to store, exactly once: fixed batches, numbered events, a checkpoint after both tables (decision 0010)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace

from adapters.local.collect import recovery
from adapters.local.collect.columns import Columns, event_columns, session_columns, without_events, without_states
from adapters.local.collect.hit import unpack_hits
from adapters.local.collect.journal import Checkpoint, Journal, JournalDamaged
from adapters.local.collect.journal_frames import Record
from adapters.local.collect.read_barrier import ReadBarrier
from adapters.local.collect.sessions import WINDOW, Outcome, Sessions
from adapters.local.store.event_store import EventStore
from models.errors import GatewayError

log = structlog.get_logger(__name__)

BATCH_ROWS = 50_000
"""Events stored at once when many wait: a large batch costs the engine less than several small ones."""
INTERVAL = 0.7
"""Seconds that events wait for company; what is acknowledged is queryable well within two."""
BUSY = 2_000
"""Events that came meanwhile from which on they wait once more: larger parts are merged less often."""
RETRY_FIRST, RETRY_LAST = 0.5, 15.0
LOOK, QUIET = 2.0, float(WINDOW)
"""Seconds between two looks whether an import has ended, and between two sweeps of visits that nobody goes on with."""

Dropped = Callable[[str, int], None]
"""Told site and time (Unix seconds) of each engagement event that belongs to no visit."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The events `first` to `last`, as columns of both tables too, and the checkpoint to set when they are stored."""

    first: int
    last: int
    arrival: int
    outcome: Outcome
    events: Columns
    sessions: Columns
    marks: dict[str, int]

    @property
    def token(self) -> str:
        return f"{self.first}-{self.last}"


class Writer:
    """Drains a journal into a store. `start` first, `close` last; `flush` waits for all that was acknowledged."""

    def __init__(
        self,
        store: EventStore,
        journal: Journal,
        *,
        dropped: Dropped = lambda _site, _time: None,
        batch_rows: int = BATCH_ROWS,
        interval: float = INTERVAL,
        clock: Callable[[], int] = lambda: 0,
        importing: Callable[[], bool] = lambda: False,
    ) -> None:
        """`clock` is the time in Unix seconds; `importing` says whether files are being taken, or may go on to be."""
        self._store, self._journal, self._dropped = store, journal, dropped
        self._batch_rows, self._interval = batch_rows, interval
        self._clock, self._importing = clock, importing
        self._sessions = Sessions()
        self._outdated = False
        """Whether the open visits may differ from what the store holds; they are read back before the next batch."""
        self.barrier = ReadBarrier()
        """Lets reads see both tables of one moment."""
        self._forgotten: set[str] = set()
        self._progress = asyncio.Condition()
        self._storing = asyncio.Lock()
        self._waiting = 0
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None
        self._coming: asyncio.Task[Batch | None] | None = None
        """The batch after the one being stored, when a full one waits."""
        self.failing = ""
        """What keeps the writer from storing, "" when nothing does."""

    @property
    def done(self) -> int:
        """The highest seq that is safely in the store."""
        return self._journal.checkpoint.done

    async def start(self) -> None:
        """Rebuild the open visits, finish the batch that was under way, begin to drain. Raises JournalDamaged."""
        held = self._journal.checkpoint
        if held.done and not held.arrival:  # the journal was lost, or another service filled the store
            held = replace(held, arrival=self._clock() or await recovery.latest(self._store), swept=held.done)
            await asyncio.to_thread(self._journal.mark, held)
        self._sessions = await self._known()
        if held.batch > held.done:
            batch = await self._make(held.done, held.batch)
            if batch is None or batch.last != held.batch:
                raise JournalDamaged("the batch that was under way is not in the journal")
            await self._store_batch(batch, doubtful=True)
        self._task = asyncio.create_task(self._run(), name="event-writer")
        self._forgetting = asyncio.create_task(self._forget(), name="event-writer-forgets")

    def forget_site(self, site: str) -> None:
        """Open visits of a deleted site are not written again."""
        self._forgotten.add(site)

    @contextlib.asynccontextmanager
    async def paused(self, *, changing: bool = True) -> AsyncIterator[None]:
        """Nothing is stored meanwhile. With `changing` rows may be changed: the open visits are read back after it."""
        async with self._storing:
            try:
                yield
            finally:
                self._outdated = self._outdated or changing

    async def _reread(self) -> None:
        """The visits as the store has them; a batch that was made of what was known before is made again."""
        await self._discard()
        self._sessions = await self._known()
        self._outdated = False

    async def _known(self) -> Sessions:
        held = self._journal.checkpoint
        return Sessions(await recovery.open_visits(self._store, held.done, held.arrival, held.swept), held.swept)

    # Forgetting

    async def _forget(self) -> None:
        """Sweep every now and then what was not added to since the time before, and all when an import has ended."""
        before, importing, waited = self.done, self._importing(), 0.0
        with contextlib.suppress(GatewayError):
            await self._store.release()  # what the start needed
        while True:
            await asyncio.sleep(LOOK)
            waited += LOOK
            was, importing = importing, await asyncio.to_thread(self._importing)
            ended = was and not importing
            if importing or (waited < QUIET and not ended):
                continue
            try:
                if await self.sweep(self.done if ended else before):
                    before, waited = self.done, 0.0
                    await self._store.release()
            except Exception as error:  # an odd one must not end the sweeping in silence
                log.warning("not_forgotten", error=type(error).__name__, cause=str(error)[:300])

    async def sweep(self, upto: int) -> bool:
        """Forget visits last seen up to a seq (31 minutes without an event, by the clock); False while a batch is made.

        The checkpoint says it first, so that a restart forgets the same. Raises OSError.
        """
        async with self._storing:
            if self._coming is not None or self._outdated:
                return False
            held = self._journal.checkpoint
            # What was acknowledged before now and is not stored yet has its own, earlier clock.
            drained = self._journal.synced <= held.done
            now = self._clock() - int(QUIET) if drained else 0
            told = replace(held, arrival=max(held.arrival, now), swept=max(held.swept, min(upto, held.done)))
            if told != held and (told.swept != held.swept or len(self._sessions)):
                await asyncio.to_thread(self._journal.mark, told)
                await asyncio.to_thread(self._sessions.sweep, told.swept, told.arrival)
        return True

    async def flush(self) -> None:
        """Return when everything handed in before is queryable, also what nobody waits for to be acknowledged."""
        await self._journal.settled()
        goal = self._journal.synced
        self._waiting += 1
        self._journal.enough.set()
        try:
            async with self._progress:
                await self._progress.wait_for(lambda: self.done >= goal)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Store what is left, then stop. If the store refuses, it stays in the journal for the next start."""
        self._closing = True
        self._journal.enough.set()
        self._journal.arrived.set()
        if self._forgetting is not None:
            async with self._storing:  # a sweep that was begun is not left to a thread
                self._forgetting.cancel()
            await asyncio.gather(self._forgetting, return_exceptions=True)
        if self._task is not None:
            await self._task
        await self._discard()

    async def _discard(self) -> None:
        if self._coming is not None:
            await asyncio.gather(self._coming, return_exceptions=True)
            self._coming = None

    # The loop

    async def _run(self) -> None:
        while True:
            await self._gather()
            if not await self._drain() and self._closing:
                return
            if self._closing and self.failing:
                return

    async def _gather(self) -> None:
        """Wait for events, then for company: a second, or a full batch, or somebody in a hurry."""
        journal = self._journal
        if journal.synced <= self.done:
            journal.arrived.clear()
            if not self._closing:
                await journal.arrived.wait()
        journal.wanted = self.done + self._batch_rows
        if journal.synced >= journal.wanted or self._waiting or self._closing:
            return
        journal.enough.clear()
        if not await self._waited() and journal.synced - self.done >= BUSY:
            await self._waited()

    async def _waited(self) -> bool:
        """Whether enough came, or somebody in a hurry, before the time was over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval):
                return await self._journal.enough.wait()
        return False

    async def _drain(self) -> bool:
        """Store the next batch while the one after it is made; False when nothing waits."""
        async with self._storing:
            batch = await self._next()
            if batch is None:
                return False
            held = self._journal.checkpoint
            ahead = replace(held, batch=batch.last)
            if await self._insist(lambda: asyncio.to_thread(self._journal.mark, ahead)):
                if self._journal.synced - batch.last >= self._batch_rows:
                    self._coming = asyncio.create_task(self._make(batch.last))
                await self._keep_trying(batch)
            return True

    async def _next(self) -> Batch | None:
        """The batch after what is stored. One that could not be made may have left its traces in the visits."""
        made: list[Batch | None] = []

        async def attempt() -> None:
            if self._outdated:
                await self._reread()
            coming, self._coming = self._coming, None
            self._outdated = True
            made.append(await (coming or self._make(self.done)))
            self._outdated = False

        return made[0] if await self._insist(attempt) else None

    async def _keep_trying(self, batch: Batch) -> None:
        doubtful = False

        async def attempt() -> None:
            nonlocal doubtful
            again, doubtful = doubtful, True
            await self._store_batch(batch, doubtful=again)

        async with self.barrier.storing({hit.site for hit in batch.outcome.hits}):
            await self._insist(attempt)

    async def _insist(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do it until it works; False when the service stops before it did.

        Whatever it fails with: a writer that ended would leave everybody's events in the journal, and say nothing.
        """
        pause = RETRY_FIRST
        while True:
            try:
                await work()
            except Exception as error:
                told = error if isinstance(error, GatewayError | OSError) else type(error).__name__
                self.failing = f"events wait in the journal: {told}"
                log.warning("store_failed", error=type(error).__name__, cause=str(error.__cause__ or told)[:300])
            else:
                self.failing = ""
                return True
            if self._closing:
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_LAST)

    async def _make(self, after: int, last: int | None = None) -> Batch | None:
        """The batch of what was acknowledged above a seq, up to `last`; None when that is nothing."""
        rows = self._batch_rows if last is None else last
        records = await asyncio.to_thread(self._journal.read, after, rows, last)
        return await asyncio.to_thread(self._assign, records) if records else None

    def _assign(self, records: Sequence[Record]) -> Batch:
        for site in tuple(self._forgotten):
            self._sessions.forget_site(site)
            self._forgotten.discard(site)
        outcome = self._sessions.apply((r.first, r.arrival, unpack_hits(r.payload)) for r in records)
        marks = dict(r.mark for r in records if r.mark)
        columns = event_columns(outcome), session_columns(outcome)
        return Batch(records[0].first, records[-1].last, records[-1].arrival, outcome, *columns, marks)

    def _after(self, batch: Batch) -> Checkpoint:
        """The checkpoint when the batch is stored; marks of senders that have finished are left out."""
        marks = {**self._journal.checkpoint.marks, **batch.marks}
        kept = {sender: position for sender, position in marks.items() if sender in self._journal.marks}
        held = self._journal.checkpoint
        return Checkpoint(batch.last, batch.last, max(held.arrival, batch.arrival), kept, held.swept)

    async def _store_batch(self, batch: Batch, *, doubtful: bool) -> None:
        """Both tables, then the checkpoint. `doubtful`: part of it may be stored already."""
        if doubtful:  # which visits are stored is found by the events that are
            await self._store_events(batch, doubtful=True)
            await self._store_sessions(batch, doubtful=True)
        else:
            await _both(self._store_events(batch, doubtful=False), self._store_sessions(batch, doubtful=False))
        await asyncio.to_thread(self._journal.mark, self._after(batch))
        for site, time in batch.outcome.dropped:
            self._dropped(site, time)
        async with self._progress:
            self._progress.notify_all()

    async def _store_events(self, batch: Batch, *, doubtful: bool) -> None:
        if not doubtful:
            await self._insert("events", batch.events, batch.token)
            return
        for token in (batch.token, f"{batch.token}+"):
            there = await recovery.stored_seqs(self._store, batch.first, batch.last)
            left = without_events(batch.outcome, there)
            await self._insert("events", await asyncio.to_thread(event_columns, left), token)

    async def _store_sessions(self, batch: Batch, *, doubtful: bool) -> None:
        if not doubtful:
            await self._insert("sessions", batch.sessions, batch.token)
            return
        for token in (batch.token, f"{batch.token}+"):
            there = await recovery.stored_states(self._store, batch.first, batch.last)
            left = without_states(batch.outcome, there)
            await self._insert("sessions", await asyncio.to_thread(session_columns, left), token)

    async def _insert(self, table: str, columns: Columns, token: str) -> None:
        if len(columns["site"]):
            await self._store.insert(table, columns, token)


async def _both(one: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Two things at once; when one fails, the error, but not before the other has ended."""
    for result in await asyncio.gather(one, other, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
