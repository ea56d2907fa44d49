"""Exactly once: whatever fails between journal and store, a restart completes the batch and nothing counts twice."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.local.collect import recovery
from adapters.local.collect.hit import Hit, pack_attributes, pack_hits
from adapters.local.collect.journal import Journal
from adapters.local.collect.journal_frames import Record
from adapters.local.collect.writer import INTERVAL, Writer
from adapters.local.sql.tables import SETTINGS
from adapters.local.store.ddl import LAYOUTS, create_statements
from adapters.local.store.event_store import EventStore, parse_dsn
from adapters.local.store.schema import VISIT_ATTRIBUTES
from models.errors import BackendError

NOVEMBER, DECEMBER = 1_795_000_000, 1_797_000_000  # 2026-11-18 and 2026-12-11
MIDNIGHT = 1_796_083_200  # 2026-12-01
NONE = pack_attributes(("",) * len(VISIT_ATTRIBUTES))


def hit(visitor: int, time: int, path: str = "/", name: str = "pageview") -> Hit:
    return Hit("s", time, visitor, 0, name, True, "example.com", path, "", NONE)


# Two batches: the second goes on with visits of the first, opens others, and spans two months.
FIRST = [hit(1, NOVEMBER), hit(2, NOVEMBER + 5), hit(3, DECEMBER)]
SECOND = [
    hit(1, NOVEMBER + 60, "/b"),
    hit(3, DECEMBER + 9, "/b"),
    hit(4, DECEMBER),
    hit(2, NOVEMBER + 9, name="engagement"),
]
EVENTS = 7
# visits, events, page views, bounces, seconds: visitor 1: 2/2/0/60, 2: 1/1/1/0, 3: 2/2/0/9, 4: 1/1/1/0
TOTALS = (4, 6, 6, 2, 69)

Columns = Mapping[str, Sequence[Any]]


class CutOff(EventStore):
    """A store whose inserts into one table fail, by a given deed, until it is replaced."""

    def __init__(self, dsn: str, table: str, deed: str) -> None:
        super().__init__(parse_dsn(dsn))
        self._table, self._deed = table, deed
        self.armed = False

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        if not self.armed or table != self._table:
            await super().insert(table, columns, token)
            return
        await DEEDS[self._deed](self, table, columns, token)
        raise BackendError("cut off")

    async def really(self, table: str, columns: Columns, token: str) -> None:
        await super().insert(table, columns, token)


async def nothing(store: CutOff, table: str, columns: Columns, token: str) -> None:
    """Nothing reached the store."""


async def everything(store: CutOff, table: str, columns: Columns, token: str) -> None:
    """All of it did; only the answer was lost."""
    await store.really(table, columns, token)


async def one_month(store: CutOff, table: str, columns: Columns, token: str) -> None:
    """The part of one month was written, then the process died."""
    when = columns["time" if table == "events" else "start"]
    kept = [index for index, time in enumerate(when) if time >= MIDNIGHT]
    await store.really(table, {name: [values[i] for i in kept] for name, values in columns.items()}, token)


async def token_without_rows(store: CutOff, table: str, columns: Columns, token: str) -> None:
    """The token was noted, but its rows never came."""
    await store.really(table, columns, token)
    await store.delete(table, "site = {site:String}", {"site": "s"})
    await store.really(table, BEFORE[table], f"{token} restored")  # what earlier batches held of these visits stays


BEFORE: dict[str, Columns] = {}
DEEDS: dict[str, Callable[[CutOff, str, Columns, str], Any]] = {
    "nothing": nothing,
    "everything": everything,
    "one_month": one_month,
    "token_without_rows": token_without_rows,
}


async def failed(writer: Writer) -> None:
    """Wait until the writer has met its first failure."""
    while not writer.failing:  # noqa: ASYNC110  the writer has no event for failures, and needs none
        await asyncio.sleep(0.01)


async def die(writer: Writer) -> None:
    """End the writer's task as a killed process would: without a last attempt."""
    assert writer._task is not None
    assert writer._forgetting is not None
    for task in (writer._task, writer._forgetting):
        task.cancel()
    await asyncio.gather(writer._task, writer._forgetting, return_exceptions=True)


@asynccontextmanager
async def running(store: EventStore, journal: Journal, writer: Writer) -> AsyncIterator[None]:
    """A started writer; it and what it stands between are closed, whatever happens."""
    try:
        await writer.start()
        yield
    finally:
        await journal.close()
        await writer.close()
        await store.close()


async def stored(writer: Writer, seq: int) -> None:
    """Wait until events up to a number are stored, without being in a hurry as `flush` is."""
    async with asyncio.timeout(60), writer._progress:
        await writer._progress.wait_for(lambda: writer.done >= seq)


async def totals(store: EventStore) -> tuple[tuple[int, ...], tuple[int, int]]:
    (visits,) = await store.query(
        "SELECT sum(sign), sum(sign * events), sum(sign * pageviews), sum(sign * is_bounce), sum(sign * duration)"
        " FROM sessions"
    )
    (events,) = await store.query("SELECT count(), uniqExact(seq) FROM events")
    return visits, (events[0], events[1])


async def rows_of(store: EventStore, table: str) -> Columns:
    names = list(LAYOUTS[table].columns)
    found = await store.query(f"SELECT * FROM {table}")  # noqa: S608  a table of ours
    columns = dict(zip(names, map(list, zip(*found, strict=True)), strict=True))
    for name in ("time", "start"):
        if name in columns:
            columns[name] = [int(value.timestamp()) for value in columns[name]]
    return columns


@pytest.mark.parametrize("table", ["events", "sessions"])
@pytest.mark.parametrize("deed", sorted(DEEDS))
async def test_a_batch_that_was_cut_off_is_completed_once(tmp_path: Path, table: str, deed: str) -> None:
    dsn = f"chdb://{tmp_path / 'store'}"
    await (await EventStore.open(dsn)).close()
    store = CutOff(dsn, table, deed)
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0)
    await writer.start()
    await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
    await writer.flush()
    BEFORE.update({name: await rows_of(store, name) for name in ("events", "sessions")})
    store.armed = True
    await journal.append(pack_hits(SECOND), len(SECOND), DECEMBER)
    await failed(writer)
    await die(writer)
    await journal.close()
    await store.close()

    store_again = await EventStore.open(dsn)
    again = Journal.open(tmp_path / "journal", after=await recovery.highest_seq(store_again))
    assert again.checkpoint.batch > again.checkpoint.done
    writer = Writer(store_again, again)
    async with running(store_again, again, writer):
        assert await totals(store_again) == (TOTALS, (EVENTS, EVENTS))
        await again.append(pack_hits([hit(4, DECEMBER + 30, "/c")]), 1, DECEMBER)
        await writer.flush()
        assert await totals(store_again) == ((4, 7, 7, 1, 99), (8, 8))


@pytest.mark.parametrize("deed", sorted(DEEDS))
async def test_a_visit_whose_start_moves_into_another_month_is_completed_once(tmp_path: Path, deed: str) -> None:
    """00:01 in December, then, late, 23:59 in November: one visit of two minutes, however much of it was stored."""
    dsn = f"chdb://{tmp_path / 'store'}"
    await (await EventStore.open(dsn)).close()
    store: EventStore = (cut_off := CutOff(dsn, "sessions", deed))
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0)
    await writer.start()
    await journal.append(pack_hits([hit(1, MIDNIGHT + 60)]), 1, MIDNIGHT)
    await writer.flush()
    BEFORE.update({name: await rows_of(store, name) for name in ("events", "sessions")})
    cut_off.armed = True
    await journal.append(pack_hits([hit(1, MIDNIGHT - 60, "/b")]), 1, MIDNIGHT)
    await failed(writer)
    await die(writer)
    await journal.close()
    await store.close()
    journal, store = Journal.open(tmp_path / "journal"), await EventStore.open(dsn)
    writer = Writer(store, journal)
    async with running(store, journal, writer):
        assert await totals(store) == ((1, 2, 2, 0, 120), (2, 2))
        starts = await store.query("SELECT toUnixTimestamp(start) FROM sessions GROUP BY start HAVING sum(sign) > 0")
        assert starts == [(MIDNIGHT - 60,)]
        assert await store.query(f"SELECT duration, events FROM sessions FINAL{SETTINGS}") == [(120, 2)]  # noqa: S608  settings of ours


async def test_a_store_that_fails_for_a_while_gets_everything_once(tmp_path: Path) -> None:
    dsn = f"chdb://{tmp_path / 'store'}"
    await (await EventStore.open(dsn)).close()
    store = CutOff(dsn, "sessions", "everything")
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0)
    async with running(store, journal, writer):
        store.armed = True
        await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
        await failed(writer)
        await journal.append(pack_hits(SECOND), len(SECOND), DECEMBER)
        store.armed = False
        await writer.flush()
        assert writer.failing == ""
        assert await totals(store) == (TOTALS, (EVENTS, EVENTS))


class Unreadable(Journal):
    """A journal that some readings of cannot be done, or come to nothing that can be used."""

    error: Exception | None = None

    def read(self, after: int, rows: int, last: int | None = None) -> list[Record]:
        found = super().read(after, rows, last)
        if self.error is None or not found:
            return found
        if isinstance(self.error, OSError):
            raise self.error
        return [*found, found[-1]._replace(payload=b"no hits")]


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), ValueError("no hits")])
async def test_a_batch_that_cannot_be_made_is_made_when_it_can(tmp_path: Path, error: Exception) -> None:
    store = await EventStore.open(f"chdb://{tmp_path / 'store'}")
    journal = Unreadable.open(tmp_path / "journal")
    assert isinstance(journal, Unreadable)
    writer = Writer(store, journal, interval=0)
    async with running(store, journal, writer):
        journal.error = error
        await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
        await failed(writer)
        journal.error = None
        await journal.append(pack_hits(SECOND), len(SECOND), DECEMBER)
        await writer.flush()
        assert writer.failing == ""
        assert await totals(store) == (TOTALS, (EVENTS, EVENTS))


async def test_a_batch_that_the_client_cannot_send_waits_and_says_so(tmp_path: Path) -> None:
    class Unable(CutOff):
        async def insert(self, table: str, columns: Columns, token: str) -> None:
            if self.armed and table == "sessions":
                raise OverflowError("secret")
            await super().insert(table, columns, token)

    store = Unable(f"chdb://{tmp_path / 'store'}", "", "nothing")
    await store.run(lambda client: [client.command(sql) for sql in create_statements()])
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0)
    async with running(store, journal, writer):
        store.armed = True
        await journal.append(pack_hits(FIRST + SECOND), EVENTS, DECEMBER)
        await failed(writer)
        assert writer.failing.endswith(": OverflowError")
        store.armed = False
        await writer.flush()
        assert await totals(store) == (TOTALS, (EVENTS, EVENTS))


async def test_visits_rebuilt_from_events_equal_those_in_memory(tmp_path: Path) -> None:
    store = await EventStore.open(f"chdb://{tmp_path / 'store'}")
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal)
    async with running(store, journal, writer):
        await journal.append(pack_hits(FIRST + SECOND), EVENTS, DECEMBER)
        await writer.flush()
        found = {v.visitor: v for v in await recovery.open_visits(store, writer.done, DECEMBER)}
        assert {v.visitor: (v.id, v.events, v.exit_page, v.is_bounce, v.duration) for v in found.values()} == {
            1: (1, 2, "/b", False, 60),
            2: (2, 1, "/", True, 0),
            3: (3, 2, "/b", False, 9),
            4: (6, 1, "/", True, 0),
        }
        assert (found[2].touched, found[2].last_seq) == (NOVEMBER + 9, 7)


async def test_what_was_acknowledged_becomes_queryable_without_anybody_asking(tmp_path: Path) -> None:
    assert 2 * INTERVAL < 2  # what it waits for company, twice where many come: well within the two seconds we promise
    store = await EventStore.open(f"chdb://{tmp_path / 'events'}")
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal)
    async with running(store, journal, writer):
        await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
        await stored(writer, len(FIRST))
        assert await store.query("SELECT count() FROM events") == [(len(FIRST),)]


class Slow(EventStore):
    """A store that takes events only when it is let."""

    def __init__(self, dsn: str) -> None:
        super().__init__(parse_dsn(dsn))
        self.let = asyncio.Event()
        self.asked = asyncio.Event()

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        self.asked.set()
        await self.let.wait()
        await super().insert(table, columns, token)


async def begun(writer: Writer) -> None:
    """Wait until the batch after the one being stored is made."""
    async with asyncio.timeout(60):
        while writer._coming is None:  # noqa: ASYNC110  nobody else waits for it
            await asyncio.sleep(0.01)
        await asyncio.wait([writer._coming])


async def test_the_next_batch_is_made_while_one_is_stored_and_counts_once(tmp_path: Path) -> None:
    store = Slow(f"chdb://{tmp_path / 'store'}")
    await store.run(lambda client: [client.command(sql) for sql in create_statements()])
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0, batch_rows=len(FIRST))
    async with running(store, journal, writer):
        await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
        await store.asked.wait()
        await journal.append(pack_hits(SECOND), len(SECOND), DECEMBER)
        assert writer.done == 0
        store.let.set()
        await writer.flush()
        assert await totals(store) == (TOTALS, (EVENTS, EVENTS))


async def test_a_batch_made_ahead_is_made_again_when_rows_were_changed(tmp_path: Path) -> None:
    """Visitor 1's visit is taken away between its two events: the second one opens another."""
    store = Slow(f"chdb://{tmp_path / 'store'}")
    await store.run(lambda client: [client.command(sql) for sql in create_statements()])
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0, batch_rows=1)
    await journal.append(pack_hits([hit(1, NOVEMBER)]), 1, DECEMBER)
    await journal.append(pack_hits([hit(1, NOVEMBER + 60, "/b")]), 1, DECEMBER)
    async with running(store, journal, writer):
        await begun(writer)
        pausing = asyncio.create_task(change(writer, store))
        await asyncio.sleep(0)
        store.let.set()
        await pausing
        await writer.flush()
        ((visits, events, bounces),) = await store.query(
            "SELECT sum(sign), sum(sign * events), sum(sign * is_bounce) FROM sessions"
        )
        assert (visits, events, bounces) == (1, 1, 1)
        assert await store.query("SELECT seq, session FROM events") == [(2, 2)]


async def change(writer: Writer, store: EventStore) -> None:
    """Delete everything as a purge does, between two batches."""
    async with writer.paused():
        for table in ("events", "sessions"):
            await store.delete(table, "site = {site:String}", {"site": "s"})


async def test_history_is_forgotten_when_nobody_goes_on_with_it_and_a_restart_forgets_the_same(tmp_path: Path) -> None:
    """Visitor 1 in November, 3 a minute ago. After a sweep an event of November opens a visit, one of now goes on."""
    store = await EventStore.open(f"chdb://{tmp_path / 'store'}")
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0, clock=lambda: DECEMBER + 90)
    async with running(store, journal, writer):
        await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
        await writer.flush()
        assert len(writer._sessions) == 3
        assert await writer.sweep(writer.done)
        assert len(writer._sessions) == 1
    journal, store = Journal.open(tmp_path / "journal"), await EventStore.open(f"chdb://{tmp_path / 'store'}")
    writer = Writer(store, journal, interval=0)
    async with running(store, journal, writer):
        assert len(writer._sessions) == 1
        await journal.append(pack_hits(SECOND[:2]), 2, DECEMBER + 91)
        await writer.flush()
        assert await store.query("SELECT seq, session FROM events ORDER BY seq") == [
            (1, 1),
            (2, 2),
            (3, 3),
            (4, 4),
            (5, 3),
        ]


async def test_a_batch_cut_off_after_a_sweep_has_the_same_visits_when_it_is_completed(tmp_path: Path) -> None:
    """Its events are stored, its visits are not: the restart must open one for visitor 1 too, not go on."""
    dsn = f"chdb://{tmp_path / 'store'}"
    await (await EventStore.open(dsn)).close()
    store: EventStore = (cut_off := CutOff(dsn, "sessions", "nothing"))
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0, clock=lambda: DECEMBER + 90)
    await writer.start()
    await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
    await writer.flush()
    await writer.sweep(writer.done)
    cut_off.armed = True
    await journal.append(pack_hits(SECOND), len(SECOND), DECEMBER + 91)
    await failed(writer)
    await die(writer)
    await journal.close()
    await store.close()
    journal, store = Journal.open(tmp_path / "journal"), await EventStore.open(dsn)
    writer = Writer(store, journal)
    async with running(store, journal, writer):
        assert await totals(store) == ((5, 6, 6, 4, 9), (6, 6))


async def test_what_is_swept_while_events_wait_goes_by_their_clock(tmp_path: Path) -> None:
    """10:00, and 10:30 that waits while the clock says 10:40: one visit."""
    store = Slow(f"chdb://{tmp_path / 'store'}")
    await store.run(lambda client: [client.command(sql) for sql in create_statements()])
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0, clock=lambda: DECEMBER + 2400)
    async with running(store, journal, writer):
        store.let.set()
        await journal.append(pack_hits([hit(1, DECEMBER)]), 1, DECEMBER)
        await writer.flush()
        async with writer.paused(changing=False):
            await journal.append(pack_hits([hit(1, DECEMBER + 1800)]), 1, DECEMBER + 1800)
            sweeping = asyncio.create_task(writer.sweep(writer.done))
            await asyncio.sleep(0)
        await sweeping
        await writer.flush()
        assert await store.query("SELECT seq, session FROM events ORDER BY seq") == [(1, 1), (2, 1)]


async def test_a_store_without_a_journal_is_started_with_the_visits_of_the_window_alone(tmp_path: Path) -> None:
    store = await EventStore.open(f"chdb://{tmp_path / 'store'}")
    journal = Journal.open(tmp_path / "journal")
    writer = Writer(store, journal, interval=0)
    async with running(store, journal, writer):
        await journal.append(pack_hits(FIRST), len(FIRST), DECEMBER)
        await writer.flush()
    store = await EventStore.open(f"chdb://{tmp_path / 'store'}")
    journal = Journal.open(tmp_path / "another", after=len(FIRST))
    writer = Writer(store, journal, clock=lambda: DECEMBER + 60)
    async with running(store, journal, writer):
        assert len(writer._sessions) == 1
        assert (journal.checkpoint.arrival, journal.checkpoint.swept) == (DECEMBER + 60, len(FIRST))
