"""Sites, goals, links, guests, teams, exclusions, imports and exports over the twin."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from models.errors import AlreadyExists, InvalidRequest, MissingAtBackend, NotFound, RefusedByBackend, UnknownGoal
from models.goal import GoalDraft
from models.job import JobStatus
from models.link import SharedLinkDraft
from models.people import GuestDraft, GuestStatus, Role
from models.settings import Exclusions, SiteSettings
from models.site import SiteChange, SiteDraft
from tests.unit_adapters.pirsch.wiring import Bench, view


async def test_a_taken_subdomain_is_tried_again_with_a_number(bench: Bench) -> None:
    bench.twin.domain("elsewhere.example", subdomain="new-example-com")
    made = await bench.adapter.create_site(SiteDraft(domain="new.example.com", timezone="Europe/Berlin", name="New"))
    assert (made.domain, made.timezone, made.name) == ("new.example.com", "Europe/Berlin", "New")
    assert bench.twin.account.find("domain", made.ref)["subdomain"] == "new-example-com-2"
    with pytest.raises(AlreadyExists):
        await bench.adapter.create_site(SiteDraft(domain="new.example.com"))


async def test_another_refusal_of_a_site_is_not_tried_again(bench: Bench) -> None:
    await bench.adapter.list_sites()
    refusal = b'{"validation": {"hostname": "invalid"}, "error": []}'
    bench.twin.fail += [(200, {"content-type": "application/json"}, b"null")]
    bench.twin.fail += [(400, {"content-type": "application/json"}, refusal)]
    with pytest.raises(RefusedByBackend, match="hostname"):
        await bench.adapter.create_site(SiteDraft(domain="bad.example.com"))


async def test_sites_are_listed_in_pages_changed_and_deleted(bench: Bench) -> None:
    for n in range(3):
        bench.twin.domain(f"s{n}.example.com")
    first = await bench.adapter.list_sites(limit=3)
    rest = await bench.adapter.list_sites(first.next, 3)
    assert [s.domain for s in (*first.sites, *rest.sites)] == [
        "demo.example.com", "s0.example.com", "s1.example.com", "s2.example.com"]  # fmt: skip
    assert rest.next is None
    change = SiteChange(domain="moved.example.com", timezone="Asia/Tokyo", name="Moved")
    moved = await bench.adapter.update_site(bench.site, change)
    assert (moved.domain, moved.timezone, moved.name) == ("moved.example.com", "Asia/Tokyo", "Moved")
    await bench.adapter.delete_site(bench.site)
    with pytest.raises(MissingAtBackend):
        await bench.adapter.get_site(bench.site.ref)


async def test_statistics_start_where_the_dashboard_says(bench: Bench) -> None:
    assert await bench.adapter.stats_start(bench.site) == date(2026, 1, 1)
    bench.twin.account.find("domain", bench.site.ref)["statistics_start"] = "2025-03-04T00:00:00.000000Z"
    assert await bench.adapter.stats_start(bench.site) == date(2025, 3, 4)


async def test_goals_are_found_or_created(bench: Bench) -> None:
    drafts = (
        GoalDraft(event_name="Signup"),
        GoalDraft(page_path="/blog*", display_name="Blog"),
        GoalDraft(event_name="Purchase", currency="EUR"),
        GoalDraft(event_name="Download", custom_props={"format": "pdf"}),
    )
    made = [await bench.adapter.create_goal(bench.site, draft) for draft in drafts]
    again = [await bench.adapter.create_goal(bench.site, draft) for draft in drafts]
    assert [g.id for g in made] == [g.id for g in again]
    assert [g.identity for g in made] == [d.identity for d in drafts]
    kept = {g["name"]: g for g in bench.twin.account.of("goal").values()}
    assert kept["Blog"]["path_pattern"] == "/blog**"
    assert (kept["Purchase"]["event_meta_value"], kept["Purchase"]["custom_metric_key"]) == ("EUR", "amount")
    await bench.adapter.delete_goal(bench.site, made[0].id)
    with pytest.raises(UnknownGoal):
        await bench.adapter.delete_goal(bench.site, made[0].id)


@pytest.mark.parametrize(
    "draft",
    [
        GoalDraft(page_path="/", scroll_threshold=50),
        GoalDraft(page_path="/a|/b"),
        GoalDraft(event_name="E", custom_props={"a": "1", "b": "2"}),
        GoalDraft(event_name="E", currency="EUR", custom_props={"a": "1"}),
    ],
)
async def test_goals_that_pirsch_cannot_hold_are_refused(bench: Bench, draft: GoalDraft) -> None:
    with pytest.raises(InvalidRequest):
        await bench.adapter.create_goal(bench.site, draft)
    assert bench.twin.calls == []


async def test_goals_without_a_canonical_form_are_left_out(bench: Bench) -> None:
    blank = {"event_name": None, "pattern": None, "event_meta_key": None, "event_meta_value": None}
    bench.twin.account.new("goal", {"domain_id": bench.site.ref, "name": "x", "path_pattern": "/a/*/b", **blank})
    assert await bench.adapter.list_goals(bench.site) == ()


async def test_a_goal_of_another_site_is_not_deleted(bench: Bench) -> None:
    other = bench.twin.domain("other.example.com")
    theirs = bench.twin.account.new("goal", {"domain_id": other, "name": "x", "event_name": "x"})
    with pytest.raises(UnknownGoal):
        await bench.adapter.delete_goal(bench.site, theirs["id"])
    assert theirs["id"] in bench.twin.account.of("goal")


async def test_links_are_found_by_name_and_may_end(bench: Bench) -> None:
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    made = await bench.adapter.put_shared_link(bench.site, SharedLinkDraft(name="Board"))
    later = await bench.adapter.put_shared_link(bench.site, SharedLinkDraft(name="Board", expires_at=ends))
    assert (made.id, made.expires_at, later.expires_at) == (later.id, None, ends)
    (kept,) = await bench.adapter.list_shared_links(bench.site)
    assert kept.url == f"https://demo-example-com.pirsch.io/?access={bench.twin.account.find('link', made.id)['code']}"
    assert kept.expires_at == ends
    with pytest.raises(InvalidRequest, match="password"):
        await bench.adapter.put_shared_link(bench.site, SharedLinkDraft(name="Board", password="x"))
    await bench.adapter.delete_shared_link(bench.site, made.id)
    with pytest.raises(NotFound):
        await bench.adapter.delete_shared_link(bench.site, made.id)


async def test_guests_begin_as_viewers_and_may_become_editors(bench: Bench) -> None:
    editor = GuestDraft(email="eve@example.com", role=Role.EDITOR)
    assert (await bench.adapter.put_guest(bench.site, editor)).role is Role.VIEWER
    assert (await bench.adapter.put_guest(bench.site, editor)).status is GuestStatus.INVITED
    assert len(bench.twin.account.of("invitation")) == 1
    (invitation,) = bench.twin.account.of("invitation")
    await bench.adapter.client.call("POST", "invitation", json={"id": invitation})  # she accepts
    assert (await bench.adapter.put_guest(bench.site, editor)).role is Role.EDITOR
    (guest,) = await bench.adapter.list_guests(bench.site)
    assert (guest.role, guest.status) == (Role.EDITOR, GuestStatus.ACCEPTED)
    await bench.adapter.delete_guest(bench.site, "Eve@example.com")
    assert await bench.adapter.list_guests(bench.site) == ()
    with pytest.raises(NotFound):
        await bench.adapter.delete_guest(bench.site, "eve@example.com")


async def test_an_invitation_is_withdrawn(bench: Bench) -> None:
    await bench.adapter.put_guest(bench.site, GuestDraft(email="eve@example.com", role=Role.VIEWER))
    await bench.adapter.delete_guest(bench.site, "eve@example.com")
    assert bench.twin.account.of("invitation") == {}


async def test_organizations_are_teams(bench: Bench) -> None:
    assert await bench.adapter.list_teams() == ()
    made = bench.twin.account.new("organization", {"name": "Team"})
    assert [(t.id, t.name) for t in await bench.adapter.list_teams()] == [(made["id"], "Team")]


async def test_excluded_addresses_are_traffic_filters(bench: Bench) -> None:
    bench.twin.account.new("filter", {"domain_id": bench.site.ref, "type": "country", "filter": "xx"})
    wanted = SiteSettings(exclude=Exclusions(addresses=("203.0.113.9", "198.51.100.0/24")))
    assert await bench.adapter.put_settings(bench.site, wanted) == wanted
    writes = len([call for call in bench.twin.calls if call[0] != "GET"])
    assert await bench.adapter.put_settings(bench.site, wanted) == wanted
    assert len([call for call in bench.twin.calls if call[0] != "GET"]) == writes  # nothing to do
    assert await bench.adapter.put_settings(bench.site, SiteSettings()) == SiteSettings()
    assert [f["type"] for f in bench.twin.account.of("filter").values()] == ["country"]
    with pytest.raises(InvalidRequest):
        await bench.adapter.put_settings(bench.site, SiteSettings(retention_days=30))


async def test_the_present_is_five_minutes(bench: Bench) -> None:
    bench.twin.seed([view("17 11:54", "a"), view("17 11:56", "b"), view("17 11:59", "c")])
    assert await bench.adapter.realtime(bench.site) == 2
    answer = await bench.ask(metrics=["visitors"], date_range="realtime")
    assert (answer.rows, [r.code for r in answer.reasons]) == (((2,),), ["definition_differs"])


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("imported_visitors_20250101_20250131.csv", "date,visitors\n2025-01-01,3\n")
    return content.getvalue()


async def test_plausibles_export_is_uploaded_and_followed(bench: Bench, tmp_path: Path) -> None:
    spool = tmp_path / "export.zip"
    spool.write_bytes(archive())
    job = await bench.adapter.start_import(bench.site, "plausible", spool)
    (upload,) = bench.twin.account.uploads
    assert upload == ("import/plausible", {"domain": bench.site.ref}, archive())
    assert (await bench.adapter.get_import(bench.site, job.id)).status is JobStatus.RUNNING
    bench.twin.account.of("import").clear()  # the vendor is done
    done = await bench.adapter.get_import(bench.site, job.id, wait=True)
    assert (done.status, done.format) == (JobStatus.COMPLETED, "plausible")
    assert [found.id for found in await bench.adapter.list_imports(bench.site)] == [job.id]
    await bench.adapter.delete_import(bench.site, job.id)
    assert await bench.adapter.list_imports(bench.site) == ()


async def test_a_running_import_is_cancelled(bench: Bench, tmp_path: Path) -> None:
    spool = tmp_path / "export.zip"
    spool.write_bytes(archive())
    job = await bench.adapter.start_import(bench.site, "plausible", spool)
    await bench.adapter.delete_import(bench.site, job.id)
    assert bench.twin.account.of("import") == {}
    with pytest.raises(NotFound):
        await bench.adapter.get_import(bench.site, job.id)
    with pytest.raises(NotFound, match="ndjson"):
        await bench.adapter.start_import(bench.site, "ndjson", spool)


async def test_statistics_leave_as_a_zip(bench: Bench) -> None:
    bench.twin.seed([view("01 10:00", "a")])
    chunks = [c async for c in bench.adapter.export(bench.site, "csv", date(2026, 6, 1), date(2026, 6, 1))]
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as found:
        assert found.read("visitors.csv").decode().splitlines() == ["day,visitors,views", "2026-06-01T00:00:00Z,1,1"]
    flags = dict(bench.twin.queries[-1][1])
    assert (flags["visitors"], flags["hostname"], flags["from"]) == ("true", "true", "2026-06-01")
