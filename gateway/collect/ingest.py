"""Take events: from trackers that know a domain only, and from servers that hold a key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from adapters.base import Adapter
from adapters.protocols import Collects, CountsDrops, Flushes
from gateway.access.metering import Meter, concerned
from gateway.collect.payload import Payload
from gateway.manage.sites import Sites
from gateway.observe.prometheus import PrometheusMetrics
from gateway.outbound.backends import Backends, collects, collects_together, refused
from gateway.tenancy import SiteRecord
from models.capability import Operation
from models.errors import InvalidRequest, Problem, QuotaExceeded, UnsupportedQuery
from models.event import Drop, Event, Received
from models.validation import problems_of

Arrival = tuple[Event, Received]

MAX_EVENTS = 1000
CLOCKS_DIFFER = timedelta(minutes=1)
UNKNOWN_SITE = Drop(reason="unknown_site", detail="no site has this domain")
OVER_QUOTA = Drop(reason="quota_exceeded", detail="the tenant's quota events_per_month is used up")
NOT_RECORDING = Drop(reason="not_recording", detail="the site's backend takes no events from us")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of server-side events: how many count, and which do not (by position)."""

    accepted: int
    dropped: tuple[tuple[int, Drop], ...]


class Ingest:
    """Hands events to the backends of their sites; returns when nothing accepted can be lost by us."""

    def __init__(
        self, backends: Backends, sites: Sites, meter: Meter, prometheus: PrometheusMetrics, now: Callable[[], datetime]
    ) -> None:
        self._backends, self._sites, self._now = backends, sites, now
        self._meter, self._prometheus = meter, prometheus

    async def track(self, payload: Payload, received: Received) -> tuple[Drop | None, ...]:
        """One entry for each domain of the payload. Raises Overloaded when nothing can be taken now."""
        return tuple([await self._track_one(domain, payload.event, received) for domain in payload.domains])

    async def _track_one(self, domain: str, event: Event, received: Received) -> Drop | None:
        record = await self._sites.for_tracker(domain)
        if record is None:
            return UNKNOWN_SITE
        return (await self.collect(record, (event,), received))[0]

    async def takes_together(self, domain: str) -> bool:
        """Whether events of several visitors for a domain share one fate. Those for a vendor are sent one by one."""
        record = await self._sites.for_tracker(domain)
        return record is None or collects_together(await self._backends.adapter(record.tenant, record.connection))

    async def track_all(self, domain: str, arrived: Sequence[Arrival]) -> tuple[Drop | None, ...]:
        """Events of several visitors for one domain. Raises Overloaded when nothing can be taken now."""
        record = await self._sites.for_tracker(domain)
        if record is None:
            return (UNKNOWN_SITE,) * len(arrived)
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not adapter.can.allows(Operation.COLLECT_EVENTS) or not collects_together(adapter):
            return tuple([(await self.collect(record, (event,), received))[0] for event, received in arrived])
        room = await self._meter.room(record.tenant)
        taken = arrived if room is None else arrived[:room]
        over = len(arrived) - len(taken)
        if over:
            self._prometheus.events(OVER_QUOTA.reason, over)
        with self._meter.holding(record.tenant, len(taken)):
            drops = self._counted(record, await adapter.collect_together(record.site, taken)) if taken else ()
        return drops + (OVER_QUOTA,) * over

    async def collect(
        self, record: SiteRecord, events: Sequence[Event], received: Received | None
    ) -> tuple[Drop | None, ...]:
        """Events of a tracker for a known site, whatever wire format they came in."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not adapter.can.allows(Operation.COLLECT_EVENTS) or not collects(adapter):
            return (NOT_RECORDING,) * len(events)
        try:
            await self._meter.admit_events(record.tenant, len(events))
        except QuotaExceeded:
            self._prometheus.events(OVER_QUOTA.reason, len(events))
            return (OVER_QUOTA,) * len(events)
        concerned.set(record.site.id)
        with self._meter.holding(record.tenant, len(events)):
            return self._counted(record, await adapter.collect(record.site, events, received))

    def _counted(self, record: SiteRecord, drops: tuple[Drop | None, ...]) -> tuple[Drop | None, ...]:
        """Put what was taken on the bill."""
        taken = drops.count(None)
        self._meter.events(record.tenant, record.site.id, taken)
        if taken:
            self._prometheus.events("accepted", taken)
        for drop in drops:
            if drop is not None:
                self._prometheus.events(drop.reason)
        return drops

    async def send(self, record: SiteRecord, body: Any, *, wait: bool = False) -> Taken:
        """Server-side events: one object, or a list of them; a missing time means now.

        `wait` returns when they are queryable. Raises InvalidRequest with the problems of every event (none is taken
        then), QuotaExceeded, UnsupportedQuery where the backend takes none, or none of its own time.
        """
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, Collects) or not adapter.can.allows(Operation.COLLECT_EVENTS):
            raise refused(adapter, Operation.COLLECT_EVENTS)
        events = self._read(body)
        if not adapter.can.allows(Operation.BACKDATE_EVENTS) and self._own_times(events):
            raise refused(adapter, Operation.BACKDATE_EVENTS)
        await self._meter.admit_events(record.tenant, len(events))
        with self._meter.holding(record.tenant, len(events)):
            drops = self._counted(record, await adapter.collect(record.site, events, None))
        if wait:
            await self._flush(adapter)
            await self._sites.bump(record)
        dropped = tuple((i, drop) for i, drop in enumerate(drops) if drop is not None)
        return Taken(len(events) - len(dropped), dropped)

    async def drops(self, record: SiteRecord, first: date, last: date) -> Mapping[date, Mapping[str, int]]:
        """Events that were answered but not counted, by UTC day and reason. Raises UnsupportedQuery."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, CountsDrops):
            raise UnsupportedQuery(["drops: the site's backend does not tell what it left out"], backend=record.backend)
        return await adapter.drops(record.site, first, last)

    async def _flush(self, adapter: Adapter) -> None:
        if isinstance(adapter, Flushes):
            await adapter.flush()

    def _own_times(self, events: Sequence[Event]) -> bool:
        return any(abs(self._now() - event.time) > CLOCKS_DIFFER for event in events)

    def _read(self, body: Any) -> tuple[Event, ...]:
        given = body if isinstance(body, list) else [body]
        if not given or len(given) > MAX_EVENTS:
            raise InvalidRequest([Problem("events", f"send 1 to {MAX_EVENTS} events")])
        problems: list[Problem] = []
        events: list[Event] = []
        for i, fields in enumerate(given):
            where = f"events[{i}]" if isinstance(body, list) else ""
            try:
                events.append(self._read_one(fields))
            except ValidationError as error:
                problems += problems_of(error, where)
        if problems:
            raise InvalidRequest(problems)
        return tuple(events)

    def _read_one(self, fields: Any) -> Event:
        timed = {"time": self._now(), **fields} if isinstance(fields, dict) else fields
        event = Event.model_validate_json(orjson.dumps(timed), strict=True)
        return event if event.time.tzinfo else event.model_copy(update={"time": event.time.replace(tzinfo=UTC)})
