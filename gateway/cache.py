"""Keep answers while they are true enough: canonical keys, a lifetime by date range, one flight per key."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from cachetools import TLRUCache

from gateway.tenancy import SiteRecord
from models.filters import And, Comparison, Filter, Or, to_list
from models.query import ResolvedQuery
from models.result import Answer, Freshness

SCHEMA = 1
SETTLING = timedelta(hours=48)
ENTRY_OVERHEAD = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer and when the backend gave it."""

    answer: Answer
    as_of: datetime
    fresh_until: datetime


def lifetime(query: ResolvedQuery) -> timedelta:
    """How long an answer stays fresh, by its range in the site's zone (docs/decisions: cache policy)."""
    if query.relative == "realtime":
        return timedelta(seconds=5)
    if query.period.last >= query.now:
        hourly = query.time_dimension in ("time:hour", "time:minute")
        return timedelta(seconds=60) if hourly else timedelta(minutes=5)
    if query.now - query.period.last < SETTLING:
        return timedelta(hours=1)
    return timedelta(hours=24)


def key_of(record: SiteRecord, query: ResolvedQuery) -> bytes:
    """What identifies an answer: tenant, connection, site with its generation, and the canonical question.

    Filters joined by and, alternatives, and values of one filter are sets: their order does not matter. The order of
    metrics and dimensions does, since columns follow it.
    """
    period = query.period.until(query.now) if query.relative == "realtime" else query.period
    parts = [
        SCHEMA,
        record.tenant,
        record.connection,
        record.site.id,
        record.generation,
        period.key(),
        list(query.metrics),
        list(query.dimensions),
        sorted(orjson.dumps(_canonical(f)).decode() for f in query.filters),
        [[o.by, o.direction] for o in query.order_by],
        query.limit,
        query.offset,
        query.relative if query.relative in ("realtime", "all") else None,
        query.include,
        dict(query.extra),
    ]
    return hashlib.blake2b(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _canonical(part: Filter) -> list[object]:
    match part:
        case Comparison(operator, dimension, values, case_sensitive):
            return [operator, dimension, sorted(set(values)), case_sensitive]
        case And(parts) | Or(parts):
            return [type(part).__name__, *sorted((_canonical(p) for p in parts), key=orjson.dumps)]
        case _:
            written = to_list(part)
            return [written[0], _canonical(part.part)]


class ResultCache:
    """Answers of one process, bounded in bytes. Concurrent misses of one key make one call."""

    def __init__(self, *, max_bytes: int, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: TLRUCache[bytes, Entry] = TLRUCache(
            maxsize=max_bytes,
            ttu=lambda _key, entry, _now: entry.fresh_until.timestamp(),
            timer=lambda: now().timestamp(),
            getsizeof=lambda entry: size_of(entry.answer),
        )
        self._flights: dict[bytes, asyncio.Task[Entry]] = {}

    async def answer(
        self, record: SiteRecord, query: ResolvedQuery, produce: Callable[[], Awaitable[Answer]]
    ) -> tuple[Entry, Freshness]:
        """The kept answer, or the one `produce` gives; errors are never kept."""
        key = key_of(record, query)
        if (found := self._entries.get(key)) is not None:
            return found, Freshness.HIT
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fetch(key, lifetime(query), produce))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight), Freshness.MISS

    async def _fetch(self, key: bytes, fresh_for: timedelta, produce: Callable[[], Awaitable[Answer]]) -> Entry:
        answer = await produce()
        moment = self._now()
        entry = Entry(answer, moment, moment + fresh_for)
        if size_of(answer) <= self._entries.maxsize // 16:
            self._entries[key] = entry
        return entry


def size_of(answer: Answer) -> int:
    """Roughly the bytes an answer takes in memory."""
    return ENTRY_OVERHEAD + sum(
        60 + 16 * len(row) + sum(len(v) for v in row if isinstance(v, str)) for row in answer.rows
    )
