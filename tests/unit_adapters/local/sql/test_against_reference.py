"""Random streams, goals, imports and queries: the reader's rows equal those of the slow reference, to the digit."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from adapters.local.reports import Reports
from adapters.local.store.event_store import EventStore
from fixtures.reference import Invalid
from fixtures.reference import Site as Reference
from fixtures.reference.imported import Import
from models.goal import Goal
from models.site import Site
from tests.unit_adapters.local.sql import v2
from tests.unit_adapters.local.sql.loading import load, over, reader_of

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
NUMBERS = itertools.count()

# Days around which clocks change, in the zone named; the last has quarters of an hour and no change.
CLOCKS = (
    ("Etc/UTC", datetime(2026, 3, 8, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2025, 10, 26, tzinfo=UTC)),
    ("America/New_York", datetime(2025, 11, 2, tzinfo=UTC)),
    ("America/Santiago", datetime(2025, 9, 7, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 1, 31, tzinfo=UTC)),
)
PATHS = ("/", "/blog", "/blog/a", "/blog/b|c", "/Pricing", "/päge")
HOSTS = ("a.example", "b.example")
EVENT_NAMES = ("pageview", "pageview", "pageview", "Signup", "Purchase", "engagement", "engagement")
SOURCES = ("", "Google", "Direct mail", "twitter")

EVENT = st.fixed_dictionaries(
    {
        "name": st.sampled_from(EVENT_NAMES),
        "visitor": st.sampled_from("abcd"),
        "gap": st.integers(0, 2 * 3600),
        "path": st.sampled_from(PATHS),
        "hostname": st.sampled_from(HOSTS),
        "source": st.sampled_from(SOURCES),
        "utm_campaign": st.sampled_from(("", "Spring", "spring")),
        "country": st.sampled_from(("", "DE", "US")),
        "browser": st.sampled_from(("", "Chrome")),
        "interactive": st.booleans(),
    },
    optional={
        "plan": st.sampled_from(("pro", "Free", "")),
        "amount": st.sampled_from((1.25, 10, 0.005)),
        "scroll_depth": st.sampled_from((10, 50, 100, 255)),
        "engagement_ms": st.sampled_from((400, 1500, 61_000)),
    },
)


def events_of(drawn: Sequence[dict[str, Any]], start: datetime) -> list[dict[str, Any]]:
    at, found = start, []
    for entry in drawn:
        at += timedelta(seconds=entry["gap"])
        event = {k: v for k, v in entry.items() if k not in ("gap", "plan", "amount")}
        event["time"] = at.isoformat()
        if "plan" in entry:
            event["props"] = {"plan": entry["plan"]}
        if "amount" in entry and entry["name"] == "Purchase":
            event["revenue"] = {"amount": entry["amount"], "currency": "EUR"}
        if entry["name"] != "engagement":
            event.pop("scroll_depth", None)
            event.pop("engagement_ms", None)
        found.append(event)
    return found


GOALS: tuple[dict[str, Any], ...] = (
    {"event_name": "Signup"},
    {"event_name": "Purchase", "currency": "EUR"},
    {"event_name": "Signup", "custom_props": {"plan": "pro"}, "display_name": "Pro signup"},
    {"page_path": "/blog**", "display_name": "Read"},
    {"page_path": "/*ri*", "display_name": "Read"},
    {"page_path": "/blog", "scroll_threshold": 50, "display_name": "Scrolled"},
)

LEAVES = st.sampled_from(
    [
        ["is", "event:page", ["/", "/blog"]],
        ["is_not", "event:page", ["/"]],
        ["contains", "event:page", ["blog", "c|"]],
        ["contains_not", "event:page", ["PRI"], {"case_sensitive": False}],
        ["is", "event:page", ["/PÄGE"], {"case_sensitive": False}],
        ["matches", "event:page", ["^/b.*/[ab]$", "Pri"]],
        ["matches_not", "event:page", ["^/$"]],
        ["is", "event:name", ["Signup"]],
        ["is_not", "event:name", ["pageview"]],
        ["is", "event:props:plan", ["pro"]],
        ["is", "event:props:plan", ["(none)", "Free"]],
        ["is_not", "event:props:plan", ["pro"]],
        ["is_not", "event:props:plan", ["(none)"]],
        ["contains", "event:props:plan", ["R"], {"case_sensitive": False}],
        ["contains_not", "event:props:plan", ["ro"]],
        ["matches_not", "event:props:plan", ["^F"]],
        ["is", "visit:source", ["Direct / None"]],
        ["is_not", "visit:source", ["Direct / None", "Google"]],
        ["contains", "visit:source", ["Direct"]],
        ["contains_not", "visit:source", ["none"], {"case_sensitive": False}],
        ["matches", "visit:source", ["^$|oo"]],
        ["is", "visit:utm_campaign", ["(not set)", "spring"]],
        ["is", "visit:utm_campaign", ["SPRING"], {"case_sensitive": False}],
        ["is", "visit:country", ["DE"]],
        ["is_not", "visit:country", ["DE"]],
        ["is", "visit:browser", ["(not set)"]],
        ["is", "visit:entry_page", ["/", "/blog"]],
        ["is_not", "visit:entry_page", ["/"]],
        ["contains", "visit:exit_page", ["b"]],
        ["is", "visit:entry_page_hostname", ["a.example"]],
    ]
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)).map(list),
        st.tuples(st.just("not"), inner).map(list),
    ),
    max_leaves=4,
)
TOP_ONLY = st.sampled_from(
    [
        ["is", "event:hostname", ["a.example"]],
        ["is_not", "event:hostname", ["a.example"]],
        ["is", "event:goal", ["Signup"]],
        ["is", "event:goal", ["Purchase", "Read"]],
        ["contains", "event:goal", ["sign"], {"case_sensitive": False}],
        ["is", "event:goal", ["Scrolled"]],
        ["has_done", ["is", "event:name", ["Purchase"]]],
        ["has_not_done", ["or", [["is", "event:goal", ["Pro signup"]], ["contains", "event:page", ["/b"]]]]],
        ["has_done", ["and", [["is", "event:goal", ["Scrolled"]], ["is_not", "event:page", ["/"]]]]],
    ]
)
METRICS = (
    "visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration", "events", "percentage",
    "conversion_rate", "group_conversion_rate", "time_on_page", "scroll_depth", "total_revenue", "average_revenue",
)  # fmt: skip
DIMENSIONS = (
    "event:page", "event:hostname", "event:name", "event:goal", "event:props:plan", "visit:source",
    "visit:utm_campaign", "visit:country", "visit:browser", "visit:entry_page", "visit:exit_page",
    "visit:entry_page_hostname", "time:hour", "time:day", "time:week", "time:month",
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, start: datetime) -> dict[str, Any]:
    first = draw(st.integers(-2, 2))
    last = draw(st.integers(first, 3))
    days = [(start + timedelta(days=n)).date().isoformat() for n in (first, last)]
    dimensions = draw(st.lists(st.sampled_from(DIMENSIONS), max_size=2, unique=True))
    while sum(d.startswith("time:") for d in dimensions) > 1:
        dimensions.pop()
    filters = draw(st.lists(st.one_of(TREES, TOP_ONLY), max_size=2))
    metrics = draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=4, unique=True))
    body = {"metrics": metrics, "dimensions": dimensions, "filters": filters, "site_id": "x"}
    body["date_range"] = draw(st.sampled_from([days, days, "all"]))
    body["order_by"] = draw(st.sampled_from([[], [], [[metrics[0], "asc"]]]))
    body["include"] = {"imports": True} if draw(st.booleans()) else {}
    return body


IMPORTED_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "table": st.sampled_from(
                ("imported_visitors", "imported_pages", "imported_sources", "imported_entry_pages",
                 "imported_exit_pages", "imported_custom_events", "imported_locations", "imported_browsers")
            ),
            "day": st.integers(-1, 2),
            "text": st.sampled_from(("", "/", "/blog", "Google", "Signup", "DE", "Chrome")),
            "counts": st.lists(st.integers(0, 9), min_size=5, max_size=5),
        }
    ),
    max_size=8,
)  # fmt: skip
TEXT_COLUMN = {
    "imported_pages": "page", "imported_sources": "source", "imported_entry_pages": "entry_page",
    "imported_exit_pages": "exit_page", "imported_custom_events": "name", "imported_locations": "country",
    "imported_browsers": "browser",
}  # fmt: skip
COUNT_COLUMNS = {
    "imported_pages": ("visitors", "visits", "pageviews", "total_time_on_page", "total_time_on_page_visits"),
    "imported_entry_pages": ("visitors", "entrances", "visit_duration", "bounces", "pageviews"),
    "imported_exit_pages": ("visitors", "exits", "visit_duration", "bounces", "pageviews"),
    "imported_custom_events": ("visitors", "events"),
}


def imports_of(drawn: Sequence[dict[str, Any]], start: datetime) -> list[Import]:
    rows = []
    for entry in drawn:
        table = entry["table"]
        columns = COUNT_COLUMNS.get(table, ("visitors", "visits", "visit_duration", "bounces", "pageviews"))
        row = dict(zip(columns, entry["counts"], strict=False))
        day = start.date() + timedelta(days=entry["day"])
        rows.append({"table": table, "date": day.isoformat(), **row})
        if table in TEXT_COLUMN:
            rows[-1][TEXT_COLUMN[table]] = entry["text"]
    return [Import(start.date() - timedelta(days=1), start.date() + timedelta(days=2), tuple(rows))] if rows else []


def canonical(goal: dict[str, Any], at: int) -> Goal:
    shown = goal.get("display_name") or goal.get("event_name") or f"Visit {goal.get('page_path')}"
    return Goal(id=str(at), **{**goal, "display_name": shown})


async def ours(
    store: EventStore, zone: str, events: list[dict[str, Any]], imports: list[Import], asked: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    site = Site(id=f"p{next(NUMBERS)}", domain="x.example", timezone=zone)
    loaded = await load(store, site.id, events, imports)
    reader = reader_of(store, loaded, [canonical(goal, n) for n, goal in enumerate(GOALS)], NOW)
    first: date | None = await reader.stats_start(site)
    if imports and first:
        native = min((datetime.fromisoformat(e["time"]) for e in events), default=None)
        assert native is None or first <= native.date() + timedelta(days=1)
    answers = []
    for body in asked:
        start = first if body["include"] else await _native_start(reader, site)
        query = v2.query_of(body, zone, NOW, start)
        answers.append(v2.answer_of(body, query, await reader.read(site, query)))
    return answers


async def _native_start(reader: Any, site: Site) -> date | None:
    """`all` begins at the first import only where imports are asked for."""

    async def none(_: Site) -> tuple[()]:
        return ()

    native: Reports = over(replace(reader.client, imports_of=none))
    return await native.stats_start(site)


@pytest.mark.timeout(900)  # `make fuzz` asks for thousands
@settings(max_examples=settings().max_examples // 2)  # each asks six queries
@given(data=st.data())
def test_rows_equal_those_of_the_reference(store: EventStore, data: st.DataObject) -> None:
    zone, start = data.draw(st.sampled_from(CLOCKS))
    events = events_of(data.draw(st.lists(EVENT, max_size=25)), start)
    imports = imports_of(data.draw(st.one_of(st.just([]), IMPORTED_ROWS)), start)
    reference = Reference(zone, GOALS, events, imports, now=NOW)
    asked, wanted = [], []
    for body in data.draw(st.lists(bodies(start), min_size=6, max_size=6)):
        try:
            wanted.append(reference.ask(body))
        except Invalid:
            continue
        asked.append(body)
    answers = asyncio.run(ours(store, zone, events, imports, asked))
    for body, want, got in zip(asked, wanted, answers, strict=True):
        note(f"{body} over {events}")
        assert got["results"] == want["results"], body
        assert got["meta"].get("imports_skip_reason") == want["meta"].get("imports_skip_reason"), body
        assert got["meta"].get("imports_included") == want["meta"].get("imports_included"), body
