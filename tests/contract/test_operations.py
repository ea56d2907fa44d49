"""Operations: declared native exactly where the adapter satisfies the protocol, and each native one does its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.protocols import PROTOCOLS, Flushes
from fixtures.twins.plausible import EVENTS
from models.capability import Capabilities, Operation
from models.errors import AlreadyExists, MissingAtBackend, UnknownGoal
from models.event import Event, Received
from models.filters import Comparison
from models.goal import GoalDraft, GoalKind
from models.insight import Clock, FunnelStep
from models.link import SharedLinkDraft
from models.people import GuestDraft, Role
from models.settings import Exclusions, SiteSettings
from models.site import Site, SiteChange, SiteDraft
from models.vocabulary import Operator
from tests.contract.harness import NOW, NoEvidence, editions, own_operations, prover, resolved

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
VISITOR = Received(ip="203.0.113.9", user_agent=FIREFOX)


def site_of(remote: Any) -> Site:
    return Site(id=remote.ref, domain=remote.domain, external_id=remote.ref)


def pageview(**fields: Any) -> Event:
    return Event.model_validate({"name": "pageview", "time": NOW, "url": "https://shop.example.com/new", **fields})


async def flushed(adapter: Any) -> None:
    if isinstance(adapter, Flushes):
        await adapter.flush()


async def lists_sites(adapter: Any, site: Site, tmp: Path) -> None:
    page = await adapter.list_sites()
    assert (site.ref, site.domain) in {(s.ref, s.domain) for s in page.sites}
    assert (await adapter.get_site(site.ref)).domain == site.domain
    with pytest.raises(MissingAtBackend):
        await adapter.get_site("nobody.example.com")


async def creates_sites(adapter: Any, site: Site, tmp: Path) -> None:
    made = await adapter.create_site(SiteDraft(domain="fresh.example.com", timezone="Europe/Berlin"))
    assert (made.domain, made.timezone) == ("fresh.example.com", "Europe/Berlin")
    with pytest.raises(AlreadyExists):
        await adapter.create_site(SiteDraft(domain="fresh.example.com"))


async def updates_sites(adapter: Any, site: Site, tmp: Path) -> None:
    changed = await adapter.update_site(site, SiteChange(domain="moved.example.com"))
    assert changed.domain == "moved.example.com"


async def deletes_sites(adapter: Any, site: Site, tmp: Path) -> None:
    made = await adapter.create_site(SiteDraft(domain="gone.example.com"))
    await adapter.delete_site(site_of(made))
    with pytest.raises(MissingAtBackend):
        await adapter.get_site(made.ref)


async def lists_goals(adapter: Any, site: Site, tmp: Path) -> None:
    found = {(g.display_name, g.kind) for g in await adapter.list_goals(site)}
    assert found == {("Purchase", GoalKind.EVENT), ("Visit /pricing", GoalKind.PAGE)}


async def creates_goals(adapter: Any, site: Site, tmp: Path) -> None:
    made = await adapter.create_goal(site, GoalDraft(event_name="Signup", custom_props={"plan": "free"}))
    again = await adapter.create_goal(site, GoalDraft(event_name="Signup", custom_props={"plan": "free"}))
    assert made.display_name == "Signup"
    assert made.id == again.id


async def deletes_goals(adapter: Any, site: Site, tmp: Path) -> None:
    made = await adapter.create_goal(site, GoalDraft(page_path="/docs*"))
    await adapter.delete_goal(site, made.id)
    assert made.id not in {g.id for g in await adapter.list_goals(site)}
    with pytest.raises(UnknownGoal):
        await adapter.delete_goal(site, made.id)


async def shares_links(adapter: Any, site: Site, tmp: Path) -> None:
    link = await adapter.put_shared_link(site, SharedLinkDraft(name="Board"))
    assert link.url.startswith("http")
    assert (await adapter.put_shared_link(site, SharedLinkDraft(name="Board"))).name == link.name


async def manages_links(adapter: Any, site: Site, tmp: Path) -> None:
    link = await adapter.put_shared_link(site, SharedLinkDraft(name="Board"))
    assert [found.name for found in await adapter.list_shared_links(site)] == ["Board"]
    await adapter.delete_shared_link(site, link.id)
    assert await adapter.list_shared_links(site) == ()


async def manages_guests(adapter: Any, site: Site, tmp: Path) -> None:
    draft = GuestDraft(email="alice@example.com", role=Role.VIEWER)
    made = await adapter.put_guest(site, draft)
    assert (made.email, made.role) == ("alice@example.com", Role.VIEWER)
    await adapter.put_guest(site, draft)
    assert [g.email for g in await adapter.list_guests(site)] == ["alice@example.com"]
    await adapter.delete_guest(site, "alice@example.com")
    assert await adapter.list_guests(site) == ()


async def lists_teams(adapter: Any, site: Site, tmp: Path) -> None:
    found = await adapter.list_teams()
    assert found
    assert all(team.id and team.name for team in found)


async def manages_props(adapter: Any, site: Site, tmp: Path) -> None:
    await adapter.put_custom_prop(site, "a/b")
    assert "a/b" in await adapter.list_custom_props(site)
    await adapter.delete_custom_prop(site, "a/b")
    assert "a/b" not in await adapter.list_custom_props(site)


async def counts_the_present(adapter: Any, site: Site, tmp: Path) -> None:
    assert await adapter.realtime(site) == 0


async def records(adapter: Any, site: Site, tmp: Path) -> None:
    assert await adapter.collect(site, (pageview(),), VISITOR) == (None,)
    await flushed(adapter)


async def backdates(adapter: Any, site: Site, tmp: Path) -> None:
    late = pageview(time=NOW - timedelta(days=12), visitor="late")  # 2026-06-05
    assert await adapter.collect(site, (late,)) == (None,)
    await flushed(adapter)
    query = resolved({"metrics": ["visitors"], "filters": [["is", "page", ["/new"]]]}, site)
    assert (await adapter.read(site, query)).rows == ((1,),)


async def imports(adapter: Any, site: Site, tmp: Path) -> None:
    spool = tmp / "other.jsonl"  # the same bytes would count once
    spool.write_text((EVENTS / "demo-site.jsonl").read_text("utf-8").replace("anna", "ada"), "utf-8")
    job = await adapter.start_import(site, "ndjson", spool)
    done = await adapter.get_import(site, job.id, wait=True)
    assert (done.status, done.rows + done.skipped) == ("completed", 25)
    assert done.id in {found.id for found in await adapter.list_imports(site)}
    await adapter.delete_import(site, done.id)


async def exports(adapter: Any, site: Site, tmp: Path) -> None:
    for name, media in adapter.export_formats.items():
        body = b"".join([chunk async for chunk in adapter.export(site, name)])
        assert body, (name, media)


async def configures(adapter: Any, site: Site, tmp: Path) -> None:
    wanted = SiteSettings(exclude=Exclusions(pages=("/admin*",)))
    await adapter.put_settings(site, wanted)
    assert await adapter.get_settings(site) == wanted


async def reads_funnels(adapter: Any, site: Site, tmp: Path) -> None:
    steps = [
        FunnelStep(page, (Comparison(Operator.IS, "page", (page,)), Comparison(Operator.IS, "event", ("pageview",))))
        for page in ("/", "/pricing")
    ]
    assert await adapter.funnel(site, resolved({"metrics": ["visitors"]}, site), steps) == (6, 2)


async def lists_visits(adapter: Any, site: Site, tmp: Path) -> None:
    week = resolved({"metrics": ["visitors"]}, site)
    visits = await adapter.list_visits(site, week)
    assert [v.pageviews for v in visits] == [1, 2, 1, 1, 2, 1, 3, 1, 1, 2]
    events = await adapter.visit_events(site, week, visits[-1].visitor, visits[-1].visit)
    assert [e.name for e in events] == ["pageview", "pageview", "Purchase"]


async def lists_values(adapter: Any, site: Site, tmp: Path) -> None:
    week = resolved({"metrics": ["visitors"]}, site)
    assert await adapter.list_values(site, week, "page", "PRI") == ("/pricing",)


async def reads_event_tables(adapter: Any, site: Site, tmp: Path) -> None:
    week = resolved({"metrics": ["visitors"]}, site)
    assert [row.pageviews for row in await adapter.clock_table(site, week, Clock.HOUR)][10:12] == [2, 3]
    assert [(row.key, row.visitors) for row in await adapter.prop_table(site, week)] == [("plan", 3)]
    assert {row.name for row in await adapter.event_table(site, week)} == {"Purchase", "Signup", "Video played"}
    assert {row.prop_keys for row in await adapter.event_details(site, week)} == {("plan",), ()}
    assert (await adapter.aggregate(site, week, "plan", whole=False)).events == 0


O = Operation  # noqa: E741 - the table below reads as a table
CASES: Mapping[Operation, Callable[[Any, Site, Path], Awaitable[None]]] = {
    O.LIST_SITES: lists_sites,
    O.CREATE_SITE: creates_sites,
    O.UPDATE_SITE: updates_sites,
    O.DELETE_SITE: deletes_sites,
    O.LIST_GOALS: lists_goals,
    O.CREATE_GOAL: creates_goals,
    O.DELETE_GOAL: deletes_goals,
    O.SHARED_LINKS: shares_links,
    O.MANAGE_SHARED_LINKS: manages_links,
    O.GUESTS: manages_guests,
    O.TEAMS: lists_teams,
    O.CUSTOM_PROPS: manages_props,
    O.REALTIME: counts_the_present,
    O.COLLECT_EVENTS: records,
    O.BACKDATE_EVENTS: backdates,
    O.IMPORT_HISTORY: imports,
    O.EXPORT_HISTORY: exports,
    O.SETTINGS: configures,
    O.FUNNELS: reads_funnels,
    O.VISIT_LIST: lists_visits,
    O.VALUE_LISTS: lists_values,
    O.EVENT_TABLES: reads_event_tables,
}

NATIVE = [
    pytest.param(can, operation, id=f"{can.name}-{operation}")
    for can in editions()
    for operation in Operation
    if can.allows(operation)
]


@pytest.mark.parametrize("can", editions(), ids=lambda can: can.name)
async def test_an_operation_is_native_where_its_protocol_is_satisfied(can: Capabilities, tmp_path: Path) -> None:
    async with prover(can).open(can, tmp_path) as opened:
        satisfied = {op for op, protocols in PROTOCOLS.items() if isinstance(opened.adapter, protocols)}
    assert satisfied == {op for op in PROTOCOLS if can.allows(op)}


@pytest.mark.parametrize(("can", "operation"), NATIVE)
async def test_a_native_operation_does_its_work(can: Capabilities, operation: Operation, tmp_path: Path) -> None:
    async with prover(can).open(can, tmp_path) as opened:
        async with asyncio.timeout(60):
            attempt = own_operations(can.backend).get(operation) or CASES.get(operation)
            if attempt is None:
                raise NoEvidence(f"{can.name}: {operation} is native and nothing tries it")
            await attempt(opened.adapter, opened.site, tmp_path)
