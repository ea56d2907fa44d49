"""The ends of a range: visits over a midnight, and imported history, are told or refused, never mixed in silently."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fixtures.twins.pirsch import USER_CLIENT
from models.errors import UnsupportedQuery
from models.result import Answer, ImportsNote, ImportsSkipped
from tests.unit_adapters.pirsch.wiring import Bench, view

VIEWS = {"metrics": ["pageviews"]}


def codes(answer: Answer) -> list[str]:
    return [reason.code for reason in answer.reasons]


def bookkeeping(bench: Bench) -> int:
    """Calls for the dashboard and for midnights so far."""
    midnights = [1 for path, pairs in bench.twin.queries if path == "session/list" and ("to_time", "23:59") in pairs]
    return len(midnights) + bench.twin.calls.count(("GET", "domain"))


@pytest.mark.parametrize("late", [[view("02 23:50", "a"), view("03 00:10", "a")],  # out of the range's end
                                  [view("01 23:50", "a"), view("02 00:10", "a")]])  # in at its start  # fmt: skip
async def test_a_visit_over_an_end_of_the_range_is_told(bench: Bench, late: list[dict[str, Any]]) -> None:
    bench.twin.seed([view("02 10:00", "b"), *late])
    assert codes(await bench.ask(**VIEWS, date_range=["2026-06-02", "2026-06-02"])) == ["midnight_visits"]


async def test_a_visit_over_a_midnight_within_the_range_leaves_it_exact(bench: Bench) -> None:
    bench.twin.seed([view("02 23:50", "a"), view("03 00:10", "a")])
    answer = await bench.ask(**VIEWS)
    assert (answer.rows, answer.reasons) == (((2,),), ())


async def test_a_day_too_busy_to_list_is_told(bench: Bench) -> None:
    bench.twin.seed([view("02 10:00", f"v{n}") for n in range(100)])
    assert codes(await bench.ask(**VIEWS, date_range=["2026-06-02", "2026-06-02"])) == ["midnight_visits"]
    bench.twin.seed([view("03 10:00", f"v{n}") for n in range(99)])
    assert codes(await bench.ask(**VIEWS, date_range=["2026-06-03", "2026-06-03"])) == []


async def test_midnights_are_of_the_asked_zone(bench: Bench) -> None:
    bench.twin.seed([view("01 21:50", "a"), view("01 22:10", "a")])
    day: dict[str, Any] = {"date_range": ["2026-06-02", "2026-06-02"]}
    assert codes(await bench.ask(**VIEWS, **day)) == []
    assert codes(await bench.ask(**VIEWS, **day, timezone="Europe/Berlin")) == ["midnight_visits"]


async def test_what_is_known_is_not_asked_again(bench: Bench) -> None:
    await bench.ask(**VIEWS)
    assert bookkeeping(bench) == 3
    answer = await bench.ask(**VIEWS)
    assert (answer.calls, bookkeeping(bench)) == (1, 3)
    bench.clock.now += timedelta(seconds=61)
    await bench.ask(**VIEWS)
    assert bookkeeping(bench) == 4  # the dashboard again; days that are over do not change


async def test_a_day_that_still_runs_is_looked_at_again(bench: Bench) -> None:
    await bench.ask(**VIEWS, date_range="day")
    bench.twin.seed([view("16 23:50", "a"), view("17 00:10", "a")])
    assert codes(await bench.ask(**VIEWS, date_range="day")) == []
    bench.clock.now += timedelta(seconds=61)
    assert codes(await bench.ask(**VIEWS, date_range="day")) == ["midnight_visits"]


def imported(bench: Bench, since: str | None) -> None:
    bench.twin.account.of("domain")[bench.site.ref] |= {"imported_statistics": True, "statistics_start": since}


@pytest.mark.parametrize("since", ["2026-06-03T00:00:00Z", None])
async def test_imported_history_is_told(bench: Bench, since: str | None) -> None:
    imported(bench, since)
    answer = await bench.ask(**VIEWS, include={"imports": True})
    assert codes(answer) == ["imported_included"]
    assert answer.imports == ImportsNote(True)


async def test_a_range_after_the_import_is_exact(bench: Bench) -> None:
    imported(bench, "2026-06-01T00:00:00.123456789Z")
    answer = await bench.ask(**VIEWS, include={"imports": True})
    assert answer.reasons == ()
    assert answer.imports == ImportsNote(False, ImportsSkipped.OUT_OF_RANGE)


@pytest.mark.parametrize(
    "body",
    [
        {"metrics": ["visitors"], "filters": [["is", "country", ["DE"]]]},
        {"metrics": ["visits"], "dimensions": ["country"]},  # asked value by value
    ],
)
async def test_filters_that_pirsch_would_leave_out_are_refused(bench: Bench, body: dict[str, Any]) -> None:
    imported(bench, "2026-06-03T00:00:00Z")
    with pytest.raises(UnsupportedQuery, match="2026-06-03"):
        await bench.ask(**body)
    assert bench.asked() == []


async def test_a_client_that_may_not_read_the_dashboard_says_so(bench: Bench) -> None:
    bench.twin.clients[USER_CLIENT[0]].scopes = {"statistics": "r"}
    assert codes(await bench.ask(**VIEWS)) == ["imports_unknown"]
