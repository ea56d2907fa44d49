"""Funnels, visits, tables by the clock and lists of values, over the demo week counted by hand (demo-site.md)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.local.adapter import LocalAdapter
from fixtures.twins.plausible import EVENTS
from models.errors import InvalidRequest
from models.event import Event
from models.filters import Comparison, Filter, HasDone
from models.insight import Aggregate, Clock, ClockRow, EventRow, FunnelStep, PropRow
from models.query import Query, ResolvedQuery
from models.vocabulary import Metric, Operator
from tests.unit_adapters.local.wiring import NOW, SITE, started

WEEK = ("2026-06-01", "2026-06-07")


def where(dimension: str, *values: str) -> Comparison:
    return Comparison(Operator.IS, dimension, values)


def week(*filters: Filter, limit: int = 100, zone: str = "Etc/UTC") -> ResolvedQuery:
    return Query((Metric.VISITORS,), WEEK, filters=filters, limit=limit).resolved(zone=zone, now=NOW)


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[LocalAdapter]:
    async with started(tmp_path) as made:
        await made.collect(
            SITE, [Event.model_validate_json(line) for line in (EVENTS / "demo-site.jsonl").read_bytes().splitlines()]
        )
        await made.flush()
        yield made


HOME = FunnelStep("home", (where("page", "/"), where("event", "pageview")))
PRICING = FunnelStep("pricing", (where("page", "/pricing"), where("event", "pageview")))
PURCHASE = FunnelStep("purchase", (where("event", "Purchase"),))


async def test_a_funnel_counts_visitors_who_take_the_steps_in_order_within_a_visit(adapter: LocalAdapter) -> None:
    # Six saw `/`; after it, anna and cleo saw /pricing (eva saw it before); anna then bought.
    assert await adapter.funnel(SITE, week(), [HOME, PRICING, PURCHASE]) == (6, 2, 1)


async def test_filters_hold_for_every_step_of_a_funnel(adapter: LocalAdapter) -> None:
    assert await adapter.funnel(SITE, week(where("country", "US")), [HOME, PRICING]) == (1, 1)


async def test_an_expression_that_cannot_be_read_in_a_step_is_refused(adapter: LocalAdapter) -> None:
    bad = FunnelStep("bad", (Comparison(Operator.MATCHES, "page", ("(",)),))
    with pytest.raises(InvalidRequest):
        await adapter.funnel(SITE, week(), [HOME, bad])


async def test_visits_are_listed_from_the_latest_on(adapter: LocalAdapter) -> None:
    rows = await adapter.list_visits(SITE, week())
    starts = [row.start.strftime("%d %H:%M") for row in rows]
    assert starts == [
        "07 20:00", "06 11:00", "05 08:00", "04 13:02", "04 12:00", "03 09:00", "02 23:50", "01 15:00", "01 11:00",
        "01 10:00",
    ]  # fmt: skip
    cleo = rows[6]
    assert (cleo.seconds, cleo.pageviews, cleo.entry_page, cleo.exit_page, cleo.is_bounce) == (
        1320, 3, "/blog", "/pricing", False,
    )  # fmt: skip
    assert cleo.attributes["country"] == "US"


async def test_a_page_of_visits_is_filtered_and_cut(adapter: LocalAdapter) -> None:
    rows = await adapter.list_visits(SITE, week(HasDone(where("event", "Purchase")), limit=1))
    assert [(row.entry_page, row.attributes["country"]) for row in rows] == [("/", "FR")]


async def test_the_events_of_a_visit_come_in_order(adapter: LocalAdapter) -> None:
    first = (await adapter.list_visits(SITE, week()))[-1]
    events = await adapter.visit_events(SITE, week(), first.visitor, first.visit)
    assert [(e.name, e.page, dict(e.props)) for e in events] == [
        ("pageview", "/", {}), ("pageview", "/pricing", {}), ("Purchase", "/pricing", {"plan": "pro"}),
    ]  # fmt: skip


async def test_a_stranger_has_no_visit(adapter: LocalAdapter) -> None:
    first = (await adapter.list_visits(SITE, week()))[0]
    assert await adapter.visit_events(SITE, week(), first.visitor + 1, first.visit) == ()


async def test_the_hours_of_the_day_are_all_there(adapter: LocalAdapter) -> None:
    rows = await adapter.clock_table(SITE, week(), Clock.HOUR)
    assert [row.key for row in rows] == [(hour,) for hour in range(24)]
    # 11 o'clock: ben on Monday (one view, a bounce) and on Saturday (two views).
    assert rows[11] == ClockRow((11,), visitors=1, visits=2, pageviews=3, bounces=1)
    # After midnight cleo goes on with a visit that began at 23:50.
    assert rows[0] == ClockRow((0,), visitors=1, visits=0, pageviews=2, bounces=0)
    assert sum(row.visits for row in rows) == 10
    assert sum(row.pageviews for row in rows) == 15
    assert sum(row.bounces for row in rows) == 4


async def test_hours_are_those_of_the_asked_zone(adapter: LocalAdapter) -> None:
    rows = await adapter.clock_table(SITE, week(zone="Asia/Kolkata"), Clock.HOUR)
    # 11:00 and 11:10 UTC are 16:30 and 16:40 in India.
    assert rows[16] == ClockRow((16,), visitors=1, visits=2, pageviews=3, bounces=1)


async def test_weekdays_begin_with_monday(adapter: LocalAdapter) -> None:
    rows = await adapter.clock_table(SITE, week(), Clock.WEEKDAY_HOUR)
    assert len(rows) == 7 * 24
    by_key = {row.key: row for row in rows}
    assert by_key[(0, 10)].pageviews == 2
    assert by_key[(6, 20)] == ClockRow((6, 20), visitors=1, visits=1, pageviews=1, bounces=0)


async def test_minutes_of_the_hour(adapter: LocalAdapter) -> None:
    rows = await adapter.clock_table(SITE, week(), Clock.MINUTE)
    assert len(rows) == 60
    # Minute 2: dan's /pricing, eva's `/` at 13:02; eva's second visit began there.
    assert rows[2] == ClockRow((2,), visitors=2, visits=1, pageviews=2, bounces=1)


async def test_properties_by_name_and_by_value(adapter: LocalAdapter) -> None:
    assert await adapter.prop_table(SITE, week()) == (PropRow("plan", "", 3, 3, 0),)
    assert await adapter.prop_table(SITE, week(), "plan") == (
        PropRow("plan", "basic", 1, 1, 0), PropRow("plan", "free", 1, 1, 0), PropRow("plan", "pro", 1, 1, 0),
    )  # fmt: skip


async def test_events_by_name_and_properties(adapter: LocalAdapter) -> None:
    assert await adapter.event_table(SITE, week()) == (
        EventRow("Purchase", {"plan": "basic"}, 1, 1), EventRow("Purchase", {"plan": "pro"}, 1, 1),
        EventRow("Signup", {"plan": "free"}, 1, 1), EventRow("Video played", {}, 1, 1),
    )  # fmt: skip


async def test_what_is_known_of_each_event(adapter: LocalAdapter) -> None:
    await adapter.collect(
        SITE,
        [
            Event(name="Call", time=NOW, visitor="a", engagement_ms=4000, props={"line": "1"}),
            Event(name="Call", time=NOW, visitor="b", engagement_ms=7000, props={"agent": "x"}),
            Event(name="Call", time=NOW, visitor="c"),
        ],
    )
    await adapter.flush()
    today = Query((Metric.VISITORS,), "day").resolved(zone="Etc/UTC", now=NOW)
    (detail,) = await adapter.event_details(SITE, today)
    assert (detail.name, detail.prop_keys, detail.seconds) == ("Call", ("agent", "line"), 5.5)


async def test_sums_of_a_numeric_property(adapter: LocalAdapter) -> None:
    amounts = ["9.5", "3", "none", "4"]
    await adapter.collect(
        SITE, [Event(name="Sale", time=NOW, visitor=str(n), props={"amount": a}) for n, a in enumerate(amounts)]
    )
    await adapter.flush()
    today = Query((Metric.VISITORS,), "day", filters=(where("event", "Sale"),)).resolved(zone="Etc/UTC", now=NOW)
    assert await adapter.aggregate(SITE, today, "amount", whole=False) == Aggregate(16.5, 5.5, 3)
    assert await adapter.aggregate(SITE, today, "amount", whole=True) == Aggregate(7.0, 3.5, 2)
    assert await adapter.aggregate(SITE, today, "weight", whole=False) == Aggregate(0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("dimension", "search", "values"),
    [
        ("page", "", ("/", "/blog", "/pricing", "/signup")),
        ("page", "PRI", ("/pricing",)),
        ("entry_page", "", ("/", "/blog", "/pricing")),
        ("event", "", ("Purchase", "Signup", "Video played")),
        ("prop", "", ("plan",)),
        ("prop:plan", "r", ("free", "pro")),
        ("country", "", ("DE", "FR", "US")),
        ("country_name", "united", ("United States",)),
        ("source", "", ("Google", "Twitter")),
    ],
)
async def test_values_that_filters_could_name(
    adapter: LocalAdapter, dimension: str, search: str, values: tuple[str, ...]
) -> None:
    assert await adapter.list_values(SITE, week(), dimension, search) == values


async def test_time_has_no_list_of_values(adapter: LocalAdapter) -> None:
    with pytest.raises(InvalidRequest):
        await adapter.list_values(SITE, week(), "time:day", "")
