"""Documented exchanges: the twin answers them as documented, and the adapter asks and reads them."""

import json
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from adapters.umami.adapter import SelfHostedAdapter
from adapters.umami.options import UmamiCredential, UmamiOptions
from fixtures.twins.umami import demo_store, umami_twin
from models.errors import RejectedCredentials
from models.query import read_query
from models.result import Answer
from models.site import Site, SiteDraft
from tests.contract.harness import NOW, WEEK
from tests.unit_adapters import shared

EXCHANGES = shared.exchanges_of("umami")
SITE = Site(id="demo", domain="demo.example.com", external_id="00000000-0000-4000-8000-000000000001")
BASE = "https://umami.example"


class Wire(shared.Wire):
    """An adapter over them."""

    def __init__(self, *names: str) -> None:
        super().__init__("umami", BASE, SITE, names, {"x-umami-api-key": "api_x"})
        credential = UmamiCredential(api_key=SecretStr("api_x"))
        self.adapter = SelfHostedAdapter(UmamiOptions(base_url=BASE), credential, self.context)

    async def read(self, **body: Any) -> Answer:
        query = read_query({"date_range": list(WEEK), **body}).resolved(zone="Etc/UTC", now=NOW)
        return await self.adapter.read(SITE, query)


def same(found: Any, documented: Any) -> bool:
    """Equal, but that `<any>` is anything."""
    if documented == "<any>":
        return True
    if isinstance(documented, dict) and isinstance(found, dict):
        return found.keys() == documented.keys() and all(same(found[k], v) for k, v in documented.items())
    return bool(found == documented)


@pytest.mark.parametrize("name", [name for name, told in EXCHANGES.items() if told["world"] == "demo-site"])
async def test_the_twin_answers_as_documented(name: str) -> None:
    store, site = demo_store()
    documented = EXCHANGES[name]
    known = {"x-umami-api-key": store.api_key} if "x-umami-api-key" in documented["request"]["headers"] else {}
    wire = httpx2.ASGITransport(app=umami_twin(store))
    async with httpx2.AsyncClient(transport=wire, base_url="https://twin.example") as client:
        found = await client.request(
            documented["request"]["method"],
            documented["request"]["path"].replace("<site>", site.id),
            params=documented["request"].get("query"),
            headers=known,
        )
    assert found.status_code == documented["response"]["status"]
    assert same(found.json(), documented["response"]["body"]), found.json()


async def test_documented_totals_are_read() -> None:
    wire = Wire("stats", "expanded_by_event")
    answer = await wire.read(metrics=["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration"])
    assert answer.rows == ((7, 11, 15, 19, 73, 180),)
    wire.assert_asked("stats", 0)
    wire.assert_asked("expanded_by_event", 1)


async def test_a_documented_filter_is_written() -> None:
    wire = Wire("stats_of_a_page")
    answer = await wire.read(metrics=["pageviews"], filters=[["is", "page", ["/pricing"]]])
    assert answer.rows == ((4,),)
    wire.assert_asked("stats_of_a_page")


async def test_a_documented_series_is_read_in_the_asked_zone() -> None:
    wire = Wire("pageviews_by_hour")
    answer = await wire.read(
        metrics=["pageviews"], dimensions=["time:hour"], timezone="America/New_York",
        date_range=["2026-06-07", "2026-06-07"],
    )  # fmt: skip
    assert answer.rows == (("2026-06-07 16:00:00", 1),)
    wire.assert_asked("pageviews_by_hour")


async def test_a_website_is_created_with_200_and_keeps_no_zone() -> None:
    wire = Wire("website_create")
    wire.answers.insert(
        0, {"status": 200, "headers": {"content-type": "application/json"}, "body": {"data": [], "count": 0}}
    )
    made = await wire.adapter.create_site(SiteDraft(domain="blog.example.com", name="My Blog", timezone="Asia/Tokyo"))
    assert (made.domain, made.timezone) == ("blog.example.com", "Asia/Tokyo")
    assert json.loads(wire.seen[-1].content) == EXCHANGES["website_create"]["request"]["body"]


async def test_a_documented_refusal_is_a_rejected_credential() -> None:
    with pytest.raises(RejectedCredentials):
        await Wire("unauthorized").read(metrics=["pageviews"])


def test_nothing_here_claims_to_be_recorded() -> None:
    assert {told["source"] for told in EXCHANGES.values()} == {"documented"}
