"""Plausible's archive: which rows are taken for which days, and what is refused with its place."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date
from random import Random

import pytest

from adapters.local.imports import aggregates
from adapters.local.store.imported import KIND
from models.errors import Conflict
from models.job import JobStatus, OnError
from tests.unit_adapters.local.imports.conftest import SITE, Desk
from tests.unit_adapters.local.wiring import MemoryLedger

DAYS = "20260101_20260131"


def zipped(files: Mapping[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


async def test_all_ten_tables_with_columns_in_any_order(desk: Desk, ledger: MemoryLedger) -> None:
    job = await desk.take(
        zipped(
            {
                f"imported_visitors_{DAYS}.csv": "visits,date,visitors,pageviews,bounces,visit_duration\n"
                "5,2026-01-02,4,9,1,60\n",
                f"sources_{DAYS}.csv": "date,source,utm_medium,visits\n2026-01-02,Google,cpc,3\n2026-01-03,,,2\n",
                f"imported_pages_{DAYS}.csv": "date,page,pageviews\n2026-01-02,/a,4\n",
                f"imported_entry_pages_{DAYS}.csv": "date,entry_page,entrances\n2026-01-02,/a,4\n",
                f"imported_exit_pages_{DAYS}.csv": "date,exit_page,exits\n2026-01-02,/a,4\n",
                f"imported_custom_events_{DAYS}.csv": "date,name,link_url,events\n2026-01-02,Signup,,4\n",
                f"imported_locations_{DAYS}.csv": "date,country,region,city,visits\n"
                "2026-01-02,EE,EE-37,588409,4\n2026-01-02,EE,,0,1\n",
                f"imported_devices_{DAYS}.csv": "date,device,visits\n2026-01-02,Mobile,4\n",
                f"imported_browsers_{DAYS}.csv": "date,browser,visits\n2026-01-02,Firefox,4\n",
                f"imported_operating_systems_{DAYS}.csv": "date,operating_system,visits\n2026-01-02,Linux,4\n",
                f"imported_custom_props_{DAYS}.csv": "date,property,value\n2026-01-02,plan,pro\n",
            }
        ),
        "plausible",
    )
    assert (job.status, job.rows, job.skipped) == (JobStatus.COMPLETED, 12, 0)
    assert (job.first_date, job.last_date) == ("2026-01-01", "2026-01-31")
    visitors = await desk.one(
        "SELECT date, visitors, visits, visit_duration, bounces, pageviews FROM imported_visitors"
    )
    assert visitors == (date(2026, 1, 2), 4, 5, 60, 1, 9)
    sources = await desk.store.query("SELECT source, channel, visits FROM imported_sources ORDER BY date")
    assert sources == [("Google", "Paid Search", 3), ("", "Direct", 2)]
    cities = await desk.store.query("SELECT region, city FROM imported_locations ORDER BY visits")
    assert cities == [("", ""), ("EE-37", "588409")]
    noted = ledger.documents[KIND, f"{SITE.id}/{int(job.id):012d}"]
    assert (noted["first"], noted["last"], len(noted["tables"])) == ("2026-01-01", "2026-01-31", 10)
    assert noted["scroll_depth"] is False


async def test_rows_outside_the_days_of_the_file_are_left_out(desk: Desk) -> None:
    text = "date,visitors\n2025-12-31,1\n2026-01-01,2\n2026-01-31,4\n2026-02-01,8\n"
    job = await desk.take(zipped({f"imported_visitors_{DAYS}.csv": text}), "plausible")
    assert (job.rows, job.skipped, job.problems) == (2, 2, ())
    assert await desk.one("SELECT sum(visitors) FROM imported_visitors") == (6,)


async def test_a_table_with_a_header_only_still_marks_its_days(desk: Desk, ledger: MemoryLedger) -> None:
    job = await desk.take(zipped({f"imported_visitors_{DAYS}.csv": "date,visitors\n"}), "plausible")
    noted = ledger.documents[KIND, f"{SITE.id}/{int(job.id):012d}"]
    assert (noted["first"], noted["last"], noted["tables"]) == ("2026-01-01", "2026-01-31", [])


BAD_ROWS = {
    "2026-02-30,1,2": "is no date",
    "2026-W01-4,1,2": "is no date",
    "2026-01-02,-1,2": "visitors: '-1' is no count",
    "2026-01-02,1.5,2": "visitors: '1.5' is no count",
    "2026-01-02,1": "has 2 cells",
}


@pytest.mark.parametrize("row", BAD_ROWS)
async def test_a_bad_row_is_named_and_left_out_or_ends_it_all(desk: Desk, row: str) -> None:
    name = f"imported_visitors_{DAYS}.csv"
    archive = zipped({name: f"date,visitors,visits\n2026-01-01,1,1\n{row}\n2026-01-03,1,1\n"})
    none = await desk.take(archive, "plausible", OnError.ABORT)
    assert (none.status, none.rows) == (JobStatus.FAILED, 0)
    assert await desk.one("SELECT count() FROM imported_visitors") == (0,)
    rest = await desk.take(archive, "plausible")
    assert (rest.status, rest.rows, rest.skipped) == (JobStatus.COMPLETED, 2, 1)
    for job in (none, rest):
        assert [(p.file, p.line) for p in job.problems] == [(name, 3)]
        assert BAD_ROWS[row] in job.problems[0].reason


NOISE = ",".join(map(str, Random(1).choices(range(10**6), k=400_000)))

REFUSED = {
    "no archive": (b"date,visitors\n", "no readable zip"),
    "nothing": (zipped({}), "none of the tables"),
    "an unknown table": (zipped({f"imported_weather_{DAYS}.csv": "date\n"}), "a known table"),
    "a path": (zipped({f"../imported_visitors_{DAYS}.csv": "date\n"}), "a known table"),
    "a name without days": (zipped({"imported_visitors.csv": "date\n"}), "a known table"),
    "days that do not exist": (zipped({"imported_visitors_20260230_20260301.csv": "date\n"}), "two dates"),
    "days in the wrong order": (zipped({"imported_visitors_20260201_20260101.csv": "date\n"}), "two dates"),
    "an unknown column": (zipped({f"imported_visitors_{DAYS}.csv": "date,humans\n"}), "unknown columns: humans"),
    "a repeated column": (zipped({f"imported_visitors_{DAYS}.csv": "date,visits,visits\n"}), "more than once"),
    "no date": (zipped({f"imported_visitors_{DAYS}.csv": "visits\n1\n"}), "date is missing"),
    "an empty file": (zipped({f"imported_visitors_{DAYS}.csv": ""}), "date is missing"),
    "the same table twice": (
        zipped({f"imported_visitors_{DAYS}.csv": "date\n", f"visitors_{DAYS}.csv": "date\n"}), "more than once",
    ),
    "a bomb": (zipped({f"imported_visitors_{DAYS}.csv": "date\n" + "\n" * (2 << 20)}), "200 times"),
    "many files": (zipped({f"imported_custom_props_{DAYS}.csv{n}": "" for n in range(51)}), "more than 50 files"),
    "another packing": (
        zipped({f"imported_visitors_{DAYS}.csv": "date\n"}, zipfile.ZIP_BZIP2), "another method",
    ),
    "a header that never ends": (zipped({f"imported_visitors_{DAYS}.csv": NOISE}), "header is not readable"),
    "a row that never ends": (zipped({f"imported_visitors_{DAYS}.csv": f"date\n{NOISE}"}), "a row may have at most"),
    "a row of many lines": (
        zipped({f"imported_visitors_{DAYS}.csv": "date\n" + f'"{NOISE[:60_000]}\n",' * 40}), "a row may have at most",
    ),
    "broken text": (zipped({f"imported_visitors_{DAYS}.csv": 'date\n"2026-01-01\n'}), "not readable as CSV"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_broken_archive_is_refused_as_a_whole(desk: Desk, ledger: MemoryLedger, kind: str) -> None:
    content, reason = REFUSED[kind]
    job = await desk.take(content, "plausible")
    assert (job.status, job.rows) == (JobStatus.FAILED, 0)
    assert reason in job.error
    assert reason in job.problems[0].reason
    assert not await ledger.list(KIND)
    assert await desk.one("SELECT count() FROM imported_visitors") == (0,)


async def test_a_file_whose_checksum_is_wrong_takes_back_what_came_before_it(desk: Desk, ledger: MemoryLedger) -> None:
    good = f"imported_visitors_{DAYS}.csv", "date,visitors\n2026-01-02,7\n"
    bad = f"imported_devices_{DAYS}.csv", "date,visits\n" + "2026-01-02,7\n" * 30_000
    content = zipped(dict([good, bad]))
    checksum = zlib.crc32(bad[1].encode()).to_bytes(4, "little")
    job = await desk.take(content.replace(checksum, b"\0\1\2\3"), "plausible")
    assert job.status is JobStatus.FAILED
    assert "damaged" in job.error
    assert not await ledger.list(KIND)
    assert await desk.one("SELECT count() FROM imported_visitors") == (0,)
    assert await desk.one("SELECT count() FROM imported_devices") == (0,)


@pytest.mark.parametrize("on_error", OnError)
async def test_an_archive_that_was_sent_as_another_format_is_taken_when_sent_as_one(
    desk: Desk, on_error: OnError
) -> None:
    archive = zipped({f"imported_visitors_{DAYS}.csv": "date,visitors\n2026-01-02,7\n"})
    wrong = await desk.take(archive, "ndjson", on_error)
    assert wrong.rows == 0
    right = await desk.take(archive, "plausible")
    assert (right.id != wrong.id, right.format, right.duplicate, right.rows) == (True, "plausible", False, 1)
    assert (await desk.take(archive, "plausible")).duplicate
    await desk.imports.delete_import(SITE, wrong.id)
    assert (await desk.take(archive, "plausible")).duplicate
    assert await desk.one("SELECT sum(visitors) FROM imported_visitors") == (7,)


async def test_a_deleted_archive_is_gone_and_may_come_again(desk: Desk, ledger: MemoryLedger) -> None:
    content = zipped({f"imported_visitors_{DAYS}.csv": "date,visitors\n2026-01-02,7\n"})
    first = await desk.take(content, "plausible")
    assert (await desk.take(content, "plausible")).duplicate
    await desk.imports.delete_import(SITE, first.id)
    assert not await ledger.list(KIND)
    assert await desk.one("SELECT count() FROM imported_visitors") == (0,)
    assert (await desk.take(content, "plausible")).rows == 1


async def test_a_site_holds_so_many_archives_and_no_more(desk: Desk) -> None:
    for day in range(1, aggregates.MOST_IMPORTS + 1):
        await desk.take(zipped({f"imported_visitors_202601{day:02}_202601{day:02}.csv": "date\n"}), "plausible")
    with pytest.raises(Conflict, match="at most 20"):
        await desk.take(zipped({"imported_visitors_20260201_20260201.csv": "date\n"}), "plausible")
