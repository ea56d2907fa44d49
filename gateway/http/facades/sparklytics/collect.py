"""`POST /api/collect`: events of the vendor's own clients (contracts: Sparklytics 4.4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from gateway.collect.ingest import UNKNOWN_SITE
from gateway.http.endpoint import Ask
from gateway.http.facades.sparklytics.wording import invalid, refused
from gateway.http.server.body import answer
from gateway.http.server.visitor import received, trusted_networks
from gateway.http.trackers import CORS
from models.event import PAGEVIEW, Drop, Event

MAX_BATCH = 50
MAX_DATA = 4096
MAX_VISITOR = 64
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
FIELDS = frozenset(
    {"website_id", "type", "url", "referrer", "screen", "language", "event_name", "event_data", "visitor_id", *UTM}
)
TYPES = ("pageview", "page_view", "event", "custom")


async def collect(ask: Ask) -> Response:
    """202 `{"ok": true}`; what will not be counted is said in headers."""
    services, value = ask.services, await ask.json()
    batch = value if isinstance(value, list) else [value]
    if not batch or len(batch) > MAX_BATCH:
        raise refused(400, "batch_too_large", f"A batch holds 1 to {MAX_BATCH} events")
    now = services.settings.clock()
    events = [(_text(each, "website_id"), _event(each, now)) for each in batch]
    visitor = received(ask.request, trusted_networks(services.settings.trusted_proxies))
    drops: list[Drop | None] = []
    for website in dict.fromkeys(website for website, _ in events):
        # One call for a website: a client whose batch was refused sends all of it again.
        arrived = [(event, visitor) for named, event in events if named == website]
        drops += map(_said, await services.ingest.track_all(website, arrived))
    return answer({"ok": True}, 202, {**CORS, **_counts(drops)})


def _said(drop: Drop | None) -> Drop | None:
    """With the vendor's word for a site."""
    return Drop(reason="unknown_website") if drop == UNKNOWN_SITE else drop


def _counts(drops: list[Drop | None]) -> dict[str, str]:
    reasons = sorted({drop.reason for drop in drops if drop is not None})
    dropped = sum(drop is not None for drop in drops)
    headers = {"x-sparklytics-ingest-accepted": str(len(drops) - dropped)}
    if dropped:
        headers |= {"x-sparklytics-dropped-events": str(dropped), "x-sparklytics-drop-reason": ", ".join(reasons)}
    return headers


def _event(given: Any, now: datetime) -> Event:
    """Raises Refused for unknown fields, missing ones, and values the canonical event refuses."""
    if not isinstance(given, dict):
        raise invalid("Each event must be an object")
    if unknown := given.keys() - FIELDS:
        raise invalid(f"unknown field `{min(unknown)[:60]}`", min(unknown)[:60])
    if given.get("type") not in TYPES:
        raise invalid("type must be pageview or event", "type")
    is_view = given["type"] in TYPES[:2]
    data = given.get("event_data") or {}
    if not isinstance(data, dict) or len(orjson.dumps(data)) > MAX_DATA:
        # 400, not 413 (source of 2026-04-12, contract 2).
        raise refused(400, "payload_too_large", f"event_data may have {MAX_DATA} bytes", "event_data")
    fields: dict[str, Any] = {
        "name": PAGEVIEW if is_view else _text(given, "event_name"),
        "time": now,
        "url": _text(given, "url"),
        "referrer": given.get("referrer") or None,
        "language": given.get("language") or None,
        "visitor": _visitor(given),
        "props": _props(data),
        **{name: given.get(name) or None for name in UTM},
    }
    try:
        return Event(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid(first["msg"], ".".join(map(str, first["loc"]))) from None


def _visitor(given: Mapping[str, Any]) -> str | None:
    """The id that a client has for its visitor; without one it is the address and user agent."""
    visitor = given.get("visitor_id")
    if visitor is not None and (not isinstance(visitor, str) or len(visitor) > MAX_VISITOR):
        raise invalid(f"visitor_id must be a text of at most {MAX_VISITOR} characters", "visitor_id")
    return visitor or None


def _text(given: Any, name: str) -> str:
    value = given.get(name) if isinstance(given, dict) else None
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} is required", name)
    return value


def _props(data: Mapping[str, Any]) -> dict[str, Any]:
    """Scalars as they are; lists and objects as their JSON, so that nothing sent is lost."""
    return {
        str(key): value if isinstance(value, str | int | float | bool) else orjson.dumps(value).decode()
        for key, value in data.items()
        if value is not None
    }
