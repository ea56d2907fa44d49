"""Events to POST /api/collect (contract 4.4): batches of 50, no time of their own, no key."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.base import Reply, Request
from adapters.collect import live_objection, referrer_url
from adapters.sparklytics.client import SparklyticsClient
from adapters.sparklytics.management import REVENUE_KEY
from adapters.sparklytics.wire import check
from models.event import PAGEVIEW, Drop, Event, Received
from models.site import Site

BATCH, MOST_VISITOR = 50, 64
Sender = tuple[str, str]
"""Address and user agent that a batch is sent in the name of."""


class Collection:
    """Collects."""

    client: SparklyticsClient

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Forward events in the visitors' names.

        Sparklytics stores arrival times and derives place and device by itself, so an event of another time is dropped,
        as are engagement and events without a visitor. It believes X-Forwarded-For from trusted proxies only, and
        trusts none unless told to: all who come through us without an id are then one visitor (2026-11, contract 0).
        """
        now = self.client.context.now()
        outcome: list[Drop | None] = [objection(event, received, now) for event in events]
        groups: dict[Sender, list[int]] = {}
        for index, event in enumerate(events):
            if outcome[index] is None:
                groups.setdefault(_sender(event, received), []).append(index)
        for sender, indexes in groups.items():
            for start in range(0, len(indexes), BATCH):
                batch = indexes[start : start + BATCH]
                dropped = await self._collect(sender, [payload(site.ref, events[i]) for i in batch])
                # The vendor counts what it drops, not which; it stops where its limit is reached (source of 2026-04-12,
                # contract 4.4).
                for i in batch[len(batch) - dropped[0] :] if dropped[0] else ():
                    outcome[i] = Drop(reason="refused_by_backend", detail=dropped[1])
        return tuple(outcome)

    async def _collect(self, sender: Sender, batch: list[dict[str, Any]]) -> tuple[int, str]:
        address, agent = sender
        headers = {"user-agent": agent} if agent else {}
        if address:
            headers["x-forwarded-for"] = address
        request = Request("POST", "/api/collect", headers=headers, json=batch, idempotent=False)
        reply = await self.client.context.transport.send(request)
        check(reply, self.client.context.now())
        return _dropped(reply, len(batch))


def objection(event: Event, received: Received | None, now: datetime) -> Drop | None:
    """Why an event cannot be sent on, or None."""
    against = live_objection(event, received, now, "Sparklytics")
    if against is None and event.url is None and event.hostname is None:
        return Drop(reason="no_url", detail="an event needs a url, or hostname and path")
    return against


def _sender(event: Event, received: Received | None) -> Sender:
    if received is not None:
        return received.ip, received.user_agent
    return event.ip or "", event.user_agent or ""


def payload(website: str, event: Event) -> dict[str, Any]:
    """One event in the vendor's fields; one it does not know would be a 422 (2026-11, contract 0)."""
    is_view = event.name == PAGEVIEW
    data: dict[str, Any] = dict(event.props)
    if event.revenue is not None:
        data[REVENUE_KEY] = event.revenue.amount
    found = {
        "website_id": website,
        "type": "pageview" if is_view else "event",
        "url": event.url or f"https://{event.hostname}{event.path or '/'}",
        "referrer": referrer_url(event.referrer),
        "language": event.language,
        "screen": event.screen,
        "event_name": None if is_view else event.name,
        "event_data": data or None,
        "visitor_id": _visitor(event.visitor),
        "utm_source": event.utm_source,
        "utm_medium": event.utm_medium,
        "utm_campaign": event.utm_campaign,
        "utm_term": event.utm_term,
        "utm_content": event.utm_content,
    }
    return {name: value for name, value in found.items() if value is not None}


def _visitor(visitor: str | None) -> str | None:
    # A longer id is not refused but ignored, and the address counted in its place (2026-11, contract 0).
    if visitor is None or len(visitor) <= MOST_VISITOR:
        return visitor
    return hashlib.sha256(visitor.encode()).hexdigest()


def _dropped(reply: Reply, sent: int) -> tuple[int, str]:
    """How many events of a batch were not taken, and the vendor's word for why."""
    text = reply.headers.get("x-sparklytics-ingest-dropped-events", "0").strip()
    count = int(text) if text.isascii() and text.isdigit() else 0
    return min(count, sent), reply.headers.get("x-sparklytics-ingest-drop-reason", "")[:100]
