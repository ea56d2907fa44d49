"""What sending events on has in common at vendors: what they cannot keep, and how an event is written."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from models.event import ENGAGEMENT, Drop, Event, Received

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
TOLERANCE = timedelta(minutes=5)
"""How far from its arrival an event may lie that will be stored as of its arrival."""


def live_objection(event: Event, received: Received | None, now: datetime, title: str) -> Drop | None:
    """Why a vendor that stores arrival times and measures no engagement cannot be sent an event, or None."""
    if event.name == ENGAGEMENT:
        return Drop(reason="unsupported", detail=f"{title} does not measure engagement")
    if abs(event.time - now) > TOLERANCE:
        return Drop(reason="unsupported", detail=f"{title} stores events at the time they arrive")
    if received is None and event.visitor is None and event.ip is None:
        return Drop(reason="no_visitor", detail="an event needs a visitor, or an address and user agent")
    return None


def tags_beside(event: Event, query: str) -> Mapping[str, str]:
    """Campaign tags that are given apart from a page's address and are not in its query."""
    given = {name: getattr(event, name) for name in UTM}
    return {name: value for name, value in given.items() if value and f"{name}=" not in query}


def referrer_url(text: str | None) -> str | None:
    """A referrer as an address: a bare host gets a scheme."""
    return text if text is None or "://" in text else f"https://{text}"
