"""The ingest journal: what was acknowledged, on disk before the acknowledgement, until the event store holds it.

Segments `<first seq>.log` of records; a record is events that were taken together. Writers that arrive while a sync
runs share the next one. `seq` numbers every event; numbers of records that failed are not used again. A checkpoint
names what the store holds safely and the batch that is under way (decision 0010).
"""

import asyncio
import contextlib
import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from adapters.local.collect.journal_frames import Mark, Record, frame, records_of
from models.errors import ConfigurationError, Overloaded

SEGMENT_BYTES = 64 << 20
BACKLOG_BYTES = 1 << 30
READ_BYTES = 8 << 20
CROWD, GATHERING = 16, 0.002
"""Collects that shared a sync from which on the next one waits for more to come, and for how many seconds."""
RETRY_AFTER = 5.0
CHECKPOINT = "checkpoint.json"
SUFFIX = ".log"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class JournalDamaged(ConfigurationError):
    """A segment that was complete once cannot be read; `tallyway fsck` says what is left of it."""


class Checkpoint(msgspec.Struct, frozen=True):
    """Everything up to `done` is safely in the store. `batch` > `done`: the batch up to there was begun.

    Visits last seen up to `swept` are known for their window only (decision 0010, "Forgetting").
    """

    done: int = 0
    batch: int = 0
    arrival: int = 0
    marks: dict[str, int] = {}
    swept: int = 0


@dataclass(slots=True)
class _Waiting:
    """Collects that will share one sync."""

    frames: list[bytes] = field(default_factory=list)
    size: int = 0
    last: int = 0
    synced: list[asyncio.Future[None]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when they are on disk, or were refused."""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    """A disk that becomes full may take a part of it first."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Journal:
    """Appends records and reads them back in order. One process, one event loop; open it with `Journal.open`."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, backlog_bytes: int = BACKLOG_BYTES) -> None:
        self.folder = folder
        self.checkpoint = Checkpoint()
        self.last = 0
        """The highest seq given out."""
        self.synced = 0
        """The highest seq on disk."""
        self._segment_bytes, self._backlog_bytes = segment_bytes, backlog_bytes
        self._segments: dict[int, int] = {}  # first seq -> bytes
        self._file = -1
        self._base = 0
        self._waiting = self._begun = _Waiting()
        self._waiting_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._broken = ""
        self.marks: dict[str, int] = {}
        """Of each sender, the greatest mark on disk."""
        self._read_to = (0, 0, 0)  # seq, segment, offset: where the last reading ended
        self.keep_after: int | None = None
        """Collects above this seq stay on disk even when the store holds them; None keeps none of those."""
        self.arrived = asyncio.Event()
        """Set when records were synced; the reader clears it."""
        self.wanted = 0
        self.enough = asyncio.Event()
        """Set when the seq that the reader wants is on disk; anybody may set it, the reader clears it."""

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        after: int = 0,
        keep_after: int | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        backlog_bytes: int = BACKLOG_BYTES,
    ) -> "Journal":
        """Open or create; cut off a torn tail (kept beside as `.torn`). `after`: seqs start above it at least.

        Raises JournalDamaged when an older segment is not whole, OSError when the folder cannot be used.
        """
        folder.mkdir(parents=True, exist_ok=True)
        journal = cls(folder, segment_bytes=segment_bytes, backlog_bytes=backlog_bytes)
        journal.keep_after = keep_after
        journal._recover(after)
        return journal

    # Recovery

    def _recover(self, after: int) -> None:
        path = self.folder / CHECKPOINT
        if path.exists():
            try:
                self.checkpoint = msgspec.json.decode(path.read_bytes(), type=Checkpoint)
            except msgspec.DecodeError as error:
                raise JournalDamaged(f"{CHECKPOINT} of the journal cannot be read") from error
        bases = sorted(int(p.stem) for p in self.folder.glob(f"*{SUFFIX}") if p.stem.isdecimal())
        if not bases and not path.exists():
            self.checkpoint = Checkpoint(done=after, batch=after)
        self.last = max(self.checkpoint.done, self.checkpoint.batch, after)
        self.marks = dict(self.checkpoint.marks)
        for base in bases:
            self._segments[base] = self._check(base, newest=base == bases[-1])
        self._forget_empty()
        self.synced = self.last
        self._drop_drained()
        self._start_segment()

    def _check(self, base: int, *, newest: bool) -> int:
        """Length of the sound part of a segment; cuts the newest there."""
        path = self._path(base)
        data = path.read_bytes()
        sound = 0
        for record in records_of(data):
            sound = record.end
            self.last = max(self.last, record.last)
            if record.mark and record.last > self.checkpoint.done:
                self.marks[record.mark[0]] = record.mark[1]
        if sound == len(data):
            return sound
        if not newest:
            raise JournalDamaged(f"journal segment {path.name} is damaged at byte {sound}")
        path.with_suffix(".torn").write_bytes(data[sound:])
        with path.open("r+b") as file:
            file.truncate(sound)
            os.fsync(file.fileno())
        return sound

    def _forget_empty(self) -> None:
        """A segment ends where the next one begins; one that was never written to says nothing of that."""
        for base in [base for base, size in self._segments.items() if not size]:
            self._path(base).unlink()
            del self._segments[base]

    def _path(self, base: int) -> Path:
        return self.folder / f"{base:020d}{SUFFIX}"

    def _start_segment(self) -> None:
        """Open a new, empty segment. Raises OSError."""
        base = self.last + 1
        opened = os.open(self._path(base), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.ftruncate(opened, self._segments.get(base, 0))
            _sync_folder(self.folder)
        except OSError:
            os.close(opened)
            raise
        if self._file >= 0:
            os.close(self._file)
        self._file, self._base = opened, base
        self._segments.setdefault(base, 0)

    # Writing

    @property
    def backlog(self) -> int:
        """Bytes that the store does not hold yet, roughly: whole segments count until they are drained."""
        return sum(self._segments.values()) + self._waiting_bytes

    async def append(self, payload: bytes, count: int, arrival: int, mark: Mark | None = None) -> int:
        """Write a record of `count` events; its first seq once it is on disk.

        Raises Overloaded when the backlog is at its bound or the disk refuses; then nothing of it was taken.
        """
        if self._broken:
            raise Overloaded(self._broken, retry_after=RETRY_AFTER)
        first = self.last + 1
        record = frame(first, count, arrival, payload, mark)
        size = len(record)
        if self.backlog + size > self._backlog_bytes:
            raise Overloaded("the event store has fallen behind", retry_after=RETRY_AFTER)
        self.last += count
        waiting = self._waiting
        waiting.frames.append(record)
        if mark:
            waiting.marks.append(mark)
        waiting.size += size
        waiting.last = self.last
        self._waiting_bytes += size
        synced = asyncio.get_running_loop().create_future()
        waiting.synced.append(synced)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await synced
        return first

    async def _write(self) -> None:
        """Write and sync what waits, until nothing does. Where there is a crowd, a moment brings a larger one."""
        loop, crowded = asyncio.get_running_loop(), False
        try:
            while self._waiting.frames:
                if crowded:
                    await asyncio.sleep(GATHERING)
                crowded = len(self._waiting.frames) >= CROWD
                group, self._waiting = self._waiting, _Waiting()
                self._begun = group
                failure = await loop.run_in_executor(self._thread, self._put, group)
                self._waiting_bytes -= group.size
                self._settle(group, failure)
        finally:
            self._writing = None

    async def settled(self) -> None:
        """Return when every record that was handed in before is on disk, or was refused.

        A record whose sender was cancelled is written all the same: whoever looks for it, or removes it, waits for it.
        """
        if self._writing is not None:
            await (self._waiting if self._waiting.frames else self._begun).settled.wait()

    def _settle(self, group: _Waiting, failure: OSError | None) -> None:
        group.settled.set()
        if failure is None:
            self.synced = group.last
            self.marks.update(group.marks)
            self.arrived.set()
            if self.synced >= self.wanted:
                self.enough.set()
        waiting = [synced for synced in group.synced if not synced.done()]  # a caller may have been cancelled
        if failure is None:
            for synced in waiting:
                synced.set_result(None)
            return
        full = failure.errno in FULL
        detail = "there is no space left for events" if full else "events cannot be written to disk"
        for synced in waiting:
            refusal = Overloaded(detail, retry_after=RETRY_AFTER)
            refusal.__cause__ = failure
            synced.set_exception(refusal)

    def _put(self, group: _Waiting) -> OSError | None:
        """Runs in the journal's thread: append, sync, rotate. What fails is taken back."""
        length = self._segments[self._base]
        try:
            _write_all(self._file, b"".join(group.frames))
            os.fdatasync(self._file)
        except OSError as error:
            self._take_back(length)
            return error
        self._segments[self._base] = length + group.size
        if length + group.size >= self._segment_bytes:
            with contextlib.suppress(OSError):  # the old segment goes on until a new one can be made
                self._rotate(group.last + 1)
        return None

    def _take_back(self, length: int) -> None:
        try:
            os.ftruncate(self._file, length)
        except OSError as error:
            self._broken = f"the journal cannot be repaired while running ({error.strerror})"

    def _rotate(self, base: int) -> None:
        opened = os.open(self._path(base), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            _sync_folder(self.folder)
        except OSError:
            os.close(opened)
            self._path(base).unlink()
            raise
        os.close(self._file)
        self._file, self._base = opened, base
        self._segments[base] = 0

    # Reading

    def read(self, after: int, rows: int, last: int | None = None) -> list[Record]:
        """Synced records above `after`, up to `last`, until they hold `rows` events; blocking, for another thread."""
        last = self.synced if last is None else min(last, self.synced)
        known, base_hint, offset_hint = self._read_to
        if known != after:
            base_hint = offset_hint = 0
        found: list[Record] = []
        taken = 0
        for base in sorted(self._segments):
            if base < base_hint:
                continue
            for record in self._records(base, offset_hint if base == base_hint else 0):
                if record.last > last or taken >= rows:
                    return found
                if record.first > after:
                    found.append(record)
                    taken += record.events
                    self._read_to = (record.last, base, record.end)
        return found

    def above(self, seq: int) -> Iterator[Record]:
        """Every synced record above a seq that is still on disk; blocking, for another thread."""
        bases = sorted(self._segments)
        for base, following in pairwise([*bases, self.last + 1]):
            if following - 1 > seq:
                yield from (record for record in self._records(base, 0) if record.first > seq)

    def _records(self, base: int, start: int) -> Iterator[Record]:
        size = self._segments.get(base, 0)
        if start >= size:
            return
        with self._path(base).open("rb") as file:
            window = READ_BYTES
            while start < size:
                file.seek(start)
                data = file.read(min(window, size - start))
                end = start
                for record in records_of(data, start_at=start):
                    end = record.end
                    yield record
                if end == start and len(data) == size - start:
                    raise JournalDamaged(f"journal segment {base} is damaged at byte {start}")
                start, window = end, window if end > start else window * 2

    def files(self) -> list[tuple[Path, int]]:
        """The segments, and how many bytes of each are on disk as whole records."""
        return [(self._path(base), size) for base, size in sorted(self._segments.items())]

    # Checkpoint

    def mark(self, checkpoint: Checkpoint) -> None:
        """Put the checkpoint on disk in one step; drop segments the store holds. Blocking. Raises OSError."""
        draft = self.folder / f".{CHECKPOINT}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write_all(descriptor, msgspec.json.encode(checkpoint))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(self.folder / CHECKPOINT)
        _sync_folder(self.folder)
        self.checkpoint = checkpoint
        self._drop_drained()

    def _drop_drained(self) -> None:
        bases = sorted(self._segments)
        done = self.checkpoint.done
        droppable = done if self.keep_after is None else min(done, self.keep_after)
        for base, following in pairwise(bases):
            if following - 1 <= droppable and base != self._base:
                self._path(base).unlink(missing_ok=True)
                del self._segments[base]

    async def close(self) -> None:
        """Let running writes end; nothing may be appended after."""
        self._broken = "the service is stopping"
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
