"""Daily aggregates in the layout of Plausible's CSV archive; imported elsewhere they make the same daily numbers.

Page views and their visitors count on the day of the event, visits on the day of their last activity, both in the zone
of the site. Only native events are exported, as Plausible does (contracts: Plausible 8).
"""

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType

from adapters.local.exports.span import Span
from adapters.local.exports.written import PIECE, written
from adapters.local.sql.imported import SYSTEM_EVENTS
from adapters.local.store.event_store import EventStore

MEDIA_TYPE = "application/zip"

_PEOPLE = "uniqExact(visitor) AS visitors"
_VISITS = (
    f"{_PEOPLE}, sum(sign) AS visits, sum(sign * duration) AS visit_duration,"
    " sumIf(sign, is_bounce = 1) AS bounces, sum(sign * pageviews) AS pageviews"
)
_ENTERED = _VISITS.replace(" AS visits,", " AS entrances,")
_EXITED = _VISITS.replace(" AS visits,", " AS exits,")
_DAY = "toDate(time, {zone:String}) AS date"


def _of_visits(*columns: str, sums: str = _VISITS, where: str = "1") -> str:
    names = "".join(f", {column}" for column in columns)
    groups = "".join(f", {column.split(' AS ')[-1]}" for column in columns)
    return (
        f"SELECT {_DAY}{names}, {sums} FROM sessions FINAL WHERE {{span}} AND {where} GROUP BY date{groups}"
        f" HAVING sum(sign) > 0 ORDER BY date{groups}"
    )


_VISITORS = f"""
SELECT date, sum(people) AS visitors, sum(views) AS pageviews, sum(bounced) AS bounces, sum(ended) AS visits,
    sum(seconds) AS visit_duration
FROM (
    SELECT {_DAY}, uniqExactIf(visitor, name != 'engagement') AS people, countIf(name = 'pageview') AS views,
        0 AS bounced, 0 AS ended, 0 AS seconds
    FROM events WHERE {{span}} GROUP BY date
    UNION ALL
    SELECT {_DAY}, 0, 0, sumIf(sign, is_bounce = 1), sum(sign), sum(sign * duration)
    FROM sessions FINAL WHERE {{span}} GROUP BY date
)
GROUP BY date HAVING visitors > 0 OR visits > 0 ORDER BY date
"""

_PAGES = f"""
SELECT date, hostname, page, countIf(acts > 0) AS visits, uniqExactIf(who, acts > 0) AS visitors,
    sum(views) AS pageviews, sum(depth) AS total_scroll_depth, countIf(scrolled) AS total_scroll_depth_visits,
    toUInt64(round(sum(engaged) / 1000)) AS total_time_on_page, countIf(reads > 0) AS total_time_on_page_visits
FROM (
    SELECT {_DAY}, hostname, path AS page, session, argMax(visitor, seq) AS who, countIf(name = 'pageview') AS views,
        countIf(name != 'engagement') AS acts,
        maxIf(scroll_depth, name = 'engagement' AND scroll_depth <= 100) AS depth,
        countIf(name = 'engagement' AND scroll_depth <= 100) > 0 AS scrolled,
        sumIf(engagement_ms, name = 'engagement') AS engaged, countIf(name = 'engagement') AS reads
    FROM events WHERE {{span}} GROUP BY date, hostname, path, session
)
GROUP BY date, hostname, page ORDER BY date, hostname, page
"""


def _carried(prop: str) -> str:
    names = ", ".join(f"'{name}'" for name in sorted(SYSTEM_EVENTS[f"prop:{prop}"]))
    return f"if(name IN ({names}), props['{prop}'], '')"


_EVENTS = f"""
SELECT {_DAY}, name, {_carried("url")} AS link_url, {_carried("path")} AS path, {_PEOPLE}, count() AS events
FROM events WHERE {{span}} AND name NOT IN ('pageview', 'engagement')
GROUP BY date, name, link_url, path ORDER BY date, name, link_url, path
"""

_PROPS = f"""
SELECT {_DAY}, property, props[property] AS value, {_PEOPLE}, count() AS events
FROM events ARRAY JOIN mapKeys(props) AS property
WHERE {{span}} AND name != 'engagement' GROUP BY date, property, value ORDER BY date, property, value
"""

_SOURCES = ("source", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_OS = ("os AS operating_system", "os_version AS operating_system_version")

TABLES: Mapping[str, str] = MappingProxyType(
    {
        "imported_visitors": _VISITORS,
        "imported_sources": _of_visits(*_SOURCES),
        "imported_pages": _PAGES,
        "imported_entry_pages": _of_visits("entry_page", sums=_ENTERED, where="entry_page != ''"),
        "imported_exit_pages": _of_visits("exit_page", sums=_EXITED, where="exit_page != ''"),
        "imported_custom_events": _EVENTS,
        "imported_custom_props": _PROPS,
        "imported_locations": _of_visits("country", "region", "city"),
        "imported_devices": _of_visits("device"),
        "imported_browsers": _of_visits("browser", "browser_version"),
        "imported_operating_systems": _of_visits(*_OS),
    }
)
"""The files and the statements that fill them."""


async def archive(store: EventStore, span: Span, folder: Path) -> AsyncIterator[bytes]:
    """The zip in pieces, put together in a file of `folder` first. Raises BackendError, OSError."""
    days = await _days(store, span)
    with tempfile.TemporaryFile(dir=folder) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for table, sql in TABLES.items():
                name = f"{table}_{days[0]:%Y%m%d}_{days[1]:%Y%m%d}.csv"
                statement = sql.replace("{span}", span.condition)
                values = span.values | {"zone": span.site.timezone}
                with packed.open(name, "w", force_zip64=True) as entry:
                    async for piece in written(store, statement, values, "CSVWithNames", folder):
                        await asyncio.to_thread(entry.write, piece)
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def _days(store: EventStore, span: Span) -> tuple[date, date]:
    """The days the archive covers: those asked, else those with events; today's date when there is nothing."""
    zone = {"zone": span.site.timezone}
    ((first, last, today),) = await store.query(
        "SELECT toDate(min(time), {zone:String}), toDate(max(time), {zone:String}), today()"
        f" FROM events WHERE {span.condition}",
        span.values | zone,
    )
    if first.year == 1970 and last.year == 1970:
        first = last = today
    return span.first or first, max(span.last or last, span.first or first)
