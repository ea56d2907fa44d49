"""Events to POST /api/send, one call each (contract section 4)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from adapters.base import Request
from adapters.collect import live_objection, referrer_url, tags_beside
from adapters.http import shaped
from adapters.umami.client import UmamiClient
from adapters.umami.goals import LONGEST_EVENT
from adapters.umami.wire import BACKEND, Sent, check
from models.event import PAGEVIEW, Drop, Event, Received
from models.site import Site

UNNAMED_AGENT = "Mozilla/5.0 (compatible; server-side event)"
"""For events without a browser of their own: Umami takes senders that do not look like one for bots."""


class Collection:
    """Collects."""

    client: UmamiClient

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Forward events in the visitors' names.

        Umami stores arrival times and derives device and place by itself; a country that is known goes along as the
        header of a proxy, without which servers that lack a place database answer 500 (3.1.0,
        2026-05).
        """
        now = self.client.context.now()
        return tuple(
            [objection(event, received, now) or await self._forward(site, event, received) for event in events]
        )

    async def _forward(self, site: Site, event: Event, received: Received | None) -> Drop | None:
        body = {"type": "event", "payload": payload(site.ref, event)}
        request = Request(
            "POST", self.client.path("send"), headers=headers(event, received), json=body, idempotent=False
        )
        reply = await self.client.context.transport.send(request)
        check(reply, self.client.context.now())
        # A bot is answered 200 with `beep`, in place of a refusal (3.1.0, 2026-11, contract 4).
        bot = shaped(reply, Sent, backend=BACKEND).beep is not None
        return Drop(reason="bot", detail="Umami takes the sender for a bot") if bot else None


def objection(event: Event, received: Received | None, now: datetime) -> Drop | None:
    """Why an event cannot be sent on, or None."""
    if len(event.name) > LONGEST_EVENT:
        return Drop(reason="unsupported", detail=f"Umami keeps {LONGEST_EVENT} characters of an event's name")
    return live_objection(event, received, now, "Umami")


def headers(event: Event, received: Received | None) -> dict[str, str]:
    """The visitor's side of the call, and the place where it is known."""
    agent = received.user_agent if received else event.user_agent
    address = received.ip if received else event.ip
    found = {"user-agent": agent or UNNAMED_AGENT}
    if address:
        found["x-forwarded-for"] = address
    # With this header alone the server skips its own database: region and city stay empty (3.1.0, 2026-11, contract 4).
    if event.country:
        found["cf-ipcountry"] = event.country.upper()
    return found


def payload(website: str, event: Event) -> dict[str, Any]:
    """One event in the vendor's fields. Campaign tags travel in the address, as Umami reads them there."""
    data: dict[str, Any] = dict(event.props)
    if event.revenue is not None:
        data |= {"revenue": event.revenue.amount, "currency": event.revenue.currency}
    parts = urlsplit(event.url or "")
    found = {
        "website": website,
        "url": _address(event, parts.path, parts.query),
        "hostname": event.hostname or parts.hostname,
        "referrer": referrer_url(event.referrer),
        "title": event.title,
        "language": event.language,
        "screen": event.screen,
        "name": None if event.name == PAGEVIEW else event.name,
        "data": data if data and event.name != PAGEVIEW else None,
        "id": event.visitor,
    }
    return {name: value for name, value in found.items() if value is not None}


def _address(event: Event, path: str, query: str) -> str:
    tags = urlencode(tags_beside(event, query))
    joined = "&".join(part for part in (query, tags) if part)
    return (event.path or path or "/") + (f"?{joined}" if joined else "")
