"""Statistics through stats v2, or through v1 where a server has nothing newer: translate, send, translate back."""

from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from adapters.base import Request
from adapters.http import shaped
from adapters.plausible import rules
from adapters.plausible import translate_v1 as v1
from adapters.plausible.client import BACKEND, PlausibleClient
from adapters.plausible.translate import MOST_ROWS as MOST_V2_ROWS
from adapters.plausible.translate import (
    arranged_here,
    body_of,
    imports_of,
    rows_of,
    totals_query,
    totals_row,
    warnings_of,
)
from adapters.plausible.wire import Aggregate, QueryAnswer, Rows
from adapters.rows import arranged, names_of, page, time_labels, zero_filled
from models.errors import Unintelligible
from models.period import add_months, days_period
from models.query import ResolvedQuery, default_order
from models.result import Answer, Foreseen, ImportsNote, ImportsSkipped, Reason, Row
from models.site import Site
from models.vocabulary import Dimension, Metric

TOTALS_CALLS = 2


class Dialect(Protocol):
    """One generation of the stats API."""

    def foresee(self, query: ResolvedQuery) -> Foreseen: ...

    async def read(self, site: Site, query: ResolvedQuery) -> Answer: ...

    async def stats_start(self, site: Site, today: date) -> date | None: ...


class StatsV2:
    """POST /api/v2/query."""

    def __init__(self, client: PlausibleClient) -> None:
        self._client = client

    def foresee(self, query: ResolvedQuery) -> Foreseen:
        return Foreseen(calls=_calls(query), refusals=rules.refusals(query))

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        answer = await self._ask(site, query)
        rows, reasons = self._arranged(query, answer)
        totals, calls = await self._totals(site, query, rows)
        total_rows = answer.meta.total_rows
        if query.include.zero_fill and query.time_dimension:
            total_rows = len(time_labels(query) or ())
        return Answer(
            rows=rows,
            reasons=reasons,
            calls=1 + calls,
            totals=totals,
            total_rows=total_rows if query.include.total_rows else None,
            time_labels=time_labels(query) if query.include.time_labels else None,
            imports=imports_of(query, answer.meta),
            warnings=warnings_of(query, answer.meta),
        )

    async def stats_start(self, site: Site, today: date) -> date | None:
        """Plausible resolves `all` itself and says which days it took."""
        body = {"site_id": site.ref, "metrics": ["visitors"], "date_range": "all"}
        reply = await self._client.stats(Request("POST", "/api/v2/query", json=body))
        taken = shaped(reply, QueryAnswer, backend=BACKEND).query.date_range
        try:
            return datetime.fromisoformat(taken[0]).date()
        except (IndexError, ValueError) as error:
            raise Unintelligible("The backend does not say which days it took", backend=BACKEND) from error

    async def _ask(self, site: Site, query: ResolvedQuery) -> QueryAnswer:
        reply = await self._client.stats(Request("POST", "/api/v2/query", json=body_of(site.ref, query)))
        return shaped(reply, QueryAnswer, backend=BACKEND)

    def _arranged(self, query: ResolvedQuery, answer: QueryAnswer) -> tuple[tuple[Row, ...], tuple[Reason, ...]]:
        rows = rows_of(query, answer)
        if not arranged_here(query):
            return rows, ()
        cut = len(rows) >= MOST_V2_ROWS
        reasons = (Reason("truncated_values", f"sorted among the first {MOST_V2_ROWS} rows"),) if cut else ()
        filled = zero_filled(rows, query) if query.include.zero_fill and query.time_dimension else rows
        return page(arranged(filled, names_of(query), query.order_by), query), reasons

    async def _totals(self, site: Site, query: ResolvedQuery, rows: tuple[Row, ...]) -> tuple[Row | None, int]:
        if not query.include.totals:
            return None, 0
        if not query.dimensions:
            return (rows[0] if rows else None), 0
        asked = totals_query(query)
        found = rows_of(asked, await self._ask(site, asked)) if asked else ()
        return totals_row(query, asked, found), 1 if asked else 0


class StatsV1:
    """GET /api/v1/stats/aggregate, timeseries, breakdown and realtime/visitors."""

    def __init__(self, client: PlausibleClient) -> None:
        self._client = client

    def foresee(self, query: ResolvedQuery) -> Foreseen:
        pages = len(v1.breakdown_pages(query)[1]) if query.dimensions and not query.time_dimension else 1
        return Foreseen(calls=pages + _calls(query) - 1, refusals=rules.refusals(query, v1=True))

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        rows, calls, note = await self._rows(site, query)
        totals, more = await self._totals(site, query, rows)
        return Answer(
            rows=rows,
            calls=calls + more,
            totals=totals,
            time_labels=time_labels(query) if query.include.time_labels else None,
            imports=note if query.include.imports else None,
        )

    async def stats_start(self, site: Site, today: date) -> date | None:
        """The first month, then the first day in it, that had visitors."""
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
        body = await self._get(site, "timeseries", v1.timeseries_params(site.ref, query))
        rows = v1.series_rows(query, body)
        return date.fromisoformat(str(rows[0][0])) if rows else None

    async def _rows(self, site: Site, query: ResolvedQuery) -> tuple[tuple[Row, ...], int, ImportsNote | None]:
        if query.relative == "realtime":
            return ((await realtime(self._client, site),),), 1, None
        if not query.dimensions:
            return (await self._aggregate(site, query),), 1, None
        if query.time_dimension:
            body = await self._get(site, "timeseries", v1.timeseries_params(site.ref, query))
            return v1.series_rows(query, body), 1, _note(body)
        size, pages = v1.breakdown_pages(query)
        bodies = [await self._get(site, "breakdown", v1.breakdown_params(site.ref, query, size, n)) for n in pages]
        return v1.breakdown_rows(query, bodies, size, pages.start), len(bodies), _note(bodies[0])

    async def _aggregate(self, site: Site, query: ResolvedQuery) -> Row:
        params = v1.params_of(site.ref, query, v1.names(query.metrics))
        reply = await self._client.stats(Request("GET", "/api/v1/stats/aggregate", params))
        return v1.aggregate_row(query, shaped(reply, Aggregate, backend=BACKEND))

    async def _get(self, site: Site, endpoint: str, params: v1.Params) -> Rows:
        reply = await self._client.stats(Request("GET", f"/api/v1/stats/{endpoint}", params))
        return shaped(reply, Rows, backend=BACKEND)

    async def _totals(self, site: Site, query: ResolvedQuery, rows: tuple[Row, ...]) -> tuple[Row | None, int]:
        if not query.include.totals:
            return None, 0
        if not query.dimensions:
            return rows[0], 0
        asked = totals_query(query)
        found = (await self._aggregate(site, asked),) if asked else ()
        return totals_row(query, asked, found), 1 if asked else 0


async def realtime(client: PlausibleClient, site: Site) -> int:
    """Visitors of the last five minutes: a bare whole number in both generations."""
    request = Request("GET", "/api/v1/stats/realtime/visitors", (("site_id", site.ref),))
    return shaped(await client.stats(request), int, backend=BACKEND)


def _calls(query: ResolvedQuery) -> int:
    return TOTALS_CALLS if query.include.totals and query.dimensions and totals_query(query) else 1


def _note(body: Rows) -> ImportsNote | None:
    """v1 only says when imported history could not be part; whether there is any, it does not say."""
    return ImportsNote(included=False, skipped=ImportsSkipped.UNSUPPORTED_QUERY) if body.warning else None


def _visitors_by(dimension: Dimension, site: Site, first: date, last: date) -> ResolvedQuery:
    metrics, dimensions = (Metric.VISITORS,), (str(dimension),)
    period = days_period(first, last, ZoneInfo(site.timezone))
    return ResolvedQuery(
        metrics, period, period.last, dimensions, order_by=default_order(metrics, dimensions), limit=MOST_V2_ROWS
    )
