"""The local backend as a whole: events in, numbers in the store, settings, deletion with proof, restarts."""

import asyncio
import errno
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Adapter
from adapters.local import BACKEND, engine
from adapters.local.adapter import LocalAdapter
from adapters.local.care import purge
from adapters.local.collect.drops import DropCounts
from adapters.local.enrich import visitor
from adapters.local.enrich.visitor import DailySalts
from adapters.protocols import PROTOCOLS, Flushes, Reads
from models.errors import AlreadyExists, BackendError, InvalidRequest, MissingAtBackend, Overloaded, UnknownSite
from models.event import Event, Received
from models.goal import GoalDraft
from models.settings import Exclusions, SiteSettings
from models.site import SiteChange, SiteDraft
from tests.unit_adapters.local.wiring import CHROME, NOW, SITE, MemoryLedger, held_disk, local_adapter, started

BROWSER = Received(ip="192.0.2.7", user_agent=CHROME)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
async def adapter(tmp_path: Path, ledger: MemoryLedger) -> AsyncIterator[LocalAdapter]:
    async with started(tmp_path, ledger) as made:
        yield made


def view(path: str = "/", **fields: Any) -> Event:
    return Event(**{"name": "pageview", "time": NOW, "url": f"https://example.com{path}"} | fields)


async def counted(adapter: LocalAdapter) -> tuple[int, int]:
    (row,) = await adapter.engine.store.query(
        "SELECT (SELECT count() FROM events), toInt64((SELECT sum(sign) FROM sessions))"
    )
    return row[0], row[1]


def test_it_is_registered_and_satisfies_what_it_declares() -> None:
    (can,) = BACKEND.editions.values()
    assert _has(Reads)
    missing = [
        operation
        for operation, protocols in PROTOCOLS.items()
        if can.allows(operation) and not all(_has(protocol) for protocol in protocols)
    ]
    assert [name for name in missing if name not in {"import_history", "export_history"}] == []


def _has(protocol: type) -> bool:
    wanted = [name for name in vars(protocol) if not name.startswith("_")]
    return all(hasattr(LocalAdapter, name) for name in wanted)


async def test_recorded_events_are_queryable_after_a_flush(adapter: LocalAdapter) -> None:
    assert isinstance(adapter, Adapter)
    assert isinstance(adapter, Flushes)
    said = await adapter.collect(SITE, [view(), view("/b"), view("/b", name="engagement", engagement_ms=900)], BROWSER)
    await adapter.flush()
    assert said == (None, None, None)
    assert await counted(adapter) == (3, 1)


async def test_events_become_visible_without_a_flush(adapter: LocalAdapter) -> None:
    await adapter.collect(SITE, [view()], BROWSER)
    await adapter.collect(SITE, [view("/b")], BROWSER)
    async with asyncio.timeout(60):
        while await counted(adapter) != (2, 1):  # noqa: ASYNC110  only the store knows, one table before the other
            await asyncio.sleep(0.05)


async def test_dropped_events_are_counted_by_reason_and_day(adapter: LocalAdapter, ledger: MemoryLedger) -> None:
    robot = Received(ip="192.0.2.7", user_agent="Googlebot/2.1")
    (drop,) = await adapter.collect(SITE, [view()], robot)
    assert drop is not None
    await adapter.collect(SITE, [view(name="engagement", engagement_ms=5)], BROWSER)
    await adapter.flush()
    today = NOW.date()
    assert await adapter.drops(SITE, today, today) == {today: {"bot": 1, "no_session_for_engagement": 1}}
    assert await adapter.drops(SITE, today - timedelta(days=2), today - timedelta(days=1)) == {}


async def test_settings_apply_at_once(adapter: LocalAdapter) -> None:
    settings = SiteSettings(exclude=Exclusions(addresses=("192.0.2.0/24",)))
    await adapter.collect(SITE, [view()], BROWSER)
    assert await adapter.put_settings(SITE, settings) == settings
    (drop,) = await adapter.collect(SITE, [view()], BROWSER)
    assert drop is not None
    assert drop.reason == "excluded_address"


async def test_exclusions_that_could_never_apply_are_refused(adapter: LocalAdapter) -> None:
    exclude = Exclusions(addresses=("192.0.2",), countries=("Germany", "de", "D", "ÄÖ", " fr "))
    with pytest.raises(InvalidRequest) as caught:
        await adapter.put_settings(SITE, SiteSettings(exclude=exclude))
    assert [p.field for p in caught.value.problems] == [
        "exclude.addresses[0]", "exclude.countries[0]", "exclude.countries[2]", "exclude.countries[3]",
    ]  # fmt: skip
    await adapter.put_settings(SITE, SiteSettings(exclude=Exclusions(countries=("de", " fr "))))
    drops = await adapter.collect(SITE, [view(country="DE"), view(country="fr"), view(country="AT")], BROWSER)
    assert [drop and drop.reason for drop in drops] == ["excluded_country", "excluded_country", None]


async def test_a_goal_on_a_page_with_a_nul_is_refused(adapter: LocalAdapter) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await adapter.create_goal(SITE, GoalDraft(page_path="/\0*"))
    assert [p.field for p in caught.value.problems] == ["page_path"]


async def test_a_deleted_site_is_refused_at_once_and_purged_with_proof(adapter: LocalAdapter) -> None:
    other = SITE.model_copy(update={"id": "site_2"})
    await adapter.create_site(SiteDraft(domain=SITE.domain))
    await adapter.collect(SITE, [view(), view("/b")], BROWSER)
    await adapter.collect(other, [view()], BROWSER)
    await adapter.delete_site(SITE)
    (drop,) = await adapter.collect(SITE, [view()], BROWSER)
    assert drop is not None
    assert drop.reason == "unknown_site"
    async with asyncio.timeout(60):
        while (proof := await adapter.deletion(SITE.id)) is None or proof.purged_at is None:  # noqa: ASYNC110  only it knows
            await asyncio.sleep(0.05)
    assert {k: v for k, v in proof.rows.items() if v} == {"events": 2, "sessions": 1}
    assert (proof.domain, proof.deleted_at, proof.purged_at, proof.remaining) == (SITE.domain, NOW, NOW, 0)
    assert await adapter.deletion(other.id) is None
    assert await counted(adapter) == (1, 1)
    assert (await adapter.create_site(SiteDraft(domain=SITE.domain))).domain == SITE.domain


async def test_a_site_that_is_deleted_while_its_rules_are_read_stays_deleted(tmp_path: Path) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    class Slow(MemoryLedger):
        async def get(self, kind: str, key: str) -> dict[str, Any] | None:
            found = await super().get(kind, key)
            if kind == "settings" and not asked.is_set():
                asked.set()
                await go.wait()
            return found

    async with started(tmp_path, Slow()) as adapter:
        recording = asyncio.create_task(adapter.collect(SITE, [view()], BROWSER))
        await asked.wait()
        await adapter.delete_site(SITE)
        go.set()
        drops = [*await recording, *await adapter.collect(SITE, [view()], BROWSER)]
        assert [drop and drop.reason for drop in drops] == ["unknown_site"] * 2


@pytest.mark.parametrize("when", ["during the upload", "while it begins"])
async def test_a_file_for_a_site_that_is_deleted_meanwhile_leaves_nothing(
    adapter: LocalAdapter, ledger: MemoryLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b'{"name":"pageview","time":"2026-06-01T10:00:00Z","visitor":"a","path":"/"}\n')
    if when == "during the upload":
        await adapter.delete_site(SITE)
    else:
        given = ledger.next_id

        async def next_id(kind: str) -> int:
            await adapter.delete_site(SITE)
            return await given(kind)

        monkeypatch.setattr(ledger, "next_id", next_id)
    with pytest.raises(UnknownSite):
        await adapter.start_import(SITE, "ndjson", file)
    assert await ledger.list("import_jobs") == ()
    assert list((tmp_path / "local" / "imports").iterdir()) == []


class FullLedger(MemoryLedger):
    """A ledger whose disk is full for a while; it knows what it refused."""

    full = False

    def __init__(self) -> None:
        super().__init__()
        self.refused = Counter[str]()

    async def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        if self.full:
            self.refused[kind] += 1
            raise OSError(errno.ENOSPC, "no space left")
        await super().put(kind, key, value)


async def test_a_ledger_that_fails_for_a_while_stops_neither_purge_nor_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "RETRY", 0.05)
    monkeypatch.setattr(engine, "SAVE_COUNTS", 0.05)
    async with started(tmp_path, ledger := FullLedger()) as adapter:
        await adapter.collect(SITE, [view()], BROWSER)
        await adapter.delete_site(SITE)
        ledger.full = True
        await adapter.collect(SITE, [view()], BROWSER)
        async with asyncio.timeout(60):
            while not {"deleted_sites", "drops"} <= ledger.refused.keys():  # noqa: ASYNC110  only it knows
                await asyncio.sleep(0.01)
            ledger.full = False
            while not (told := await adapter.deletion(SITE.id)) or not told.purged_at:  # noqa: ASYNC110  only it knows
                await asyncio.sleep(0.05)
            while not await ledger.list("drops"):  # noqa: ASYNC110  only it knows
                await asyncio.sleep(0.05)
        assert await adapter.drops(SITE, NOW.date(), NOW.date()) == {NOW.date(): {"unknown_site": 1}}


async def test_counts_that_are_saved_at_once_are_added_up() -> None:
    class Slow(MemoryLedger):
        async def get(self, kind: str, key: str) -> dict[str, Any] | None:
            found = await super().get(kind, key)
            await asyncio.sleep(0.01)
            return found

    counts = DropCounts(Slow())
    counts.add(SITE.id, NOW.date(), "bot")
    saving = asyncio.create_task(counts.save())
    await asyncio.sleep(0)
    counts.add(SITE.id, NOW.date(), "bot")
    await counts.save()
    await saving
    assert await counts.of(SITE.id, NOW.date(), NOW.date()) == {NOW.date(): {"bot": 2}}


async def test_the_proof_of_a_deletion_waits_for_what_is_still_being_written(
    adapter: LocalAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_disk(monkeypatch) as disk:
        recording = asyncio.create_task(adapter.collect(SITE, [view()], BROWSER))
        await disk.asked()
        await adapter.delete_site(SITE)
        await asyncio.sleep(0.1)
        assert (told := await adapter.deletion(SITE.id)) is not None
        assert told.purged_at is None
        disk.let()
        assert await recording == (None,)
    await adapter.flush()
    await adapter.engine.purge.work_off()
    assert await counted(adapter) == (0, 0)


async def test_expired_days_are_removed(adapter: LocalAdapter) -> None:
    await adapter.put_settings(SITE, SiteSettings(retention_days=30))
    await adapter.collect(
        SITE, [view(visitor=f"u{days}", time=NOW - timedelta(days=days)) for days in (0, 30, 31, 400)]
    )
    await adapter.flush()
    await adapter.engine.purge.work_off()
    assert await counted(adapter) == (2, 2)


async def stored(adapter: LocalAdapter) -> list[str]:
    """The paths that are left, in order; the store must be sound."""
    await adapter.flush()
    await adapter.engine.purge.work_off()
    assert await adapter.inspect() == ()
    return [path for (path,) in await adapter.engine.store.query("SELECT path FROM events ORDER BY time, seq")]


async def test_a_visit_over_the_last_midnight_goes_with_its_last_day(adapter: LocalAdapter) -> None:
    """It is the 20th, 12:00; a day is kept, so what ended before the 19th goes."""
    await adapter.put_settings(SITE, SiteSettings(retention_days=1))
    midnight = NOW.replace(hour=0) - timedelta(days=1)
    views = [("u1", -70, "/before"), ("u2", -20, "/a"), ("u3", -20, "/left"), ("u2", -1, "/b"), ("u2", 5, "/c")]
    views += [("u4", 1, "/after")]
    await adapter.collect(
        SITE,
        [view(path, visitor=who, time=midnight + timedelta(minutes=at)) for who, at, path in views]
        + [view("/left", visitor="u3", name="engagement", engagement_ms=5, time=midnight + timedelta(minutes=2))],
    )
    # u3 was seen before midnight and read on after it, which keeps the visit as the page view after it keeps that of u2
    assert await stored(adapter) == ["/a", "/left", "/b", "/after", "/left", "/c"]
    found = await adapter.engine.store.query("SELECT entry_page, pageviews FROM sessions FINAL ORDER BY entry_page")
    assert found == [("/a", 3), ("/after", 1), ("/left", 1)]


@pytest.mark.parametrize(
    ("zone", "left"),
    [
        ("Etc/UTC", ["/0", "/10", "/11"]),
        ("Asia/Tokyo", ["/-9", "/0", "/10", "/11"]),  # nine hours ahead: the 19th began at 15:00 of the 18th
        ("Pacific/Auckland", ["/11"]),  # thirteen hours ahead: it is the 21st, and the 20th began at 11:00 of the 19th
    ],
)
async def test_days_expire_in_the_zone_of_the_site(adapter: LocalAdapter, zone: str, left: list[str]) -> None:
    """It is the 20th, 12:00 in UTC, and a day is kept; visits are named by their hour of the 19th."""
    site = SITE.model_copy(update={"timezone": zone})
    await adapter.put_settings(site, SiteSettings(retention_days=1))
    midnight = NOW.replace(hour=0) - timedelta(days=1)
    hours = (-10, -9, 0, 10, 11)
    await adapter.collect(
        site, [view(f"/{hour}", visitor=f"u{hour}", time=midnight + timedelta(hours=hour)) for hour in hours]
    )
    assert await stored(adapter) == left


async def test_the_zone_of_days_follows_the_site(adapter: LocalAdapter) -> None:
    await adapter.create_site(SiteDraft(domain=SITE.domain))
    await adapter.put_settings(SITE, SiteSettings(retention_days=1))
    await adapter.update_site(SITE, SiteChange(timezone="Asia/Tokyo"))
    assert await adapter.get_settings(SITE) == SiteSettings(retention_days=1)
    nine_before = NOW.replace(hour=15) - timedelta(days=2)
    await adapter.collect(SITE, [view("/kept", visitor="a", time=nine_before)])
    await adapter.collect(SITE, [view("/gone", visitor="b", time=nine_before - timedelta(seconds=1))])
    assert await stored(adapter) == ["/kept"]


async def test_sites_are_kept_apart_by_domain(adapter: LocalAdapter) -> None:
    await adapter.create_site(SiteDraft(domain="a.example", timezone="Europe/Berlin", name="A"))
    await adapter.create_site(SiteDraft(domain="b.example"))
    with pytest.raises(AlreadyExists):
        await adapter.create_site(SiteDraft(domain="a.example"))
    site = SITE.model_copy(update={"domain": "a.example"})
    with pytest.raises(AlreadyExists):
        await adapter.update_site(site, SiteChange(domain="b.example"))
    moved = await adapter.update_site(site, SiteChange(domain="c.example"))
    assert (moved.domain, moved.timezone, moved.name) == ("c.example", "Europe/Berlin", "A")
    with pytest.raises(MissingAtBackend):
        await adapter.get_site("a.example")
    first = await adapter.list_sites(limit=1)
    rest = await adapter.list_sites(first.next, limit=1)
    assert [s.domain for s in (*first.sites, *rest.sites)] == ["b.example", "c.example"]
    assert rest.next is None


async def test_a_visit_goes_on_after_a_restart(tmp_path: Path, ledger: MemoryLedger) -> None:
    for path in ("/", "/b", "/c"):
        async with started(tmp_path, ledger) as made:
            assert await made.collect(SITE, [view(path)], BROWSER) == (None,)
    async with started(tmp_path, ledger) as made:
        assert await counted(made) == (3, 1)
        assert await made.engine.store.query("SELECT entry_page, exit_page, events, is_bounce FROM sessions FINAL") == [
            ("/", "/c", 3, 0)
        ]


async def test_nothing_is_taken_when_the_journal_is_full(tmp_path: Path) -> None:
    async with started(tmp_path, backlog_bytes=1 << 20) as made:
        big = view(visitor="u", props={f"p{n}": "x" * 2000 for n in range(30)})
        with pytest.raises(Overloaded):
            await made.collect(SITE, [big] * 20)
        await made.flush()
        assert await counted(made) == (0, 0)


async def test_senders_come_again_while_the_salts_of_a_new_day_find_no_room(
    adapter: LocalAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, salts: DailySalts) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(visitor, "_write", refused)
        with pytest.raises(Overloaded, match="salts"):
            await adapter.collect(SITE, [view()], BROWSER)
    assert await adapter.collect(SITE, [view()], BROWSER) == (None,)


async def test_it_says_when_it_is_not_running(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="not running"):
        await local_adapter(tmp_path).collect(SITE, [view()], BROWSER)
