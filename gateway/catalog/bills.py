"""Imports on the bill of their tenants: what a file may bring is added before it is taken, and put right at its end.

One row for each job, so that nothing is counted twice, whoever follows the job and however often we are restarted.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from gateway.catalog.base import every, one
from gateway.catalog.text import written
from gateway.catalog.usage import Counts, add, month_of, used
from gateway.tenancy import Tenant
from models.errors import QuotaExceeded

QUOTA = "events_per_month"


@dataclass(frozen=True, slots=True)
class OpenBill:
    """An import that has not ended. `job` is empty while the backend has not named it: we were cut off there."""

    number: int
    tenant: str
    site: str
    job: str
    begun_at: str


def limit_of(db: Database, tenant: Tenant, now: datetime) -> tuple[int | None, int]:
    """The tenant's quota of events, and how many of them are left; None for no limit."""
    found = used(db, tenant, now)
    most = found.quotas.events_per_month
    return most, 0 if most is None else max(0, most - found.events)


def begin(db: Database, tenant: Tenant, site: str, rows: int, now: datetime) -> int:
    """Put so many rows on the bill; the bill's number. Raises QuotaExceeded, and nothing is on it."""
    most, left = limit_of(db, tenant, now)
    if most is not None and rows > left:
        detail = f"the file may bring {rows} events, and the quota {QUOTA} leaves {left} of {most}"
        raise QuotaExceeded(QUOTA, most, detail=detail)
    month = month_of(now)
    _add(db, tenant.id, site, month, rows, now)
    sql = "INSERT INTO import_bills (tenant, site, job, month, rows, open, begun_at) VALUES (?, ?, '', ?, ?, 1, ?)"
    return int(db.execute(sql, [tenant.id, site, month, rows, written(now)]).lastrowid or 0)


def named(db: Database, number: int, job: str, now: datetime) -> None:
    """The backend has taken the file as this job. One that goes on keeps its first bill, now for all of the file."""
    bill = one(db, "SELECT * FROM import_bills WHERE number = ?", number)
    if bill is None or bill["job"]:
        return
    first = one(db, "SELECT * FROM import_bills WHERE site = ? AND job = ?", bill["site"], job)
    if first is None:
        db.execute("UPDATE import_bills SET job = ? WHERE number = ?", [job, number])
        return
    cancel(db, number, now)
    more = max(0, bill["rows"] - first["rows"])
    _add(db, first["tenant"], first["site"], first["month"], more, now)
    db.execute("UPDATE import_bills SET rows = rows + ?, open = 1 WHERE number = ?", [more, first["number"]])


def cancel(db: Database, number: int, now: datetime) -> None:
    """No job came of it: nothing is billed."""
    bill = one(db, "SELECT * FROM import_bills WHERE number = ?", number)
    if bill is not None:
        _add(db, bill["tenant"], bill["site"], bill["month"], -bill["rows"], now)
        db.execute("DELETE FROM import_bills WHERE number = ?", [number])


def end(db: Database, site: str, job: str, rows: int, now: datetime) -> None:
    """So many rows were taken in the end. Said twice, it changes nothing."""
    bill = one(db, "SELECT * FROM import_bills WHERE site = ? AND job = ?", site, job)
    if bill is not None:
        _add(db, bill["tenant"], bill["site"], bill["month"], rows - bill["rows"], now)
        db.execute("UPDATE import_bills SET rows = ?, open = 0 WHERE number = ?", [rows, bill["number"]])


def open_ones(db: Database) -> tuple[OpenBill, ...]:
    """Of all tenants, the oldest first."""
    sql = "SELECT number, tenant, site, job, begun_at FROM import_bills WHERE open = 1 ORDER BY number"
    return tuple(OpenBill(**row) for row in every(db, sql))


def jobs_of(db: Database, site: str) -> frozenset[str]:
    """The jobs of a site that are on a bill."""
    return frozenset(row["job"] for row in every(db, "SELECT job FROM import_bills WHERE site = ?", site))


def _add(db: Database, tenant: str, site: str, month: str, rows: int, now: datetime) -> None:
    if rows:
        add(db, {(tenant, site, month): Counts(events=rows)}, {}, now)
