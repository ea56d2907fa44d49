"""Statistics of local sites: a query becomes one statement (two with totals), its rows an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from adapters.local.client import StoreClient
from adapters.local.enrich.geo import NAMED_BY_GEONAMES
from adapters.local.enrich.names import name_of
from adapters.local.sql import checks, imported, places, revenue
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.build import Compiled, compile_query, totals_of
from adapters.local.sql.filters import Window
from adapters.local.sql.goals import passing
from adapters.local.store.imported import ImportedRange, added_up, overlapping
from models.goal import Goal
from models.period import buckets, resolve
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, ImportsNote, MetricWarning, Money, PlanKind, Reason, Row, Value
from models.site import Site
from models.vocabulary import REVENUE, Dimension, Metric, interval_of

D = Dimension
CITIES = frozenset({D.CITY, D.CITY_NAME})
PLACES = CITIES | {D.COUNTRY, D.COUNTRY_NAME, D.REGION, D.REGION_NAME}


ARRIVING = Reason(
    "events_arriving", "events were stored while this was counted; some are in one number and not the other"
)


class Reports:
    """Reads and ReadsRealtime."""

    client: StoreClient

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        """One statement, no call to anybody; refused is what only the store's own rules can tell."""
        return Foreseen(plan=PlanKind.LOCAL, calls=0, refusals=tuple(checks.refusals(query)))

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        """Of one moment of the store, or it says that it is not. Raises InvalidRequest for an unknown goal or an
        expression that RE2 refuses.
        """
        return await self.client.barrier.read(site.id, lambda: self._answer(site, query), _torn)

    async def _answer(self, site: Site, query: ResolvedQuery) -> Answer:
        goals = tuple(await self.client.goals_of(site))
        await self.client.check(query, goals)
        names, asked = await self._names(site, query), query
        query = await self.client.apart(asked, lambda: places.by_code(asked, names))
        labels = places.labels(names)
        merged, note = await self._imports(site, query, goals)
        compiled = await self.client.apart(query, lambda: compile_query(site.id, query, goals, merged, labels))
        found = await self._run(compiled)
        rows = tuple(_row(row, query, compiled.currencies) for row in found)
        totals = await self._totals(site, query, goals, merged) if query.include.totals else None
        return Answer(
            rows=rows,
            plan=PlanKind.LOCAL,
            reasons=_added_up(query, goals, merged),
            calls=0,
            totals=totals,
            total_rows=await self._total_rows(compiled, found, query) if query.include.total_rows else None,
            time_labels=_time_labels(query),
            imports=note,
            warnings=(*_warnings(query, goals, merged), *await self._left_out(site, query, goals)),
            credits=self._credits(query),
        )

    def _credits(self, query: ResolvedQuery) -> tuple[str, ...]:
        """Whose data a query about places speaks from."""
        of_places = self.client.attribution if PLACES & query.names else ""
        of_cities = NAMED_BY_GEONAMES if CITIES & query.names else ""
        return tuple(credit for credit in (of_places, of_cities) if credit)

    async def _names(self, site: Site, query: ResolvedQuery) -> places.Names:
        """The names of the site's places, where the query speaks of names."""
        found: dict[str, dict[str, str]] = {}
        for kind in places.asked(query):
            sql, parameters = places.codes_of(site.id, kind)
            codes = [str(row[0]) for row in await self.client.store.query(sql, parameters)]
            found[kind] = {code: name_of(kind, code) for code in codes}
        return found

    async def _imports(
        self, site: Site, query: ResolvedQuery, goals: Sequence[Goal]
    ) -> tuple[tuple[ImportedRange, ...], ImportsNote | None]:
        """The imports that take part, and what the answer says of them."""
        if not query.include.imports:
            return (), None
        every = tuple(await self.client.imports_of(site))
        skipped = imported.skipped(query, every, goals)
        if skipped is not None:
            return (), ImportsNote(included=False, skipped=skipped)
        period = query.period
        return overlapping(every, period.first_date, period.last_date), ImportsNote(included=True)

    async def _run(self, compiled: Compiled) -> list[tuple[Any, ...]]:
        return await self.client.store.query(compiled.sql, compiled.parameters)

    async def _left_out(self, site: Site, query: ResolvedQuery, goals: Sequence[Goal]) -> list[MetricWarning]:
        """Money in another currency than its row's is not part of the sum, so it is told beside it."""
        asked = revenue.left_out(site.id, query, goals)
        found = await self.client.store.query(*asked) if asked else []
        of_money = [metric for metric in query.metrics if metric in REVENUE] if found else []
        return [MetricWarning(metric, "other_currencies_left_out", revenue.told(found)) for metric in of_money]

    async def _totals(
        self, site: Site, query: ResolvedQuery, goals: Sequence[Goal], merged: Sequence[ImportedRange]
    ) -> Row:
        whole = totals_of(query)
        compiled = compile_query(site.id, whole, goals, merged)
        return _row((await self._run(compiled))[0], whole, compiled.currencies)

    async def _total_rows(self, compiled: Compiled, found: Sequence[tuple[Any, ...]], query: ResolvedQuery) -> int:
        """The count that came with the rows; a page beyond the last row has to ask for it."""
        if not compiled.counted:
            return len(found)
        if found or not query.offset:
            return int(found[0][-1]) if found else 0
        (count,) = (await self.client.store.query(compiled.count_sql, compiled.parameters))[0]
        return int(count)

    async def stats_start(self, site: Site) -> date | None:
        """The day of the first event or the first day of an import, in the site's zone; None without either."""
        bind = Bindings()
        sql = f"SELECT min(time), count() FROM events WHERE site = {bind.text(site.id)}"
        first, count = (await self.client.store.query(sql, bind.values))[0]
        days = [each.first for each in await self.client.imports_of(site)]
        if count:
            days.append(first.astimezone(ZoneInfo(site.timezone)).date())
        return min(days, default=None)

    async def realtime(self, site: Site) -> int:
        """Unique visitors of the last five minutes, engagement aside (contracts: Plausible 5)."""
        bind = Bindings()
        period = resolve("realtime", zone=ZoneInfo(site.timezone), now=self.client.now())
        where = " AND ".join(Window(site.id, period, (), bind).events_in_period(engagement=False))
        sql = f"SELECT uniqExact(visitor) FROM events WHERE {where}"
        return int((await self.client.store.query(sql, bind.values))[0][0])


def _torn(answer: Answer) -> Answer:
    return replace(answer, reasons=(*answer.reasons, ARRIVING))


def _row(row: Sequence[Any], query: ResolvedQuery, currencies: Mapping[str, str]) -> Row:
    count = len(query.dimensions)
    dimensions = tuple(str(value) for value in row[:count])
    goal = dimensions[query.dimensions.index(Dimension.GOAL)] if Dimension.GOAL in query.dimensions else ""
    currency = currencies.get(goal, "")
    return dimensions + tuple(
        _value(metric, value, currency) for metric, value in zip(query.metrics, row[count:], strict=False)
    )


def _value(metric: Metric, value: Any, currency: str) -> Value:
    if value is None:
        return None
    if metric in REVENUE:
        return Money(float(value), currency)
    return float(value) if isinstance(value, float) else int(value)


def _added_up(query: ResolvedQuery, goals: Sequence[Goal], merged: Sequence[ImportedRange]) -> tuple[Reason, ...]:
    if len(merged) < 2:
        return ()
    asked = imported.serving(query.filters, query.dimensions, goals)
    return added_up(merged, asked, query.period.first_date, query.period.last_date)


def _time_labels(query: ResolvedQuery) -> tuple[str, ...] | None:
    name = query.time_dimension
    interval = interval_of(name) if name else None
    return tuple(buckets(query.period, interval)) if query.include.time_labels and interval else None


def _warnings(query: ResolvedQuery, goals: Sequence[Goal], merged: Sequence[ImportedRange]) -> list[MetricWarning]:
    """Notes on metrics (contracts: Plausible 4.4)."""
    found = []
    matching = passing(query.filters, goals)
    currencies = {goal.currency for goal in matching if goal.currency}
    for metric in query.metrics:
        if metric in REVENUE and not currencies:
            found.append(MetricWarning(metric, "no_revenue_goals_matching", NO_REVENUE_GOALS))
        elif metric in REVENUE and len(currencies) > 1 and Dimension.GOAL not in query.dimensions:
            found.append(MetricWarning(metric, "no_single_revenue_currency", SEVERAL_CURRENCIES))
    if merged and Metric.SCROLL_DEPTH in query.metrics and not any(each.scroll_depth for each in merged):
        found.append(MetricWarning(Metric.SCROLL_DEPTH, "no_imported_scroll_depth", NO_IMPORTED_SCROLL_DEPTH))
    if merged and Metric.BOUNCE_RATE in query.metrics and Dimension.PAGE in query.names:
        found.append(MetricWarning(Metric.BOUNCE_RATE, "no_imported_bounce_rate", NO_IMPORTED_BOUNCE_RATE))
    return found


NO_REVENUE_GOALS = "Revenue metrics are null as there are no matching revenue goals."
SEVERAL_CURRENCIES = "Revenue metrics are null as there are multiple currencies for the selected event:goals."
NO_IMPORTED_SCROLL_DEPTH = "No imports with scroll depth data were found"
NO_IMPORTED_BOUNCE_RATE = "imported bounce_rate is not available when using a page filter"
