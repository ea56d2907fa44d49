"""What the reader answers beyond Plausible's public queries. Every number here is counted by hand from EVENTS."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.local.reports import Reports
from adapters.local.sql import checks, patterns
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.comparisons import compare
from adapters.local.sql.members import Shown
from adapters.local.store.event_store import EventStore
from adapters.local.store.imported import ImportedRange
from models.errors import InvalidRequest
from models.filters import Comparison
from models.goal import Goal
from models.period import Period, days_period
from models.query import Direction, Include, Order, ResolvedQuery
from models.result import Answer, Money
from models.site import Site
from models.vocabulary import Operator
from tests.unit_adapters.local.sql.hand import EVENTS, GOALS, NOW, SITE, hit, query, rows
from tests.unit_adapters.local.sql.loading import Loaded, load, reader_of


@pytest.fixture(scope="module")
def reader(store: EventStore) -> Reports:
    loaded: Loaded = asyncio.run(load(store, SITE.id, EVENTS))
    return reader_of(store, loaded, GOALS, NOW)


async def test_exit_rate_divides_exits_by_the_views_of_the_page(reader: Reports) -> None:
    # / is left by cid and dot of 3 views, /b by ann and bob of 3 views.
    assert await rows(reader, "exit_rate", "page") == (("/", 66.7), ("/b", 66.7))
    assert await rows(reader, "visits exit_rate", "exit_page") == (("/", 2, 66.7), ("/b", 2, 66.7))


async def test_exit_rate_keeps_all_views_of_a_page_whose_exits_are_filtered(reader: Reports) -> None:
    assert await rows(reader, "exit_rate", "exit_page", [["is", "exit_page", ["/b"]]]) == (("/b", 66.7),)


async def test_conversions_count_events_and_are_unknown_for_scrolling(reader: Reports) -> None:
    assert await rows(reader, "conversions visitors", "goal") == (
        ("Saw B", 3, 2),
        ("Signup", 2, 1),
        ("Scrolled B", None, 1),
    )


async def test_a_scroll_goal_beside_others_leaves_no_count_of_events(reader: Reports) -> None:
    # ann signed up twice; bob scrolled /b, which is no event
    assert await rows(reader, "visitors events", filters=[["is", "goal", ["Signup"]]]) == ((1, 2),)
    assert await rows(reader, "visitors events", filters=[["is", "goal", ["Signup", "Scrolled B"]]]) == ((2, None),)


async def test_totals_by_goal_count_whoever_completed_one(reader: Reports) -> None:
    answer = await reader.read(SITE, query("visitors conversions", "goal", include=Include(totals=True)))
    assert answer.totals == (2, 5)


async def test_revenue_is_money_in_the_currency_of_its_goal(reader: Reports) -> None:
    found = await rows(reader, "total_revenue average_revenue", filters=[["is", "goal", ["Signup"]]])
    assert found == ((Money(10.005, "EUR"), Money(5.0025, "EUR")),)


async def test_a_goal_without_currency_has_no_revenue(reader: Reports) -> None:
    by_goal = dict(await rows(reader, "total_revenue", "goal"))
    assert by_goal == {"Signup": Money(10.005, "EUR"), "Saw B": None, "Scrolled B": None}


async def test_missing_buckets_are_filled_with_zeros_on_request(reader: Reports) -> None:
    period = days_period(date(2026, 2, 28), date(2026, 3, 3), ZoneInfo(SITE.timezone))
    found = await rows(reader, "visits bounce_rate time_on_page", "time:day", [["is", "page", ["/b"]]], period=period,
                       include=Include(zero_fill=True))  # fmt: skip
    # Bounce rate is that of visits which entered on /b.
    assert found == (
        ("2026-02-28", 0, 0, None), ("2026-03-01", 2, 0, 2), ("2026-03-02", 0, 0, None), ("2026-03-03", 0, 0, None),
    )  # fmt: skip


async def test_other_groups_are_filled_for_every_bucket(reader: Reports) -> None:
    found = await rows(reader, "visitors", "time:day page", include=Include(zero_fill=True))
    assert found == (
        ("2026-03-01", "/b", 2), ("2026-03-01", "/", 1), ("2026-03-02", "/", 2), ("2026-03-02", "/b", 0),
    )  # fmt: skip


async def test_days_are_cut_in_the_zone_of_the_query(reader: Reports) -> None:
    utc = days_period(date(2026, 3, 1), date(2026, 3, 2), ZoneInfo("Etc/UTC"))
    assert await rows(reader, "visitors", "time:day") == (("2026-03-01", 2), ("2026-03-02", 2))
    assert await rows(reader, "visitors", "time:day", period=utc) == (("2026-03-01", 3), ("2026-03-02", 1))


async def test_minutes_are_labelled_in_the_zone_of_the_query(reader: Reports) -> None:
    found = await rows(reader, "pageviews", "time:minute", [["is", "page", ["/b"]], ["is", "event", ["pageview"]]])
    assert found == (("2026-03-01 10:10:00", 1), ("2026-03-01 10:50:00", 1), ("2026-03-01 11:05:00", 1))


async def test_a_visit_counts_in_every_hour_it_was_active(reader: Reports) -> None:
    found = await rows(reader, "visits", "time:hour", [["is", "browser", ["(not set)"]]])
    assert found == (
        ("2026-03-01 10:00:00", 1), ("2026-03-01 11:00:00", 1), ("2026-03-02 00:00:00", 1), ("2026-03-02 11:00:00", 1),
    )  # fmt: skip


async def test_a_blank_and_its_label_are_one_group_and_one_filter(reader: Reports) -> None:
    assert await rows(reader, "visitors", "channel") == (("Direct", 4),)
    assert await rows(reader, "visitors", filters=[["is", "channel", ["Direct"]]]) == ((4,),)
    assert await rows(reader, "visitors", "source", [["is", "source", ["(not set)"]]]) == (
        ("Direct / None", 2),
        ("(not set)", 1),
    )


async def test_properties_group_what_lacks_them_as_none(reader: Reports) -> None:
    found = await rows(reader, "events", "prop:plan", [["is", "event", ["Signup"]]])
    assert found == (("Free", 1), ("pro", 1))
    assert await rows(reader, "pageviews", "prop:plan", [["is", "event", ["pageview"]]]) == (("(none)", 6),)


WILDCARDS = (
    (["wildcard", "page", ["/*"]], 4),
    (["wildcard", "page", ["*b"]], 2),
    (["wildcard", "page", ["b"]], None),
    (["wildcard_not", "page", ["/b"]], 3),
    (["wildcard", "prop:plan", ["F*"]], 1),
    (["wildcard", "prop:plan", ["f*"], {"case_sensitive": False}], 1),
    (["wildcard_not", "prop:plan", ["F*"]], 1),
)


@pytest.mark.parametrize(("condition", "visitors"), WILDCARDS, ids=lambda value: str(value)[:40])
async def test_wildcards_are_anchored_at_both_ends(reader: Reports, condition: list[Any], visitors: int | None) -> None:
    assert await rows(reader, "visitors", filters=[condition]) == ((visitors or 0,),)


async def test_goals_can_be_filtered_at_any_depth_and_negated(reader: Reports) -> None:
    either = ["or", [["is", "goal", ["Signup"]], ["is", "browser", ["Chrome"]]]]
    assert await rows(reader, "visitors pageviews", filters=[either]) == ((1, 2),)
    assert await rows(reader, "visitors", filters=[["is_not", "goal", ["Saw B"]]]) == ((4,),)
    assert await rows(reader, "visitors", "goal", [["not", ["matches", "goal", ["B$"]]]]) == (("Signup", 1),)


async def test_who_did_something_may_be_asked_of_visits_too(reader: Reports) -> None:
    done = ["has_done", ["and", [["is", "page", ["/b"]], ["is", "entry_page", ["/"]]]]]
    assert await rows(reader, "visitors pageviews", filters=[done]) == ((1, 2),)
    undone = ["has_not_done", ["is", "page", ["/b"]]]
    assert await rows(reader, "visits bounce_rate", filters=[undone]) == ((2, 100),)


async def test_events_group_by_the_entry_page_of_their_visit(reader: Reports) -> None:
    assert await rows(reader, "visitors", "page entry_page") == (("/", "/", 3), ("/b", "/", 1), ("/b", "/b", 1))


async def test_the_order_is_total_and_pages_neither_repeat_nor_skip(reader: Reports) -> None:
    pages = [
        await reader.read(
            SITE, query("events visitors", "time:minute", limit=2, offset=n, include=Include(total_rows=True))
        )
        for n in range(0, 10, 2)
    ]
    assert [len(page.rows) for page in pages] == [2, 2, 2, 2, 0]
    assert [page.total_rows for page in pages] == [8, 8, 8, 8, 8]
    labels = [str(row[0]) for page in pages for row in page.rows]
    assert labels == sorted(set(labels))


async def test_rows_may_be_ordered_by_what_is_asked(reader: Reports) -> None:
    order = (Order("visit_duration", Direction.ASC), Order("source", Direction.DESC))
    found = await rows(reader, "visit_duration", "source", order_by=order)
    assert found == (("(not set)", 0), ("Direct / None", 450), ("Google", 720))


async def test_realtime_counts_five_minutes(reader: Reports) -> None:
    assert await reader.realtime(SITE) == 1


async def test_statistics_start_on_the_day_of_the_first_event(reader: Reports, store: EventStore) -> None:
    assert await reader.stats_start(SITE) == date(2026, 3, 1)
    nothing = Site(id="nothing", domain="nothing.example")
    assert await reader.stats_start(nothing) is None
    imported = ImportedRange("i", date(2020, 1, 5), date(2020, 2, 1), frozenset())
    older = reader_of(store, Loaded(SITE.id, (imported,)), GOALS, NOW)
    assert await older.stats_start(SITE) == date(2020, 1, 5)


async def test_another_site_sees_nothing(reader: Reports) -> None:
    other = Site(id="other", domain="hand.example")
    answer: Answer = await reader.read(
        other, query("visitors pageviews", "page", [["has_not_done", ["is", "page", ["x"]]]])
    )
    assert answer.rows == ()


async def test_a_period_beyond_what_the_store_can_hold_is_empty(reader: Reports) -> None:
    period = days_period(date(2150, 1, 1), date(2199, 12, 31), ZoneInfo("Etc/UTC"))
    assert await rows(reader, "visitors bounce_rate", period=period) == ((0, 0),)


async def test_an_unknown_goal_is_named(reader: Reports) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await rows(reader, "visitors", filters=[["has_done", ["is", "goal", ["Signup", "Nope"]]]])
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == ("filters[0][1][2][1]", "Nope")
    assert problem.allowed == ("Signup", "Saw B", "Scrolled B")


async def test_a_refused_expression_is_told_with_its_position(reader: Reports) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await rows(reader, "visitors", filters=[["or", [["matches", "page", ["^/a", "^/b(?<!x)"]]]]])
    (problem,) = caught.value.problems
    assert problem.field == "filters[0][1][0][2][1]"
    assert "invalid perl operator at position 3" in problem.reason


TOO_MUCH = tuple(f"/{n}/" + "x" * 3000 for n in range(1000))


@pytest.mark.parametrize(
    ("condition", "field", "reason"),
    [
        (["wildcard", "page", list(TOO_MUCH)], "filters[0][2]", checks.TOO_LARGE),
        (["is", "page", list(TOO_MUCH), {"case_sensitive": False}], "filters[0][2]", checks.TOO_LARGE),
        (["matches_not", "page", list(TOO_MUCH)], "filters[0][2][33]", patterns.TOGETHER),
    ],
    ids=["wildcard", "is", "matches_not"],
)
async def test_patterns_larger_than_may_be_compiled_are_refused(
    reader: Reports, condition: list[Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await rows(reader, "visitors", filters=[condition])
    assert [(p.field, p.reason) for p in caught.value.problems] == [(field, reason)]


async def test_many_long_plain_values_are_compared(reader: Reports) -> None:
    assert await rows(reader, "visitors", filters=[["is", "page", ["/b", *TOO_MUCH[:100]]]]) == ((2,),)


def test_goals_by_name_and_by_page_are_looked_up_once_for_all() -> None:
    """A condition for each of 500 goals took seven seconds; equal names stand in lookups of their own."""
    events = [Goal(id=str(i), event_name=f"e{i % 249}", display_name=f"E{i}") for i in range(250)]
    pages = [Goal(id=f"p{i}", page_path=f"/{i}", display_name=f"P{i}") for i in range(250)]
    sql = Shown.of([*events, *pages]).index_of_events(Bindings())
    assert sql.count("transform(toString(name)") == 2
    assert sql.count("transform(toString(path)") == 1
    assert " OR " not in sql


async def test_many_pieces_are_looked_for_in_passes_of_255() -> None:
    """A search for each of 1,000 pieces in every row took 31 seconds, and what else was asked waited."""
    bind, pieces = Bindings(), [f"piece-{i}" for i in range(1000)]
    sql = compare(Comparison(Operator.CONTAINS, "page", (*pieces, *pieces[:10])), "path", bind)
    assert sql.count("multiSearchAny(path, ") == 4
    assert "arrayExists" not in sql
    passes = [list(held) for held in bind.values.values() if isinstance(held, list)]
    assert [len(held) for held in passes] == [255, 255, 255, 235]
    assert [piece for held in passes for piece in held] == pieces


@pytest.mark.parametrize(
    ("pieces", "visitors"),
    [(["x", "b"], 2), (["b", ""], 4), ([*TOO_MUCH[:300], "b"], 2), (["é", *map(str, range(600, 1300)), "B"], 0)],
)
async def test_any_of_many_pieces_is_found(reader: Reports, pieces: list[str], visitors: int) -> None:
    assert await rows(reader, "visitors", filters=[["contains", "page", pieces]]) == ((visitors,),)
    assert await rows(reader, "visitors", filters=[["not", ["contains_not", "page", pieces]]]) == ((visitors,),)


NUL = "\0/b"


@pytest.mark.parametrize("operator", ["is", "contains_not", "matches", "matches_not", "wildcard"])
async def test_a_nul_is_refused_before_the_store_ends_the_expression_there(reader: Reports, operator: str) -> None:
    filters = [["not", [operator, "page", ["/b", NUL]]], [operator, "source", [NUL]]]
    with pytest.raises(InvalidRequest) as caught:
        await rows(reader, "visitors", filters=filters)
    assert [(p.field, p.reason) for p in caught.value.problems] == [
        ("filters[0][1][2][1]", "must not hold the character U+0000"),
        ("filters[1][2][0]", "must not hold the character U+0000"),
    ]


async def test_rows_by_many_dimensions(reader: Reports) -> None:
    names = ("source", "browser", "os", "device", "country", "region", "city", "page", "event", "hostname", "time:day")
    asked = (*names, *(f"prop:p{n}" for n in range(30)))
    found = await rows(reader, "pageviews", asked, [["is", "page", ["/b"]]])
    # ann's view of /b, her visit coming from Google by Chrome, and bob's two
    assert sorted((row[0], row[1], row[10], row[-1]) for row in found if row[-1]) == [
        ("Direct / None", "(not set)", "2026-03-01", 2),
        ("Google", "Chrome", "2026-03-01", 1),
    ]


async def test_extras_we_do_not_know_are_refused(reader: Reports) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await rows(reader, "visitors", extra={"local": {"final": False}})
    assert [p.field for p in caught.value.problems] == ["extra.local.final"]


HOSTILE = ("' OR 1=1 --", "\\", "{v0:String}", "%s", "\n", "😀", "'); DROP TABLE events; --")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("operator", ["is", "is_not", "contains", "wildcard"])
async def test_values_are_values_whatever_they_spell(reader: Reports, operator: str, text: str) -> None:
    conditions = [[operator, "page", [text]], [operator, "source", [text, text + "x"], {"case_sensitive": False}]]
    count = (await rows(reader, "visitors", filters=conditions))[0][0]
    assert count == (4 if operator == "is_not" else 0)
    assert await rows(reader, "visitors", (f"prop:{text}",), [["is", "page", ["/b"]]]) == (("(none)", 2),)


REFUSED = (
    (query("time_on_page"), "time_on_page"),
    (query("scroll_depth", "source"), "scroll_depth"),
    (query("views_per_visit", filters=[["is", "page", ["/"]]]), "views_per_visit"),
    (query("conversion_rate", filters=[["or", [["is", "goal", ["Signup"]]]]]), "conversion_rate"),
)


@pytest.mark.parametrize(("asked", "metric"), REFUSED, ids=[metric for _, metric in REFUSED])
def test_numbers_without_meaning_are_refused_before_anything_is_asked(
    reader: Reports, asked: ResolvedQuery, metric: str
) -> None:
    (reason,) = reader.foresee(SITE, asked).refusals
    assert reason.startswith(metric)


def test_nothing_else_is_refused_and_no_call_is_made(reader: Reports) -> None:
    fine = reader.foresee(SITE, query("views_per_visit", filters=[["has_done", ["is", "page", ["/"]]]]))
    assert (fine.refusals, fine.calls) == ((), 0)


async def test_page_views_can_be_counted_with_their_visits(reader: Reports) -> None:
    """Bob's visit reaches into the second ten minutes: by visit it brings both page views, by event only one."""
    late = Period(
        datetime(2026, 3, 1, 10, 0, tzinfo=UTC), datetime(2026, 3, 1, 10, 30, tzinfo=UTC), ZoneInfo("Etc/UTC")
    )
    extra = {"local": {"visits_count_pageviews": True}}

    assert await rows(reader, "pageviews", "source", period=late) == (("Direct / None", 1),)
    assert await rows(reader, "pageviews", "source", period=late, extra=extra) == (("Direct / None", 2),)


async def test_a_share_is_divided_before_it_is_multiplied(store: EventStore) -> None:
    # 23 of 160: 23 / 160 * 100 lies below 14.375 in binary, 100 * 23 / 160 is 14.375 and would round to 14.38.
    site = SITE.model_copy(update={"id": "share"})
    events = [hit("01T09:00", f"v{n}", browser="Chrome" if n < 23 else "Firefox") for n in range(160)]
    crowd = reader_of(store, await load(store, site.id, events), (), NOW)
    answer = await crowd.read(site, query("percentage", "browser"))
    assert answer.rows == (("Firefox", 85.62), ("Chrome", 14.37))


async def test_a_hostname_filter_beside_pages_keeps_visits_with_any_event_there(store: EventStore) -> None:
    # One visit enters www/a and goes on to blog/b; one enters www/b and goes on to blog/a; one sees blog/b alone.
    site = SITE.model_copy(update={"id": "hosts"})
    seen = (("v1", "www", "/a"), ("v1", "blog", "/b"), ("v2", "www", "/b"), ("v2", "blog", "/a"), ("v3", "blog", "/b"))
    events = [hit(f"01T09:0{n}", who, path=path, hostname=host) for n, (who, host, path) in enumerate(seen)]
    known = reader_of(store, await load(store, site.id, events), (), NOW)
    on_blog = [["is", "hostname", ["blog"]]]
    by_page = await known.read(site, query("visitors bounce_rate", "page", on_blog))
    by_both = await known.read(site, query("visitors bounce_rate", "page hostname", on_blog))

    assert by_page.rows == (("/b", 2, 50), ("/a", 1, 0))
    assert by_both.rows == (("/b", "blog", 2, 100), ("/a", "blog", 1, 0))
