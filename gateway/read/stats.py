"""The read path: from a query about one or several sites to rows with provenance.

Per site: resolve the dates, plan, refuse or fetch through the cache, compare. Over several sites: rows carry their
site, only additive metrics are added up, and a failing site makes the answer partial instead of smaller.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeGuard

from adapters.base import Adapter
from adapters.protocols import Reads, ReadsRealtime
from gateway.access.metering import concerned
from gateway.outbound import deadline
from gateway.outbound.backends import Backends
from gateway.outbound.budget import Priority, prioritised
from gateway.read.cache import ResultCache, Served
from gateway.read.cache.policy import stepped
from gateway.read.executor import execute
from gateway.read.plan_cache import PlanCache
from gateway.read.planner import FanOut, Native, Refusal
from gateway.tenancy import SiteRecord, Tenant
from models.capability import Operation
from models.errors import BackendError, GatewayError, InvalidRequest, Overloaded, Problem, UnsupportedQuery
from models.filters import Filter
from models.period import Period
from models.query import MAX_LIMIT, Accuracy, Query, ResolvedQuery, default_order
from models.result import Answer, Foreseen, Freshness, PlanKind, Provenance, Reason, SiteAnswer, Truth
from models.vocabulary import Dimension

CONCURRENT_SITES = 16
TRUNCATED = "truncated_values"
"""Code of answers whose rows hit a limit."""


Expand = Callable[[Tenant, SiteRecord, tuple[Filter, ...]], Awaitable[tuple[Filter, ...]]]
"""Replaces saved filters (`segment`) by their trees."""


@dataclass(frozen=True, slots=True)
class SiteOutcome:
    """What became of one site: an answer, or the error that took its place."""

    record: SiteRecord
    query: ResolvedQuery | None = None
    answer: SiteAnswer | None = None
    error: GatewayError | None = None


@dataclass(frozen=True, slots=True)
class MultiAnswer:
    """Outcomes in the order of the sites; at least one site answered."""

    query: Query
    outcomes: tuple[SiteOutcome, ...]

    @property
    def partial(self) -> bool:
        return any(o.error is not None for o in self.outcomes)


class Stats:
    """Statistics of a tenant's sites, whatever backend serves each."""

    def __init__(self, *, backends: Backends, cache: ResultCache, expand: Expand, now: Callable[[], datetime]) -> None:
        self._backends, self._cache, self._expand, self._now = backends, cache, expand, now
        self._plans = PlanCache()

    async def ask(self, tenant: Tenant, sites: Sequence[SiteRecord], query: Query) -> MultiAnswer:
        """Answers of all sites. One site: its error is raised. Several: partial, unless every site failed."""
        asked = per_site(query) if len(sites) > 1 else without_site(query)
        if len(sites) == 1:
            return MultiAnswer(query, (await self._one(tenant, sites[0], asked),))
        gate = asyncio.Semaphore(CONCURRENT_SITES)

        async def guarded(record: SiteRecord) -> SiteOutcome:
            try:
                async with deadline.slightly_sooner(), gate:
                    with prioritised(Priority.DASHBOARD):
                        return await self._one(tenant, record, asked)
            except (BackendError, UnsupportedQuery, Overloaded) as error:
                return SiteOutcome(record, error=error)

        outcomes = tuple(await asyncio.gather(*(guarded(record) for record in sites)))
        if outcomes and all(o.error is not None for o in outcomes):
            raise next(o.error for o in outcomes if o.error is not None)
        return MultiAnswer(query, outcomes)

    async def period(self, tenant: Tenant, record: SiteRecord, query: Query) -> Period:
        """The days a query about one site speaks of; `all` begins with the first day that has statistics."""
        adapter = await self._adapter(tenant, record)
        return (await self._resolve(tenant, record, adapter, replace(query, filters=()))).period

    async def _one(self, tenant: Tenant, record: SiteRecord, query: Query) -> SiteOutcome:
        concerned.set(record.site.id)
        adapter = await self._adapter(tenant, record)
        resolved = await self._resolve(tenant, record, adapter, query)
        planned, _ = self._plan(record, adapter, resolved, query.accuracy)
        if isinstance(planned, Refusal):
            raise UnsupportedQuery(planned.reasons, nearest=planned.nearest, backend=record.backend)
        served = await self._fetch(record, adapter, resolved, planned)
        before = await self._compare(record, adapter, query, resolved)
        comparison = before.value if before else None
        provenance = _provenance(record, served, before)
        if query.accuracy is Accuracy.EXACT and provenance.reasons:  # what only the data could tell
            raise UnsupportedQuery([f"{r.code}: {r.detail}" for r in provenance.reasons], backend=record.backend)
        answer = SiteAnswer(served.value, provenance, comparison)
        return SiteOutcome(record, resolved, answer)

    async def _adapter(self, tenant: Tenant, record: SiteRecord) -> Reads:
        adapter = await self._backends.adapter(tenant.id, record.connection)
        if not _reads(adapter):
            raise UnsupportedQuery([f"{record.backend} has no statistics"], backend=record.backend)
        return adapter

    async def _resolve(self, tenant: Tenant, record: SiteRecord, adapter: Reads, query: Query) -> ResolvedQuery:
        start = await self._start(record, adapter) if query.date_range == "all" else None
        filters = await self._expand(tenant, record, query.filters)
        relative = query.date_range if isinstance(query.date_range, str) else None
        now = stepped(self._now(), relative)
        asked = query if filters == query.filters else replace(query, filters=filters)
        return asked.resolved(zone=record.site.timezone, now=now, start=start)

    async def _start(self, record: SiteRecord, adapter: Reads) -> date | None:
        standing = self._backends.standing(record.tenant, record.connection)
        return await self._cache.stats_start(record, lambda: adapter.stats_start(record.site), standing)

    def _plan(
        self, record: SiteRecord, adapter: Reads, query: ResolvedQuery, accuracy: Accuracy
    ) -> tuple[Native | FanOut | Refusal, Foreseen]:
        """The plan and what it would take; the declaration's refusals and the adapter's own, all at once."""
        can = adapter.can
        planned = self._plans.plan(query, can, site_zone=record.site.timezone)
        if isinstance(planned, Refusal):
            return planned, Foreseen(refusals=planned.reasons, nearest=planned.nearest)
        foreseen = _foreseen(planned, adapter, record)
        against = foreseen.refusals
        if accuracy is Accuracy.EXACT:
            against = (*against, *(f"{r.code}: {r.detail}" for r in foreseen.reasons))
        if against:
            refusal = Refusal(against, foreseen.nearest)
            return refusal, replace(foreseen, refusals=against)
        return planned, foreseen

    async def _fetch(
        self, record: SiteRecord, adapter: Reads, query: ResolvedQuery, planned: Native | FanOut
    ) -> Served[Answer]:
        standing = self._backends.standing(record.tenant, record.connection)
        return await self._cache.answer(record, query, lambda: execute(planned, adapter, record.site), standing)

    async def _compare(
        self, record: SiteRecord, adapter: Reads, query: Query, resolved: ResolvedQuery
    ) -> Served[Answer] | None:
        """The same question about the compared period, with every row the backend gives, for matching by dimension."""
        period = query.comparison_period(resolved.period)
        if period is None:
            return None
        most = adapter.can.limits.rows or MAX_LIMIT
        wide = replace(
            resolved.over(period),
            limit=most if resolved.dimensions else resolved.limit,
            offset=0,
            order_by=default_order(resolved.metrics, resolved.dimensions),
        )
        again = self._plans.plan(wide, adapter.can, site_zone=record.site.timezone)
        if isinstance(again, Refusal):
            raise UnsupportedQuery(again.reasons, backend=record.backend)
        served = await self._fetch(record, adapter, wide, again)
        if not resolved.dimensions or len(served.value.rows) < most:
            return served
        cut = Reason(TRUNCATED, f"the compared period has {most} rows or more; what is not among them is null")
        return replace(served, value=replace(served.value, reasons=(*served.value.reasons, cut)))

    async def foresee(self, tenant: Tenant, sites: Sequence[SiteRecord], query: Query) -> tuple[Foreseen, ...]:
        """What the query would take on each site; asks no statistics of anybody."""
        asked = per_site(query) if len(sites) > 1 else without_site(query)
        found = []
        for record in sites:
            adapter = await self._adapter(tenant, record)
            resolved = await self._resolve(tenant, record, adapter, asked)
            planned, foreseen = self._plan(record, adapter, resolved, asked.accuracy)
            if asked.compare is not None and not isinstance(planned, Refusal):
                foreseen = replace(foreseen, calls=2 * foreseen.calls)
            found.append(foreseen)
        return tuple(found)

    async def realtime(self, tenant: Tenant, record: SiteRecord) -> int:
        """Unique visitors of the last five minutes. Raises UnsupportedQuery where the backend has no such number."""
        adapter = await self._backends.adapter(tenant.id, record.connection)
        cell = adapter.can.operations[Operation.REALTIME]
        if not cell.is_native or not isinstance(adapter, ReadsRealtime):
            raise UnsupportedQuery([f"realtime: {cell.reason}"], backend=record.backend)
        standing = self._backends.standing(record.tenant, record.connection)
        served = await self._cache.realtime(record, lambda: adapter.realtime(record.site), standing)
        return served.value


_READING: dict[type, bool] = {}


def _reads(adapter: Adapter) -> TypeGuard[Reads]:
    """Whether the adapter has statistics; asked once of each class, since a protocol is compared member by member."""
    kind = type(adapter)
    if kind not in _READING:
        _READING[kind] = isinstance(adapter, Reads)
    return _READING[kind]


def per_site(query: Query) -> Query:
    """What each of several sites is asked: no `site`, and enough rows to merge a page from."""
    wanted = query.offset + query.limit
    if wanted > MAX_LIMIT:
        raise InvalidRequest(
            [Problem("offset", f"over several sites, offset and limit together are at most {MAX_LIMIT}")]
        )
    return replace(without_site(query), limit=wanted, offset=0)


def without_site(query: Query) -> Query:
    """The query without its `site` dimension, which the gateway fills in by itself."""
    if Dimension.SITE not in query.dimensions:
        return query
    return replace(
        query,
        dimensions=tuple(d for d in query.dimensions if d != Dimension.SITE),
        order_by=tuple(o for o in query.order_by if o.by != Dimension.SITE),
    )


def _foreseen(planned: Native | FanOut, adapter: Reads, record: SiteRecord) -> Foreseen:
    if isinstance(planned, Native):
        own = adapter.foresee(record.site, planned.query)
        if not planned.reasons and len(own.reasons) < 2:
            return own
        return replace(own, reasons=tuple(dict.fromkeys((*planned.reasons, *own.reasons))))
    outer, inner = (adapter.foresee(record.site, q) for q in (planned.outer, planned.inner))
    return Foreseen(
        PlanKind.FAN_OUT,
        outer.calls + planned.most_values * inner.calls,
        tuple(dict.fromkeys((*planned.reasons, *outer.reasons, *inner.reasons))),
        tuple(dict.fromkeys((*outer.refusals, *inner.refusals))),
    )


def _provenance(record: SiteRecord, served: Served[Answer], before: Served[Answer] | None) -> Provenance:
    """Of both answers where two were needed: the older moment, and hit only when nothing was asked of anybody."""
    parts = [served, *([before] if before else [])]
    reasons: tuple[Reason, ...] = tuple(dict.fromkeys(r for part in parts for r in part.value.reasons))
    return Provenance(
        site=record.site.domain,
        backend=record.backend,
        plan=served.value.plan,
        accuracy=Truth.APPROXIMATE if reasons else Truth.EXACT,
        reasons=reasons,
        as_of=min(part.as_of for part in parts),
        cache=max((part.freshness for part in parts), key=_FRESHNESS.index),
        calls=sum(part.value.calls for part in parts if part.freshness is Freshness.MISS and not part.collapsed),
        stale=next((part.stale for part in parts if part.stale), None),
        fresh_for=min(part.fresh_for for part in parts),
    )


_FRESHNESS = (Freshness.HIT, Freshness.MISS, Freshness.STALE)


def meta_of(outcome: SiteOutcome) -> dict[str, Any]:
    """The provenance of one site as it stands in an answer's `meta.sites`."""
    if outcome.answer is not None:
        return {"status": "ok", **outcome.answer.provenance.as_json()}
    error = outcome.error
    assert error is not None  # noqa: S101 - an outcome has one or the other
    return {
        "site": outcome.record.site.domain,
        "backend": outcome.record.backend,
        "status": "unsupported" if isinstance(error, UnsupportedQuery) else "error",
        "accuracy": str(Truth.REFUSED),
        "error": {
            "code": error.code,
            "detail": error.detail,
            "retryable": error.retryable,
            "retry_after": error.retry_after,
        },
    }
