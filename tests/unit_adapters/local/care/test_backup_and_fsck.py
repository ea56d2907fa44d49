"""A running local backend copied and taken up elsewhere; damage found and put right."""

from __future__ import annotations

import asyncio
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from adapters.local.adapter import LocalAdapter
from adapters.local.care.journal_check import check_journal
from adapters.local.collect.journal import JournalDamaged
from adapters.maintenance import MaintainsStore
from models.event import Event
from models.job import JobStatus
from tests.unit_adapters.local.wiring import NOW, SITE, MemoryLedger, local_adapter, started


def views(start: int, count: int) -> list[Event]:
    return [Event(name="pageview", time=NOW, visitor=f"v{n}", path=f"/{n}") for n in range(start, start + count)]


async def counted(adapter: LocalAdapter) -> tuple[int, int, int]:
    (row,) = await adapter.engine.store.query(
        "SELECT count(), uniqExact(path), (SELECT toInt64(sum(sign)) FROM sessions) FROM events"
    )
    return row[0], row[1], row[2]


async def nothing() -> None:
    """Nothing belongs to it."""


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("imported_visitors_20260101_20260131.csv", "date,visitors\n2026-01-02,7\n")
    return out.getvalue()


async def test_a_copy_made_while_writing_holds_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    ledger, copied = MemoryLedger(), MemoryLedger()
    async with started(tmp_path / "running", ledger) as adapter:
        assert isinstance(adapter, MaintainsStore)
        taken = 0

        async def write(rounds: int) -> None:
            nonlocal taken
            for _ in range(rounds):
                await adapter.collect(SITE, views(taken, 50))
                taken += 50

        async def beside() -> None:
            copied.documents = dict(ledger.documents)

        await write(20)
        await adapter.flush()
        await write(3)
        source = tmp_path / "archive.zip"
        source.write_bytes(archive())
        job = await adapter.start_import(SITE, "plausible", source)
        await adapter.get_import(SITE, job.id, wait=True)
        before = taken
        writing = asyncio.create_task(write(200))
        target = tmp_path / "copy" / "local"
        await adapter.copy_to(target, beside)
        await writing

    shutil.move(tmp_path / "copy", tmp_path / "restored")
    async with started(tmp_path / "restored", copied) as again:
        await again.flush()
        events, paths, visits = await counted(again)
        assert before <= events <= taken
        assert (paths, visits) == (events, events)
        assert (await again.list_imports(SITE))[0].status is JobStatus.COMPLETED
        assert await again.engine.store.query("SELECT sum(visitors) FROM imported_visitors") == [(7,)]
        assert await again.inspect() == ()
        assert not (tmp_path / "restored" / "local" / "parts").exists()
        await again.collect(SITE, views(taken, 10))
        await again.flush()
        assert await counted(again) == (events + 10,) * 3


async def test_a_copy_leaves_the_salts_behind(tmp_path: Path) -> None:
    async with started(tmp_path / "running") as adapter:
        await adapter.collect(
            SITE, [Event(name="pageview", time=NOW, ip="192.0.2.1", user_agent="Mozilla/5.0 Firefox/145")]
        )
        await adapter.copy_to(tmp_path / "copy", nothing)
    assert (tmp_path / "running" / "local" / "salts.json").exists()
    assert not list((tmp_path / "copy").rglob("*salt*"))


@pytest.fixture
async def adapter(tmp_path: Path) -> Any:
    async with started(tmp_path) as made:
        await made.collect(SITE, views(0, 20))
        await made.flush()
        yield made


async def test_a_sound_store_has_no_findings(adapter: LocalAdapter) -> None:
    assert await adapter.inspect() == ()


DAMAGE = {
    "a visit that is lost": "ALTER TABLE sessions DELETE WHERE entry_page = '/3'",
    "a visit that is stored twice": "INSERT INTO sessions SELECT * FROM sessions WHERE entry_page = '/3'",
    "a visit of another length": "ALTER TABLE sessions UPDATE duration = 7 WHERE entry_page = '/3'",
    "a visit without events": "ALTER TABLE events DELETE WHERE path = '/3'",
}


@pytest.mark.parametrize("kind", DAMAGE)
async def test_a_miscounted_visit_is_found_and_counted_anew(adapter: LocalAdapter, kind: str) -> None:
    store = adapter.engine.store
    await store.run(lambda client: client.command(DAMAGE[kind], settings={"mutations_sync": 2}))
    (finding,) = await adapter.inspect()
    assert (finding.code, finding.repaired) == ("visit_miscounted", False)
    assert finding.detail.startswith("1 visits")
    (mended,) = await adapter.inspect(repair=True)
    assert mended.repaired
    assert await adapter.inspect() == ()
    events, _, visits = await counted(adapter)
    assert events == visits


async def test_rows_of_an_unknown_import_are_found_and_removed(adapter: LocalAdapter) -> None:
    await adapter.engine.store.command("INSERT INTO imported_devices (site, `import`, date) VALUES ('s', '9', today())")
    (finding,) = await adapter.inspect(repair=True)
    assert finding.code == "import_orphaned"
    assert await adapter.inspect() == ()


async def test_an_event_that_is_stored_twice_is_told(adapter: LocalAdapter) -> None:
    await adapter.engine.store.command("INSERT INTO events SELECT * FROM events WHERE path = '/3'")
    assert "event_doubled" in [finding.code for finding in await adapter.inspect()]


async def test_a_damaged_segment_is_found_and_cut_where_it_is_sound(tmp_path: Path) -> None:
    """Two records in an older segment; a bit of the second flips."""
    async with started(tmp_path) as adapter:
        folder = adapter.engine.journal.folder
        adapter.engine.journal.keep_after = 0
        await adapter.collect(SITE, views(0, 1))
        first = next(folder.glob("*.log")).stat().st_size
        await adapter.collect(SITE, views(1, 1))
    (segment,) = folder.glob("*.log")
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)
    (folder / f"{99:020d}.log").write_bytes(b"")
    with pytest.raises(JournalDamaged):
        await local_adapter(tmp_path).start()
    (finding,) = check_journal(folder)
    assert (finding.code, finding.repaired) == ("journal_damaged", False)
    assert f"from byte {first} on" in finding.detail
    assert check_journal(folder, repair=True)[0].repaired
    assert check_journal(folder) == []
    assert (segment.stat().st_size, segment.with_suffix(".damaged").exists()) == (first, True)
