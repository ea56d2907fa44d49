"""Everything that answers requests, put together once and handed to every face of the service."""

import sqlite3
from dataclasses import dataclass

import structlog

from gateway.access.clients import Clients
from gateway.access.keyring import Keyring
from gateway.access.metering import Meter
from gateway.access.rate_limit import RateLimit
from gateway.catalog import Catalog, usage
from gateway.catalog.audit_trail import AuditTrail
from gateway.catalog.vault import Vault
from gateway.collect.ingest import Ingest
from gateway.manage.discovery import Discovery
from gateway.manage.enrolment import Enrolment
from gateway.manage.goals import Goals
from gateway.manage.guests import Guests
from gateway.manage.history import History
from gateway.manage.links import Links
from gateway.manage.passthrough import Passthrough
from gateway.manage.props import Props
from gateway.manage.rules import Rules
from gateway.manage.segments import Segments
from gateway.manage.site_changes import SiteChanges
from gateway.manage.sites import Sites
from gateway.manage.teams import Teams
from gateway.observe.prometheus import PrometheusMetrics
from gateway.outbound.connections import Connections
from gateway.read.cache import ResultCache
from gateway.read.insights import Insights
from gateway.read.stats import Stats
from gateway.settings import Settings
from gateway.tenancy import DEFAULT_TENANT, Tenant

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Services:
    """One of each; `settings` are what the operator decided."""

    settings: Settings
    catalog: Catalog
    vault: Vault
    keyring: Keyring
    clients: Clients
    audit: AuditTrail
    meter: Meter
    prometheus: PrometheusMetrics
    guesses: RateLimit
    key_rate: RateLimit
    address_rate: RateLimit
    event_rate: RateLimit
    connections: Connections
    enrolment: Enrolment
    sites: Sites
    site_changes: SiteChanges
    discovery: Discovery
    stats: Stats
    insights: Insights
    cache: ResultCache
    goals: Goals
    links: Links
    guests: Guests
    teams: Teams
    props: Props
    rules: Rules
    segments: Segments
    ingest: Ingest
    history: History
    passthrough: Passthrough

    async def failing(self) -> tuple[str, ...]:
        """Why nothing can be answered now; what is said here is for everybody to read."""
        reasons = []
        try:
            await self.catalog.run(usage.quotas, Tenant(DEFAULT_TENANT))
        except sqlite3.Error:
            log.exception("catalog fails")
            reasons.append("the catalog cannot be read")
        if not self.connections.own_store_is_open():
            return tuple(reasons)
        found = await self.connections.check_own_store()
        if not found.ok:
            log.error("event store fails", reasons=list(found.reasons))
            reasons.append("the event store or its journal fails")
        return tuple(reasons)

    async def close(self) -> None:
        """Finish and close, the catalog last."""
        await self.history.close()
        await self.cache.close()
        await self.connections.close()
        await self.meter.flush()
        self.catalog.close()
