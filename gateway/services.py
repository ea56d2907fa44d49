"""Everything that answers requests, put together once and handed to every face of the service."""

from dataclasses import dataclass

from gateway.cache import ResultCache
from gateway.catalog import Catalog
from gateway.clients import Clients
from gateway.connections import Connections
from gateway.enrolment import Enrolment
from gateway.goals import Goals
from gateway.guests import Guests
from gateway.history import History
from gateway.ingest import Ingest
from gateway.insights import Insights
from gateway.keyring import Keyring
from gateway.links import Links
from gateway.passthrough import Passthrough
from gateway.props import Props
from gateway.record import Recorder
from gateway.rules import Rules
from gateway.segments import Segments
from gateway.settings import Settings
from gateway.sites import Sites
from gateway.stats import Stats
from gateway.vault import Vault


@dataclass(frozen=True, slots=True)
class Services:
    """One of each; `settings` are what the operator decided."""

    settings: Settings
    catalog: Catalog
    vault: Vault
    keyring: Keyring
    clients: Clients
    recorder: Recorder
    connections: Connections
    enrolment: Enrolment
    sites: Sites
    stats: Stats
    insights: Insights
    cache: ResultCache
    goals: Goals
    links: Links
    guests: Guests
    props: Props
    rules: Rules
    segments: Segments
    ingest: Ingest
    history: History
    passthrough: Passthrough

    async def close(self) -> None:
        """Finish and close, the catalog last."""
        await self.history.close()
        await self.cache.close()
        await self.connections.close()
        self.catalog.close()
