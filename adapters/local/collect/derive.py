"""From an event as given to a hit as recorded: given fields stay, missing ones are derived, addresses are left out."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address
from typing import NamedTuple, Protocol

from adapters.local.collect.bulk_event import BulkEvent, BulkRevenue, Given
from adapters.local.collect.hit import NO_DEPTH, Attributes, Hit, pack_attributes
from adapters.local.collect.rules import Rules
from adapters.local.enrich.agent import Agent, parse_agent
from adapters.local.enrich.bots import bot_reason
from adapters.local.enrich.channel import channel
from adapters.local.enrich.geo import NOWHERE, Geo, Place
from adapters.local.enrich.page import EventFieldError, Page, read_page
from adapters.local.enrich.place import language
from adapters.local.enrich.referrer import SCHEMES, Source, is_spam, read_source
from adapters.local.enrich.visitor import DailySalts, visitor_id, visitor_ids
from models.event import Drop, Received, Revenue
from models.site import Site

FUTURE = timedelta(hours=24)
"""How far a sender's clock may run ahead; later events are refused. Any time since 1970 is taken as past."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_AMOUNT = 10**18
TRACKED = frozenset({
    "name", "time", "url", "hostname", "path", "title", "referrer", "props", "revenue", "interactive", "engagement_ms",
    "scroll_depth",
})  # fmt: skip
"""What a tracker tells at most; nothing of it is an attribute of the visit but the referrer."""
NOBODY_AGENT, NO_SOURCE, NO_PAGE = Agent(), Source(), Page("", "/")
REMEMBERED = 8192
"""Visitors of the running minute whose number and place are not found twice."""


class Origin(NamedTuple):
    """Who sent it, for as long as it takes to derive a hit: never stored."""

    address: str
    agent: str
    languages: str


class SaltsOf(Protocol):
    """Where the salts of the day come from; `Salts` is the one that draws them."""

    def at(self, now: datetime) -> DailySalts: ...


class Derivation:
    """Turns events into hits with the salts of the day and a file of places.

    A browser that sends several events is looked up once; its address is forgotten when the minute ends, as the
    counters of rate limits do.
    """

    def __init__(self, salts: SaltsOf, geo: Geo) -> None:
        self._salts, self._minute = salts, -1
        self._locate, self._numbers = lru_cache(REMEMBERED)(geo.locate), lru_cache(REMEMBERED)(visitor_ids)

    def _forget(self, now: datetime) -> None:
        """Forget addresses when a minute ended."""
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._locate.cache_clear()
            self._numbers.cache_clear()

    def hit(self, site: Site, given: Given, received: Received | None, rules: Rules, now: datetime) -> Hit | Drop:
        """The hit, or why it is not counted. `now` is the time of arrival."""
        self._forget(now)
        origin = (
            Origin(_plain(received.ip), received.user_agent, received.accept_language)
            if received
            else Origin(_plain(given.ip or ""), given.user_agent or "", "")
        )
        if refused := _refusal(given, origin, received, now):
            return refused
        try:
            page, source = _arrival(given.url or "", given.referrer or "", given.hostname)
            amount = None if given.revenue is None else _thousandths(given.revenue)
        except EventFieldError as error:
            return Drop(reason="invalid", detail=str(error))
        hostname = page.hostname if given.hostname is None else given.hostname
        path = (page.pathname if given.path is None else given.path) or "/"
        place = self._locate(origin.address) if given.country is None and origin.address else NOWHERE
        country = place.country if given.country is None else given.country.upper()
        if rules.excludes and (reason := rules.refuse(origin.address, country, hostname, path)):
            return Drop(reason=reason)
        visitor, earlier = self._visitor(site, given, origin, hostname, now)
        if not visitor:
            return Drop(reason="no_visitor", detail="an event needs a visitor, or an address or user agent")
        return Hit(
            site.id,
            int(given.time.timestamp()),
            visitor,
            earlier,
            given.name,
            given.interactive,
            hostname,
            path,
            given.title or "",
            _packed(given, received, source, origin, place, country, hostname),
            given.engagement_ms or 0,
            NO_DEPTH if given.scroll_depth is None else given.scroll_depth,
            amount,
            given.revenue.currency if given.revenue else "",
            _props(given) if given.props else None,
        )

    def _visitor(self, site: Site, given: Given, origin: Origin, hostname: str, now: datetime) -> tuple[int, int]:
        """The visitor's number, and the one under yesterday's salt (0: none)."""
        if given.visitor:
            before = given.previous_visitor
            return named_visitor(site.id, given.visitor), named_visitor(site.id, before) if before else 0
        if not origin.address and not origin.agent:
            return 0, 0
        salts = self._salts.at(now)
        who = (origin.agent, origin.address, site.domain, hostname)
        if given.time >= salts.begin:
            return self._numbers(salts.current, salts.previous, *who)
        day = given.time.astimezone(UTC).date()
        if day == salts.day - timedelta(days=1) and salts.previous:
            return visitor_id(salts.previous, *who), 0
        return visitor_id(_past_salt(salts, day.isoformat()), *who), 0


def _plain(address: str) -> str:
    """An IPv4 address that is written as one of IPv6, as servers on both do: it has the same visitor and place."""
    if ":" not in address or "ffff:" not in address.lower():
        return address
    try:
        found = IPv6Address(address)
    except ValueError:
        return address
    return str(found.ipv4_mapped or address)


def _past_salt(salts: DailySalts, day: str) -> bytes:
    """A key for a day whose salt is gone: an event sent late still gets a number of its own day."""
    return blake2b(day.encode(), key=salts.current, digest_size=16).digest()


@lru_cache(maxsize=8192)
def named_visitor(site: str, name: str) -> int:
    """The number of a visitor whom the sender names; it does not rotate, and differs from site to site."""
    part = site.encode()
    digest = blake2b(len(part).to_bytes(4, "big") + part + name.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") or 1


def _refusal(given: Given, origin: Origin, received: Received | None, now: datetime) -> Drop | None:
    if received is None:
        if given.time > now + FUTURE:
            return Drop(reason="future", detail="the time is more than 24 hours ahead")
        if given.time < EPOCH:
            return Drop(reason="past", detail="the time is before 1970")
    # A tracker always has a user agent; a server that reports events need not pass one on.
    if (received or origin.agent) and (pattern := bot_reason(origin.agent)):
        return Drop(reason="bot", detail=pattern)
    if given.referrer and is_spam(given.referrer):
        return Drop(reason="spam_referrer")
    return None


def _thousandths(revenue: Revenue | BulkRevenue) -> int:
    amount = int((Decimal(str(revenue.amount)) * 1000).to_integral_value(ROUND_HALF_EVEN))
    if abs(amount) >= MAX_AMOUNT:
        raise EventFieldError("revenue", "is out of range")
    return amount


def _text(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _props(given: Given) -> dict[str, str] | None:
    """Properties with a value; a blank one is the same as none."""
    return {key: text for key, value in (given.props or {}).items() if (text := _text(value)).strip() and key} or None


@lru_cache(maxsize=8192)
def _arrival(url: str, referrer: str, hostname: str | None) -> tuple[Page, Source]:
    """The page, and source and tags from its address and the referrer's; `hostname` is the given one.

    A referrer without a scheme is one that was read before (host and path): it is kept, nothing is concluded from it.
    Raises EventFieldError.
    """
    page = read_page(url) if url else NO_PAGE
    address = referrer if referrer.partition("://")[0].lower() in SCHEMES else ""
    if not address and not page.query:
        return page, NO_SOURCE
    return page, read_source(page.query, address, page.hostname if hostname is None else hostname)


def _is_address(referrer: str) -> bool:
    """Whether it has a scheme; "://" may also stand in the path of a referrer without one."""
    scheme, sign, _ = referrer.partition("://")
    return bool(sign) and "/" not in scheme


def _packed(
    given: Given, received: Received | None, source: Source, origin: Origin, place: Place, country: str, hostname: str
) -> bytes:
    """The attributes as a hit has them; those of a tracker's event depend on few texts, the same again and again."""
    if received is None or isinstance(given, BulkEvent) or not given.model_fields_set <= TRACKED:
        return pack_attributes(_attributes(given, source, origin, place, country))
    return _tracked(
        given.url or "",
        given.referrer or "",
        hostname,
        origin.agent,
        origin.languages,
        country,
        place.region,
        place.city,
    )


@lru_cache(maxsize=16384)
def _tracked(
    url: str, referrer: str, hostname: str, agent: str, languages: str, country: str, region: str, city: str
) -> bytes:
    _, source = _arrival(url, referrer, hostname)
    given = BulkEvent(name="", time=EPOCH, referrer=referrer)
    place = Place(country, region, city)
    return pack_attributes(_attributes(given, source, Origin("", agent, languages), place, country))


def _attributes(given: Given, found: Source, origin: Origin, place: Place, country: str) -> Attributes:
    """Values of `schema.VISIT_ATTRIBUTES`."""
    agent = parse_agent(origin.agent) if origin.agent else NOBODY_AGENT
    source = found.source if given.source is None else given.source
    medium = found.utm_medium if given.utm_medium is None else given.utm_medium
    campaign = found.utm_campaign if given.utm_campaign is None else given.utm_campaign
    tagged = found.utm_source if given.utm_source is None else given.utm_source
    referrer = given.referrer or ""
    city = place.city if given.city is None else str(given.city)
    return (
        source,
        channel(source, medium, campaign, tagged, found.click_id) if given.channel is None else given.channel,
        found.referrer if _is_address(referrer) else referrer,
        tagged,
        medium,
        campaign,
        found.utm_content if given.utm_content is None else given.utm_content,
        found.utm_term if given.utm_term is None else given.utm_term,
        country,
        place.region if given.region is None else given.region,
        "" if city == "0" else city,
        agent.device if given.device is None else given.device,
        given.screen or "",
        agent.browser if given.browser is None else given.browser,
        agent.browser_version if given.browser_version is None else given.browser_version,
        agent.os if given.os is None else given.os,
        agent.os_version if given.os_version is None else given.os_version,
        (language(origin.languages) if origin.languages else "") if given.language is None else given.language,
    )
