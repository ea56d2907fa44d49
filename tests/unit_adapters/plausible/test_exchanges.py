"""Every documented exchange against the adapter: what it asks is what is documented, what it reads is what is meant."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.base import Request
from models.errors import (
    AlreadyExists,
    BackendError,
    GatewayError,
    MissingAtBackend,
    RateLimited,
    RefusedByBackend,
    RejectedCredentials,
    UnknownGoal,
)
from models.event import Event, Received
from models.goal import GoalDraft
from models.link import SharedLinkDraft
from models.people import GuestDraft, Role
from models.result import ImportsNote, ImportsSkipped, Money
from models.site import Site, SiteChange, SiteDraft
from tests.contract.harness import NOW
from tests.unit_adapters.plausible.wiring import SITE, over, query

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "plausible"
EXCHANGES: dict[str, dict[str, Any]] = {p.stem: json.loads(p.read_text("utf-8")) for p in sorted(FOLDER.glob("*.json"))}
SAMPLE = Site(id="s2", domain="test-domain.com")

BUYERS = [["is", "goal", ["Purchase"]]]
QUERIES: dict[str, dict[str, Any]] = {
    "query_totals": {
        "metrics": ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration", "views_per_visit"]
    },
    "query_without_imports": {
        "metrics": ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration", "views_per_visit"],
        "include": {"imports": True},
    },
    "query_browsers": {"dimensions": ["browser"]},
    "query_by_day_with_labels": {
        "metrics": ["visitors", "pageviews"], "dimensions": ["time:day"], "include": {"time_labels": True},
    },
    "query_channels": {"dimensions": ["channel"]},
    "query_countries": {"metrics": ["visitors", "visits"], "dimensions": ["country"]},
    "query_devices": {"dimensions": ["device"]},
    "query_did_not_buy": {
        "metrics": ["visitors", "visits"], "filters": [["has_not_done", ["is", "goal", ["Purchase"]]]],
    },
    "query_entry_pages": {"metrics": ["visits", "bounce_rate"], "dimensions": ["entry_page"]},
    "query_event_names": {"metrics": ["visitors", "events"], "dimensions": ["event"]},
    "query_exit_pages": {"metrics": ["visits"], "dimensions": ["exit_page"]},
    "query_goals": {"metrics": ["visitors", "conversions", "conversion_rate"], "dimensions": ["goal"]},
    "query_google_only": {
        "metrics": ["visitors", "pageviews", "bounce_rate", "visit_duration"],
        "filters": [["is", "source", ["Google"]]],
    },
    "query_pages": {"metrics": ["visitors", "pageviews"], "dimensions": ["page"]},
    "query_pageviews_by_day": {"metrics": ["visitors", "pageviews"], "dimensions": ["time:day"]},
    "query_plans_of_buyers": {
        "metrics": ["visitors", "conversions"], "dimensions": ["prop:plan"], "filters": BUYERS,
    },
    "query_pricing_visits": {
        "metrics": ["visitors", "bounce_rate", "visit_duration"], "filters": [["is", "page", ["/pricing"]]],
    },
    "query_purchases_by_source": {
        "metrics": ["visitors", "group_conversion_rate"], "dimensions": ["source"], "filters": BUYERS,
    },
    "query_reading": {"metrics": ["time_on_page", "scroll_depth"], "dimensions": ["page"]},
    "query_revenue": {"metrics": ["total_revenue", "average_revenue"], "filters": BUYERS},
    "query_second_page": {
        "metrics": ["visitors", "pageviews"], "dimensions": ["page"], "limit": 2, "offset": 2,
        "include": {"total_rows": True},
    },
    "query_sources": {"metrics": ["visitors", "visits", "bounce_rate", "percentage"], "dimensions": ["source"]},
    "query_utm_campaigns": {"dimensions": ["utm_campaign"]},
    "query_visits_by_day": {"metrics": ["visitors", "visits"], "dimensions": ["time:day"]},
}  # fmt: skip


def canonical(results: list[dict[str, Any]]) -> tuple[Any, ...]:
    """Documented results as rows, amounts as money."""
    return tuple((*r["dimensions"], *(_cell(m) for m in r["metrics"])) for r in results)


def _cell(value: Any) -> Any:
    return Money(float(value["value"]), value["currency"]) if isinstance(value, dict) else value


def answering(name: str) -> Callable[[httpx2.Request], httpx2.Response]:
    """The documented answer, whatever is asked; `<any>` becomes some text."""
    told = EXCHANGES[name]["response"]

    def answer(request: httpx2.Request) -> httpx2.Response:
        content = (
            json.dumps(told["body"]) if told["headers"].get("content-type") == "application/json" else told["body"]
        )
        return httpx2.Response(told["status"], content=content.encode(), headers=told["headers"])

    return answer


@pytest.mark.parametrize("name", QUERIES)
async def test_a_documented_query_is_asked_and_read(name: str) -> None:
    documented, asked = EXCHANGES[name], query(QUERIES[name])
    async with over(answering(name)) as wire:
        answer = await wire.adapter.read(SITE, asked)
    sent, wanted = wire.bodies[0], dict(documented["request"]["body"])
    assert (wire.seen[0].method, wire.seen[0].url.path) == ("POST", "/api/v2/query")
    wanted.pop("include", None)  # labels are made here, the rest is asserted below
    paging = wanted.pop("pagination", None)
    assert wanted.items() <= sent.items()
    assert {key for key in sent.keys() - wanted.keys() if key not in ("order_by", "pagination", "include")} <= {
        "dimensions",
        "filters",
    }
    if paging is not None:
        assert sent["pagination"] == paging
    assert answer.rows == canonical(documented["response"]["body"]["results"])
    assert answer.total_rows == documented["response"]["body"]["meta"].get("total_rows")
    assert answer.calls == len(wire.seen) == 1


async def test_labels_are_those_the_server_would_list() -> None:
    name = "query_by_day_with_labels"
    async with over(answering(name)) as wire:
        answer = await wire.adapter.read(SITE, query(QUERIES[name]))
    assert list(answer.time_labels or ()) == EXCHANGES[name]["response"]["body"]["meta"]["time_labels"]


async def test_the_note_on_imports_is_read() -> None:
    async with over(answering("query_without_imports")) as wire:
        answer = await wire.adapter.read(SITE, query(QUERIES["query_without_imports"]))
    assert answer.imports == ImportsNote(included=False, skipped=ImportsSkipped.NO_IMPORTED_DATA)
    assert wire.bodies[0]["include"] == {"imports": True}


V1: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "v1_aggregate": (
        {"metrics": ["visitors", "pageviews", "bounce_rate", "visit_duration"]}, ((7, 15, 40, 425),),
    ),
    "v1_breakdown": (
        {"metrics": ["visitors", "bounce_rate"], "dimensions": ["source"]},
        (("Direct / None", 5, 60), ("Google", 3, 33), ("Twitter", 2, 0)),
    ),
    "v1_timeseries": (
        {"metrics": ["visitors", "pageviews"], "dimensions": ["time:day"]},
        (
            ("2026-06-01", 2, 4), ("2026-06-02", 1, 1), ("2026-06-03", 2, 3), ("2026-06-04", 1, 3),
            ("2026-06-05", 1, 1), ("2026-06-06", 1, 2), ("2026-06-07", 1, 1),
        ),
    ),
    "sample_v1_aggregate_2021": (
        {"metrics": ["visitors", "pageviews", "bounce_rate", "visit_duration"]}, ((201524, 673814, 53, 86),),
    ),
    "sample_v1_breakdown_2021": (
        {"metrics": ["visitors", "bounce_rate"], "dimensions": ["source"], "limit": 5},
        (
            ("Direct / None", 94932, 49), ("Hacker News", 22540, 75), ("Google", 16909, 58), ("Twitter", 7477, 62),
            ("indiehackers.com", 4518, 56),
        ),
    ),
    # January 2021 had no visitors yet: an empty bucket is no row
    "sample_v1_timeseries_2021": (
        {"dimensions": ["time:month"], "date_range": ["2020-08-01", "2021-01-31"]},
        (
            ("2020-08-01", 36085), ("2020-09-01", 27688), ("2020-10-01", 71615), ("2020-11-01", 31440),
            ("2020-12-01", 35804),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", V1)
async def test_a_documented_v1_answer_is_asked_and_read(name: str) -> None:
    body, rows = V1[name]
    async with over(answering(name), edition="ce", stats_api="v1") as wire:
        answer = await wire.adapter.read(SITE, query(body))
    assert wire.seen[0].url.path == EXCHANGES[name]["request"]["path"]
    if not name.startswith("sample"):
        assert EXCHANGES[name]["request"]["query"].items() <= dict(wire.seen[0].url.params).items()
    assert answer.rows == rows


async def _goals(adapter: Any, site: Site) -> Any:
    return [(g.id, g.display_name, g.event_name, g.page_path) for g in await adapter.list_goals(site)]


async def _event(adapter: Any, **fields: Any) -> Any:
    event = Event.model_validate({"name": "pageview", "time": NOW, **fields})
    return await adapter.collect(SITE, (event,), Received(ip="203.0.113.9", user_agent="Firefox"))


Call = Callable[[Any], Awaitable[Any]]
OPERATIONS: dict[str, tuple[Call, Callable[[Any], bool]]] = {
    "custom_prop_create": (lambda a: a.put_custom_prop(SITE, "author"), lambda r: r is None),
    "custom_prop_delete": (lambda a: a.delete_custom_prop(SITE, "plan"), lambda r: r is None),
    "custom_props_list": (lambda a: a.list_custom_props(SITE), lambda r: r == ("plan",)),
    "goal_create": (
        lambda a: a.create_goal(SITE, GoalDraft(page_path="/docs**")), lambda r: r.display_name == "Visit /docs**",
    ),
    "goal_found": (lambda a: a.create_goal(SITE, GoalDraft(event_name="Purchase")), lambda r: r.id == "2"),
    "goal_delete": (lambda a: a.delete_goal(SITE, "2"), lambda r: r is None),
    "goals_list": (
        lambda a: _goals(a, SITE),
        lambda r: r == [("3", "Visit /pricing", None, "/pricing"), ("2", "Purchase", "Purchase", None)],
    ),
    "guest_delete": (lambda a: a.delete_guest(SITE, "alice@example.com"), lambda r: r is None),
    "guest_invite": (
        lambda a: a.put_guest(SITE, GuestDraft(email="alice@example.com", role=Role.VIEWER)),
        lambda r: (r.email, r.role, r.status) == ("alice@example.com", "viewer", "invited"),
    ),
    "guests_list": (lambda a: a.list_guests(SITE), lambda r: r == ()),
    "shared_link": (
        lambda a: a.put_shared_link(SITE, SharedLinkDraft(name="Wordpress")), lambda r: r.name == "Wordpress",
    ),
    "site_create": (
        lambda a: a.create_site(SiteDraft(domain="new.example.com", timezone="Europe/London")),
        lambda r: (r.ref, r.timezone) == ("new.example.com", "Europe/London"),
    ),
    "site_delete": (lambda a: a.delete_site(SITE), lambda r: r is None),
    "site_rename": (
        lambda a: a.update_site(SITE, SiteChange(domain="renamed.example.com")),
        lambda r: r.domain == "renamed.example.com",
    ),
    "site_show": (lambda a: a.get_site("demo.example.com"), lambda r: r.timezone == "Etc/UTC"),
    "sites_list": (lambda a: a.list_sites(), lambda r: [s.ref for s in r.sites] == ["demo.example.com"] and not r.next),
    "sites_teams": (lambda a: a.list_teams(), lambda r: [t.name for t in r] == ["My Personal Sites"]),
    "v1_realtime": (lambda a: a.realtime(SITE), lambda r: r == 0),
    "event_accepted": (lambda a: _event(a, url="https://demo.example.com/"), lambda r: r == (None,)),
    "sample_goal_create": (
        lambda a: a.create_goal(SAMPLE, GoalDraft(event_name="Signup")),
        lambda r: (r.id, r.display_name) == ("1", "Signup"),
    ),
    "sample_goal_delete": (lambda a: a.delete_goal(SAMPLE, "1"), lambda r: r is None),
    "sample_goals_list": (
        lambda a: _goals(a, SAMPLE),
        lambda r: r == [("1", "Signup", "Signup", None), ("2", "Visit /register", None, "/register")],
    ),
    "sample_guest_invite": (
        lambda a: a.put_guest(SAMPLE, GuestDraft(email="alice@example.com", role=Role.VIEWER)),
        lambda r: r.status == "invited",
    ),
    "sample_guests_list": (
        lambda a: a.list_guests(SAMPLE),
        lambda r: {g.email: g.status for g in r} == {"alice@example.com": "accepted", "bob@example.com": "invited"},
    ),
    "sample_shared_link": (
        lambda a: a.put_shared_link(SAMPLE, SharedLinkDraft(name="Wordpress")),
        lambda r: r.url.startswith("https://plausible.io/share/site.com?auth="),
    ),
    "sample_site_create": (
        lambda a: a.create_site(SiteDraft(domain="test-domain.com", timezone="Europe/London")),
        lambda r: (r.ref, r.timezone) == ("test-domain.com", "Europe/London"),
    ),
    "sample_site_delete": (lambda a: a.delete_site(SAMPLE), lambda r: r is None),
    "sample_site_rename": (
        lambda a: a.update_site(SAMPLE, SiteChange(domain="new-test-domain.com")),
        lambda r: r.ref == "new-test-domain.com",
    ),
    "sample_site_show": (lambda a: a.get_site("test-domain.com"), lambda r: r.timezone == "Europe/London"),
    "sample_sites_list": (lambda a: a.list_sites(), lambda r: len(r.sites) == 3 and r.next is None),
    "sample_sites_list_page": (lambda a: a.list_sites(), lambda r: r.sites == () and r.next == "Z2xc..."),
    "sample_sites_teams": (
        lambda a: a.list_teams(), lambda r: [t.api_available for t in r] == [False, True, True],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_documented_operation_is_asked_and_read(name: str) -> None:
    call, holds = OPERATIONS[name]
    documented = EXCHANGES[name]["request"]
    async with over(answering(name)) as wire:
        assert holds(await call(wire.adapter))
    sent = wire.seen[0]
    assert (sent.method, sent.url.path) == (documented["method"], documented["path"])
    given = {**dict(sent.url.params), **(wire.bodies[0] or {})}
    assert documented.get("query", {}).items() <= given.items()
    assert (documented.get("body") or {}).items() <= given.items()
    if sent.url.path != "/api/event":
        assert sent.headers["authorization"].startswith("Bearer ")


ERRORS: dict[str, type[GatewayError]] = {
    "error_conversion_rate_without_goal": RefusedByBackend,
    "error_country": RefusedByBackend,
    "error_date_range": RefusedByBackend,
    "error_dimension": RefusedByBackend,
    "error_duplicate_metric": RefusedByBackend,
    "error_goal_below_top_level": RefusedByBackend,
    "error_hourly_limit": RateLimited,
    "error_metric": RefusedByBackend,
    "error_missing_key": RejectedCredentials,
    "error_missing_site": RefusedByBackend,
    "error_session_metric_with_event_dimension": RefusedByBackend,
    "error_unknown_goal": RefusedByBackend,
    "error_unknown_site": RejectedCredentials,  # unless the key proves good, see test_adapter
    "error_views_per_visit_with_page": RefusedByBackend,
}


@pytest.mark.parametrize("name", ERRORS)
async def test_a_documented_error_has_its_class(name: str) -> None:
    request = EXCHANGES[name]["request"]
    async with over(answering(name)) as wire:
        with pytest.raises(BackendError) as caught:
            await wire.adapter.client.stats(Request(request["method"], request["path"], json=request["body"]))
    assert type(caught.value) is ERRORS[name]


REFUSED: dict[str, tuple[Call, type[GatewayError] | str]] = {
    "goal_create_without_type": (
        lambda a: a.create_goal(SITE, GoalDraft(event_name="Signup")), RefusedByBackend,
    ),
    "goal_delete_unknown": (lambda a: a.delete_goal(SITE, "0"), UnknownGoal),
    "site_unknown": (lambda a: a.get_site("no.example.com"), MissingAtBackend),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_a_documented_refusal_has_its_class(name: str) -> None:
    call, error = REFUSED[name]
    async with over(answering(name)) as wire:
        with pytest.raises(GatewayError) as caught:
            await call(wire.adapter)
    assert type(caught.value) is error


@pytest.mark.parametrize(("status", "error"), [(200, AlreadyExists), (401, AlreadyExists), (404, RefusedByBackend)])
async def test_a_taken_domain_exists_already(status: int, error: type[GatewayError]) -> None:
    """Taken and wrong domains both give 400; asking tells: 200 is one's own, 401 somebody else's, 404 nobody's."""
    taken = answering("site_create_taken")

    def answer(request: httpx2.Request) -> httpx2.Response:
        return taken(request) if request.method == "POST" else httpx2.Response(status, json={})

    async with over(answer) as wire:
        with pytest.raises(GatewayError) as caught:
            await wire.adapter.create_site(SiteDraft(domain="demo.example.com"))
    assert type(caught.value) is error


async def test_an_invalid_event_is_a_drop() -> None:
    async with over(answering("event_without_url")) as wire:
        (drop,) = await _event(wire.adapter, url="https://demo.example.com/")
    assert drop.reason == "invalid"


def test_every_exchange_is_used() -> None:
    used = {*QUERIES, *V1, *OPERATIONS, *ERRORS, *REFUSED, "site_create_taken", "event_without_url"}
    assert used == set(EXCHANGES)
