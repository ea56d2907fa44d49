"""Statistics through stats v1, for servers that have nothing newer."""

from datetime import date
from zoneinfo import ZoneInfo

from adapters.base import Request
from adapters.http import shaped
from adapters.plausible import rules
from adapters.plausible import translate_v1 as v1
from adapters.plausible.client import BACKEND, PROBE
from adapters.plausible.reports import StatsApi, calls_of
from adapters.plausible.wire import Aggregate, Rows
from adapters.rows import time_labels
from models.period import add_months, days_period
from models.query import ResolvedQuery, default_order
from models.result import Answer, Foreseen, ImportsNote, ImportsSkipped, Row
from models.site import Site
from models.vocabulary import Dimension, Metric

MOST_BUCKETS = 10_000
"""More than Plausible has days."""


class ReportsV1(StatsApi):
    """Reads and ReadsRealtime, through GET /api/v1/stats/aggregate, timeseries, breakdown and realtime/visitors."""

    stats_probe = PROBE

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        pages = len(v1.breakdown_pages(query)[1]) if query.dimensions and not query.time_dimension else 1
        return Foreseen(calls=pages + calls_of(query) - 1, refusals=rules.refusals(query, v1=True))

    async def _answer(self, site: Site, query: ResolvedQuery) -> Answer:
        rows, calls, note = await self._rows(site, query)
        totals, more = await self._totals(site, query, rows)
        return Answer(
            rows=rows,
            calls=calls + more,
            totals=totals,
            time_labels=time_labels(query) if query.include.time_labels else None,
            imports=note if query.include.imports else None,
        )

    async def stats_start(self, site: Site) -> date | None:
        """The first month, then the first day in it, that had visitors."""
        today = self.client.context.now().astimezone(ZoneInfo(site.timezone)).date()
        first: date | None = v1.FIRST_YEAR
        last = today
        for dimension in (Dimension.TIME_MONTH, Dimension.TIME_DAY):
            if first is None:
                return None
            first = await self._first_active(site, first, last, dimension)
            last = min(today, add_months(first, 1)) if first else today
        return first

    async def _first_active(self, site: Site, first: date, last: date, dimension: Dimension) -> date | None:
        query = _visitors_by(dimension, site, first, last)
        body = await self._get("timeseries", v1.timeseries_params(site.ref, query))
        rows = v1.series_rows(query, body)
        return date.fromisoformat(str(rows[0][0])) if rows else None

    async def _rows(self, site: Site, query: ResolvedQuery) -> tuple[tuple[Row, ...], int, ImportsNote | None]:
        if query.relative == "realtime":
            return ((await self.realtime(site),),), 1, None
        if not query.dimensions:
            return await self._whole(site, query), 1, None
        if query.time_dimension:
            body = await self._get("timeseries", v1.timeseries_params(site.ref, query))
            return v1.series_rows(query, body), 1, _note(body)
        size, pages = v1.breakdown_pages(query)
        bodies = [await self._get("breakdown", v1.breakdown_params(site.ref, query, size, n)) for n in pages]
        return v1.breakdown_rows(query, bodies, size, pages.start), len(bodies), _note(bodies[0])

    async def _whole(self, site: Site, query: ResolvedQuery) -> tuple[Row, ...]:
        params = v1.params_of(site.ref, query, v1.names(query.metrics))
        reply = await self.client.stats(Request("GET", "/api/v1/stats/aggregate", params))
        return (v1.aggregate_row(query, shaped(reply, Aggregate, backend=BACKEND)),)

    async def _get(self, endpoint: str, params: v1.Params) -> Rows:
        reply = await self.client.stats(Request("GET", f"/api/v1/stats/{endpoint}", params))
        return shaped(reply, Rows, backend=BACKEND)


def _note(body: Rows) -> ImportsNote | None:
    """v1 only says when imported history could not be part, not whether there is any (2026-07, contract 5)."""
    return ImportsNote(included=False, skipped=ImportsSkipped.UNSUPPORTED_QUERY) if body.warning else None


def _visitors_by(dimension: Dimension, site: Site, first: date, last: date) -> ResolvedQuery:
    """Every bucket of a range with its visitors."""
    metrics, dimensions = (Metric.VISITORS,), (str(dimension),)
    period = days_period(first, last, ZoneInfo(site.timezone))
    order = default_order(metrics, dimensions)
    return ResolvedQuery(metrics, period, period.last, dimensions, order_by=order, limit=MOST_BUCKETS)
