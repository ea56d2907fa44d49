"""Websites as seed 002 has them, goals, the one public link, keys and sessions, events, export, vendor calls."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr, ValidationError

from adapters.base import Context
from adapters.http import open_transport
from adapters.sparklytics.adapter import SparklyticsAdapter
from adapters.sparklytics.options import SparklyticsCredential, SparklyticsOptions
from adapters.sparklytics.vendor import ROUTES, GoalDates, Journey
from adapters.sparklytics.wire import undefused
from adapters.translate import moment
from fixtures.twins.sparklytics import Store, Website, add_site, load
from models.errors import (
    AlreadyExists,
    GatewayError,
    InvalidRequest,
    MissingAtBackend,
    NotFound,
    Overloaded,
    RateLimited,
    RefusedByBackend,
    RejectedCredentials,
    TimedOut,
    Unreachable,
    UnsupportedQuery,
)
from models.event import Event, Received
from models.goal import GoalDraft
from models.link import SharedLinkDraft
from models.site import Site, SiteChange, SiteDraft
from tests.contract.ledger import MemoryLedger
from tests.unit_adapters.shared import assert_listed_by_twos
from tests.unit_adapters.sparklytics.conftest import adapter_over

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)


def event(**fields: Any) -> Event:
    return Event.model_validate({"name": "pageview", "time": NOW, "url": "https://shop.example.com/new", **fields})


async def test_a_website_lives_as_the_seed_says(adapter: SparklyticsAdapter, store: Store) -> None:
    made = await adapter.create_site(SiteDraft(domain="Blog.Example.com", name="My Blog", timezone="America/New_York"))
    assert (made.domain, made.name, made.timezone) == ("blog.example.com", "My Blog", "America/New_York")
    assert made.ref.startswith("site_")
    assert len(made.ref) == len("site_") + 10
    site = Site(id="blog", domain=made.domain, external_id=made.ref)
    changed = await adapter.update_site(site, SiteChange(name="My Updated Blog", timezone="Etc/UTC"))
    assert (changed.name, changed.timezone, changed.domain) == ("My Updated Blog", "Etc/UTC", "blog.example.com")
    assert store.requests[-1].json == {"name": "My Updated Blog", "timezone": "Etc/UTC"}
    await adapter.delete_site(site)
    with pytest.raises(MissingAtBackend):
        await adapter.get_site(made.ref)


@pytest.mark.parametrize("domain", ["https://example.com", "example.com:3000", "com", "co.uk", "a/b.com", ""])
async def test_a_domain_that_the_seed_forbids_is_refused_without_a_call(
    adapter: SparklyticsAdapter, store: Store, domain: str
) -> None:
    with pytest.raises(InvalidRequest):
        await adapter.create_site(SiteDraft(domain=domain))
    assert store.requests == []


@pytest.mark.parametrize("domain", ["example.com", "blog.example.com", "localhost", "192.168.1.1"])
async def test_a_domain_that_the_seed_allows_is_taken(adapter: SparklyticsAdapter, domain: str) -> None:
    assert (await adapter.create_site(SiteDraft(domain=domain))).domain == domain


async def test_a_zone_is_checked_here_as_sparklytics_does_not(adapter: SparklyticsAdapter, store: Store) -> None:
    with pytest.raises(InvalidRequest, match="time zone"):
        await adapter.create_site(SiteDraft(domain="example.com", timezone="Mars/Olympus"))
    assert all(request.method != "POST" for request in store.requests)


async def test_a_domain_is_registered_once(adapter: SparklyticsAdapter) -> None:
    with pytest.raises(AlreadyExists):
        await adapter.create_site(SiteDraft(domain="demo.example.com"))


async def test_websites_are_listed_by_cursor(adapter: SparklyticsAdapter, store: Store) -> None:
    for number in range(4):
        add_site(store, f"s{number}.example.com", NOW)
    await assert_listed_by_twos(adapter, 5)


async def test_the_password_opens_a_session_and_renews_it(store: Store, site: Site, tmp_path: Path) -> None:
    adapter = adapter_over(store, SparklyticsCredential(password=SecretStr(store.password)), tmp_path)
    assert (await adapter.check()).ok
    store.cookie = "another-session"
    assert (await adapter.get_site(site.ref)).domain == "demo.example.com"
    assert [r.path for r in store.requests].count("/api/auth/login") == 2


async def test_a_wrong_key_or_password_is_a_rejected_credential(store: Store, tmp_path: Path) -> None:
    for credential in (
        SparklyticsCredential(api_key=SecretStr("wrong")),
        SparklyticsCredential(password=SecretStr("wrong")),
        None,
    ):
        adapter = adapter_over(store, credential, tmp_path)
        assert not (await adapter.check()).ok
        with pytest.raises(RejectedCredentials):
            await adapter.list_sites()


async def test_goals_are_found_before_they_are_made(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    again = await adapter.create_goal(site, GoalDraft(page_path="/pricing"))
    assert again.display_name == "Visit /pricing"
    assert all(request.method != "POST" for request in store.requests)
    made = await adapter.create_goal(site, GoalDraft(event_name="Signup", currency="EUR"))
    assert store.requests[-1].json["value_property_key"] == "revenue"
    assert made.currency == "EUR"
    wild = await adapter.create_goal(site, GoalDraft(page_path="/blog/**"))
    assert store.requests[-1].json["match_operator"] == "contains"
    assert wild.page_path == "/blog/*"
    assert (await adapter.create_goal(site, GoalDraft(page_path="/blog/**"))).id == wild.id


@pytest.mark.parametrize(
    "draft",
    [
        GoalDraft(page_path="/a", scroll_threshold=50),
        GoalDraft(event_name="Signup", custom_props={"plan": "pro"}),
        GoalDraft(page_path="/a*b"),
    ],
)
async def test_goals_that_sparklytics_cannot_count_are_refused_without_a_call(
    adapter: SparklyticsAdapter, site: Site, store: Store, draft: GoalDraft
) -> None:
    with pytest.raises(UnsupportedQuery):
        await adapter.create_goal(site, draft)
    assert store.requests == []


async def test_a_goal_of_a_taken_name_is_a_conflict(adapter: SparklyticsAdapter, site: Site) -> None:
    with pytest.raises(AlreadyExists):
        await adapter.create_goal(site, GoalDraft(event_name="Signup", display_name="Purchase"))


async def test_there_is_one_link_and_it_keeps_its_name(adapter: SparklyticsAdapter, site: Site) -> None:
    link = await adapter.put_shared_link(site, SharedLinkDraft(name="Board"))
    assert (await adapter.put_shared_link(site, SharedLinkDraft(name="Board"))) == link
    with pytest.raises(AlreadyExists, match="Board"):
        await adapter.put_shared_link(site, SharedLinkDraft(name="Client"))
    with pytest.raises(UnsupportedQuery):
        await adapter.put_shared_link(site, SharedLinkDraft(name="Secret", password="x"))
    with pytest.raises(NotFound):
        await adapter.delete_shared_link(site, "another")
    await adapter.delete_shared_link(site, link.id)
    assert await adapter.list_shared_links(site) == ()


async def test_events_go_in_batches_of_fifty(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    outcome = await adapter.collect(site, [event(visitor=f"v{n}") for n in range(120)])
    assert outcome == (None,) * 120
    sent = [request.json for request in store.requests]
    assert [len(batch) for batch in sent] == [50, 50, 20]
    assert sent[0][0] == {
        "website_id": site.ref, "type": "pageview", "url": "https://shop.example.com/new", "visitor_id": "v0"
    }  # fmt: skip


async def test_a_visitors_side_goes_along(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    await adapter.collect(site, [event()], Received(ip="203.0.113.9", user_agent="Mozilla/5.0 Firefox/140.0"))
    headers = store.requests[0].headers
    assert (headers["x-forwarded-for"], headers["user-agent"]) == ("203.0.113.9", "Mozilla/5.0 Firefox/140.0")
    assert "authorization" not in headers


async def test_events_that_would_be_counted_wrongly_are_dropped_with_a_word(
    adapter: SparklyticsAdapter, site: Site, store: Store
) -> None:
    outcome = await adapter.collect(
        site, [event(time=NOW - timedelta(days=1), visitor="a"), event(name="engagement", visitor="a"), event()]
    )
    assert [drop.reason if drop else None for drop in outcome] == ["unsupported", "unsupported", "no_visitor"]
    assert store.requests == []


async def test_what_the_vendor_drops_is_told(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    store.dropping = 1
    outcome = await adapter.collect(site, [event(visitor="a"), event(visitor="b")])
    assert outcome[0] is None
    assert outcome[1] is not None
    assert (outcome[1].reason, outcome[1].detail) == ("refused_by_backend", "peak_limit")


async def test_a_full_server_takes_nothing(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    store.overloaded = True
    with pytest.raises(Overloaded) as caught:
        await adapter.collect(site, [event(visitor="a")])
    assert caught.value.retry_after == 7


async def test_a_custom_event_carries_its_properties_and_revenue(adapter: SparklyticsAdapter, site: Site) -> None:
    paid = event(name="Purchase", visitor="x" * 100, props={"plan": "pro"}, revenue={"amount": 5, "currency": "EUR"})
    assert await adapter.collect(site, [paid]) == (None,)
    call = ROUTES["event_properties"].call
    assert call.query is not None
    asked = call.query.model_validate({"start_date": NOW.date(), "end_date": NOW.date(), "event_name": "Purchase"})
    found = (await adapter.call_vendor(site, call, asked, None))["data"]
    assert {(p["property_key"], p["property_value"]) for p in found["properties"]} == {
        ("plan", "pro"),
        ("revenue", "5.0"),
    }


async def test_the_export_is_read_in_pieces_and_undefused(
    adapter: SparklyticsAdapter, site: Site, website: Website, store: Store
) -> None:
    load(
        website,
        [{"name": "=1+1", "time": "2026-06-08T10:00:00Z", "visitor": "x", "hostname": "a.example", "path": "/"}],
    )
    chunks = [c async for c in adapter.export(site, "csv", date(2026, 1, 1), date(2026, 6, 30))]
    text = b"".join(chunks).decode()
    lines = text.strip().split("\r\n")
    assert len(lines) == 1 + 20
    assert lines[0].startswith("id,website_id,event_type")
    assert ",=1+1," in text
    assert ",'=1+1," not in text
    asked = [(r.query["start_date"], r.query["end_date"]) for r in store.requests]
    assert asked == [("2026-01-01", "2026-03-31"), ("2026-04-01", "2026-06-29"), ("2026-06-30", "2026-06-30")]


def test_cells_are_undefused_only_where_they_were_defused() -> None:
    assert [undefused(c) for c in ("'=a", "'-1", "'tis", "=a", "")] == ["=a", "-1", "'tis", "=a", ""]


def test_both_forms_of_time_are_read() -> None:
    assert moment("2026-03-01 10:00:00") == moment("2026-03-01T10:00:00Z") == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert moment("yesterday") is None


async def test_vendor_calls_are_typed(adapter: SparklyticsAdapter, site: Site, store: Store) -> None:
    with pytest.raises(ValidationError):
        Journey.model_validate({"start_date": "2026-06-01", "end_date": "2026-06-07", "anchor_type": "dance"})
    goal = next(g for g in await adapter.list_goals(site) if g.display_name == "Purchase")
    asked = GoalDates(start_date=date(2026, 6, 1), end_date=date(2026, 6, 7), goal_id=goal.id)
    found = await adapter.call_vendor(site, ROUTES["revenue_summary"].call, asked, None)
    assert found["data"]["totals"] == {"conversions": 2, "revenue": 69.0}
    assert store.requests[-1].query["model"] == "last_touch"


async def test_funnels_are_made_and_read(adapter: SparklyticsAdapter, site: Site) -> None:
    create, results = ROUTES["create_funnel"].call, ROUTES["funnel_results"].call
    assert create.body is not None
    assert results.query is not None
    steps = [{"step_type": "page_view", "match_value": "/"}, {"step_type": "event", "match_value": "Purchase"}]
    made = await adapter.call_vendor(site, create, None, create.body.model_validate({"name": "Buy", "steps": steps}))
    asked = results.query.model_validate(
        {"start_date": "2026-06-01", "end_date": "2026-06-07", "funnel_id": made["data"]["id"]}
    )
    found = await adapter.call_vendor(site, results, asked, None)
    assert [step["sessions_reached"] for step in found["data"]["steps"]] == [
        8,
        2,
    ]  # visits 1 2 4 7 8 9 10 saw `/`, and the second half of 6


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (401, "unauthorized", RejectedCredentials),
        (403, "forbidden", RefusedByBackend),
        (403, "setup_required", RefusedByBackend),
        (404, "not_found", MissingAtBackend),
        (422, "duplicate_name", AlreadyExists),
        (429, "rate_limited", RateLimited),
        (429, "plan_limit_exceeded", RefusedByBackend),
        (503, "query_timeout", TimedOut),
        (503, "ingest_overloaded", Overloaded),
        (500, "internal_error", Unreachable),
    ],
)
async def test_each_error_code_is_one_error(
    status: int, code: str, meaning: type[GatewayError], tmp_path: Path
) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        body = {"error": {"code": code, "message": "planted prose", "field": None}}
        return httpx2.Response(status, json=body, headers={"retry-after": "9"})

    transport = open_transport("https://s.example", backend="sparklytics", wire=httpx2.MockTransport(refuse))
    context = Context(transport, MemoryLedger(), lambda: NOW, tmp_path)
    adapter = SparklyticsAdapter(SparklyticsOptions(base_url="https://s.example"), None, context)
    with pytest.raises(meaning) as caught:
        await adapter.get_site("site_a1b2c3d4e5")
    assert type(caught.value) is meaning
    assert "planted" not in str(caught.value)
    assert caught.value.retry_after == 9
