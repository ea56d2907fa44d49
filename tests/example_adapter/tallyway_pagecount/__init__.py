"""Pagecount, an invented server that knows visitors and page views by day: the smallest whole adapter.

`GET /counts?from=2026-06-01&to=2026-06-07` answers
`{"total": {"visitors": 7, "pageviews": 15}, "days": {"2026-06-01": {"visitors": 2, "pageviews": 4}}}`, days in UTC.
"""

from collections.abc import Mapping
from datetime import date
from typing import cast

import msgspec
from pydantic import BaseModel

from adapters.base import Adapter, Backend, Check, Context, Request
from adapters.http import check_status, shaped
from adapters.reports import assembled, filled
from models.base import Frozen
from models.capability import NATIVE, Capabilities, Conflict, Feature, Operation, cells, never
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, Row
from models.site import Site
from models.vocabulary import OURS, Dimension, Metric, Operator

PAGECOUNT = Capabilities(
    backend="pagecount",
    title="Pagecount",
    metrics=cells(
        Metric,
        {
            "visitors pageviews": NATIVE,
            "visits events views_per_visit bounce_rate visit_duration time_on_page scroll_depth exit_rate "
            "conversions conversion_rate group_conversion_rate percentage total_revenue average_revenue": never(
                "Pagecount counts visitors and page views only"
            ),
        },
    ),
    dimensions=cells(
        Dimension,
        {
            "time:day": NATIVE,
            "page hostname title entry_page exit_page entry_hostname exit_hostname event goal prop "
            "source channel referrer utm_source utm_medium utm_campaign utm_content utm_term "
            "device screen browser browser_version os os_version language "
            "country region city country_name region_name city_name "
            "time:minute time:hour time:week time:month": never("Pagecount counts by day only"),
        },
    ),
    operators=cells(
        Operator,
        {
            "is is_not contains contains_not matches matches_not wildcard wildcard_not": never(
                "Pagecount has no filters"
            ),
        },
    ),
    operations=cells(
        Operation,
        {
            "list_sites create_site update_site delete_site list_goals create_goal delete_goal "
            "shared_links manage_shared_links guests teams custom_props settings "
            "realtime funnels visit_list value_lists event_tables "
            "record_events backdate_events import_history export_history": never("Pagecount is only read"),
        },
    ),
    features=cells(
        Feature,
        {
            "order_by total_rows": NATIVE,
            "or not has_done nested_goal case_insensitive any_zone part_of_day": never(
                "Pagecount answers one plain question"
            ),
        },
    ),
    max_dimensions=1,
    filters={d: frozenset[Operator]() for d in Dimension if d not in OURS},
    filter_reasons=dict.fromkeys((d for d in Dimension if d not in OURS), "Pagecount has no filters"),
    conflicts=(
        Conflict(
            reason="who is there over midnight counts on both days",
            metrics=frozenset({Metric.VISITORS}),
            grouped=frozenset({Dimension.TIME_DAY}),
            approximate="pagecount.visitors_by_day",
        ),
    ),
)


class Options(Frozen):
    base_url: str


class Counted(msgspec.Struct):
    visitors: int
    pageviews: int


class Counts(msgspec.Struct):
    total: Counted
    days: Mapping[str, Counted]


class PagecountAdapter:
    """Satisfies `Adapter` and `Reads`."""

    can = PAGECOUNT

    def __init__(self, context: Context) -> None:
        self._context = context

    async def start(self) -> None:
        """Nothing to get ready."""

    async def close(self) -> None:
        await self._context.transport.close()

    async def check(self) -> Check:
        return Check(ok=True)

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        refusals = ("realtime: Pagecount knows whole days only",) if query.relative == "realtime" else ()
        return Foreseen(refusals=refusals)

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        counts = await self._counts(query.period.first_date, query.period.last_date)
        rows: list[Row] = [_row((), counts.total, query)]
        if query.dimensions:
            rows = filled([_row((day,), counted, query) for day, counted in counts.days.items()], query)
        totals = _row((), counts.total, query) if query.include.totals else None
        return assembled(query, rows, totals)

    async def stats_start(self, site: Site) -> date | None:
        return None

    async def _counts(self, first: date, last: date) -> Counts:
        params = (("from", first.isoformat()), ("to", last.isoformat()))
        reply = await self._context.transport.send(Request("GET", "/counts", params))
        check_status(reply, now=self._context.now(), backend="pagecount")
        return shaped(reply, Counts, backend="pagecount")


def _row(key: tuple[str, ...], counted: Counted, query: ResolvedQuery) -> Row:
    values = {Metric.VISITORS: counted.visitors, Metric.PAGEVIEWS: counted.pageviews}
    return (*key, *(values[metric] for metric in query.metrics))


def _open(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    return PagecountAdapter(context)


BACKEND = Backend(
    name="pagecount",
    title="Pagecount",
    options=Options,
    credential=None,
    editions={"": PAGECOUNT},
    edition_of=lambda options: "",
    base_url_of=lambda options: cast(Options, options).base_url,
    open=_open,
)
