"""Figures of now and by the clock: overview, active, hours, minutes, weekdays (contracts: Pirsch 5)."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.http.facades.pirsch.dialect import Call
from gateway.http.facades.pirsch.filters import filters_of
from gateway.http.facades.pirsch.parameters import MAX_START, Span, last_seconds, zone_of
from gateway.http.facades.pirsch.question import NOTHING, Asking, Figures, share
from gateway.http.facades.pirsch.totals import grown, labels, metrics_of
from gateway.http.facades.pirsch.values import Row, shown, stamped
from gateway.tenancy import SiteRecord
from models.errors import UnsupportedQuery
from models.insight import Clock
from models.vocabulary import Dimension, Interval, Metric

D, M = Dimension, Metric
ACTIVE_SECONDS = 600
OVERVIEW_DAYS = 7


async def overview(call: Call) -> Any:
    """`GET /statistics/overview`: the last seven days, whatever the filters; both spellings of the growth."""
    record = await call.site()
    zone = ZoneInfo(record.site.timezone)
    last = call.services.settings.clock().astimezone(zone).date()
    first = last - timedelta(days=OVERVIEW_DAYS - 1)
    asking = Asking(call, record, Span((first.isoformat(), last.isoformat()), first, last, zone), ())
    now, before = await asking.total(), await asking.over(asking.span.before()).total()
    visitors = grown(before.visitors, now.visitors)
    days = await asking.series(D.TIME_DAY)
    rows = [
        {**stamped("day", day), **metrics_of(figures, figures.visitors)}
        for day in labels(asking.span, Interval.DAY)
        for figures in (days.get(day, NOTHING),)
    ]
    return {
        "visitors": now.visitors,
        "views": now.views,
        "visitors_growth": visitors,
        "visitor_growth": visitors,
        "views_growth": grown(before.views, now.views),
        "visitors_time_series": rows,
        "member": await _members(call, record),
    }


async def _members(call: Call, record: SiteRecord) -> int:
    """The owner and the guests; the owner alone where the backend does not tell its guests."""
    try:
        return 1 + len(await call.services.guests.listed(record))
    except UnsupportedQuery:
        return 1


async def active(call: Call) -> Any:
    """`GET /statistics/active`: visitors of the last `start` seconds, by page and country."""
    record = await call.site()
    seconds = call.given.number("start", ACTIVE_SECONDS, MAX_START)
    zone = zone_of(call.given, record.site.timezone)
    span = last_seconds(seconds, zone, call.services.settings.clock())
    asking = Asking(call, record, span, filters_of(call.given))
    (visitors,) = await asking.numbers(M.VISITORS)
    titled = call.given.is_on("include_title")
    pages = await asking.page((M.VISITORS,), ("page", "title") if titled else ("page",))
    countries = await asking.page((M.VISITORS,), ("country",))
    return {
        "stats": [
            {"path": str(key[0]), "title": shown("title", key[1]) if titled else "", "visitors": int(count)}
            for key, (count,) in pages
        ],
        "countries": [
            {
                "country_code": shown("country", key[0]),
                "visitors": int(count),
                "relative_visitors": share(count, visitors),
            }
            for key, (count,) in countries
        ],
        "visitors": int(visitors),
    }


async def hours(call: Call) -> Any:
    """`GET /statistics/hours`: 24 rows, every day of the range together."""
    return await _clock(call, Clock.HOUR)


async def minutes(call: Call) -> Any:
    """`GET /statistics/minutes`: 60 rows."""
    return await _clock(call, Clock.MINUTE)


async def _clock(call: Call, clock: Clock) -> list[Row]:
    asking = await Asking.about(call)
    insights = call.services.insights
    rows = await insights.clock(asking.record, asking.query(), clock)
    whole = await insights.clock(asking.record, asking.unfiltered().query(), clock) if asking.filters else rows
    return [
        {
            str(clock): row.key[0],
            **metrics_of(Figures(row.visitors, row.pageviews, row.visits, row.bounces), reference.visitors),
        }
        for row, reference in zip(rows, whole, strict=True)
    ]


async def weekdays(call: Call) -> Any:
    """`GET /statistics/weekdays`: a row for each weekday (Monday 0) and hour in which something happened."""
    asking = await Asking.about(call)
    rows = await call.services.insights.clock(asking.record, asking.query(), Clock.WEEKDAY_HOUR)
    return [
        {
            "weekday": row.key[0],
            "hour": row.key[1],
            "visitors": row.visitors,
            "views": row.pageviews,
            "sessions": row.visits,
            "bounces": row.bounces,
        }
        for row in rows
        if row.visitors or row.visits
    ]
