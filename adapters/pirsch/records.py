"""Events as Pirsch takes them: hits and custom events, one by one or in batches that keep their order. Pure.

Limits of a payload: contract section 3. What a visitor's address and browser tell, Pirsch finds out by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from adapters.pirsch.wire import CURRENCY_KEY, REVENUE_KEY
from models.event import ENGAGEMENT, PAGEVIEW, Drop, Event, Received
from models.site import Site

BATCH = 200
"""Items in one batch; the vendor's own maximum is not documented."""
LIVE = timedelta(seconds=60)
"""A tracker's event older than this goes with its time, in a batch of one."""
META_PAIRS, META_KEY, META_VALUE = 20, 100, 2000
TAG_PAIRS, TAG_TEXT = 20, 50
HINTS = (
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-ch-ua-platform-version",
    "sec-ch-width",
    "sec-ch-viewport-width",
)
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request: a single hit or event, or a batch of one kind. `of` are the places its events were given in."""

    path: str
    body: Any
    of: tuple[int, ...]


def parcels(
    site: Site, events: Sequence[Event], received: Received | None, now: datetime
) -> tuple[tuple[Parcel, ...], dict[int, Drop]]:
    """The requests in the order to send them, and the events that Pirsch cannot take.

    A batch may be sorted by the vendor, two batches are not: events are put in order of time, then cut wherever the
    kind changes.
    """
    drops: dict[int, Drop] = {}
    items: list[tuple[datetime, int, str, dict[str, Any]]] = []
    for place, event in enumerate(events):
        body = _body(site, event, received)
        if isinstance(body, Drop):
            drops[place] = body
        else:
            items.append((event.time, place, "hit" if event.name == PAGEVIEW else "event", body))
    items.sort(key=lambda item: item[:2])
    if len(items) == 1 and received is not None and abs(now - items[0][0]) <= LIVE:
        _, place, kind, body = items[0]
        return (Parcel(kind, body, (place,)),), drops
    return tuple(_batches(items)), drops


def _batches(items: Sequence[tuple[datetime, int, str, dict[str, Any]]]) -> list[Parcel]:
    runs: list[list[tuple[datetime, int, str, dict[str, Any]]]] = []
    for item in items:
        if not runs or runs[-1][0][2] != item[2] or len(runs[-1]) == BATCH:
            runs.append([])
        runs[-1].append(item)
    return [Parcel(f"{run[0][2]}/batch", [_timed(i) for i in run], tuple(i[1] for i in run)) for run in runs]


def _timed(item: tuple[datetime, int, str, dict[str, Any]]) -> dict[str, Any]:
    return {**item[3], "time": stamp(item[0])}


def stamp(time: datetime) -> str:
    """RFC 3339 in UTC."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _body(site: Site, event: Event, received: Received | None) -> dict[str, Any] | Drop:
    if event.name == ENGAGEMENT:
        return Drop(reason="unsupported_event", detail="Pirsch measures no engagement")
    address = received.ip if received else event.ip
    agent = received.user_agent if received else event.user_agent
    if not address or not agent:
        return Drop(reason="unknown_visitor", detail="Pirsch needs the visitor's address and user agent")
    body: dict[str, Any] = {"url": _url(site, event), "ip": address, "user_agent": agent}
    if received is not None:
        headers = {name.lower(): value for name, value in received.headers.items()}
        body |= {name.replace("-", "_"): headers[name] for name in HINTS if headers.get(name)}
    language = (received.accept_language if received else "") or event.language
    body |= {
        k: v for k, v in (("accept_language", language), ("title", event.title), ("referrer", event.referrer)) if v
    }
    if event.name == PAGEVIEW:
        return _tagged(body, event.props)
    meta = dict(event.props)
    if event.revenue is not None:
        meta |= {REVENUE_KEY: f"{event.revenue.amount:.2f}", CURRENCY_KEY: event.revenue.currency}
    if len(meta) > META_PAIRS or any(len(k) > META_KEY or len(v) > META_VALUE for k, v in meta.items()):
        return Drop(reason="props_too_large", detail=f"Pirsch takes {META_PAIRS} properties of an event")
    body |= {"event_name": event.name, "non_interactive": not event.interactive}
    return body | ({"event_meta": meta} if meta else {})


def _tagged(body: dict[str, Any], props: Mapping[str, str]) -> dict[str, Any] | Drop:
    """Properties of a page view are tags there."""
    if len(props) > TAG_PAIRS or any(max(len(k), len(v)) > TAG_TEXT for k, v in props.items()):
        return Drop(reason="props_too_large", detail=f"Pirsch takes {TAG_PAIRS} tags of {TAG_TEXT} characters")
    return body | ({"tags": dict(props)} if props else {})


def _url(site: Site, event: Event) -> str:
    """The address of the page, with campaign parameters that stand in fields of their own."""
    url = event.url or f"https://{event.hostname or site.domain}{event.path or '/'}"
    own = [(name, value) for name in _UTM if (value := getattr(event, name)) and f"{name}=" not in urlsplit(url).query]
    if not own:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(own)}"
