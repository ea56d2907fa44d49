"""Events as Pirsch takes them: hits and custom events, one by one or in batches that keep their order.

Limits of a payload: contract section 3. What a visitor's address and browser tell, Pirsch finds out by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Any
from urllib.parse import urlencode, urlsplit

from adapters.base import Request
from adapters.pirsch.client import PirschClient
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


class Collection:
    """Collects."""

    client: PirschClient

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Sends hits and events in order of time, one request after the other.

        Pirsch answers 200 even for what it drops (bots, quota, foreign hosts; 2026-07-10, contract section 4), so None
        means sent, not counted.
        """
        requests, drops = sent(site, events, received, self.client.context.now())
        for request in requests:
            await self.client.send(request, writes_traffic=True)
        return tuple(drops.get(place) for place in range(len(events)))


@dataclass(frozen=True, slots=True)
class _Hit:
    """A page view or event as the vendor takes it."""

    time: datetime
    kind: str
    body: dict[str, Any]


def sent(
    site: Site, events: Sequence[Event], received: Received | None, now: datetime
) -> tuple[tuple[Request, ...], dict[int, Drop]]:
    """The requests in the order to send them, and the events that Pirsch cannot take, by place.

    A batch may be sorted by the vendor, two batches are not: events are put in order of time, then cut wherever the
    kind changes. A tracker's event goes alone.
    """
    drops, hits = dict[int, Drop](), list[_Hit]()
    for place, event in enumerate(events):
        body = _body(site, event, received)
        if isinstance(body, Drop):
            drops[place] = body
        else:
            hits.append(_Hit(event.time, "hit" if event.name == PAGEVIEW else "event", body))
    hits.sort(key=lambda hit: hit.time)
    if len(hits) == 1 and received is not None and abs(now - hits[0].time) <= LIVE:
        return (_request(hits[0].kind, hits[0].body),), drops
    return tuple(_batches(hits)), drops


def _batches(hits: Sequence[_Hit]) -> Iterator[Request]:
    for kind, run in groupby(hits, lambda hit: hit.kind):
        bodies = ({**hit.body, "time": stamp(hit.time)} for hit in run)
        while batch := list(islice(bodies, BATCH)):
            yield _request(f"{kind}/batch", batch)


def _request(path: str, body: Any) -> Request:
    return Request("POST", f"/api/v1/{path}", json=body, idempotent=False)


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
