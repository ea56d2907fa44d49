"""What Plausible refuses beyond the declaration: each is refused here, with a reason and without a call."""

from typing import Any

import httpx2
import pytest

from models.errors import UnsupportedQuery
from tests.unit_adapters.plausible.wiring import SITE, over, query

GOAL = ["is", "goal", ["Purchase"]]
V2: dict[str, dict[str, Any]] = {
    "country": {"filters": [["is", "country", ["USA"]]]},
    "city": {"filters": [["is_not", "city", ["Berlin"]]]},
    "hostname": {"filters": [["not", ["is", "hostname", ["a.example"]]]]},
    "has_done": {"filters": [["has_done", ["is", "source", ["Google"]]]]},
    "conversions": {"metrics": ["conversions"], "filters": [["has_done", GOAL]]},
    "conversion rates": {
        "metrics": ["conversion_rate"],
        "filters": [GOAL, ["or", [["is", "prop:plan", ["pro"]], ["is", "page", ["/"]]]]],
    },
    "scroll_depth": {"metrics": ["scroll_depth"], "filters": [["not", ["is", "page", ["/"]]]]},
    "time_on_page": {"metrics": ["time_on_page"], "filters": [["has_done", ["is", "page", ["/"]]]]},
    "matches": {"filters": [["matches", "page", ["^/A"], {"case_sensitive": False}]]},
    "wildcard": {"filters": [["wildcard", "page", ["/a*"], {"case_sensitive": False}]]},
    "extra.plausible.fast": {"extra": {"plausible": {"fast": True}}},
    "include.zero_fill": {"dimensions": ["time:day", "page"], "include": {"zero_fill": True}},
}
V1: dict[str, dict[str, Any]] = {
    "source": {"filters": [["is", "source", ["a;b"]]]},
    "page": {"filters": [["is", "page", ["/a*"]]]},
    "browser": {"filters": [["is", "browser", [" Chrome"]]]},
    "os": {"filters": [["is", "os", ["a\\"]]]},
    "country": {"filters": [["is", "country", ["de"]]]},
    "time:hour": {"dimensions": ["time:hour"]},
    "realtime": {"metrics": ["pageviews"], "date_range": "realtime"},
    "time_on_page": {"metrics": ["time_on_page", "visitors"], "dimensions": ["page"]},
}


def unasked(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError("nobody was to be asked")


@pytest.mark.parametrize("subject", V2)
async def test_v2_refuses_before_any_call(subject: str) -> None:
    async with over(unasked) as wire:
        await refused(wire.adapter, V2[subject], subject)
    assert wire.seen == []


@pytest.mark.parametrize("subject", V1)
async def test_v1_refuses_before_any_call(subject: str) -> None:
    async with over(unasked, edition="ce", stats_api="v1") as wire:
        await refused(wire.adapter, V1[subject], subject)
    assert wire.seen == []


async def refused(adapter: Any, body: dict[str, Any], subject: str) -> None:
    asked = query(body)
    foreseen = adapter.foresee(SITE, asked)
    assert [reason for reason in foreseen.refusals if reason.startswith(f"{subject}:")]
    with pytest.raises(UnsupportedQuery) as caught:
        await adapter.read(SITE, asked)
    assert caught.value.reasons == foreseen.refusals


ALLOWED: list[dict[str, Any]] = [
    {"filters": [["and", [GOAL, ["is", "hostname", ["a.example"]]]]]},
    {"filters": [["or", [GOAL]]]},
    {"filters": [["has_done", ["is", "hostname", ["a.example"]]]]},
    {"filters": [["and", [["has_not_done", ["is", "page", ["/"]]], ["not", ["is", "source", ["Google"]]]]]]},
    {"metrics": ["conversion_rate"], "filters": [GOAL, ["is", "prop:plan", ["pro"]]]},
    {"metrics": ["time_on_page"], "filters": [["or", [["is", "page", ["/"]], ["is", "page", ["/a"]]]]]},
    {"metrics": ["scroll_depth"], "filters": [["and", [["is", "page", ["/"]]]]]},
    {"filters": [["contains", "city", ["29"]], ["is", "city", ["2950159"]], ["is", "country", ["DE"]]]},
    {"dimensions": ["page"], "include": {"zero_fill": True}},
]


@pytest.mark.parametrize("body", ALLOWED)
async def test_what_plausible_takes_is_not_refused(body: dict[str, Any]) -> None:
    async with over(unasked) as wire:
        assert wire.adapter.foresee(SITE, query(body)).refusals == ()
