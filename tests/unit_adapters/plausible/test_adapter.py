"""Keys, pages, events and failures of the Plausible adapter."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from adapters.plausible import BACKEND
from adapters.plausible.adapter import EDITIONS
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from adapters.protocols import PROTOCOLS
from models.capability import Operation
from models.errors import (
    ConfigurationError,
    GatewayError,
    MissingAtBackend,
    Overloaded,
    RejectedCredentials,
    Unintelligible,
    Unreachable,
    UnsupportedQuery,
)
from models.event import Event, Received, Revenue
from models.goal import GoalDraft, GoalKind
from models.link import SharedLinkDraft
from models.site import SiteChange
from tests.contract.harness import NOW
from tests.unit_adapters.plausible.wiring import KEY, SITE, always, in_turn, over, query

VISITOR = Received(ip="203.0.113.9", user_agent="Mozilla/5.0 Firefox/140.0")


def by_path(**statuses: int) -> Callable[[httpx2.Request], httpx2.Response]:
    """A server that answers each kind of call with a status: stats, probe, reading, writing."""
    kinds = {
        "/api/v2/query": "stats",
        "/api/v1/stats/realtime/visitors": "probe",
        "/api/v1/sites/teams": "reading",
        "/api/v1/sites/shared-links": "writing",
    }

    def answer(request: httpx2.Request) -> httpx2.Response:
        status = statuses[kinds[request.url.path]]
        teams = {"teams": [{"id": "t1", "name": "Agency"}]}
        return httpx2.Response(status, json=teams if status == 200 else {"error": "x"})

    return answer


# Keys


async def test_a_401_of_a_good_key_means_that_the_site_is_not_its_own() -> None:
    async with over(by_path(stats=401, probe=400)) as wire:
        with pytest.raises(MissingAtBackend):
            await wire.adapter.read(SITE, query({}))
    assert len(wire.seen) == 2


async def test_a_401_of_an_unknown_key_rejects_the_credential() -> None:
    async with over(by_path(stats=401, probe=401)) as wire:
        with pytest.raises(RejectedCredentials):
            await wire.adapter.read(SITE, query({}))


async def test_the_probe_of_a_broken_server_blames_no_key() -> None:
    async with over(by_path(stats=401, probe=503)) as wire:
        with pytest.raises(Unreachable):
            await wire.adapter.read(SITE, query({}))


async def test_check_names_the_account_and_what_works() -> None:
    async with over(by_path(stats=400, probe=400, reading=200, writing=400)) as wire:
        check = await wire.adapter.check()
    assert (check.ok, check.account, check.reasons) == (True, "Agency", ())
    assert set(check.operations) == {op for op in Operation if EDITIONS["cloud"].allows(op)}
    assert all(check.operations.values())
    assert all(r.method == "GET" or r.content in (b"{}", b"") for r in wire.seen)


@pytest.mark.parametrize(
    ("statuses", "reason", "works"),
    [
        ({"stats": 400, "probe": 400, "reading": 200, "writing": 401}, "writing the Sites API: the key", works)
        for works in (Operation.LIST_SITES, Operation.REALTIME, Operation.COLLECT_EVENTS)
    ]
    + [
        ({"stats": 402, "probe": 402, "reading": 200, "writing": 400}, "stats: the plan", Operation.CREATE_SITE),
        ({"stats": 404, "probe": 400, "reading": 404, "writing": 404}, "stats: the server does not have it",
         Operation.COLLECT_EVENTS),
    ],
)  # fmt: skip
async def test_check_says_what_a_key_may_not_do(statuses: dict[str, int], reason: str, works: Operation) -> None:
    async with over(by_path(**statuses)) as wire:
        check = await wire.adapter.check()
    assert not check.ok
    assert any(r.startswith(reason) for r in check.reasons)
    assert check.operations[works]


async def test_check_of_a_failing_server_fails() -> None:
    async with over(by_path(stats=503, probe=400)) as wire:
        with pytest.raises(Unreachable):
            await wire.adapter.check()


async def test_check_of_an_unknown_key_allows_nothing_but_events() -> None:
    async with over(by_path(probe=401)) as wire:
        check = await wire.adapter.check()
    assert not check.ok
    assert [op for op, allowed in check.operations.items() if allowed] == [Operation.COLLECT_EVENTS]


async def test_check_of_the_community_edition_leaves_the_sites_api_alone() -> None:
    async with over(by_path(stats=400, probe=400), edition="ce") as wire:
        assert (await wire.adapter.check()).ok
    assert {r.url.path for r in wire.seen} == {"/api/v2/query", "/api/v1/stats/realtime/visitors"}


async def test_the_key_travels_in_its_header_only_and_never_with_events() -> None:
    async with over(always({"results": [{"dimensions": [], "metrics": [1]}]})) as wire:
        await wire.adapter.read(SITE, query({}))
    assert wire.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(wire.adapter.__dict__)
    async with over(lambda r: httpx2.Response(202, text="ok")) as wire:
        await wire.adapter.collect(SITE, (event(),), VISITOR)
    assert "authorization" not in wire.seen[0].headers


def test_options_are_checked() -> None:
    for wrong in ({"edition": "ee"}, {"stats_api": "v1"}, {"api_key": "x"}):
        with pytest.raises(ValidationError):
            PlausibleOptions.model_validate(wrong)
    assert BACKEND.base_url_of(PlausibleOptions()) == "https://plausible.io"
    assert BACKEND.edition_of(PlausibleOptions(edition="ce", stats_api="v1")) == "ce-v1"
    with pytest.raises(ValidationError):
        PlausibleCredential.model_validate({"api_key": ""})
    with pytest.raises(ConfigurationError):
        BACKEND.open(PlausibleOptions(), None, None)  # type: ignore[arg-type] # refused before the context is used
    with pytest.raises(ConfigurationError):
        BACKEND.edition_of(PlausibleCredential.model_validate({"api_key": "x"}))


@pytest.mark.parametrize("edition", EDITIONS)
async def test_an_edition_satisfies_what_it_declares(edition: str) -> None:
    options = {"ce-v1": {"edition": "ce", "stats_api": "v1"}}.get(edition, {"edition": edition})
    async with over(always({}), **options) as wire:
        satisfied = {op for op, needed in PROTOCOLS.items() if isinstance(wire.adapter, needed)}
    assert satisfied == {op for op in PROTOCOLS if EDITIONS[edition].allows(op)}


async def test_the_first_day_is_the_one_plausible_takes_for_all() -> None:
    body = {"results": [], "query": {"date_range": ["2024-02-29T00:00:00+01:00", "2026-06-17T23:59:59+02:00"]}}
    async with over(always(body)) as wire:
        assert str(await wire.adapter.stats_start(SITE)) == "2024-02-29"
    async with over(always({"results": []})) as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.stats_start(SITE)


# Sites API


async def test_sites_are_listed_page_by_page_within_the_team() -> None:
    page = {"sites": [{"domain": "a.example"}], "meta": {"after": "next", "before": None, "limit": 100}}
    async with over(always(page), team_id="t1") as wire:
        found = await wire.adapter.list_sites("cursor", 500)
    assert (found.sites[0].ref, found.sites[0].timezone, found.next) == ("a.example", None, "next")
    assert dict(wire.seen[0].url.params) == {"limit": "100", "after": "cursor", "team_id": "t1"}


async def test_lists_are_read_to_their_end() -> None:
    pages = in_turn(
        {"goals": [{"id": 2, "goal_type": "event", "event_name": "A"}], "meta": {"after": "c1"}},
        {"goals": [{"id": "1", "goal_type": "page", "page_path": "/p"}], "meta": {"after": None}},
    )
    async with over(pages) as wire:
        goals = await wire.adapter.list_goals(SITE)
    assert [(g.id, g.display_name) for g in goals] == [("2", "A"), ("1", "Visit /p")]
    assert wire.seen[1].url.params["after"] == "c1"


async def test_a_list_that_never_ends_is_unintelligible() -> None:
    async with over(always({"guests": [], "meta": {"after": "same"}})) as wire:
        with pytest.raises(Unintelligible, match="does not end"):
            await wire.adapter.list_guests(SITE)


async def test_threshold_and_currency_that_plausible_does_not_list_are_remembered() -> None:
    scroll = {"id": 7, "goal_type": "scroll", "display_name": "Deep", "page_path": "/p", "event_name": None}
    money = {"id": 8, "goal_type": "event", "display_name": "Buy", "page_path": None, "event_name": "Buy"}
    async with over(in_turn(scroll, money, {"goals": [scroll, money]})) as wire:
        made = await wire.adapter.create_goal(SITE, GoalDraft(page_path="/p", scroll_threshold=75, display_name="Deep"))
        await wire.adapter.create_goal(SITE, GoalDraft(event_name="Buy", currency="EUR"))
        listed = await wire.adapter.list_goals(SITE)
    assert (made.kind, made.scroll_threshold) == (GoalKind.SCROLL, 75)
    assert [(g.kind, g.scroll_threshold, g.currency) for g in listed] == [("scroll", 75, None), ("event", None, "EUR")]
    assert wire.bodies[0] == {
        "site_id": "demo.example.com",
        "goal_type": "page",
        "page_path": "/p",
        "display_name": "Deep",
        "scroll_threshold": 75,
    }


async def test_what_the_api_cannot_do_is_refused_before_any_call() -> None:
    async with over(always({})) as wire:
        with pytest.raises(UnsupportedQuery):
            await wire.adapter.update_site(SITE, SiteChange(timezone="Asia/Tokyo"))
        with pytest.raises(UnsupportedQuery):
            await wire.adapter.put_shared_link(SITE, SharedLinkDraft(name="a", password="secret"))
    assert wire.seen == []


async def test_names_are_escaped_and_cannot_climb() -> None:
    async with over(always({"deleted": True})) as wire:
        await wire.adapter.delete_custom_prop(SITE, "a/b?c")
        with pytest.raises(MissingAtBackend):
            await wire.adapter.get_site("..")
    assert [r.url.raw_path for r in wire.seen] == [b"/api/v1/sites/custom-props/a%2Fb%3Fc?site_id=demo.example.com"]


@pytest.mark.parametrize("body", [{"deleted": False}, {"deleted": "false"}, {}, {"deleted": None}])
async def test_a_deletion_that_is_not_confirmed_is_not_believed(body: dict[str, Any]) -> None:
    async with over(always(body)) as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.delete_goal(SITE, "1")


@pytest.mark.parametrize(
    "body",
    [
        {"goals": [{"id": 1, "goal_type": "event"}]},
        {"goals": [{"id": 1, "goal_type": "page", "page_path": "no-slash"}]},
    ],
)
async def test_a_goal_that_is_neither_event_nor_page_is_unintelligible(body: dict[str, Any]) -> None:
    async with over(always(body)) as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.list_goals(SITE)


async def test_a_guest_of_an_unknown_role_is_unintelligible() -> None:
    async with over(always({"guests": [{"email": "a@example.com", "role": "king", "status": "accepted"}]})) as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.list_guests(SITE)


async def test_a_change_of_the_name_alone_changes_nothing_there() -> None:
    async with over(always({"domain": "demo.example.com", "timezone": "Etc/UTC"})) as wire:
        assert (await wire.adapter.update_site(SITE, SiteChange(name="Demo"))).ref == "demo.example.com"
    assert [r.method for r in wire.seen] == ["GET"]


# Events


def event(**fields: Any) -> Event:
    return Event.model_validate({"name": "pageview", "time": NOW, "url": "https://demo.example.com/a", **fields})


async def test_an_event_travels_with_its_visitor() -> None:
    sent = event(
        name="Purchase",
        referrer="https://google.com/",
        props={"plan": "pro", "vip": True},
        revenue=Revenue(amount=49.9, currency="EUR"),
        interactive=False,
        utm_campaign="launch week",
    )
    async with over(lambda r: httpx2.Response(202, text="ok")) as wire:
        assert await wire.adapter.collect(SITE, (sent,), VISITOR) == (None,)
    assert wire.bodies[0] == {
        "n": "Purchase",
        "u": "https://demo.example.com/a?utm_campaign=launch+week",
        "d": "demo.example.com",
        "r": "https://google.com/",
        "p": {"plan": "pro", "vip": "true"},
        "$": {"amount": "49.9", "currency": "EUR"},
        "i": False,
    }
    headers = wire.seen[0].headers
    assert (headers["x-forwarded-for"], headers["user-agent"]) == ("203.0.113.9", "Mozilla/5.0 Firefox/140.0")


async def test_the_visitor_of_a_server_side_event_is_its_own() -> None:
    sent = event(url=None, hostname="demo.example.com", path="/ä b", ip="198.51.100.7", user_agent="Own/1.0")
    async with over(lambda r: httpx2.Response(202, text="ok")) as wire:
        await wire.adapter.collect(SITE, (sent,))
    assert wire.bodies[0]["u"] == "https://demo.example.com/%C3%A4%20b"
    assert wire.seen[0].headers["x-forwarded-for"] == "198.51.100.7"
    assert wire.seen[0].headers["user-agent"] == "Own/1.0"


@pytest.mark.parametrize(
    ("sent", "received", "reason"),
    [
        (event(time=NOW - timedelta(hours=1)), VISITOR, "backdated"),
        (event(visitor="own-id"), None, "no_address"),
        (event(url=None, path="/a"), VISITOR, "no_url"),
    ],
)
async def test_what_plausible_would_miscount_is_dropped_unsent(
    sent: Event, received: Received | None, reason: str
) -> None:
    async with over(always({})) as wire:
        (drop,) = await wire.adapter.collect(SITE, (sent,), received)
    assert drop.reason == reason
    assert wire.seen == []


async def test_an_event_that_plausible_drops_is_said_to_be_dropped() -> None:
    async with over(lambda r: httpx2.Response(202, text="ok", headers={"x-plausible-dropped": "1"})) as wire:
        (drop,) = await wire.adapter.collect(SITE, (event(),), VISITOR)
    assert drop.reason == "dropped_by_backend"


@pytest.mark.parametrize(
    ("status", "error"), [(503, Unreachable), (429, Overloaded), (500, Unreachable), (302, Unintelligible)]
)
async def test_a_server_that_takes_nothing_raises(status: int, error: type[GatewayError]) -> None:
    async with over(always({}, status)) as wire:
        with pytest.raises(error):
            await wire.adapter.collect(SITE, (event(), event()), VISITOR)
    assert len(wire.seen) == 1


async def test_a_failure_after_the_first_event_loses_no_word_about_any() -> None:
    statuses = iter((202, 503, 202))
    async with over(lambda r: httpx2.Response(next(statuses), text="ok")) as wire:
        first, second, third = await wire.adapter.collect(SITE, (event(), event(), event()), VISITOR)
    assert (first, third) == (None, None)
    assert second.reason == "backend_unavailable"


async def test_the_community_edition_speaks_of_its_stats_only() -> None:
    async with over(always(3), edition="ce") as wire:
        assert await wire.adapter.realtime(SITE) == 3
        assert not hasattr(wire.adapter, "list_sites")


@pytest.mark.parametrize("body", ["3", 3.5, {"visitors": 3}, None, True])
async def test_present_visitors_are_a_bare_whole_number(body: Any) -> None:
    async with over(always(body)) as wire:
        with pytest.raises(Unintelligible):
            await wire.adapter.realtime(SITE)
