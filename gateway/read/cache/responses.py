"""Finished answers: bytes and headers of a query that was asked in the same words before (docs/decisions/0034).

A finished answer is found by tenant and raw request, so no two tenants can share one. It is worth as much as the site
record and the credential it was made under: whoever serves it authorises again and compares both.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.read.cache.policy import STEPS, Policy
from gateway.read.cache.store import Entry, Store
from gateway.tenancy import SiteRecord
from models.period import days_period
from models.query import ResolvedQuery
from models.result import Freshness, Provenance

Headers = list[tuple[bytes, bytes]]
VARY = b"Authorization, Tallyway-Tenant"
PLACE = 1500
"""Bytes of an entry besides its body and its key."""
FORWARDED = {Freshness.MISS: b"tallyway; fwd=miss; stored", Freshness.STALE: b"tallyway; hit; ttl=0; detail=stale"}


def etag_of(body: bytes) -> bytes:
    """A strong entity tag."""
    return b'"' + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b'"'


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match header names the tag (weak comparison, RFC 9110 13.1.2)."""
    tags = (tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b","))
    return if_none_match.strip() == b"*" or etag in tags


def block(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they are sent."""
    return b"".join([b"%s: %s\r\n" % header for header in headers])


@dataclass(frozen=True, slots=True)
class Currency:
    """How current an answer over its sites is: the worst of them."""

    freshness: Freshness
    fresh_for: float
    age: float

    @classmethod
    def of(cls, parts: Sequence[Provenance], now: datetime) -> "Currency":
        kinds = {part.cache for part in parts}
        worst = next((f for f in (Freshness.STALE, Freshness.MISS) if f in kinds), Freshness.HIT)
        return cls(
            worst,
            min((part.fresh_for for part in parts), default=0.0),
            max((now - part.as_of).total_seconds() for part in parts) if parts else 0.0,
        )

    def headers(self, etag: bytes) -> Headers:
        """Caching headers of an answer: Cache-Control, Age, Cache-Status (RFC 9211), Vary and ETag."""
        ttl = b"%d" % max(0, int(self.fresh_for))
        status = b"tallyway; hit; ttl=" + ttl if self.freshness is Freshness.HIT else FORWARDED[self.freshness]
        return [
            (b"etag", etag),
            (b"cache-control", b"private, max-age=" + ttl),
            (b"age", b"%d" % max(0, int(self.age))),
            (b"cache-status", status),
            (b"vary", VARY),
        ]


@dataclass(slots=True)
class Finished:
    """An answer as it is sent. `ref` is what the request calls the site; headers are made once for each second."""

    body: bytes
    etag: bytes
    ref: str
    record: SiteRecord
    generation: int
    as_of: datetime
    until: datetime
    _second: int = -1
    _heads: tuple[bytes, bytes] = (b"", b"")

    def heads(self, now: datetime, more: Sequence[tuple[bytes, bytes]] = ()) -> tuple[bytes, bytes]:
        """Headers of the whole answer, with more, and of a 304, whose answer the client has: only what may be new."""
        second = int(now.timestamp())
        if second != self._second:
            currency = Currency(Freshness.HIT, (self.until - now).total_seconds(), (now - self.as_of).total_seconds())
            short = currency.headers(self.etag)
            length = b"%d" % len(self.body)
            whole = [(b"content-type", b"application/json"), (b"content-length", length), *short, *more]
            self._second, self._heads = second, (block(whole), block(short))
        return self._heads


def good_until(query: ResolvedQuery, now: datetime, fresh_for: float) -> datetime:
    """Until when the same words mean the same dates and the answer is fresh: relative ranges change at midnight."""
    until = now + timedelta(seconds=fresh_for)
    if query.relative is None:
        return until
    if (step := STEPS.get(query.relative)) is not None:
        return min(until, query.now + timedelta(seconds=step))
    today = now.astimezone(query.period.zone).date()
    return min(until, days_period(today, today, query.period.zone).last + timedelta(seconds=1))


class Responses:
    """Finished answers of one process, bounded in bytes, each tenant within its share."""

    def __init__(self, *, max_bytes: int, now: Callable[[], datetime]) -> None:
        self._now = now
        self._store: Store[Finished] = Store(max_bytes, now)

    def get(self, tenant: str, request: bytes) -> Finished | None:
        """What answered the same request; None when it is no longer fresh."""
        entry = self._store.get(tenant, request)
        return None if entry is None else entry.value

    def keep(self, tenant: str, request: bytes, finished: Finished) -> None:
        now = self._now()
        fresh = max(timedelta(0), finished.until - now)
        size = PLACE + len(finished.body) + len(request)
        self._store.put(tenant, request, Entry(finished, now, Policy(fresh, timedelta(0), timedelta(0)), size))
