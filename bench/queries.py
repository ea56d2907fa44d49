"""The commonest queries on ten million events, each against the same answer in SQL written by hand.

    python -m bench queries [--visits 4600000] [--rounds 7]

Asked is the largest site (28 % of the events), from the canonical query to rows; both ways in turn, medians, and the
ratio of CPU seconds. The rows must be equal. The store is made on first use (minutes) and kept in the folder for
temporary files. Goals: 1.2 times the SQL by hand; 12 months 400 ms, 30 days 60 ms, realtime 20 ms.
"""

import argparse
import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from adapters.local.client import StoreClient
from adapters.local.reports import Reports
from adapters.local.store.event_store import EventStore
from bench.store import FIRST, LAST, NOW, SITE, VISITS, opened
from models.filters import read_filters
from models.goal import Goal
from models.period import days_period
from models.query import ResolvedQuery, default_order
from models.site import Site
from models.vocabulary import Metric

ZONE = ZoneInfo("Europe/Berlin")
SIGNUP = Goal(id="1", display_name="signup", event_name="signup")
LOOK_BACK = timedelta(days=7)
"""A visit that began before the period belongs to it when it went on in it."""
MERGED = " SETTINGS do_not_merge_across_partitions_select_final = 1"
Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """A query and the SQL for the same rows; `{when}` and `{started}` stand for the period of events and of visits."""

    name: str
    metrics: str
    sql: str
    dimensions: tuple[str, ...] = ()
    filters: tuple[Any, ...] = ()
    days: int = 365
    limit: int = 100

    @property
    def goal(self) -> float:
        """Milliseconds."""
        return 400.0 if self.days > 30 else 60.0

    def query(self) -> ResolvedQuery:
        metrics = tuple(Metric(name) for name in self.metrics.split())
        filters, problems = read_filters(list(self.filters))
        if problems:
            raise ValueError(problems)
        first = max(FIRST, LAST - timedelta(days=self.days - 1))
        period = days_period(first, LAST, ZONE)
        return ResolvedQuery(
            metrics, period, NOW, self.dimensions, filters, default_order(metrics, self.dimensions), self.limit
        )

    def by_hand(self) -> str:
        period = self.query().period
        bounds = [f"toDateTime({int(at.timestamp())})" for at in (period.first, period.last)]
        day = "toDate({0}, 'UTC') BETWEEN toDate({1}, 'UTC') AND toDate({2}, 'UTC') AND {0} BETWEEN {1} AND {2}"
        when = f"site = '{SITE}' AND {day.format('time', *bounds)}"
        began = f"toDateTime({int((period.first - LOOK_BACK).timestamp())})"
        started = f"site = '{SITE}' AND {day.format('start', began, bounds[1])} AND time >= {bounds[0]}"
        return self.sql.format(when=when, started=started) + MERGED * ("FINAL" in self.sql)


# ruff: noqa: S608 - the statements are constants of this module
VISIT_METRICS = (
    "uniqExact(visitor) AS visitors, toInt64(sum(sign)) AS visits,"
    " ifNotFinite(round(100 * sum(sign * is_bounce) / sum(sign)), 0) AS bounce_rate,"
    " ifNotFinite(round(sum(sign * duration) / sum(sign)), 0) AS visit_duration"
)
CASES = (
    Case("aggregate", "visitors visits bounce_rate visit_duration",
         f"SELECT {VISIT_METRICS} FROM sessions FINAL WHERE {{started}}"),
    Case("daily series, zoned", "visitors pageviews",
         "SELECT toString(toDate(time, 'Europe/Berlin')) AS d, uniqExact(visitor), countIf(name = 'pageview')"
         " FROM events WHERE {when} AND name != 'engagement' GROUP BY d ORDER BY d", ("time:day",), limit=1000),
    Case("top pages", "visitors pageviews",
         "SELECT path, uniqExact(visitor) AS n, countIf(name = 'pageview') FROM events WHERE {when}"
         " AND name != 'engagement' GROUP BY path ORDER BY n DESC, path LIMIT 100", ("page",)),
    Case("sources and visit metrics", "visitors bounce_rate visit_duration",
         "SELECT if(source = '', 'Direct / None', source) AS s, uniqExact(visitor) AS n,"
         " round(100 * sum(sign * is_bounce) / sum(sign)), round(sum(sign * duration) / sum(sign)) FROM sessions FINAL"
         " WHERE {started} GROUP BY s HAVING sum(sign) > 0 ORDER BY n DESC, s LIMIT 100", ("source",)),
    Case("country x browser, filtered", "visitors pageviews",
         "SELECT country, browser, uniqExact(visitor) AS n, countIf(name = 'pageview') FROM events WHERE {when}"
         " AND name != 'engagement' AND source = 'Google' GROUP BY country, browser ORDER BY n DESC, country, browser"
         " LIMIT 100", ("country", "browser"), (["is", "source", ["Google"]],)),
    Case("goal rate by source", "visitors conversion_rate",
         "SELECT s, n, round(100 * n / t, 2) FROM (SELECT if(source = '', 'Direct / None', source) AS s,"
         " uniqExact(visitor) AS n FROM events WHERE {when} AND name = 'signup' GROUP BY s) AS a CROSS JOIN"
         " (SELECT uniqExact(visitor) AS t FROM events WHERE {when} AND name != 'engagement') AS b"
         " ORDER BY n DESC, s LIMIT 100", ("source",), (["is", "goal", ["signup"]],)),
    Case("property", "visitors events",
         "SELECT props['plan'] AS p, uniqExact(visitor) AS n, count() FROM events WHERE {when} AND name = 'signup'"
         " AND mapContains(props, 'plan') GROUP BY p ORDER BY n DESC, p LIMIT 100",
         ("prop:plan",), (["is", "event", ["signup"]],)),
    Case("30 days: aggregate", "visitors visits bounce_rate visit_duration",
         f"SELECT {VISIT_METRICS} FROM sessions FINAL WHERE {{started}}", days=30),
    Case("30 days: top pages", "visitors pageviews",
         "SELECT path, uniqExact(visitor) AS n, countIf(name = 'pageview') FROM events WHERE {when}"
         " AND name != 'engagement' GROUP BY path ORDER BY n DESC, path LIMIT 100", ("page",), days=30),
)  # fmt: skip


@dataclass(slots=True)
class Timed:
    """Wall and CPU milliseconds of each round."""

    wall: list[float]
    cpu: list[float]


async def timed(work: Callable[[], Awaitable[Rows]], into: Timed) -> Rows:
    began, used = time.perf_counter(), time.process_time()
    rows = await work()
    into.wall.append((time.perf_counter() - began) * 1e3)
    into.cpu.append((time.process_time() - used) * 1e3)
    return rows


async def compare(reader: Reports, store: EventStore, case: Case, rounds: int) -> None:
    query, by_hand = case.query(), case.by_hand()

    async def ours() -> Rows:
        return (await reader.read(Site(id=SITE, domain="big.example"), query)).rows

    async def theirs() -> Rows:
        return await store.query(by_hand)

    compiled, hand = Timed([], []), Timed([], [])
    for _ in range(rounds):
        found = await timed(ours, compiled)
        wanted = await timed(theirs, hand)
    same = [tuple(map(_plain, row)) for row in found] == [tuple(map(_plain, row)) for row in wanted]
    ratio = median(a / b for a, b in zip(compiled.cpu, hand.cpu, strict=True))
    print(
        f"  {case.name:<30}{median(compiled.wall):>8.0f} ms, best {min(compiled.wall):>4.0f}"
        f" {median(compiled.cpu):>6.0f} CPU ms (goal {case.goal:.0f}) {ratio:>6.2f} of SQL by hand"
        f"{'' if same else '  OTHER ROWS'}"
    )
    if not same:
        print("   ", found[:3], wanted[:3])


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) else value


async def realtime(reader: Reports, rounds: int) -> None:
    took = Timed([], [])

    async def ours() -> Rows:
        return [(await reader.realtime(Site(id=SITE, domain="big.example")),)]

    for _ in range(rounds):
        await timed(ours, took)
    print(f"  {'realtime':<30}{median(took.wall):>8.0f} ms{median(took.cpu):>8.0f} CPU ms (goal 20)")


async def asked(visits: int, rounds: int) -> None:
    store = await opened(visits)
    reader = Reports()
    reader.client = StoreClient(store, _goals, _imports, lambda: NOW)
    try:
        ((events, ours, size),) = await store.query(
            "SELECT count(), countIf(site = 'site_1'), (SELECT sum(bytes_on_disk) FROM system.parts WHERE active"
            " AND table IN ('events', 'sessions')) FROM events"
        )
        print(f"queries: {events:,} events, {ours:,} of the site asked; {size / events:.1f} bytes an event (goal 50)")
        for case in CASES:
            await compare(reader, store, case, rounds)
        await realtime(reader, rounds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {peak:.0f} MB at most in this process, {_resident():.0f} MB now (goals 1024, 350 idle)")
    finally:
        await store.close()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def _goals(site: Site) -> Sequence[Goal]:
    return (SIGNUP,)


async def _imports(site: Site) -> tuple[()]:
    return ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    asyncio.run(asked(args.visits, args.rounds))


if __name__ == "__main__":
    main()
