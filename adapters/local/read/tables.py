"""Tables by the clock, by all properties at once, by event, and sums of numeric properties."""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.local.client import Conditions, StoreClient, page_of
from models.insight import Aggregate, Clock, ClockRow, EventDetail, EventRow, PropRow
from models.query import ResolvedQuery
from models.site import Site

KEYS: Mapping[Clock, tuple[str, ...]] = MappingProxyType(
    {
        Clock.HOUR: ("toHour({at}, {zone})",),
        Clock.MINUTE: ("toMinute({at}, {zone})",),
        Clock.WEEKDAY_HOUR: ("toDayOfWeek({at}, 0, {zone}) - 1", "toHour({at}, {zone})"),
    }
)
"""Expressions over an instant of type DateTime('UTC')."""
ALL_KEYS: Mapping[Clock, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        Clock.HOUR: tuple((hour,) for hour in range(24)),
        Clock.MINUTE: tuple((minute,) for minute in range(60)),
        Clock.WEEKDAY_HOUR: tuple((day, hour) for day in range(7) for hour in range(24)),
    }
)
CUSTOM = "name != 'pageview'"


class Tables:
    """ReadsEventTables."""

    client: StoreClient

    async def clock_table(self, site: Site, query: ResolvedQuery, clock: Clock) -> tuple[ClockRow, ...]:
        """Visitors and page views by the moment of the event, visits and bounces by the moment the visit started."""
        conditions = await self.client.conditions(site, query)
        seen = await _counted(
            self.client, conditions, clock, "time", f"events WHERE {conditions.events()}",
            ("uniqExact(visitor)", "countIf(name = 'pageview')"),
        )  # fmt: skip
        begun = await _counted(
            self.client, conditions, clock, "start", f"sessions FINAL WHERE {conditions.visits()}",
            ("count()", "countIf(is_bounce = 1)"),
        )  # fmt: skip
        nothing = (0, 0)
        return tuple(
            ClockRow(key, visitors, visits, pageviews, bounces)
            for key in ALL_KEYS[clock]
            for visitors, pageviews in (seen.get(key, nothing),)
            for visits, bounces in (begun.get(key, nothing),)
        )

    async def prop_table(self, site: Site, query: ResolvedQuery, key: str = "") -> tuple[PropRow, ...]:
        """Page views carry properties too: `pageviews` are those among the events."""
        conditions = await self.client.conditions(site, query)
        where = conditions.events()
        if key:
            held = conditions.bind.text(key)
            columns, where = f"{held} AS k, props[{held}] AS v", f"{where} AND props[{held}] != ''"
        else:
            columns = "arrayJoin(mapKeys(props)) AS k, '' AS v"
        sql = (
            f"SELECT {columns}, uniqExact(visitor) AS visitors, count(), countIf(name = 'pageview') FROM events "
            f"WHERE {where} GROUP BY k, v ORDER BY visitors DESC, k, v {page_of(query)}"
        )
        rows = await self.client.rows(sql, conditions)
        return tuple(
            PropRow(str(k), str(v), int(people), int(events), int(views)) for k, v, people, events, views in rows
        )

    async def event_table(self, site: Site, query: ResolvedQuery) -> tuple[EventRow, ...]:
        conditions = await self.client.conditions(site, query)
        sql = (
            "SELECT name, arraySort(arrayZip(mapKeys(props), mapValues(props))) AS pairs, "
            "uniqExact(visitor) AS visitors, count() FROM events "
            f"WHERE {conditions.events()} AND {CUSTOM} GROUP BY name, pairs "
            f"ORDER BY visitors DESC, name, pairs {page_of(query)}"
        )
        rows = await self.client.rows(sql, conditions)
        return tuple(EventRow(str(name), dict(pairs), int(people), int(events)) for name, pairs, people, events in rows)

    async def event_details(self, site: Site, query: ResolvedQuery) -> tuple[EventDetail, ...]:
        """The mean is over the events that say how long they lasted."""
        conditions = await self.client.conditions(site, query)
        sql = (
            "SELECT name, arraySort(groupUniqArrayArray(mapKeys(props))), "
            "if(countIf(engagement_ms > 0) = 0, 0., avgIf(engagement_ms, engagement_ms > 0) / 1000) FROM events "
            f"WHERE {conditions.events()} AND {CUSTOM} GROUP BY name ORDER BY name"
        )
        rows = await self.client.rows(sql, conditions)
        return tuple(EventDetail(str(name), tuple(map(str, keys)), float(seconds)) for name, keys, seconds in rows)

    async def aggregate(self, site: Site, query: ResolvedQuery, key: str, *, whole: bool) -> Aggregate:
        """Events without a number in the property take no part."""
        conditions = await self.client.conditions(site, query)
        value = f"props[{conditions.bind.text(key)}]"
        number = f"toInt64OrNull({value})" if whole else f"toFloat64OrNull({value})"
        sql = (
            f"SELECT sum(number), avg(number), count(number) FROM (SELECT {number} AS number FROM events "
            f"WHERE {conditions.events()})"
        )
        ((total, average, events),) = await self.client.rows(sql, conditions)
        return Aggregate(float(total or 0), float(average or 0) if events else 0.0, int(events))


async def _counted(
    client: StoreClient, conditions: Conditions, clock: Clock, at: str, source: str, counts: tuple[str, str]
) -> dict[tuple[int, ...], tuple[int, int]]:
    zone = conditions.bind.text(conditions.window.period.zone.key)
    keys = [key.format(at=at, zone=zone) for key in KEYS[clock]]
    columns = [*(f"{key} AS k{i}" for i, key in enumerate(keys)), *counts]
    names = ", ".join(f"k{i}" for i in range(len(keys)))
    rows = await client.rows(f"SELECT {', '.join(columns)} FROM {source} GROUP BY {names}", conditions)
    return {tuple(int(v) for v in row[:-2]): (int(row[-2]), int(row[-1])) for row in rows}
