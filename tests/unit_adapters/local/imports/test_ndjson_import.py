"""Files of events: what is taken, what is refused and where, and that each line counts exactly once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.local.collect.derive import Derivation
from adapters.local.collect.rules import compile_rules
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.visitor import Salts
from adapters.local.imports import problems
from adapters.local.imports.ndjson import MOST_TOLD, LineReader, Source
from models.errors import InvalidRequest
from models.job import JobStatus, OnError, ProblemPage
from models.settings import SiteSettings
from models.site import Site
from tests.unit_adapters.local.imports.conftest import NOW, SITE, Desk, opened
from tests.unit_adapters.local.wiring import MemoryLedger, held_disk


def line(**fields: Any) -> bytes:
    return json.dumps(
        {"name": "pageview", "time": "2026-06-01T10:00:00Z", "visitor": "a", "path": "/", **fields}
    ).encode()


def lines(*given: bytes) -> bytes:
    return b"\n".join(given) + b"\n"


async def counts(desk: Desk, site: str = SITE.id) -> tuple[int, int]:
    events, *_ = await desk.one("SELECT count() FROM events WHERE site = {site:String}", site=site)
    visits, *_ = await desk.one("SELECT sum(sign) FROM sessions WHERE site = {site:String}", site=site)
    return events, visits


async def test_lines_are_queryable_when_the_wait_returns(desk: Desk) -> None:
    content = lines(
        line(), line(time="2026-06-01T10:05:00Z", path="/b"), line(visitor="b", time="2026-06-02T23:30:00Z")
    )
    job = await desk.take(content, site=SITE.model_copy(update={"timezone": "Europe/Tallinn"}))
    assert (job.status, job.rows, job.skipped, job.duplicate) == (JobStatus.COMPLETED, 3, 0, False)
    assert (job.bytes_done, job.bytes_total) == (len(content), len(content))
    assert (job.first_date, job.last_date) == ("2026-06-01", "2026-06-03")
    assert await counts(desk) == (3, 2)


async def test_broken_lines_are_named_and_the_rest_is_taken(desk: Desk) -> None:
    content = lines(
        line(),
        b"{",
        b"",
        line(name=""),
        b"[]",
        line(time="2027-01-01T00:00:00Z"),
        line().replace(b'"a"', b'"\xff"'),
        line(visitor="b"),
    )
    job = await desk.take(content)
    assert (job.status, job.rows, job.skipped) == (JobStatus.COMPLETED, 2, 5)
    assert [problem.line for problem in job.problems] == [2, 4, 5, 6, 7]
    reasons = [problem.reason for problem in job.problems]
    assert "truncated" in reasons[0]
    assert "$.name" in reasons[1]
    assert reasons[3].startswith("future")
    assert "UTF-8" in reasons[4]
    assert await counts(desk) == (2, 2)


async def all_problems(desk: Desk, job_id: str, limit: int = 97) -> list[tuple[int, str]]:
    """Every page of them."""
    found: list[tuple[int, str]] = []
    offset: int | None = 0
    while offset is not None:
        page = await desk.imports.problems_of(SITE, job_id, offset, limit)
        assert len(page.problems) == limit or page.next is None
        found += [(problem.line, problem.reason) for problem in page.problems]
        offset = page.next
    return found


def every_third_is_broken(count: int) -> bytes:
    return lines(*(b"{" if n % 3 == 0 else line(visitor=f"v{n}", path=f"/{n}") for n in range(1, count + 1)))


@pytest.mark.parametrize("on_error", [OnError.SKIP, OnError.ABORT])
async def test_every_refused_line_is_told_page_by_page(desk: Desk, on_error: OnError) -> None:
    """4,000 lines in several blocks, of which every third is broken; the job itself names a hundred."""
    job = await desk.take(every_third_is_broken(4000), on_error=on_error)
    assert (job.skipped, job.rows) == (1333, 2667 if on_error is OnError.SKIP else 0)
    assert [problem.line for problem in job.problems] == list(range(3, 301, 3))
    found = await all_problems(desk, job.id)
    assert [number for number, _ in found] == list(range(3, 4001, 3))
    assert {reason for _, reason in found} == {job.problems[0].reason}


async def test_the_refused_lines_stay_until_the_job_is_deleted(tmp_path: Path, ledger: MemoryLedger) -> None:
    async with opened(tmp_path, ledger) as desk:
        job = await desk.take(every_third_is_broken(9))
    async with opened(tmp_path, ledger) as desk:
        assert [number for number, _ in await all_problems(desk, job.id)] == [3, 6, 9]
        assert [path.name for path in (tmp_path / "imports").iterdir()] == [f"{job.id}.problems"]
        await desk.imports.delete_import(SITE, job.id)
        assert list((tmp_path / "imports").iterdir()) == []


@pytest.mark.parametrize("offset", [1, 10**9])
async def test_a_page_begins_where_another_ended(desk: Desk, offset: int) -> None:
    job = await desk.take(every_third_is_broken(9))
    if offset == 1:
        with pytest.raises(InvalidRequest):
            await desk.imports.problems_of(SITE, job.id, offset, 10)
    else:
        assert await desk.imports.problems_of(SITE, job.id, offset, 10) == ProblemPage(problems=())


async def test_a_file_of_nothing_but_broken_lines_makes_small_blocks(tmp_path: Path) -> None:
    """Each line of two bytes is told in thirty or more; a block ends where a megabyte of that is reached."""
    path = tmp_path / "broken.ndjson"
    path.write_bytes(b"{\n" * 300_000 + b"[")
    with Geo.open() as geo:
        reader = LineReader(Source(path, SITE, compile_rules(SiteSettings()), NOW), Derivation(Salts(), geo))
        offset, number, sizes = 0, 1, []
        told = b""
        while (block := reader.read(offset, number)).lines:
            sizes.append(len(block.told))
            told += block.told
            offset, number = block.end, number + block.lines
    assert (offset, number - 1) == (600_001, 300_001)
    assert len(sizes) > 10
    assert max(sizes) < MOST_TOLD + 1000
    assert [json.loads(text)[0] for text in told.splitlines()] == list(range(1, 300_002))


async def test_no_more_is_told_than_the_disk_should_bear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "MOST_BYTES", 25)
    path, one = tmp_path / "1.problems", problems.written(1, "broken")  # 13 bytes
    length = problems.add(path, 0, one)
    assert problems.add(path, length, one + one) == length
    assert path.read_bytes() == one


async def test_abort_takes_nothing_of_a_file_with_a_broken_line(desk: Desk) -> None:
    content = lines(line(), b"{", line(visitor="b"))
    job = await desk.take(content, on_error=OnError.ABORT)
    assert (job.status, job.rows, job.skipped) == (JobStatus.FAILED, 0, 1)
    assert [problem.line for problem in job.problems] == [2]
    assert await counts(desk) == (0, 0)
    again = await desk.take(content, on_error=OnError.SKIP)
    assert (again.id, again.status, again.rows, again.error) == (job.id, JobStatus.COMPLETED, 2, "")
    assert await counts(desk) == (2, 2)


async def test_abort_does_not_mind_events_that_are_not_counted_by_choice(desk: Desk) -> None:
    bot = line(visitor="b", user_agent="Googlebot/2.1 (+http://www.google.com/bot.html)")
    job = await desk.take(lines(line(), bot), on_error=OnError.ABORT)
    assert (job.status, job.rows, job.skipped) == (JobStatus.COMPLETED, 1, 1)
    assert job.problems[0].line == 2
    assert job.problems[0].reason.startswith("bot")


async def test_the_same_content_counts_once(desk: Desk) -> None:
    first = await desk.take(lines(line(), line(visitor="b")))
    second = await desk.take(lines(line(), line(visitor="b")))
    assert (second.status, second.duplicate, second.rows) == (JobStatus.COMPLETED, True, 0)
    assert second.id != first.id
    assert await counts(desk) == (2, 2)
    elsewhere = await desk.take(lines(line(), line(visitor="b")), site=Site(id="site_2", domain="example.org"))
    assert (elsewhere.duplicate, elsewhere.rows) == (False, 2)


async def test_file_order_is_the_order_of_arrival(desk: Desk) -> None:
    """The later line is the older event: attributes are those of the first line, entry and exit go by time."""
    await desk.take(lines(line(time="2026-06-01T10:10:00Z", browser="Firefox"), line(browser="Chrome", path="/older")))
    stored = await desk.one("SELECT browser, entry_page, exit_page FROM sessions WHERE sign = 1")
    assert stored == ("Firefox", "/older", "/")


async def test_a_city_may_be_a_number_or_a_text(desk: Desk) -> None:
    await desk.take(lines(line(city=588409), line(visitor="b", city="588409"), line(visitor="c", city="Tallinn")))
    found = await desk.store.query("SELECT city, count() FROM events GROUP BY city ORDER BY city")
    assert found == [("588409", 2), ("Tallinn", 1)]


async def test_an_address_and_an_agent_become_a_visitor_and_a_device(desk: Desk) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"
    content = lines(
        line(visitor=None, ip="8.8.8.8", user_agent=agent, url="https://www.example.com/p?utm_source=x", path=None)
    )
    await desk.take(content)
    assert await desk.one("SELECT hostname, path, utm_source, browser, country FROM events") == (
        "example.com", "/p", "x", "Chrome", "US",
    )  # fmt: skip


async def test_an_import_that_is_deleted_leaves_only_what_others_brought(desk: Desk) -> None:
    """Visitor a: 10:00 by one file, 10:05 by the next, one visit. Without the first file it is a visit of one page."""
    first = await desk.take(lines(line(path="/one"), line(visitor="b")))
    await desk.take(lines(line(time="2026-06-01T10:05:00Z", path="/two")))
    assert await counts(desk) == (3, 2)
    await desk.imports.delete_import(SITE, first.id)
    assert await counts(desk) == (1, 1)
    kept = await desk.one("SELECT sum(sign * pageviews), sum(sign * is_bounce), sum(sign * duration) FROM sessions")
    assert kept == (1, 1, 0)
    assert await desk.one("SELECT entry_page FROM sessions FINAL") == ("/two",)
    again = await desk.take(lines(line(path="/one"), line(visitor="b")))
    assert (again.duplicate, again.rows) == (False, 2)


async def test_an_import_that_is_deleted_while_its_lines_are_written_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_disk(monkeypatch) as disk:
        job = await desk.imports.start_import(SITE, "ndjson", desk.spooled(lines(line())), OnError.SKIP)
        await disk.asked()
        deleting = asyncio.create_task(desk.imports.delete_import(SITE, job.id))
        await asyncio.wait([deleting], timeout=0.3)
        disk.let()
        await deleting
    await desk.take(lines(line(visitor="b")))
    assert await counts(desk) == (1, 1)


async def test_the_journal_keeps_nothing_for_an_import_of_a_deleted_site(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_disk(monkeypatch) as disk:
        job = await desk.imports.start_import(SITE, "ndjson", desk.spooled(lines(line())), OnError.SKIP)
        await disk.asked()
        await desk.imports.forget_site(job.site)
    assert desk.journal.keep_after is None
    assert list((desk.folder / "imports").iterdir()) == []


async def test_an_import_goes_on_after_a_stop(
    tmp_path: Path, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at some block; the next start takes the rest, and no line twice."""
    count = 40_000
    content = b"".join(line(visitor=f"v{number % 997}", path=f"/{number}") + b"\n" for number in range(count))
    async with opened(tmp_path, ledger) as desk, held_disk(monkeypatch, after=4) as disk:
        job = await desk.imports.start_import(SITE, "ndjson", desk.spooled(content), OnError.SKIP)
        await disk.asked()
        while not (rows := (await desk.imports.get_import(SITE, job.id)).rows):  # noqa: ASYNC110  only it knows
            await asyncio.sleep(0.002)
    assert 0 < rows < count
    async with opened(tmp_path, ledger) as desk:
        done = await desk.imports.get_import(SITE, job.id, wait=True)
        assert (done.status, done.rows) == (JobStatus.COMPLETED, count)
        stored = await desk.one("SELECT count(), uniqExact(path) FROM events")
        assert stored == (count, count)
