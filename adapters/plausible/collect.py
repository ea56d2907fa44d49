"""Events to POST /api/event, one call each (contract section 6).

Plausible counts an event when it arrives, places and recognises the visitor by address and browser, and keeps no page
title or language: what it cannot take is dropped with the reason before it is sent.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from adapters.base import Request
from adapters.collect import tags_beside
from adapters.plausible.client import PlausibleClient
from models.errors import BackendError, Overloaded, RateLimited
from models.event import Drop, Event, Received
from models.site import Site

OLDEST = timedelta(minutes=1)
"""How late an event may be forwarded and still be counted at about its time."""


class Collection:
    """Collects."""

    client: PlausibleClient

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Forward events one by one.

        A failure raises while nothing was taken; later ones become drops, since what was taken must not be sent again.
        """
        outcomes: list[Drop | None] = []
        taken = False
        for event in events:
            try:
                outcome = await self._forward(site, event, received)
            except (BackendError, Overloaded) as error:
                if not taken:
                    raise _not_taken(error) from error
                outcome = Drop(reason=error.code, detail=error.title)
            taken = taken or outcome is None
            outcomes.append(outcome)
        return tuple(outcomes)

    async def _forward(self, site: Site, event: Event, received: Received | None) -> Drop | None:
        if (against := objection(event, received, self.client.context.now())) is not None:
            return against
        body, headers = body_of(site.ref, event), headers_of(event, received)
        reply = await self.client.unsigned(Request("POST", "/api/event", headers=headers, json=body, idempotent=False))
        if reply.status == 400:
            return Drop(reason="invalid", detail="Plausible finds the event invalid")
        self.client.check(reply)
        # What it does not count is answered 202 too; only this header tells (2026-07, contract 6).
        if reply.headers.get("x-plausible-dropped", "0").strip() not in ("", "0"):
            return Drop(reason="dropped_by_backend", detail="Plausible answered that it does not count the event")
        return None


def _not_taken(error: BackendError | Overloaded) -> BackendError | Overloaded:
    """A limit or an outage of the server means: later. What it refuses for good stays a refusal."""
    # Its 429 does not say how long to wait (2026-07; fixtures/plausible/error_hourly_limit.json).
    if isinstance(error, RateLimited):
        return Overloaded(retry_after=error.retry_after or 10.0, backend=error.backend)
    return error


def objection(event: Event, received: Received | None, now: datetime) -> Drop | None:
    """Why Plausible would miscount the event; None when it can be sent."""
    if now - event.time > OLDEST:
        return Drop(reason="backdated", detail="Plausible counts an event when it arrives")
    if not (event.ip or (received and received.ip)):
        return Drop(reason="no_address", detail="Plausible recognises visitors by address and user agent only")
    if url_of(event) is None:
        return Drop(reason="no_url", detail="an event needs url, or hostname and path")
    return None


def url_of(event: Event) -> str | None:
    """The page's address; campaign tags that are given apart from it are put back into it."""
    if event.url and urlsplit(event.url).hostname:
        url = event.url
    elif event.hostname:
        url = f"https://{event.hostname}{quote(event.path or '/', safe='/%:@!$&()*+,;=~-._')}"
    else:
        return None
    parts = urlsplit(url)
    given = tags_beside(event, parts.query)
    if not given:
        return url
    return parts._replace(query="&".join(filter(None, (parts.query, urlencode(given))))).geturl()


def body_of(domain: str, event: Event) -> dict[str, Any]:
    """The JSON body, in short names."""
    body: dict[str, Any] = {"n": event.name, "u": url_of(event), "d": domain}
    optional: Mapping[str, Any] = {
        "r": event.referrer,
        "p": dict(event.props) or None,
        "$": event.revenue and {"amount": str(event.revenue.amount), "currency": event.revenue.currency},
        "i": None if event.interactive else False,
        "e": event.engagement_ms,
        "sd": event.scroll_depth,
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def headers_of(event: Event, received: Received | None) -> dict[str, str]:
    """The visitor's side of the request: who asked, and with what."""
    address = event.ip or (received.ip if received else "")
    agent = event.user_agent or (received.user_agent if received else "")
    return {"x-forwarded-for": address, "user-agent": agent}
