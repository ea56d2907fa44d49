"""Documented exchanges: the twin answers them as documented, and the adapter asks and reads them."""

import json

import httpx2
import pytest
from pydantic import SecretStr

from adapters.sparklytics.adapter import SparklyticsAdapter
from adapters.sparklytics.options import SparklyticsCredential, SparklyticsOptions
from fixtures.twins.sparklytics import demo_store, sparklytics_twin
from models.errors import AlreadyExists, MissingAtBackend, RejectedCredentials
from models.goal import GoalDraft
from models.query import read_query
from models.site import RemoteSite, Site, SiteChange, SiteDraft
from tests.contract.harness import NOW, WEEK
from tests.unit_adapters import shared

EXCHANGES = shared.exchanges_of("sparklytics")
BLOG = Site(id="blog", domain="example.com", external_id="site_a1b2c3d4e5")
BASE = "https://analytics.example.com"


class Wire(shared.Wire):
    """An adapter over them."""

    def __init__(self, *names: str) -> None:
        super().__init__("sparklytics", BASE, BLOG, names, {"authorization": "Bearer spk_selfhosted_x"})
        credential = SparklyticsCredential(api_key=SecretStr("spk_selfhosted_x"))
        self.adapter = SparklyticsAdapter(SparklyticsOptions(base_url=BASE), credential, self.context)


@pytest.mark.parametrize("name", [name for name, told in EXCHANGES.items() if told["world"] == "demo-site"])
async def test_the_twin_answers_as_documented(name: str) -> None:
    store, site = demo_store()
    documented = EXCHANGES[name]
    wire = httpx2.ASGITransport(app=sparklytics_twin(store))
    async with httpx2.AsyncClient(transport=wire, base_url="https://twin.example") as client:
        found = await client.request(
            documented["request"]["method"],
            documented["request"]["path"].replace("<site>", site.id),
            params=documented["request"].get("query"),
            headers={"authorization": f"Bearer {store.key}"},
        )
    assert (found.status_code, found.json()) == (documented["response"]["status"], documented["response"]["body"])


async def test_websites_are_read_as_the_seed_shows_them() -> None:
    wire = Wire("websites_list", "website_get")
    page = await wire.adapter.list_sites()
    assert page.sites == (RemoteSite(ref=BLOG.ref, domain="example.com", timezone="UTC", name="My Blog"),)
    assert page.next is None
    wire.assert_asked("websites_list")
    assert (await wire.adapter.get_site(BLOG.ref)).timezone == "America/New_York"
    wire.assert_asked("website_get")


async def test_a_website_is_changed_and_deleted_as_the_seed_shows() -> None:
    wire = Wire("website_update", "website_delete")
    changed = await wire.adapter.update_site(BLOG, SiteChange(name="My Updated Blog", timezone="UTC"))
    assert changed == RemoteSite(ref=BLOG.ref, domain="example.com", timezone="UTC", name="My Updated Blog")
    wire.assert_asked("website_update")
    await wire.adapter.delete_site(BLOG)
    wire.assert_asked("website_delete")


async def test_a_created_website_lacks_what_the_seed_leaves_out() -> None:
    wire = Wire("websites_list", "website_create")
    draft = SiteDraft(domain="Example.org", name="My Blog", timezone="America/New_York")
    made = await wire.adapter.create_site(draft)
    assert (made.ref, made.timezone) == (BLOG.ref, "America/New_York")
    sent = json.loads(wire.seen[-1].content)
    assert sent == EXCHANGES["website_create"]["request"]["body"] | {"domain": "example.org"}


async def test_documented_errors_are_told_apart() -> None:
    with pytest.raises(MissingAtBackend):
        await Wire("website_missing").adapter.get_site("site_0000000000")
    with pytest.raises(RejectedCredentials):
        await Wire("unauthorized").adapter.list_sites()
    empty = Wire("goal_duplicate_name")
    empty.answers.insert(0, {"status": 200, "headers": {"content-type": "application/json"}, "body": {"data": []}})
    with pytest.raises(AlreadyExists):
        await empty.adapter.create_goal(BLOG, GoalDraft(event_name="Signup", display_name="Purchase"))


async def test_documented_numbers_are_read() -> None:
    wire = Wire("stats", "events")
    query = read_query({"metrics": ["visitors", "pageviews", "events", "visits"], "date_range": list(WEEK)})
    answer = await wire.adapter.read(BLOG, query.resolved(zone="Etc/UTC", now=NOW))
    assert answer.rows == ((7, 15, 19, 11),)
    wire.assert_asked("stats", 0)
    wire.assert_asked("events", 1)


async def test_a_documented_series_is_read() -> None:
    wire = Wire("pageviews_by_day")
    body = {"metrics": ["events", "visitors"], "dimensions": ["time:day"], "date_range": list(WEEK)}
    answer = await wire.adapter.read(BLOG, read_query(body).resolved(zone="Etc/UTC", now=NOW))
    assert answer.rows[2] == ("2026-06-03", 4, 2)
    wire.assert_asked("pageviews_by_day")


def test_nothing_here_claims_to_be_recorded() -> None:
    assert {told["source"] for told in EXCHANGES.values()} == {"documented"}
