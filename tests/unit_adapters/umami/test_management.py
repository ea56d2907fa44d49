"""Logins, websites, shared pages, teams, goals, events and reports of Umami."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from adapters.protocols import Collects
from adapters.umami import BACKEND
from adapters.umami.adapter import CloudAdapter, SelfHostedAdapter
from adapters.umami.options import UmamiCredential, UmamiOptions
from adapters.umami.vendor import ROUTES
from fixtures.twins.umami import Store, Website
from models.errors import (
    AlreadyExists,
    ConfigurationError,
    InvalidRequest,
    MissingAtBackend,
    NotFound,
    RateLimited,
    RejectedCredentials,
    UnknownGoal,
    Unreachable,
    UnsupportedQuery,
)
from models.event import Event, Received
from models.goal import GoalDraft
from models.link import SharedLinkDraft
from models.site import Site, SiteChange, SiteDraft
from tests.unit_adapters.shared import assert_listed_by_twos
from tests.unit_adapters.umami.conftest import adapter_over

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def event(**fields: Any) -> Event:
    return Event.model_validate({"name": "pageview", "time": NOW, "url": "https://shop.example.com/new?a=1", **fields})


async def test_a_login_is_made_once_and_renewed(store: Store, site: Site, tmp_path: Path) -> None:
    login = UmamiCredential(username=store.username, password=SecretStr(store.password))
    adapter = adapter_over(store, login, tmp_path)
    await adapter.get_site(site.ref)
    await adapter.get_site(site.ref)
    assert [r.path for r in store.requests].count("/api/auth/login") == 1
    store.token = "another-token"
    assert (await adapter.get_site(site.ref)).domain == "demo.example.com"
    assert [r.path for r in store.requests].count("/api/auth/login") == 2


async def test_a_wrong_credential_is_rejected(store: Store, tmp_path: Path) -> None:
    for credential in (
        UmamiCredential(api_key=SecretStr("wrong")),
        UmamiCredential(username="admin", password=SecretStr("wrong")),
    ):
        adapter = adapter_over(store, credential, tmp_path)
        assert not (await adapter.check()).ok
        with pytest.raises(RejectedCredentials):
            await adapter.list_teams()


def test_half_a_credential_is_none() -> None:
    with pytest.raises(ValidationError):
        UmamiCredential(username="admin")


async def test_a_website_keeps_no_zone_but_the_gateway_does(adapter: SelfHostedAdapter, store: Store) -> None:
    made = await adapter.create_site(SiteDraft(domain="Fresh.Example.com", timezone="Europe/Berlin"))
    assert (made.domain, made.timezone) == ("fresh.example.com", "Europe/Berlin")
    assert "timezone" not in store.requests[-1].json
    assert (await adapter.get_site(made.ref)).timezone is None
    site = Site(id="fresh", domain=made.domain, external_id=made.ref, timezone="Europe/Berlin")
    assert (await adapter.update_site(site, SiteChange(timezone="Asia/Tokyo"))).timezone == "Asia/Tokyo"
    assert all(request.path.count("/") == 2 for request in store.requests if request.method == "POST")
    moved = await adapter.update_site(site, SiteChange(domain="moved.example.com", name="Moved"))
    assert (moved.domain, moved.name, moved.timezone) == ("moved.example.com", "Moved", "Europe/Berlin")
    await adapter.create_goal(site, GoalDraft(event_name="Signup"))
    await adapter.delete_site(site)
    assert await adapter.list_goals(site) == ()
    with pytest.raises(MissingAtBackend):  # a null with 200, not a 404
        await adapter.get_site(made.ref)


async def test_a_domain_is_registered_once(adapter: SelfHostedAdapter) -> None:
    with pytest.raises(AlreadyExists):
        await adapter.create_site(SiteDraft(domain="demo.example.com"))
    with pytest.raises(InvalidRequest):
        await adapter.create_site(SiteDraft(domain="https://demo.example.com"))


async def test_websites_are_listed_page_by_page(adapter: SelfHostedAdapter, store: Store) -> None:
    for number in range(4):
        store.add_site(f"s{number}.example.com")
    await assert_listed_by_twos(adapter, 5)
    with pytest.raises(InvalidRequest):
        await adapter.list_sites("elsewhere")


async def test_a_website_may_have_many_shared_pages(adapter: SelfHostedAdapter, site: Site) -> None:
    board = await adapter.put_shared_link(site, SharedLinkDraft(name="Board"))
    client = await adapter.put_shared_link(site, SharedLinkDraft(name="Client"))
    assert board.url.startswith("https://umami.example/share/")
    assert (await adapter.put_shared_link(site, SharedLinkDraft(name="Board"))) == board
    await adapter.delete_shared_link(site, board.id)
    assert await adapter.list_shared_links(site) == (client,)
    with pytest.raises(NotFound):
        await adapter.delete_shared_link(site, board.id)
    with pytest.raises(UnsupportedQuery):
        await adapter.put_shared_link(site, SharedLinkDraft(name="Secret", password="x"))


async def test_teams_are_listed(adapter: SelfHostedAdapter, store: Store) -> None:
    store.teams.append({"id": "t1", "name": "Agency"})
    assert [(team.id, team.name) for team in await adapter.list_teams()] == [("t1", "Agency")]


async def test_goals_are_kept_here(adapter: SelfHostedAdapter, site: Site, store: Store) -> None:
    made = await adapter.create_goal(site, GoalDraft(page_path="/docs/*"))
    assert (await adapter.create_goal(site, GoalDraft(page_path="/docs/*"))) == made
    assert [g.display_name for g in await adapter.list_goals(site)] == ["Purchase", "Visit /pricing", "Visit /docs/*"]
    await adapter.delete_goal(site, made.id)
    for strange in (made.id, "../other", ""):
        with pytest.raises(UnknownGoal):
            await adapter.delete_goal(site, strange)
    assert store.requests == []


@pytest.mark.parametrize(
    "draft",
    [
        GoalDraft(page_path="/a", scroll_threshold=50),
        GoalDraft(event_name="Signup", custom_props={"plan": "pro"}),
        GoalDraft(event_name="Buy", currency="EUR"),
        GoalDraft(event_name="x" * 51),
    ],
)
async def test_goals_that_umami_cannot_count_are_refused(
    adapter: SelfHostedAdapter, site: Site, draft: GoalDraft
) -> None:
    with pytest.raises(UnsupportedQuery):
        await adapter.create_goal(site, draft)


async def test_an_event_is_sent_as_the_tracker_would(
    adapter: SelfHostedAdapter, site: Site, store: Store, website: Website
) -> None:
    sent = event(
        name="Purchase", visitor="anna", country="de", props={"plan": "pro"}, revenue={"amount": 5, "currency": "EUR"},
        utm_source="news", referrer="google.com", title="Shop",
    )  # fmt: skip
    received = Received(ip="203.0.113.9", user_agent=FIREFOX)
    assert await adapter.collect(site, (sent,), received) == (None,)
    request = store.requests[-1]
    assert (request.path, request.headers["user-agent"]) == ("/api/send", FIREFOX)
    assert (request.headers["x-forwarded-for"], request.headers["cf-ipcountry"]) == ("203.0.113.9", "DE")
    assert "x-umami-api-key" not in request.headers
    assert request.json == {
        "type": "event",
        "payload": {
            "website": site.ref, "url": "/new?a=1&utm_source=news", "hostname": "shop.example.com",
            "referrer": "https://google.com", "title": "Shop", "name": "Purchase", "id": "anna",
            "data": {"plan": "pro", "revenue": 5.0, "currency": "EUR"},
        },
    }  # fmt: skip
    assert website.events[-1].columns["utmSource"] == "news"


async def test_events_that_would_be_counted_wrongly_are_dropped_with_a_word(
    adapter: SelfHostedAdapter, site: Site, store: Store
) -> None:
    outcome = await adapter.collect(
        site,
        (event(time=NOW - timedelta(days=1), visitor="a"), event(name="engagement", visitor="a"), event(),
         event(name="x" * 51, visitor="a")),
    )  # fmt: skip
    assert [drop.reason if drop else None for drop in outcome] == [
        "unsupported", "unsupported", "no_visitor", "unsupported"
    ]  # fmt: skip
    assert store.requests == []


async def test_a_sender_taken_for_a_bot_is_told(adapter: SelfHostedAdapter, site: Site, store: Store) -> None:
    store.geo = True
    outcome = await adapter.collect(site, (event(),), Received(ip="203.0.113.9", user_agent="curl/8.5"))
    assert [drop.reason for drop in outcome if drop] == ["bot"]
    assert await adapter.collect(site, (event(visitor="server-side"),)) == (None,)


async def test_without_a_place_database_a_country_has_to_be_sent(adapter: SelfHostedAdapter, site: Site) -> None:
    with pytest.raises(Unreachable):
        await adapter.collect(site, (event(visitor="a"),))
    assert await adapter.collect(site, (event(visitor="a", country="FR"),)) == (None,)


async def test_a_limit_of_the_cloud_is_a_limit(adapter: SelfHostedAdapter, store: Store) -> None:
    store.limited = True
    with pytest.raises(RateLimited):
        await adapter.list_teams()


async def test_reports_are_about_the_sites_own_website(adapter: SelfHostedAdapter, site: Site, store: Store) -> None:
    goal, funnel = ROUTES["goal"].call, ROUTES["funnel"].call
    assert goal.body is not None
    assert funnel.body is not None
    week = {"first": "2026-06-01T00:00:00Z", "last": "2026-06-07T23:59:59Z"}
    with pytest.raises(ValidationError):
        goal.body.model_validate({**week, "type": "path", "value": "/", "websiteId": "another"})
    body = goal.body.model_validate({**week, "type": "path", "value": "/pricing"})
    assert await adapter.call_vendor(site, goal, None, body) == {"num": 4, "total": 7}
    assert store.requests[-1].json["websiteId"] == site.ref
    steps = [{"type": "path", "value": "/"}, {"type": "event", "value": "Purchase"}]
    found = await adapter.call_vendor(
        site, funnel, None, funnel.body.model_validate({**week, "window": 60, "steps": steps})
    )
    assert [step["visitors"] for step in found] == [6, 2]


async def test_the_plain_breakdown_is_a_vendor_call(adapter: SelfHostedAdapter, site: Site) -> None:
    call = ROUTES["metrics"].call
    assert call.query is not None
    asked = call.query.model_validate(
        {"first": "2026-06-01T00:00:00Z", "last": "2026-06-07T23:59:59Z", "type": "path", "limit": 1}
    )
    assert await adapter.call_vendor(site, call, asked, None) == [{"x": "/", "y": 6}]  # visitors, not its 8 page views


def test_the_cloud_takes_no_events_here() -> None:
    assert issubclass(SelfHostedAdapter, CloudAdapter)
    assert not issubclass(CloudAdapter, Collects)
    options = UmamiOptions(edition="cloud")
    assert BACKEND.edition_of(options) == "cloud"
    assert BACKEND.base_url_of(options) == "https://api.umami.is/v1"
    assert options.share_base == "https://cloud.umami.is"


def test_a_connection_needs_a_credential() -> None:
    with pytest.raises(ConfigurationError):
        BACKEND.open(UmamiOptions(), None, None)  # type: ignore[arg-type] # refused before the context is used
