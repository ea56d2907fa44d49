"""Statistics through stats v2 (`reports_v1`: where a server has nothing newer): translate, send, translate back."""

from datetime import date, datetime

from adapters.base import Request
from adapters.http import shaped
from adapters.plausible import rules
from adapters.plausible.client import BACKEND, PlausibleClient
from adapters.plausible.translate import (
    MOST_ROWS,
    arranged_here,
    body_of,
    imports_of,
    rows_of,
    totals_query,
    totals_row,
    warnings_of,
)
from adapters.plausible.wire import QueryAnswer
from adapters.rows import arranged, names_of, page, time_labels, zero_filled
from models.errors import Unintelligible, UnsupportedQuery
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, Reason, Row
from models.site import Site

TOTALS_CALLS = 2


class StatsApi:
    """What both generations of the stats API have in common."""

    client: PlausibleClient

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        raise NotImplementedError

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        """Raises UnsupportedQuery before any call on what `foresee` refuses."""
        if against := self.foresee(site, query).refusals:
            raise UnsupportedQuery(against, backend=BACKEND)
        return await self._answer(site, query)

    async def realtime(self, site: Site) -> int:
        """Visitors of the last five minutes: a bare whole number in both generations.

        (2026-07; fixtures/plausible/v1_realtime.json.)
        """
        request = Request("GET", "/api/v1/stats/realtime/visitors", (("site_id", site.ref),))
        return shaped(await self.client.stats(request), int, backend=BACKEND)

    async def _answer(self, site: Site, query: ResolvedQuery) -> Answer:
        raise NotImplementedError

    async def _whole(self, site: Site, query: ResolvedQuery) -> tuple[Row, ...]:
        """The row of a question without dimensions, in one call; none where the answer has none."""
        raise NotImplementedError

    async def _totals(self, site: Site, query: ResolvedQuery, rows: tuple[Row, ...]) -> tuple[Row | None, int]:
        """The row of totals beside the rows that were read, and the calls it took."""
        if not query.include.totals:
            return None, 0
        if not query.dimensions:
            return (rows[0] if rows else None), 0
        asked = totals_query(query)
        found = await self._whole(site, asked) if asked else ()
        return totals_row(query, asked, found), 1 if asked else 0


class Reports(StatsApi):
    """Reads and ReadsRealtime, through POST /api/v2/query."""

    stats_probe = Request("POST", "/api/v2/query", json={})

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return Foreseen(calls=calls_of(query), refusals=rules.refusals(query))

    async def _answer(self, site: Site, query: ResolvedQuery) -> Answer:
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

    async def stats_start(self, site: Site) -> date | None:
        """Plausible resolves `all` itself and says which days it took."""
        body = {"site_id": site.ref, "metrics": ["visitors"], "date_range": "all"}
        reply = await self.client.stats(Request("POST", "/api/v2/query", json=body))
        taken = shaped(reply, QueryAnswer, backend=BACKEND).query.date_range
        try:
            return datetime.fromisoformat(taken[0]).date()
        except (IndexError, ValueError) as error:
            raise Unintelligible("The backend does not say which days it took", backend=BACKEND) from error

    async def _whole(self, site: Site, query: ResolvedQuery) -> tuple[Row, ...]:
        return rows_of(query, await self._ask(site, query))

    async def _ask(self, site: Site, query: ResolvedQuery) -> QueryAnswer:
        reply = await self.client.stats(Request("POST", "/api/v2/query", json=body_of(site.ref, query)))
        return shaped(reply, QueryAnswer, backend=BACKEND)

    def _arranged(self, query: ResolvedQuery, answer: QueryAnswer) -> tuple[tuple[Row, ...], tuple[Reason, ...]]:
        rows = rows_of(query, answer)
        if not arranged_here(query):
            return rows, ()
        cut = len(rows) >= MOST_ROWS
        reasons = (Reason("truncated_values", f"sorted among the first {MOST_ROWS} rows"),) if cut else ()
        filled = zero_filled(rows, query) if query.include.zero_fill and query.time_dimension else rows
        return page(arranged(filled, names_of(query), query.order_by), query), reasons


def calls_of(query: ResolvedQuery) -> int:
    """How many calls answering takes, totals included, where the rows take one."""
    return TOTALS_CALLS if query.include.totals and query.dimensions and totals_query(query) else 1
