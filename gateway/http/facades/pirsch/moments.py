"""Numbers of now and by the clock: overview, active, hours, minutes, weekdays (contracts: Pirsch 5)."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.filters import filters_of
from gateway.http.facades.pirsch.parameters import MAX_START, Span, last_seconds, zone_of
from gateway.http.facades.pirsch.question import NOTHING, Counts, Question, share
from gateway.http.facades.pirsch.totals import grown, labels, metrics_of
from gateway.http.facades.pirsch.values import Row, shown, stamped
from gateway.tenancy import SiteRecord
from models.errors import UnsupportedQuery
from models.insight import Clock
from models.vocabulary import Dimension, Interval, Metric

D, M = Dimension, Metric
ACTIVE_SECONDS = 600
OVERVIEW_DAYS = 7


async def overview(ask: PirschAsk) -> Any:
    """`GET /statistics/overview`: the last seven days, whatever the filters.

    The documents spell the growth in two ways, so both are there (seed 004; 2026-07, contract 5).
    """
    record = await ask.named_site()
    zone = ZoneInfo(record.site.timezone)
    last = ask.services.settings.clock().astimezone(zone).date()
    first = last - timedelta(days=OVERVIEW_DAYS - 1)
    question = Question(ask, record, Span((first.isoformat(), last.isoformat()), first, last, zone), ())
    now, before = await question.total(), await question.over(question.span.before()).total()
    visitors = grown(before.visitors, now.visitors)
    days = await question.series(D.TIME_DAY)
    rows = [
        {**stamped("day", day), **metrics_of(counts, counts.visitors)}
        for day in labels(question.span, Interval.DAY)
        for counts in (days.get(day, NOTHING),)
    ]
    return {
        "visitors": now.visitors,
        "views": now.views,
        "visitors_growth": visitors,
        "visitor_growth": visitors,
        "views_growth": grown(before.views, now.views),
        "visitors_time_series": rows,
        "member": await _members(ask, record),
    }


async def _members(ask: PirschAsk, record: SiteRecord) -> int:
    """The owner and the guests; the owner alone where the backend does not tell its guests."""
    try:
        return 1 + len(await ask.services.guests.listed(record))
    except UnsupportedQuery:
        return 1


async def active(ask: PirschAsk) -> Any:
    """`GET /statistics/active`: visitors of the last `start` seconds, by page and country."""
    record = await ask.named_site()
    seconds = ask.given.number("start", ACTIVE_SECONDS, MAX_START)
    zone = zone_of(ask.given, record.site.timezone)
    span = last_seconds(seconds, zone, ask.services.settings.clock())
    question = Question(ask, record, span, filters_of(ask.given))
    (visitors,) = await question.numbers(M.VISITORS)
    titled = ask.given.is_on("include_title")
    pages = await question.page((M.VISITORS,), ("page", "title") if titled else ("page",))
    countries = await question.page((M.VISITORS,), ("country",))
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


async def hours(ask: PirschAsk) -> Any:
    """`GET /statistics/hours`: 24 rows, every day of the range together."""
    return await _clock(ask, Clock.HOUR)


async def minutes(ask: PirschAsk) -> Any:
    """`GET /statistics/minutes`: 60 rows."""
    return await _clock(ask, Clock.MINUTE)


async def _clock(ask: PirschAsk, clock: Clock) -> list[Row]:
    question = await Question.about(ask)
    insights = ask.services.insights
    rows = await insights.clock(question.record, question.query(), clock)
    whole = await insights.clock(question.record, question.unfiltered().query(), clock) if question.filters else rows
    return [
        {
            str(clock): row.key[0],
            **metrics_of(Counts(row.visitors, row.pageviews, row.visits, row.bounces), reference.visitors),
        }
        for row, reference in zip(rows, whole, strict=True)
    ]


async def weekdays(ask: PirschAsk) -> Any:
    """`GET /statistics/weekdays`: a row for each weekday (Monday 0) and hour in which something happened."""
    question = await Question.about(ask)
    rows = await ask.services.insights.clock(question.record, question.query(), Clock.WEEKDAY_HOUR)
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
