"""Real servers: events go in through the adapter, and the canonical numbers come back.

Skipped without an address in the environment (tests/live/vendors.py). On a site of its own the suite compares whole
numbers; on a site that exists, page views and events are compared with those from before.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from models.capability import Feature, Operation
from models.errors import GatewayError
from models.event import Event, Received
from models.goal import GoalDraft
from models.link import SharedLinkDraft
from models.query import ResolvedQuery, read_query
from models.result import Answer, Row
from models.site import Site, SiteChange
from models.vocabulary import Dimension, Metric
from tests.live.vendors import PATIENCE, VENDORS, Live, missing, opened

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60 + 2 * PATIENCE)]

CONFIGURED = [vendor for vendor in VENDORS if not missing(vendor)]
if not CONFIGURED:
    pytest.skip("; ".join(map(missing, VENDORS)), allow_module_level=True)

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)
# Public addresses, as vendors may drop reserved ones: a resolver's, which no visitor has.
ANNA, BEN, CLEO = (
    Received(ip="9.9.9.9", user_agent=CHROME),
    Received(ip="9.9.9.10", user_agent=FIREFOX),
    Received(ip="9.9.9.11", user_agent=SAFARI),
)
SIGNUP = "Live Signup"
VISIT: Sequence[tuple[Received, str, str]] = (
    (ANNA, "pageview", "/"),
    (ANNA, "pageview", "/pricing"),
    (ANNA, SIGNUP, "/pricing"),
    (BEN, "pageview", "/"),
    (CLEO, "pageview", "/blog"),
)
"""Four page views and one event of three visitors."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CONFIGURED)
async def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    """A vendor whose site has seen `VISIT`."""
    vendor: str = request.param
    async with opened(vendor, tmp_path_factory.mktemp(vendor)) as found:
        if found.can.allows(Operation.CREATE_GOAL):
            await found.adapter.create_goal(found.site, GoalDraft(event_name=SIGNUP))
        found.before = await counted(found)
        for visitor, name, path in VISIT:
            await send(found, visitor, name, path)
        await shown(found, lambda now: now["events"] >= found.before["events"] + len(VISIT))
        yield found


async def send(live: Live, visitor: Received, name: str, path: str) -> None:
    event = Event(
        name=name, time=live.now, url=f"https://{live.site.domain}{path}", country="DE", props={"plan": "pro"}
    )
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    # A site that was made a moment ago may not be known where events come in; what is dropped is not counted.
    while (dropped := await live.adapter.collect(live.site, (event,), visitor)) != (None,):
        assert loop.time() < deadline, f"{live.vendor} drops {name} of {path}: {dropped}"
        await asyncio.sleep(2)


def question(live: Live, **body: Any) -> ResolvedQuery:
    """About yesterday and today in UTC, so that a run over midnight counts all the same."""
    today = live.now.date()
    dates = [(today - timedelta(days=1)).isoformat(), (today + timedelta(days=1)).isoformat()]
    return read_query({"date_range": dates, **body}).resolved(zone="Etc/UTC", now=live.now)


async def ask(live: Live, **body: Any) -> Answer:
    query = question(live, **body)
    assert live.adapter.foresee(live.site, query).refusals == ()
    found: Answer = await live.adapter.read(live.site, query)
    return found


async def counted(live: Live) -> dict[str, int]:
    rows = (await ask(live, metrics=["pageviews", "events"])).rows
    values = rows[0] if rows else (0, 0)
    return {"pageviews": int(str(values[0] or 0)), "events": int(str(values[1] or 0))}


async def shown(live: Live, enough: Callable[[dict[str, int]], bool]) -> None:
    """Wait until the numbers are there; vendors take events in asynchronously."""
    loop = asyncio.get_running_loop()
    deadline, now = loop.time() + PATIENCE, await counted(live)
    while not enough(now):
        assert loop.time() < deadline, f"{live.vendor} shows {now} after {PATIENCE:.0f} s; before: {live.before}"
        await asyncio.sleep(1)
        now = await counted(live)


def need(live: Live, *, metric: Metric | None = None, dimension: Dimension | None = None) -> None:
    for cell in [live.can.metrics[metric] if metric else None, live.can.dimensions[dimension] if dimension else None]:
        if cell is not None and not cell.is_native:
            pytest.skip(f"{live.vendor}: {cell.reason}")


def by_value(rows: Sequence[Row]) -> dict[Any, Any]:
    return {row[0]: row[1] for row in rows}


async def test_what_was_sent_is_counted_once(live: Live) -> None:
    now = await counted(live)
    assert now["events"] - live.before["events"] == 5
    assert now["pageviews"] - live.before["pageviews"] == 4


async def test_visitors_and_visits(live: Live) -> None:
    if not live.fresh:
        pytest.skip("only a site of its own has no other visitors")
    rows = (await ask(live, metrics=["visitors", "visits"])).rows
    assert rows == ((3, 3),)


async def test_rates_are_percent_and_seconds(live: Live) -> None:
    if not live.fresh:
        pytest.skip("only a site of its own has no other visitors")
    rows = (await ask(live, metrics=["bounce_rate", "visit_duration"])).rows
    assert rows[0][0] == 67  # ben and cleo of three
    assert isinstance(rows[0][1], int | float)
    assert 0 <= rows[0][1] < 2 * PATIENCE


async def test_page_views_by_page(live: Live) -> None:
    need(live, dimension=Dimension.PAGE)
    if not live.fresh:
        pytest.skip("only a site of its own has no other page views")
    rows = (await ask(live, metrics=["pageviews"], dimensions=["page"])).rows
    assert by_value(rows) == {"/": 2, "/pricing": 1, "/blog": 1}


async def test_events_by_name(live: Live) -> None:
    need(live, dimension=Dimension.EVENT)
    rows = by_value((await ask(live, metrics=["events"], dimensions=["event"])).rows)
    assert rows[SIGNUP] >= 1
    assert rows["pageview"] >= 4
    if live.fresh:
        assert rows == {"pageview": 4, SIGNUP: 1}


async def test_browsers_and_devices_in_canonical_words(live: Live) -> None:
    need(live, dimension=Dimension.BROWSER)
    rows = by_value((await ask(live, metrics=["visitors"], dimensions=["browser"])).rows)
    assert "Firefox" in rows
    devices = by_value((await ask(live, metrics=["visitors"], dimensions=["device"])).rows)
    assert {"Desktop", "Mobile"} <= set(devices)


@pytest.mark.parametrize("zone", ["Etc/UTC", "Asia/Tokyo", "America/New_York"])
async def test_days_of_any_zone_hold_all_page_views(live: Live, zone: str) -> None:
    if zone != "Etc/UTC" and not live.can.features[Feature.ANY_ZONE].is_native:
        pytest.skip(f"{live.vendor}: {live.can.features[Feature.ANY_ZONE].reason}")
    answer = await ask(live, metrics=["pageviews"], dimensions=["time:day"], timezone=zone)
    whole = sum(int(str(row[1])) for row in answer.rows)
    assert whole - (0 if live.fresh else live.before["pageviews"]) == 4
    assert all(len(str(row[0])) == len("2026-06-01") for row in answer.rows)


async def test_a_goal_is_reached(live: Live) -> None:
    if not live.can.allows(Operation.CREATE_GOAL):
        pytest.skip(f"{live.vendor}: {live.can.operations[Operation.CREATE_GOAL].reason}")
    rows = (await ask(live, metrics=["conversions"], filters=[["is", "goal", [SIGNUP]]])).rows
    assert int(str(rows[0][0])) >= 1
    if live.fresh:
        assert rows == ((1,),)


async def test_somebody_is_there_now(live: Live) -> None:
    if not live.can.allows(Operation.REALTIME):
        pytest.skip(f"{live.vendor}: {live.can.operations[Operation.REALTIME].reason}")
    await send(live, ANNA, SIGNUP, "/pricing")  # not a page view, so no number above changes but events
    assert await live.adapter.realtime(live.site) >= 1


async def test_a_link_is_made_found_and_revoked(live: Live) -> None:
    if not live.can.allows(Operation.MANAGE_SHARED_LINKS):
        pytest.skip(f"{live.vendor}: {live.can.operations[Operation.MANAGE_SHARED_LINKS].reason}")
    link = await live.adapter.put_shared_link(live.site, SharedLinkDraft(name=f"Live {live.token}"))
    assert link.url.startswith("http")
    assert link.id in {found.id for found in await live.adapter.list_shared_links(live.site)}
    await live.adapter.delete_shared_link(live.site, link.id)
    assert link.id not in {found.id for found in await live.adapter.list_shared_links(live.site)}


async def test_the_site_is_listed_and_can_be_renamed(live: Live) -> None:
    if not (live.can.allows(Operation.LIST_SITES) and live.can.allows(Operation.UPDATE_SITE) and live.fresh):
        pytest.skip("needs a site of its own and the right to change it")
    assert (await live.adapter.get_site(live.site.ref)).domain == live.site.domain
    moved = await live.adapter.update_site(live.site, SiteChange(domain=f"moved-{live.site.domain}"))
    assert moved.domain == f"moved-{live.site.domain}"
    back = live.site.model_copy(update={"external_id": moved.ref, "domain": moved.domain})
    await live.adapter.update_site(back, SiteChange(domain=live.site.domain))


async def test_a_site_that_is_not_there_is_an_error_and_no_zero(live: Live) -> None:
    nowhere = Site(id="nowhere", domain="nowhere.example.com", external_id=unknown(live.site.ref))
    with pytest.raises(GatewayError):
        await live.adapter.read(nowhere, question(live, metrics=["pageviews"]))


def unknown(ref: str) -> str:
    """A name of the same form that no site has."""
    return "".join("1" if c.isdigit() else c for c in ref[:-1]) + ("0" if ref[-1] != "0" else "2")
