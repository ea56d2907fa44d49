"""Count what tenants use, and hold them to their quotas.

Counting is addition in memory; the sums go to the catalog every few seconds and when the service ends. A process that
is killed loses the counts of its last seconds, never more, and never counts anything twice. Quotas are compared with
the catalog's total, at most that many seconds old, plus what this process has counted since.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from gateway.catalog import Catalog, bills
from gateway.catalog import usage as rows
from gateway.catalog.base import Runs
from gateway.catalog.bills import OpenBill
from gateway.catalog.usage import Counts, Quotas, UsageKey, UsageRow, Used, hour_of, month_of
from gateway.tenancy import Tenant
from models.errors import QuotaExceeded

log = structlog.get_logger()

FLUSH_SECONDS = 5.0
concerned: ContextVar[str] = ContextVar("concerned", default="")
"""The site that the present work is about, for the bill; empty when it is about none or about several."""


@dataclass(slots=True)
class Tally:
    """What one tenant may still use: the catalog's totals, and what came since. Totals are of `month` and `hour`."""

    used: Used
    month: str
    hour: str
    events: int = 0
    api_calls: int = 0
    asked: bool = True


class Meter:
    """Counts events, API calls and calls to vendors by tenant, site and month."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now
        self._counted: defaultdict[UsageKey, Counts] = defaultdict(Counts)
        self._hourly: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._tallies: dict[str, Tally] = {}
        self._held: defaultdict[str, int] = defaultdict(int)
        self._flushing = asyncio.Lock()
        self._named = (-1, "", "")

    def _month_and_hour(self, now: datetime | None = None) -> tuple[str, str]:
        """Of this moment; written anew when the hour changes."""
        now = now or self._now()
        since_epoch = int(now.timestamp()) // 3600
        if self._named[0] != since_epoch:
            self._named = since_epoch, month_of(now), hour_of(now)
        return self._named[1], self._named[2]

    def _place(self, tenant: str, site: str) -> Counts:
        return self._counted[tenant, site, self._month_and_hour()[0]]

    def api_call(self, tenant: str) -> None:
        """A request that was admitted, for the site that it turned out to be about."""
        self._place(tenant, concerned.get()).api_calls += 1

    def vendor_call(self, tenant: str) -> None:
        """A request sent to a backend, tries of the same call included."""
        self._place(tenant, concerned.get()).vendor_calls += 1

    def events(self, tenant: str, site: str, count: int) -> None:
        """Events that were taken."""
        if count:
            self._place(tenant, site).events += count
            if (tally := self._tallies.get(tenant)) is not None:
                tally.events += count

    async def _tally(self, tenant: str) -> Tally:
        """The tally of this month and hour."""
        month, hour = self._month_and_hour()
        tally = self._tallies.get(tenant)
        if tally is None or tally.hour != hour or tally.month != month:
            now = self._now()
            async with self._flushing:  # otherwise counts on their way to the catalog would be on neither side
                used = await self._catalog.run(rows.used, Tenant(tenant), now)
                events = sum(c.events for (t, _, m), c in self._counted.items() if (t, m) == (tenant, month))
                tally = Tally(used, month, hour, events, self._hourly.get((tenant, hour), 0))
                self._tallies[tenant] = tally
        tally.asked = True
        return tally

    async def admit_call(self, tenant: str) -> None:
        """One more API call. Raises QuotaExceeded with the seconds until the next hour."""
        tally = await self._tally(tenant)
        most = tally.used.quotas.api_calls_per_hour
        if most is not None and tally.used.api_calls + tally.api_calls >= most:
            now = self._now().astimezone(UTC)
            following = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            raise QuotaExceeded("api_calls_per_hour", most, retry_after=(following - now).total_seconds())
        tally.api_calls += 1
        self._hourly[tenant, tally.hour] += 1

    def call_now(self, tenant: str, site: str, now: datetime) -> bool:
        """`admit_call` and `api_call` in one, for a tenant that is being served and is within its quota.

        False for any other: then nothing was counted.
        """
        month, hour = self._month_and_hour(now)
        tally = self._tallies.get(tenant)
        if tally is None or tally.hour != hour or tally.month != month:
            return False
        most = tally.used.quotas.api_calls_per_hour
        if most is not None and tally.used.api_calls + tally.api_calls >= most:
            return False
        tally.asked = True
        tally.api_calls += 1
        self._hourly[tenant, hour] += 1
        self._counted[tenant, site, month].api_calls += 1
        return True

    async def admit_events(self, tenant: str, count: int) -> None:
        """Raises QuotaExceeded when so many more events would be over the month's quota; all are taken or none.

        Whoever takes them is `holding` them from this moment on.
        """
        tally = await self._tally(tenant)
        most = tally.used.quotas.events_per_month
        if most is not None and self._spent(tenant, tally) + count > most:
            raise QuotaExceeded("events_per_month", most)

    def _spent(self, tenant: str, tally: Tally) -> int:
        """Events of the month, those that are being taken included."""
        return tally.used.events + tally.events + self._held.get(tenant, 0)

    @contextmanager
    def holding(self, tenant: str, count: int) -> Iterator[None]:
        """Events that were admitted, until they are counted or dropped: requests side by side share what is left."""
        self._held[tenant] += count
        try:
            yield
        finally:
            self._held[tenant] -= count
            if not self._held[tenant]:
                del self._held[tenant]

    async def begin_import(self, tenant: str, site: str, rows: int) -> int:
        """Put a file on the bill before it is taken, with all rows that it may bring; the number of the bill.

        Raises QuotaExceeded: all of it is taken, or none.
        """
        await self.flush()
        number = await self._catalog.run(bills.begin, Tenant(tenant), site, rows, self._now())
        self._tallies.pop(tenant, None)
        return number

    async def is_limited(self, tenant: str) -> bool:
        """Whether the tenant has a quota of events."""
        return (await self._tally(tenant)).used.quotas.events_per_month is not None

    async def name_import(self, number: int, job: str) -> None:
        """What the backend calls it."""
        await self._catalog.run(bills.named, number, job, self._now())

    async def cancel_import(self, tenant: str, number: int) -> None:
        """The backend did not take it."""
        await self._catalog.run(bills.cancel, number, self._now())
        self._tallies.pop(tenant, None)

    async def end_import(self, tenant: str, site: str, job: str, rows: int) -> None:
        """The rows that were taken in the end, exactly once, however often it is said."""
        await self._catalog.run(bills.end, site, job, rows, self._now())
        self._tallies.pop(tenant, None)

    async def open_imports(self) -> tuple[OpenBill, ...]:
        """Imports whose end nobody has seen."""
        return await self._catalog.run(bills.open_ones)

    async def billed_imports(self, site: str) -> frozenset[str]:
        """The jobs of a site that are on a bill."""
        return await self._catalog.run(bills.jobs_of, site)

    async def room(self, tenant: str) -> int | None:
        """How many more events the month's quota allows; None for any number. Whoever takes them is `holding` them."""
        tally = await self._tally(tenant)
        most = tally.used.quotas.events_per_month
        return None if most is None else max(0, most - self._spent(tenant, tally))

    async def admit_site(self, tenant: Tenant) -> None:
        """Raises QuotaExceeded when the tenant has all the sites it may have."""
        quotas = await self._catalog.run(rows.quotas, tenant)
        if quotas.sites is not None and await self._catalog.run(rows.sites_of, tenant) >= quotas.sites:
            raise QuotaExceeded("sites", quotas.sites)

    async def quotas(self, tenant: Tenant) -> Quotas:
        """The tenant's quotas."""
        return await self._catalog.run(rows.quotas, tenant)

    async def set_quotas(self, catalog: Runs, ref: str, new: Quotas) -> tuple[Tenant, Quotas]:
        """Replace them; the tenant, and the quotas before. At once here, in seconds elsewhere. Raises NotFound.

        `catalog` runs the change together with its row of the audit log.
        """
        await self.flush()
        tenant, before = await catalog.run(rows.set_quotas, ref, new)
        self._tallies.pop(tenant.id, None)
        return tenant, before

    async def usage(self, tenant: Tenant | None, first: str, last: str) -> tuple[UsageRow, ...]:
        """What a tenant used, or all did, up to this moment; months such as `2026-06`, both inclusive."""
        await self.flush()
        return await self._catalog.run(rows.rows, tenant, first, last)

    async def flush(self) -> None:
        """Write the counts down, and read the totals of those who are being served."""
        async with self._flushing:
            counted, self._counted = self._counted, defaultdict(Counts)
            hourly, self._hourly = self._hourly, defaultdict(int)
            # Whoever asked nothing since the last time is read again when it asks.
            self._tallies = {tenant: tally for tenant, tally in self._tallies.items() if tally.asked}
            written = {tenant: (t, t.events, t.api_calls) for tenant, t in self._tallies.items()}
            if counted or hourly:
                try:
                    await self._catalog.run(rows.add, counted, hourly, self._now())
                except BaseException:
                    self._take_back(counted, hourly)
                    raise
            for tenant, (tally, events, api_calls) in written.items():
                now = self._now()
                if (tally.month, tally.hour) != (month_of(now), hour_of(now)):
                    continue  # begun anew when it is asked for
                tally.used = await self._catalog.run(rows.used, Tenant(tenant), now)
                tally.events -= events
                tally.api_calls -= api_calls
                tally.asked = False

    def _take_back(self, counted: dict[UsageKey, Counts], hourly: dict[tuple[str, str], int]) -> None:
        for place, counts in counted.items():
            mine = self._counted[place]
            mine.events += counts.events
            mine.api_calls += counts.api_calls
            mine.vendor_calls += counts.vendor_calls
        for hour, calls in hourly.items():
            self._hourly[hour] += calls

    async def run(self) -> None:
        """Flush every few seconds until cancelled; a catalog that fails is tried again."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception:
                log.exception("usage not written; it is kept for the next time")
