"""Canonical event -> body and headers of POST /api/event (contract section 6). Pure.

Plausible counts an event when it arrives, places and recognises the visitor by address and browser, and keeps no page
title or language: what it cannot take is dropped with the reason before it is sent.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from models.event import Drop, Event, Received

OLDEST = timedelta(minutes=1)
"""How late an event may be forwarded and still be counted at about its time."""
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


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
    given = {name: value for name in UTM if (value := getattr(event, name)) and f"{name}=" not in urlsplit(url).query}
    if not given:
        return url
    parts = urlsplit(url)
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
