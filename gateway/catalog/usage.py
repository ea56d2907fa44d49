"""Quotas of tenants and what they used, in the catalog: totals of months by site, and of the present hour."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlite_utils import Database

from gateway.catalog.base import every, one
from gateway.catalog.tenants import get as get_tenant
from gateway.catalog.text import written
from gateway.tenancy import Tenant

HOURS_KEPT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Quotas:
    """What a tenant may use at most; None for no limit. Months and hours are those of UTC."""

    sites: int | None = None
    events_per_month: int | None = None
    api_calls_per_hour: int | None = None


@dataclass(slots=True)
class Counts:
    """What was used. `api_calls` are requests with a key, `vendor_calls` requests that we sent to a backend."""

    events: int = 0
    api_calls: int = 0
    vendor_calls: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """What a tenant has used of its quotas by now."""

    quotas: Quotas
    events: int
    api_calls: int


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One line of a bill. `site` is empty for calls that concern no single site, `domain` for sites that are gone."""

    tenant: str
    site: str
    domain: str
    month: str
    events: int
    api_calls: int
    vendor_calls: int


UsageKey = tuple[str, str, str]
"""Tenant, site and month."""
COLUMNS = tuple(field.name for field in fields(UsageRow))


def month_of(moment: datetime) -> str:
    """`2026-06`."""
    return written(moment)[:7]


def hour_of(moment: datetime) -> str:
    """`2026-06-17T12`."""
    return written(moment)[:13]


def quotas(db: Database, tenant: Tenant) -> Quotas:
    """Nothing limited where nothing was set."""
    sql = "SELECT sites, events_per_month, api_calls_per_hour FROM quotas WHERE tenant = ?"
    row = one(db, sql, tenant.id)
    return Quotas() if row is None else Quotas(**row)


def set_quotas(db: Database, ref: str, new: Quotas) -> tuple[Tenant, Quotas]:
    """Replace a tenant's quotas; the tenant, and what was before. Raises NotFound."""
    tenant = get_tenant(db, ref)
    before = quotas(db, tenant)
    db.execute(
        "INSERT OR REPLACE INTO quotas VALUES (?, ?, ?, ?)",
        [tenant.id, new.sites, new.events_per_month, new.api_calls_per_hour],
    )
    return tenant, before


def used(db: Database, tenant: Tenant, now: datetime) -> Used:
    """Quotas, events of the month, and API calls of the hour."""
    events = one(db, "SELECT sum(events) AS n FROM usage WHERE tenant = ? AND month = ?", tenant.id, month_of(now))
    calls = one(db, "SELECT api_calls AS n FROM usage_hours WHERE tenant = ? AND hour = ?", tenant.id, hour_of(now))
    return Used(quotas(db, tenant), (events or {}).get("n") or 0, (calls or {}).get("n") or 0)


def sites_of(db: Database, tenant: Tenant) -> int:
    """How many sites the tenant has."""
    row = one(db, "SELECT count(*) AS n FROM sites WHERE tenant = ?", tenant.id)
    return int(row["n"]) if row is not None else 0


def add(db: Database, counted: Mapping[UsageKey, Counts], hourly: Mapping[tuple[str, str], int], now: datetime) -> None:
    """Add what was counted since the last time."""
    for place, counts in counted.items():
        db.execute(
            "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, site, month) DO UPDATE SET "
            "events = events + excluded.events, api_calls = api_calls + excluded.api_calls, "
            "vendor_calls = vendor_calls + excluded.vendor_calls",
            [*place, counts.events, counts.api_calls, counts.vendor_calls],
        )
    for (tenant, hour), calls in hourly.items():
        db.execute(
            "INSERT INTO usage_hours VALUES (?, ?, ?) ON CONFLICT (tenant, hour) DO UPDATE SET "
            "api_calls = api_calls + excluded.api_calls",
            [tenant, hour, calls],
        )
    db.execute("DELETE FROM usage_hours WHERE hour < ?", [hour_of(now - HOURS_KEPT)])


def rows(db: Database, tenant: Tenant | None, first: str, last: str) -> tuple[UsageRow, ...]:
    """Usage of a tenant, or of all, in months between two (both inclusive)."""
    sql = (
        "SELECT usage.tenant, usage.site, coalesce(sites.domain, '') AS domain, month, events, api_calls, vendor_calls "
        "FROM usage LEFT JOIN sites ON sites.id = usage.site AND sites.tenant = usage.tenant "
        "WHERE (? IS NULL OR usage.tenant = ?) AND month BETWEEN ? AND ? ORDER BY usage.tenant, month, usage.site"
    )
    chosen = None if tenant is None else tenant.id
    return tuple(UsageRow(**row) for row in every(db, sql, chosen, chosen, first, last))
