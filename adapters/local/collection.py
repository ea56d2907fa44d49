"""Events of local sites: taken in by the running engine, and what became of those that were not counted."""

from collections.abc import Mapping, Sequence
from datetime import date

from adapters.local.engine import Engine
from models.event import Drop, Event, Received
from models.site import Site


class Collection:
    """Collects, CollectsTogether, CountsDrops and Flushes."""

    engine: Engine

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Raises Overloaded."""
        return await self.engine.collector.collect(site, events, received)

    async def collect_together(self, site: Site, arrived: Sequence[tuple[Event, Received]]) -> tuple[Drop | None, ...]:
        """Raises Overloaded."""
        return await self.engine.collector.collect_together(site, arrived)

    async def flush(self) -> None:
        await self.engine.writer.flush()

    async def drops(self, site: Site, first: date, last: date) -> Mapping[date, Mapping[str, int]]:
        return await self.engine.counts.of(site.id, first, last)
