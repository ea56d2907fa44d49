"""A read is decided once, then asked: no planning after the first call, no question twice, every part's own reasons."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from adapters.pirsch import translate
from adapters.pirsch.translate.plan import draft
from adapters.pirsch.translate.question import CallLimits
from adapters.pirsch.translate.script import script
from tests.unit_adapters.pirsch.test_traps import THREE, goal
from tests.unit_adapters.pirsch.wiring import Bench, event, view

FOLDER = Path(translate.__file__).parent
PLANNING = {"plan.py", "objections.py", "filters.py"}
LIMITS = CallLimits(100, 200)


class Rooms:
    """The files of the translation that were entered, in order."""

    def __init__(self) -> None:
        self.entered: list[str] = []

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.parent == FOLDER:
            self.entered.append(path.name)


@pytest.mark.parametrize(
    ("body", "replies"),
    [
        (
            {"metrics": ["visitors", "visits"], "dimensions": ["country"], "filters": [["is", "source", ["Google"]]]},
            [[{"country_code": "de", "visitors": 2}], {"visitors": 2, "sessions": 3, "views": 4, "bounces": 1}],
        ),
        (
            {"metrics": ["visitors"], "dimensions": ["device", "browser"], "filters": [["is", "country", ["DE"]]]},
            [
                {"platform_desktop": 2, "platform_mobile": 0, "platform_unknown": 0},
                [{"browser": "Firefox", "visitors": 2}],
            ],
        ),
    ],
)
def test_nothing_is_planned_after_the_first_call(bench: Bench, body: dict[str, Any], replies: list[Any]) -> None:
    query, rooms = bench.query(**body), Rooms()
    sys.setprofile(rooms)
    try:
        steps = script(bench.site, query, LIMITS, draft(bench.site, query, LIMITS))
        next(steps)
        planned, rooms.entered = rooms.entered, []
        for reply in replies[:-1]:
            steps.send([reply])
        with pytest.raises(StopIteration) as ended:
            steps.send(replies[-1:])
    finally:
        sys.setprofile(None)
    assert set(planned) >= PLANNING
    assert not PLANNING & set(rooms.entered)
    assert ended.value.value.rows[0][-1] in (2, 3)


async def test_no_question_is_asked_twice(bench: Bench) -> None:
    """Neither the denominators of rates for each goal, nor the values that a pattern is held against."""
    bench.twin.seed([*THREE, event("Buy", "01 10:01", "a"), event("Try", "01 10:02", "b")])
    for name in ("Buy", "Try"):
        bench.twin.account.new("goal", goal(bench, event_name=name))
    await bench.ask(
        metrics=["visitors", "conversion_rate"],
        dimensions=["goal"],
        filters=[["matches", "browser", ["^Chr"]]],
    )
    asked = [(path, tuple((k, *v) for k, v in values.items())) for path, values in bench.asked()]
    assert len(asked) == len(set(asked))


async def test_rows_that_are_shown_by_duration_are_not_chosen_without_it(bench: Bench) -> None:
    """The list of countries does not know the order, so the other fields are asked for all of them."""
    bench.twin.seed(
        [
            view("01 10:00", "a", country="DE"),
            view("01 10:00", "b", country="US"),
            view("01 10:10", "b", "/x", country="US"),
        ]
    )
    rows = await bench.rows(metrics=["visit_duration", "visits"], dimensions=["country"], limit=1)
    assert rows == [("US", 600, 1)]


async def test_a_goal_that_is_read_exactly_leaves_anothers_reason(bench: Bench) -> None:
    bench.twin.seed([*(view("03 10:00", f"v{n}", "/many") for n in range(1001)), view("03 10:00", "a", "/few")])
    for page in ("/many", "/few"):
        bench.twin.account.new("goal", goal(bench, path_pattern=page, name=page))
    answer = await bench.ask(metrics=["visit_duration"], dimensions=["goal"])
    assert [reason.detail.split(":")[0] for reason in answer.reasons] == ["visit_duration"]


@pytest.mark.parametrize("node", [["not", ["is", "goal", ["Buy"]]], ["has_done", ["not", ["is", "goal", ["Buy"]]]]])
def test_another_goal_is_not_the_goal_not_done(bench: Bench, node: list[Any]) -> None:
    (refusal,) = bench.foresee(metrics=["visitors"], filters=[node]).refusals
    assert refusal == "is_not on goal: Pirsch would keep every visit that completed another goal"


def test_totals_that_cannot_be_counted_are_refused_before_any_call(bench: Bench) -> None:
    exits: dict[str, Any] = {"metrics": ["exit_rate"], "dimensions": ["exit_page"]}
    assert not bench.foresee(**exits).refusals
    assert "exit_rate" in bench.foresee(**exits, include={"totals": True}).refusals[0]
