"""What our own API can ask beyond the vendor's, over random streams: the numbers are those of the slow reference.

`exit_rate` and a zero fill are put together here from what the reference answers to plain questions.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from adapters.local.reports import Reports
from adapters.local.store.event_store import EventStore
from fixtures.reference import Invalid, ranges
from fixtures.reference import Site as Reference
from fixtures.reference.metrics import Tally, money, rounded, value
from models.period import Comparison, buckets
from models.query import Compare, Query, ResolvedQuery
from models.result import Money
from models.site import Site
from models.vocabulary import Metric, interval_of
from tests.unit_adapters.local.sql import v2
from tests.unit_adapters.local.sql.loading import load, reader_of
from tests.unit_adapters.local.sql.test_against_reference import CLOCKS, EVENT, LEAVES, canonical, events_of

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
NUMBERS = itertools.count()
ZONES = sorted({zone for zone, _ in CLOCKS})

OWN = st.fixed_dictionaries(
    {
        "title": st.sampled_from(("", "Home", "About us", "home")),
        "language": st.sampled_from(("", "de", "en-GB")),
        "screen": st.sampled_from(("", "Mobile", "1920x1080")),
        "currency": st.sampled_from(("EUR", "USD", "JPY")),
    }
)
STREAMS = st.lists(st.tuples(EVENT, OWN), max_size=25)
GOALS: tuple[dict[str, Any], ...] = (
    {"event_name": "Signup"},
    {"event_name": "Purchase", "currency": "EUR"},
    {"event_name": "Signup", "custom_props": {"plan": "pro"}, "display_name": "Pro signup", "currency": "USD"},
    {"page_path": "/blog**", "display_name": "Read"},
    {"page_path": "/blog", "scroll_threshold": 50, "display_name": "Scrolled"},
)
OWN_LEAVES = st.sampled_from(
    [
        ["matches_wildcard", "event:page", ["/b*"]],
        ["matches_wildcard", "event:page", ["/*g", "/Pri**"]],
        ["matches_wildcard_not", "event:page", ["**/[ab]", "/"]],
        ["matches_wildcard", "event:page", ["/blog/b\\|c"]],
        ["matches_wildcard", "visit:source", ["*oo*"]],
        ["matches_wildcard_not", "visit:source", ["*"]],
        ["matches_wildcard", "event:props:plan", ["*r*"]],
        ["matches_wildcard_not", "event:props:plan", ["p*"]],
        ["is", "own:title", ["Home"]],
        ["is_not", "own:title", ["(not set)", "Home"]],
        ["contains", "own:title", ["ome"]],
        ["is", "own:title", ["HOME"], {"case_sensitive": False}],
        ["is", "own:language", ["de", "(not set)"]],
        ["matches_not", "own:language", ["^e"]],
        ["is", "own:screen", ["Mobile"]],
        ["contains_not", "own:screen", ["x"]],
        ["has_done", ["is", "own:title", ["About us"]]],
    ]
)  # fmt: skip
FILTERS = st.lists(
    st.one_of(
        OWN_LEAVES,
        OWN_LEAVES.map(lambda leaf: ["not", leaf]),
        LEAVES,
        st.sampled_from([["is", "event:goal", ["Signup", "Purchase"]], ["is", "event:goal", ["Purchase"]]]),
    ),
    max_size=2,
)
DIMENSIONS = (
    "own:title", "own:language", "own:screen", "time:minute", "event:page", "event:goal", "visit:source",
    "visit:entry_page", "time:hour", "time:day",
)  # fmt: skip
METRICS = (
    "visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration", "views_per_visit", "percentage",
    "conversion_rate", "group_conversion_rate", "scroll_depth", "time_on_page", "total_revenue", "average_revenue",
)  # fmt: skip
COUNTED = ("visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration", "views_per_visit")
Rows = dict[tuple[str, ...], list[Any]]


class World:
    """One random stream of events: what the reference and our reader say of it, in any zone."""

    def __init__(self, data: st.DataObject, store: EventStore) -> None:
        self.zone, self.start = data.draw(st.sampled_from(CLOCKS))
        self.asked_zone = data.draw(st.one_of(st.just(self.zone), st.sampled_from(ZONES)))
        drawn = data.draw(STREAMS)
        self.events = events_of([event for event, _ in drawn], self.start)
        for event, (_, own) in zip(self.events, drawn, strict=True):
            event |= {name: own[name] for name in ("title", "language", "screen")}
            if "revenue" in event:
                event["revenue"]["currency"] = own["currency"]
        self.reference = Reference(self.asked_zone, GOALS, self.events, now=NOW)
        self.site = Site(id=f"own{next(NUMBERS)}", domain="x.example", timezone=self.zone)
        self.store = store
        note(f"{self.zone} asked in {self.asked_zone} over {self.events}")

    def days(self, data: st.DataObject) -> tuple[date, date]:
        first = data.draw(st.integers(-1, 1))
        last = data.draw(st.integers(first, 2))
        day = self.start.date()
        return day + timedelta(days=first), day + timedelta(days=last)

    def told(self, metrics: Sequence[str], dimensions: Sequence[str], filters: Any, days: tuple[date, date]) -> Rows:
        """The reference's rows. Raises Invalid."""
        span = [day.isoformat() for day in days]
        found = self.reference.query(metrics, dimensions, filters, span)["results"]
        return {tuple(row["dimensions"]): row["metrics"] for row in found}

    def resolved(
        self, metrics: Sequence[str], dimensions: Sequence[str], filters: Any, days: tuple[date, date]
    ) -> ResolvedQuery:
        """The question in our words, in the asked zone, which need not be the site's."""
        body = {
            "metrics": list(metrics), "dimensions": list(dimensions), "filters": filters,
            "date_range": [day.isoformat() for day in days],
        }  # fmt: skip
        return v2.query_of(body, self.asked_zone, NOW, None)

    def read(self, *asked: ResolvedQuery) -> list[Rows]:
        """Our rows."""

        async def read() -> list[Rows]:
            goals = [canonical(goal, n) for n, goal in enumerate(GOALS)]
            reader: Reports = reader_of(self.store, await load(self.store, self.site.id, self.events), goals, NOW)
            return [_rows(query, (await reader.read(self.site, query)).rows) for query in asked]

        return asyncio.run(read())


def _rows(query: ResolvedQuery, rows: Sequence[Sequence[Any]]) -> Rows:
    width = len(query.dimensions)
    shown = {
        tuple(map(str, row[:width])): [
            money(v.amount, v.currency) if isinstance(v, Money) else v for v in row[width:]
        ]
        for row in rows
    }  # fmt: skip
    assert len(shown) == len(rows), "a row stands there twice"
    return shown


def questions(data: st.DataObject, metrics: Sequence[str]) -> tuple[list[str], list[str], list[Any]]:
    """Metrics, dimensions (one of time at most) and filters."""
    grouped = data.draw(st.lists(st.sampled_from(DIMENSIONS), max_size=2, unique=True))
    if sum(name.startswith("time:") for name in grouped) > 1:
        grouped.pop()
    return (
        data.draw(st.lists(st.sampled_from(metrics), min_size=1, max_size=3, unique=True)),
        grouped,
        data.draw(FILTERS),
    )


@pytest.mark.timeout(900)
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_own_words_in_any_zone(store: EventStore, data: st.DataObject) -> None:
    world = World(data, store)
    wanted, asked = [], []
    for _ in range(6):
        metrics, dimensions, filters = questions(data, METRICS)
        days = world.days(data)
        try:
            wanted.append(world.told(metrics, dimensions, filters, days))
        except Invalid:
            continue
        note(f"{metrics} by {dimensions} where {filters} in {days}")
        query = world.resolved(metrics, dimensions, filters, days)
        if "events" in metrics and data.draw(st.booleans()):  # under our own name
            ours = tuple(Metric.CONVERSIONS if m is Metric.EVENTS else m for m in query.metrics)
            query = replace(query, metrics=ours, order_by=())
        asked.append(query)
    assert world.read(*asked) == wanted


@pytest.mark.timeout(900)
@settings(max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_the_exit_rate_is_exits_over_views(store: EventStore, data: st.DataObject) -> None:
    """Filters are of the visit only, so that they take away whole visits."""
    world = World(data, store)
    days = world.days(data)
    filters = data.draw(st.lists(st.sampled_from([
        ["is", "visit:source", ["Google"]], ["is_not", "own:language", ["de"]], ["is", "visit:country", ["DE", "US"]],
    ]), max_size=1))  # fmt: skip
    views = {key[0]: row[0] for key, row in world.told(["pageviews"], ["event:page"], filters, days).items()}
    exits = {key[0]: row[0] for key, row in world.told(["visits"], ["visit:exit_page"], filters, days).items()}

    def rate(page: str) -> float | None:
        return rounded(exits.get(page, 0) / views[page] * 100, 1) if views.get(page) else None

    by_exit = world.resolved(["visitors"], ["visit:exit_page"], filters, days)
    by_page = world.resolved(["visitors"], ["event:page"], filters, days)
    asked = [replace(query, metrics=(Metric.EXIT_RATE,), order_by=()) for query in (by_exit, by_page)]
    assert world.read(*asked) == [
        {(page,): [rate(page)] for page in exits},
        {(page,): [rate(page)] for page in views},
    ]


@pytest.mark.timeout(900)
@settings(max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_a_zero_fill_has_every_bucket_of_every_group(store: EventStore, data: st.DataObject) -> None:
    world = World(data, store)
    time = data.draw(st.sampled_from(("time:minute", "time:hour", "time:day", "time:week", "time:month")))
    others = data.draw(st.lists(st.sampled_from(("own:title", "visit:source", "event:page")), max_size=1))
    first, last = world.days(data)
    days = (first, first) if time == "time:minute" else (first, last)
    metrics = data.draw(st.lists(st.sampled_from(COUNTED), min_size=1, max_size=3, unique=True))
    try:
        told = world.told(metrics, [time, *others], [], days)
    except Invalid:
        return
    labels = ranges.labels(time, ranges.days(*days, ZoneInfo(world.asked_zone)))
    groups = {key[1:] for key in told} if others else {()}
    empty = [value(metric, Tally()) for metric in metrics]
    query = world.resolved(metrics, [time, *others], [], days)
    interval = interval_of(time)
    assert interval is not None
    assert list(buckets(query.period, interval)) == labels
    filled = replace(query, include=replace(query.include, zero_fill=True))
    assert world.read(filled) == [
        {(label, *group): told.get((label, *group), empty) for label in labels for group in groups}
    ]


def before(first: date, last: date, mode: Comparison, *, weekdays: bool) -> tuple[date, date]:
    """The compared days, found by trying: as many, that end the day before or begin a year earlier; with `weekdays` the
    nearest later ones that begin on the same weekday, or the week before those if they would be the same days."""
    length = last - first
    if mode is Comparison.PREVIOUS_YEAR:
        back = first.replace(year=first.year - 1, day=28 if (first.month, first.day) == (2, 29) else first.day)
    else:
        back = first - timedelta(days=1) - length
    while weekdays and back.weekday() != first.weekday():
        back += timedelta(days=1)
    if back == first:
        back -= timedelta(days=7)
    return back, back + length


@pytest.mark.timeout(900)
@settings(max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_compared_days_are_counted_like_any_others(store: EventStore, data: st.DataObject) -> None:
    world = World(data, store)
    days = world.days(data)
    mode = data.draw(st.sampled_from((Comparison.PREVIOUS_PERIOD, Comparison.PREVIOUS_YEAR)))
    weekdays = data.draw(st.booleans())
    # asked from a later day on, the comparison reaches the events
    later = timedelta(days=data.draw(st.integers(0, 8))) if mode is Comparison.PREVIOUS_PERIOD else timedelta(days=365)
    main = (days[0] + later, days[1] + later)
    query = world.resolved(["visitors", "pageviews"], [], [], main)
    compare = Query((Metric.VISITORS,), compare=Compare(mode, None, weekdays))
    period = compare.comparison_period(query.period)
    assert period is not None
    compared = before(*main, mode, weekdays=weekdays)
    assert (period.first_date, period.last_date) == compared
    assert world.read(query.over(period)) == [world.told(["visitors", "pageviews"], [], [], compared)]
