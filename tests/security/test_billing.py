"""Imported rows hold to the quota and are billed exactly once, over bad lines, the same file again, and restarts."""

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.catalog import Catalog, bills, usage
from gateway.catalog.usage import Quotas
from gateway.manage.spool import rows_in
from gateway.tenancy import DEFAULT_TENANT, Tenant
from models.errors import QuotaExceeded
from tests.api.conftest import NOW, Api, new_owner, new_site
from tests.serving import serve

NOON, TENANT = datetime(2026, 6, 17, 12, tzinfo=UTC), Tenant(DEFAULT_TENANT)


def lines(count: int, first: int = 0) -> bytes:
    """So many events of as many visitors, a second apart."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    return b"".join(
        b'{"name":"pageview","time":"%s","visitor":"v%d","path":"/"}\n'
        % ((start + timedelta(seconds=n)).isoformat().encode(), n)
        for n in range(first, first + count)
    )


def limit(platform: Api, owner: Api, most: int) -> None:
    tenant = owner.ok("GET", "/v1/tenants")["tenants"][0]["id"]
    platform.ok("PUT", f"/v1/tenants/{tenant}/quotas", {"events_per_month": most})


def billed(owner: Api) -> int:
    return sum(row["events"] for row in owner.ok("GET", "/v1/usage")["usage"])


def taken(owner: Api, site: str, content: bytes, format: str = "ndjson") -> Any:
    return owner.ok("POST", f"/v1/sites/{site}/imports?format={format}&wait=true", content=content)


def test_a_file_that_may_be_over_the_quota_is_refused_whole(platform: Api, owner: Api, site: str) -> None:
    limit(platform, owner, 10)
    document = owner.problem(402, "POST", f"/v1/sites/{site}/imports?format=ndjson", content=lines(5000))

    assert (document["code"], document["quota"], document["limit"]) == ("quota_exceeded", "events_per_month", 10)
    assert "5000" in document["detail"]
    assert (owner.ok("GET", f"/v1/sites/{site}/imports")["imports"], billed(owner)) == ([], 0)
    assert taken(owner, site, lines(10))["rows"] == 10
    owner.problem(402, "POST", f"/v1/sites/{site}/imports?format=ndjson", content=lines(1, first=10))
    assert billed(owner) == 10


def test_lines_that_were_not_taken_are_not_billed(platform: Api, owner: Api, site: str) -> None:
    limit(platform, owner, 10)
    done = taken(owner, site, lines(6) + b'{"name": 7}\n' * 4)

    assert (done["rows"], done["skipped"], billed(owner)) == (6, 4, 6)
    assert taken(owner, site, lines(4, first=6))["rows"] == 4
    assert billed(owner) == 10


def test_the_same_file_is_billed_once(owner: Api, site: str) -> None:
    assert [taken(owner, site, lines(7))["duplicate"] for _ in range(2)] == [False, True]
    assert billed(owner) == 7


def test_an_import_that_was_taken_back_stays_on_the_bill_once(owner: Api, site: str) -> None:
    for _ in range(2):
        job = taken(owner, site, lines(5))
        owner.ok("DELETE", f"/v1/sites/{site}/imports/{job['id']}")
    assert billed(owner) == 10


def test_an_archive_is_held_to_the_quota_by_its_tables(platform: Api, owner: Api, site: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        days = "".join(f"2024-03-{day:02},5,9,2,6,60\n" for day in range(1, 29))
        archive.writestr(
            "imported_visitors_20240301_20240328.csv", f"date,visitors,pageviews,bounces,visits,visit_duration\n{days}"
        )
    limit(platform, owner, 27)
    owner.problem(402, "POST", f"/v1/sites/{site}/imports?format=plausible", content=packed.getvalue())
    limit(platform, owner, 28)
    done = taken(owner, site, packed.getvalue(), "plausible")

    assert done["status"] == "completed", done
    assert billed(owner) == done["rows"] <= 28


@pytest.mark.parametrize(
    ("content", "rows"),
    [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"a\n\nb\n", 3), (b"PK\x03\x04 not an archive\n", 1)],
)
def test_rows_are_counted_with_and_without_a_last_end_of_line(tmp_path: Path, content: bytes, rows: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert rows_in(path) == rows


def test_an_import_is_billed_once_over_a_restart(tmp_path: Path) -> None:
    rows = 120_000
    with serve(tmp_path, NOW=NOW) as served:
        owner = new_owner(Api(served.base, served.key))
        site = new_site(owner)
        job = owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson", content=lines(rows))
        began = job["status"]
    with serve(tmp_path, NOW=NOW) as served:
        owner = Api(served.base, owner.key)
        path = f"/v1/sites/{site}/imports/{job['id']}"
        until = time.monotonic() + 60
        while (done := owner.ok("GET", path))["status"] not in ("completed", "failed"):
            assert time.monotonic() < until
            time.sleep(0.1)
        while billed(owner) != rows:
            assert time.monotonic() < until, billed(owner)
            time.sleep(0.1)
    with serve(tmp_path, NOW=NOW) as served:
        assert billed(Api(served.base, owner.key)) == rows

    assert began != "completed", "the first server was to be stopped in the middle"
    assert (done["status"], done["rows"]) == ("completed", rows)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path)
    yield opened
    opened.close()


def on_the_bill(catalog: Catalog) -> int:
    return sum(row.events for row in catalog.run_now(usage.rows, TENANT, "2026-06", "2026-07"))


def test_a_bill_is_begun_named_and_ended_once(catalog: Catalog) -> None:
    number = catalog.run_now(bills.begin, TENANT, "s", 100, NOON)
    assert on_the_bill(catalog) == 100
    assert [bill.job for bill in catalog.run_now(bills.open_ones)] == [""]
    catalog.run_now(bills.named, number, "7", NOON)
    later = NOON + timedelta(days=20)
    for _ in range(2):
        catalog.run_now(bills.end, "s", "7", 40, later)
    catalog.run_now(bills.end, "s", "8", 40, later)  # nobody's

    assert (on_the_bill(catalog), catalog.run_now(bills.open_ones)) == (40, ())
    assert {row.month for row in catalog.run_now(usage.rows, TENANT, "2026-06", "2026-07") if row.events} == {"2026-06"}


def test_a_file_that_goes_on_is_one_bill(catalog: Catalog) -> None:
    first = catalog.run_now(bills.begin, TENANT, "s", 100, NOON)
    catalog.run_now(bills.named, first, "7", NOON)
    catalog.run_now(bills.end, "s", "7", 40, NOON)  # it broke off
    again = catalog.run_now(bills.begin, TENANT, "s", 100, NOON)
    catalog.run_now(bills.named, again, "7", NOON)

    assert [(bill.number, bill.job) for bill in catalog.run_now(bills.open_ones)] == [(first, "7")]
    assert on_the_bill(catalog) == 100
    catalog.run_now(bills.end, "s", "7", 99, NOON)
    assert on_the_bill(catalog) == 99


def test_two_files_at_once_are_not_over_the_quota_together(catalog: Catalog) -> None:
    catalog.run_now(usage.set_quotas, DEFAULT_TENANT, Quotas(events_per_month=150))
    first = catalog.run_now(bills.begin, TENANT, "s", 100, NOON)
    with pytest.raises(QuotaExceeded, match="leaves 50 of 150"):
        catalog.run_now(bills.begin, TENANT, "s", 51, NOON)
    catalog.run_now(bills.cancel, first, NOON)
    catalog.run_now(bills.cancel, first, NOON)

    assert on_the_bill(catalog) == 0
    catalog.run_now(bills.begin, TENANT, "s", 150, NOON)


def test_a_server_that_died_before_the_job_had_a_name_finds_it(tmp_path: Path) -> None:
    """As if it had been killed between the backend's answer and the bill's name for it; and before the answer."""
    with serve(tmp_path, NOW=NOW) as served:
        owner = new_owner(Api(served.base, served.key))
        site = new_site(owner)
        taken(owner, site, lines(7))
    catalog = Catalog(tmp_path / "data")
    catalog.run_now(lambda db: db.execute("UPDATE import_bills SET job = '', open = 1"))
    row = catalog.run_now(lambda db: next(db.query("SELECT tenant, site FROM import_bills")))
    catalog.run_now(bills.begin, Tenant(row["tenant"]), row["site"], 1000, datetime.fromisoformat(NOW))
    catalog.close()
    with serve(tmp_path, NOW=NOW) as served:
        until = time.monotonic() + 60
        while billed(Api(served.base, owner.key)) != 7:
            assert time.monotonic() < until
            time.sleep(0.1)
    catalog = Catalog(tmp_path / "data")
    assert catalog.run_now(bills.open_ones) == ()
    catalog.close()
