"""The journal: on disk before the answer, whole records only, back-pressure, a full disk without half-taken events."""

import asyncio
import contextlib
import errno
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.local.collect import journal as journal_module
from adapters.local.collect.journal import Checkpoint, Journal, JournalDamaged
from adapters.local.collect.journal_frames import frame, records_of
from models.errors import Overloaded


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


@contextlib.asynccontextmanager
async def opened(folder: Path, **options: int) -> AsyncIterator[Journal]:
    journal = Journal.open(folder, **options)
    try:
        yield journal
    finally:
        await journal.close()


async def test_records_come_back_in_order_with_their_numbers(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        assert [await journal.append(b"one", 2, 10), await journal.append(b"two", 1, 11)] == [1, 3]
    async with opened(tmp_path) as journal:
        found = journal.read(after=0, rows=100)
        assert [(r.first, r.last, r.arrival, r.payload) for r in found] == [(1, 2, 10, b"one"), (3, 3, 11, b"two")]
        assert await journal.append(b"three", 1, 12) == 4


async def test_writers_that_wait_together_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    real = os.fdatasync

    def counted(descriptor: int) -> None:
        syncs.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", counted)
    async with opened(tmp_path) as journal:
        firsts = await asyncio.gather(*[journal.append(b"x", 1, 0) for _ in range(50)])
    assert firsts == list(range(1, 51))
    assert 1 <= len(syncs) <= 3


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.data())
def test_a_torn_tail_loses_only_the_torn_record(payloads: list[bytes], data: st.DataObject) -> None:
    frames = [frame(seq, 1, 7, payload) for seq, payload in enumerate(payloads, 1)]
    whole = b"".join(frames)
    cut = data.draw(st.integers(0, len(whole)))
    kept = sum(1 for index in range(len(frames)) if len(b"".join(frames[: index + 1])) <= cut)
    assert [r.payload for r in records_of(whole[:cut])] == payloads[:kept]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.data())
def test_a_flipped_byte_is_never_read_as_a_record(payloads: list[bytes], data: st.DataObject) -> None:
    frames = [frame(seq, 1, 7, payload) for seq, payload in enumerate(payloads, 1)]
    whole = bytearray(b"".join(frames))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    hit = next(index for index in range(len(frames)) if place < len(b"".join(frames[: index + 1])))
    assert [r.payload for r in records_of(bytes(whole))] == payloads[:hit]


async def test_a_torn_tail_is_cut_off_and_kept_beside(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.append(b"sound", 1, 0)
    segment = segments(tmp_path)[0]
    sound = segment.read_bytes()
    segment.write_bytes(sound + frame(2, 1, 0, b"torn")[:-2])
    async with opened(tmp_path) as journal:
        assert [r.payload for r in journal.read(0, 10)] == [b"sound"]
        assert await journal.append(b"next", 1, 0) == 2
    assert segment.read_bytes() == sound
    assert segment.with_suffix(".torn").read_bytes() == frame(2, 1, 0, b"torn")[:-2]


async def test_damage_in_an_older_segment_is_not_skipped(tmp_path: Path) -> None:
    async with opened(tmp_path, segment_bytes=10) as journal:
        await journal.append(b"first", 1, 0)
        await journal.append(b"second", 1, 0)
    oldest = segments(tmp_path)[0]
    oldest.write_bytes(oldest.read_bytes()[:-1])
    with pytest.raises(JournalDamaged, match="damaged at byte 0"):
        Journal.open(tmp_path)


async def test_drained_segments_go_and_only_those(tmp_path: Path) -> None:
    async with opened(tmp_path, segment_bytes=10) as journal:
        for number in range(4):
            await journal.append(b"%d" % number, 1, 0)
        journal.mark(Checkpoint(done=2, batch=3, arrival=5))
        assert [int(p.stem) for p in segments(tmp_path)] == [3, 4, 5]
        assert [r.payload for r in journal.read(2, 10)] == [b"2", b"3"]
    async with opened(tmp_path) as journal:
        assert journal.checkpoint == Checkpoint(done=2, batch=3, arrival=5)
        assert journal.last == 4


async def test_numbers_go_on_above_the_store_when_the_journal_was_removed(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, after=70)
    try:
        assert journal.checkpoint.done == 70
        assert await journal.append(b"x", 1, 0) == 71
    finally:
        await journal.close()


async def test_a_backlog_at_its_bound_refuses_and_takes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, backlog_bytes=200) as journal:
        await journal.append(b"a" * 100, 1, 0)
        with pytest.raises(Overloaded) as refused:
            await journal.append(b"b" * 100, 1, 0)
        assert refused.value.retry_after == 5.0
        assert [r.payload[:1] for r in journal.read(0, 10)] == [b"a"]


@pytest.fixture
def small_files() -> Iterator[int]:
    """Files may not grow beyond 4096 bytes, as on a full disk; the kernel cuts the write short."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    yield 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


async def test_a_full_disk_refuses_and_leaves_no_half_record(tmp_path: Path, small_files: int) -> None:
    async with opened(tmp_path) as journal:
        await journal.append(b"a" * 3000, 1, 0)
        with pytest.raises(Overloaded, match="no space"):
            await journal.append(b"b" * 3000, 1, 0)
        segment = segments(tmp_path)[0]
        assert segment.stat().st_size < small_files
        later = await journal.append(b"c" * 500, 1, 0)
        assert [r.payload[:1] for r in journal.read(0, 10)] == [b"a", b"c"]
        assert later == 3
    assert [r.payload[:1] for r in records_of(segment.read_bytes())] == [b"a", b"c"]


async def test_a_checkpoint_that_the_disk_takes_in_part_does_not_replace_the_last_one(
    tmp_path: Path, small_files: int
) -> None:
    async with opened(tmp_path) as journal:
        await journal.append(b"x", 1, 0)
        journal.mark(Checkpoint(done=1, batch=1))
        with pytest.raises(OSError, match="too large"):
            journal.mark(Checkpoint(done=1, batch=1, marks={f"import_{n}": n for n in range(small_files // 10)}))
    async with opened(tmp_path) as journal:
        assert journal.checkpoint == Checkpoint(done=1, batch=1)


@pytest.mark.parametrize("leftover", [False, True], ids=["taken away", "left lying about"])
async def test_a_segment_that_could_not_be_begun_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leftover: bool
) -> None:
    """No file descriptor is left for a moment, after the file of the next segment was made."""

    def refused(folder: Path) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    async with opened(tmp_path, segment_bytes=200) as journal:
        await journal.append(b"x" * 100, 1, 0)
        with monkeypatch.context() as patch:
            patch.setattr(journal_module, "_sync_folder", refused)
            await journal.append(b"x" * 100, 1, 0)
        assert [int(p.stem) for p in segments(tmp_path)] == [1]
        if leftover:
            (tmp_path / f"{3:020d}.log").touch()
        journal._segment_bytes = 10_000
        for _ in range(2):
            await journal.append(b"x", 1, 0)
        journal.mark(Checkpoint(done=2, batch=2))
    async with opened(tmp_path) as journal:
        assert [r.first for r in journal.read(2, 10)] == [3, 4]


async def test_marks_survive_with_their_events(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.append(b"x", 1, 0, ("import_1", 500))
        await journal.append(b"y", 1, 0, ("import_1", 900))
        journal.mark(Checkpoint(done=1, batch=1, arrival=0, marks={"import_1": 500}))
    async with opened(tmp_path) as journal:
        assert journal.marks == {"import_1": 900}
