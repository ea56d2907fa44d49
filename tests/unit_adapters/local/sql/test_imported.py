"""What imported history adds to native numbers, and why it is left out. Every number here is counted by hand."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.local.reports import Reports
from adapters.local.store.event_store import EventStore
from fixtures.reference.imported import Import
from models.goal import Goal
from models.period import days_period
from models.query import Include, ResolvedQuery
from models.result import ImportsSkipped
from models.site import Site
from tests.unit_adapters.local.sql.hand import EVENTS, GOALS, NOW, SITE, hit, query
from tests.unit_adapters.local.sql.loading import load, reader_of

IMPORTED = [
    Import(date(2026, 2, 1), date(2026, 2, 28), (
        {"table": "imported_exit_pages", "date": "2026-02-28", "exit_page": "/b", "visitors": 3, "exits": 3,
         "pageviews": 9},
        {"table": "imported_pages", "date": "2026-02-28", "page": "/b", "visitors": 4, "visits": 4, "pageviews": 7},
        {"table": "imported_visitors", "date": "2026-02-28", "visitors": 5, "visits": 6, "pageviews": 9},
    )),
]  # fmt: skip
BOTH_MONTHS = days_period(date(2026, 2, 1), date(2026, 3, 2), ZoneInfo(SITE.timezone))


@pytest.fixture(scope="module")
def grown(store: EventStore) -> tuple[Site, Reports]:
    site = SITE.model_copy(update={"id": "grown"})
    return site, reader_of(store, asyncio.run(load(store, site.id, EVENTS, IMPORTED)), GOALS, NOW)


async def test_imported_history_adds_to_native_numbers(grown: tuple[Site, Reports]) -> None:
    site, reader = grown
    included = Include(imports=True, totals=True)
    answer = await reader.read(site, query("visitors pageviews", "page", period=BOTH_MONTHS, include=included))
    assert answer.rows == (("/b", 6, 10), ("/", 3, 3))
    assert answer.totals == (9, 15)
    assert answer.imports is not None
    assert answer.imports.included
    alone = await reader.read(site, query("visitors pageviews", "page", period=BOTH_MONTHS))
    assert (alone.rows, alone.imports) == ((("/", 3, 3), ("/b", 2, 3)), None)


async def test_views_per_visit_of_a_host_divides_imported_views_by_imported_visits(store: EventStore) -> None:
    # One visit of one page here; imported, 4 visits of 8 pages on the host. Of durations, imported pages know nothing.
    site = SITE.model_copy(update={"id": "views"})
    pages = {"table": "imported_pages", "date": "2026-02-28", "hostname": "blog", "page": "/b"}
    history = [Import(date(2026, 2, 1), date(2026, 2, 28), ({**pages, "visitors": 4, "visits": 4, "pageviews": 8},))]
    known = reader_of(store, await load(store, site.id, [hit("01T09:00", "v1", hostname="blog")], history), (), NOW)
    on_blog = [["is", "hostname", ["blog"]]]
    asked = query("views_per_visit bounce_rate", "", on_blog, period=BOTH_MONTHS, include=Include(imports=True))

    assert (await known.read(site, asked)).rows == ((1.8, 100),)


async def test_goals_under_other_filters_take_the_one_table_of_their_kind(store: EventStore) -> None:
    # One view of /b here, four imported; one 404 here, two imported.
    site = SITE.model_copy(update={"id": "kinds"})
    table = (
        {"table": "imported_pages", "date": "2026-02-28", "page": "/b", "visitors": 4, "visits": 4, "pageviews": 4},
        {"table": "imported_custom_events", "date": "2026-02-28", "name": "404", "path": "/x", "visitors": 2,
         "events": 2},
    )  # fmt: skip
    events = [hit("01T09:00", "v1", path="/b"), hit("01T09:01", "v1", "404", "/x", props={"path": "/x"})]
    loaded = await load(store, site.id, events, [Import(date(2026, 2, 1), date(2026, 2, 28), table)])
    page, missing = Goal(id="1", page_path="/b", display_name="Saw B"), Goal(id="2", event_name="404")
    on_page, on_path = [["is", "page", ["/b"]]], [["is", "event", ["404"]], ["is", "prop:path", ["/x"]]]

    async def found(filters: list[Any], *goals: Goal) -> tuple[Any, ...]:
        asked = query("visitors", "goal", filters, period=BOTH_MONTHS, include=Include(imports=True))
        answer = await reader_of(store, loaded, goals, NOW).read(site, asked)
        return answer.rows, answer.imports and answer.imports.included

    assert await found(on_page, page) == ((("Saw B", 5),), True)
    assert await found(on_page, page, missing) == ((("Saw B", 1),), False)
    assert await found(on_path, page, missing) == ((("404", 3),), True)


async def test_exit_rate_adds_imported_exits_and_views(grown: tuple[Site, Reports]) -> None:
    site, reader = grown
    asked = query("exit_rate", "page", period=BOTH_MONTHS, include=Include(imports=True))
    assert (await reader.read(site, asked)).rows == (("/", 66.7), ("/b", 50.0))


async def test_groups_leave_out_imported_rows_without_a_visitor(store: EventStore) -> None:
    # January has 3 + 2 visitors on two days; the third day and France count views of nobody, ZZ is no country.
    site = SITE.model_copy(update={"id": "nobody"})
    days = [("2026-01-01", 3, 4), ("2026-01-02", 2, 2), ("2026-01-03", 0, 7)]
    places = [("EE", 3, 3), ("ZZ", 2, 2), ("FR", 0, 8)]
    table = [
        *({"table": "imported_visitors", "date": d, "visitors": n, "visits": n, "pageviews": v} for d, n, v in days),
        *({"table": "imported_locations", "date": "2026-01-01", "country": c, "visitors": n, "visits": n,
           "pageviews": v} for c, n, v in places),
    ]  # fmt: skip
    history = [Import(date(2026, 1, 1), date(2026, 1, 31), tuple(table))]
    known = reader_of(store, await load(store, site.id, [], history), GOALS, NOW)
    january = days_period(date(2026, 1, 1), date(2026, 1, 31), ZoneInfo(SITE.timezone))

    async def found(metrics: str, dimensions: str = "") -> tuple[Any, ...]:
        return (await known.read(site, query(metrics, dimensions, period=january, include=WITH))).rows

    assert await found("visitors pageviews") == ((5, 13),)
    assert await found("visitors pageviews", "time:day") == (("2026-01-01", 3, 4), ("2026-01-02", 2, 2))
    assert await found("visitors pageviews", "country") == (("EE", 3, 3),)
    assert await found("visitors", "country_name") == (("Estonia", 3),)


WITH = Include(imports=True)
BOTH_KINDS = [["is", "goal", ["Signup", "Saw B"]]]
SKIPPED = (
    (query("visitors", "goal", BOTH_KINDS, include=WITH, period=BOTH_MONTHS), ImportsSkipped.UNSUPPORTED_QUERY),
    (query("visitors", "time:hour", include=WITH, period=BOTH_MONTHS), ImportsSkipped.UNSUPPORTED_INTERVAL),
    (query("visitors", "title", include=WITH, period=BOTH_MONTHS), ImportsSkipped.UNSUPPORTED_QUERY),
    (query("visitors", "language", include=WITH, period=BOTH_MONTHS), ImportsSkipped.UNSUPPORTED_QUERY),
    (query("visitors", include=WITH), ImportsSkipped.OUT_OF_RANGE),
)


@pytest.mark.parametrize(("asked", "reason"), SKIPPED, ids=[str(n) for n in range(len(SKIPPED))])
async def test_the_answer_says_why_imported_history_is_left_out(
    grown: tuple[Site, Reports], asked: ResolvedQuery, reason: ImportsSkipped
) -> None:
    site, reader = grown
    note = (await reader.read(site, asked)).imports
    assert note is not None
    assert (note.included, note.skipped) == (False, reason)
