"""Calls only Pirsch has: typed, aimed at the site, every endpoint of the seed within reach, toggles made idempotent."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.base import VendorCall
from adapters.pirsch.vendor.calls import ROUTES, VENDOR_CALLS
from models.errors import InvalidRequest
from tests.unit_adapters.pirsch.wiring import Bench, view

ENDPOINTS = json.loads((Path(__file__).parents[3] / "fixtures/pirsch/endpoints.json").read_text("utf-8"))
CANONICAL_ONLY = {
    "POST /api/v1/token", "POST /api/v1/hit", "POST /api/v1/hit/batch", "POST /api/v1/event",
    "POST /api/v1/event/batch", "POST /api/v1/session", "POST /api/v1/session/batch", "POST /api/v1/domain",
    "DELETE /api/v1/domain",
}  # fmt: skip
"""The token, traffic, and making or deleting a site: never a vendor call."""


def named(name: str) -> VendorCall:
    return ROUTES[name].call


async def call(bench: Bench, name: str, query: dict[str, Any] | None = None, body: dict[str, Any] | None = None) -> Any:
    """The call as the gateway makes it: the caller's JSON through the call's own models."""
    found = named(name)
    asked = found.query.model_validate(query or {}) if found.query else None
    sent = found.body.model_validate(body or {}) if found.body else None
    return await bench.adapter.call_vendor(bench.site, found, asked, sent)


def test_no_endpoint_of_the_seed_is_out_of_reach() -> None:
    reached = {f"{route.call.method} /api/v1/{route.path}" for route in ROUTES.values()}
    seed = {f"{e['method']} {e['path']}" for e in ENDPOINTS if e["seed"]}
    assert seed - reached - CANONICAL_ONLY == set()
    assert CANONICAL_ONLY & reached == set()


def test_names_are_unique_and_titles_are_there() -> None:
    assert len({c.name for c in VENDOR_CALLS}) == len(VENDOR_CALLS)
    assert all(c.title and c.see for c in VENDOR_CALLS)


def test_calls_that_change_something_say_so() -> None:
    reading = {c.name for c in VENDOR_CALLS if c.method != "GET" and not c.writes}
    assert reading == {"test_goal_regex"}
    assert not any(c.writes for c in VENDOR_CALLS if c.method == "GET")


@pytest.mark.parametrize("given", [{"name": "F", "steps": [], "domain_id": "other"}, {"name": "F"}, {"steps": "no"}])
def test_the_site_and_unknown_fields_are_not_the_callers_choice(given: dict[str, Any]) -> None:
    model = named("save_funnel").body
    assert model is not None
    with pytest.raises(ValidationError):
        model.model_validate(given)


async def test_a_toggle_is_set_and_set_again_without_turning_back(bench: Bench) -> None:
    for name, field in (
        ("set_public", "public"), ("set_scripts_disabled", "disable_scripts"), ("set_group_by_title", "group_by_title"),
    ):  # fmt: skip
        assert await call(bench, name, body={"enabled": True}) == {"enabled": True, "changed": True}
        assert await call(bench, name, body={"enabled": True}) == {"enabled": True, "changed": False}
        assert bench.twin.account.find("domain", bench.site.ref)[field] is True
        assert await call(bench, name, body={"enabled": False}) == {"enabled": False, "changed": True}
        assert bench.twin.account.find("domain", bench.site.ref)[field] is False


async def test_a_funnel_is_defined_and_read(bench: Bench) -> None:
    bench.twin.seed([view("01 10:00", "a"), view("01 10:01", "a", "/pricing"), view("01 11:00", "b")])
    steps = [{"name": "Home", "filter": {"path": ["/"]}}, {"name": "Pricing", "filter": {"path": ["/pricing"]}}]
    made = await call(bench, "save_funnel", body={"name": "F", "steps": steps})
    found = await call(
        bench, "stats_funnel", {"funnel_id": made["id"], "from": "2026-06-01", "to": "2026-06-07", "tz": "Etc/UTC"}
    )
    assert [(s["step"], s["visitors"], s["dropped"]) for s in found["data"]] == [(1, 2, 0), (2, 1, 1)]
    assert await call(bench, "funnels", {"search": "F"}) == [made]
    await call(bench, "delete_funnel", {"id": made["id"]})
    assert await call(bench, "funnels") is None


async def test_filters_of_statistics_are_spelled_as_the_vendor_does(bench: Bench) -> None:
    bench.twin.seed([view("01 10:00", "a")])
    asked = {"from": "2026-06-01", "to": "2026-06-01", "path": ["/", "/x"], "meta": {"plan": "pro"}, "limit": 5}
    await call(bench, "stats_page", asked)
    path, pairs = bench.twin.queries[-1]
    assert path == "page"
    assert sorted(pairs) == sorted(
        [("id", bench.site.ref), ("from", "2026-06-01"), ("to", "2026-06-01"), ("path", "/"), ("path", "/x"),
         ("meta_plan", "pro"), ("limit", "5")]
    )  # fmt: skip


async def test_files_are_sent_as_base64_and_come_back_as_bytes(bench: Bench) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("Browser.csv", "x")
    job = await call(bench, "import_fathom", body={"zip_base64": base64.b64encode(content.getvalue()).decode()})
    assert (job["type"], job["domain_id"]) == ("fathom", bench.site.ref)
    assert bench.twin.account.uploads[0][2] == content.getvalue()
    with pytest.raises(InvalidRequest, match="base64"):
        await call(bench, "import_plausible", body={"zip_base64": "no base64!"})
    exported = await call(bench, "export_csv", {"from": "2026-06-01", "to": "2026-06-01", "visitors": True})
    assert zipfile.is_zipfile(io.BytesIO(exported))


CRUD = [
    ("save_webhook", {"event": "Buy", "endpoint": "https://example.com/hook"}, "webhooks", "delete_webhook"),
    ("save_view", {"name": "V", "path": ["/"]}, "views", "delete_view"),
    ("save_traffic_filter", {"type": "ip", "filter": "203.0.113.1"}, "traffic_filters", "delete_traffic_filter"),
    ("create_alternative_domain", {"hostname": "b.example"}, "alternative_domains", "delete_alternative_domain"),
    ("create_access_link", {"description": "L"}, "access_links", "delete_access_link"),
    ("create_goal", {"name": "G", "path_pattern": "/a/*"}, "goals", "delete_goal"),
    ("create_client", {"type": "oauth", "description": "C"}, "clients", "delete_client"),
    ("create_organization", {"name": "O"}, "organizations", "delete_organization"),
    ("save_theme", {"name": "T", "settings": {"a": "b"}}, "themes", "delete_theme"),
]


@pytest.mark.parametrize(("create", "body", "listing", "delete"), CRUD)
async def test_things_of_the_vendor_come_and_go(
    bench: Bench, create: str, body: dict[str, Any], listing: str, delete: str
) -> None:
    made = await call(bench, create, body=body)
    assert made["id"] in [thing["id"] for thing in await call(bench, listing)]
    await call(bench, delete, {"id": made["id"]})
    assert await call(bench, listing) is None


SETTINGS = [
    ("set_hostname", {"hostname": "new.example"}, "hostname", "new.example"),
    ("set_subdomain", {"subdomain": "fresh"}, "subdomain", "fresh"),
    ("set_timezone", {"timezone": "Asia/Tokyo"}, "timezone", "Asia/Tokyo"),
    ("set_active_seconds", {"time": 300}, "active_visitors_seconds", 300),
    ("set_metadata", {"metadata": {"a": [1]}}, "metadata", {"a": [1]}),
    ("set_custom_domain", {"hostname": "stats.example"}, "custom_domain", "stats.example"),
    ("set_traffic_spike", {"threshold": 9}, "traffic_spike_threshold", 9),
    ("set_traffic_warning", {"threshold": 3}, "traffic_warning_threshold_days", 3),
    ("set_base_theme", {"theme_id": "t1"}, "theme_id", "t1"),
    ("set_theme_settings", {"settings": {"a": "b"}}, "theme_settings", {"a": "b"}),
    ("toggle_noindex", {}, "noindex", True),
    ("toggle_traffic_spike", {}, "traffic_spike", True),
    ("toggle_traffic_warning", {}, "traffic_warning", True),
]


@pytest.mark.parametrize(("name", "body", "field", "value"), SETTINGS)
async def test_settings_of_the_dashboard_change(
    bench: Bench, name: str, body: dict[str, Any], field: str, value: Any
) -> None:
    await call(bench, name, body=body)
    assert bench.twin.account.find("domain", bench.site.ref)[field] == value


async def test_everything_else_arrives_as_documented(bench: Bench) -> None:
    """The twin refuses a parameter or field that the vendor does not document."""
    team = (await call(bench, "create_organization", body={"name": "O"}))["id"]
    period = {"from": "2026-06-01", "to": "2026-06-07"}
    done = [
        await call(bench, name, query, body)
        for name, query, body in (
            ("domain", None, None), ("favorite", None, None), ("pin", None, None),
            ("toggle_active_in_title", None, None), ("toggle_full_width", None, None),
            ("reset_identification_code", None, None), ("custom_domain_exists", {"domain": "x.example"}, None),
            ("members", None, None), ("invitations", None, None),
            ("invite_members", None, {"emails": ["a@example.com"]}),
            ("snippet", {"type": "event"}, None), ("set_snippet", None, {"type": "page view", "dev": True}),
            ("create_reports", None, {"emails": ["a@example.com"], "interval": 1}), ("reports", None, None),
            ("test_goal_regex", None, {"regex": "^/a", "sample": "/a"}),
            ("rename_organization", None, {"id": team, "name": "P"}), ("join_organization", None, {"id": team}),
            ("organization_domains", {"id": team}, None), ("leave_organization", {"id": team}, None),
            ("set_organization_theme", None, {"organization_id": team, "theme_id": "t"}),
            ("add_auto_join", None, {"id": team, "auto_join": ["example.com"]}),
            ("remove_auto_join", {"id": team, "auto_join": "example.com"}, None),
            ("delete_theme_file", {"file": "favicon"}, None), ("google_profiles", None, None),
            ("import_google", None, {"property": "1", **period}), ("google_import_job", None, None),
            ("cancel_google_import", None, None), ("import_job", None, None), ("usage", None, None),
            ("delete_statistics", None, {"kind": "events", **period}),
            *((f"stats_{n}", period, None) for n in ("total", "growth", "overview")),
            *((f"stats_{n}", period, None) for n in ("weekdays", "goals", "session_list")),
            *((f"options_{n}", period, None) for n in ("page", "utm_source", "referrer_name")),
            ("options_tag_value", {**period, "tag": "author"}, None),
        )
    ]  # fmt: skip
    assert len(done) == 40
    assert bench.twin.account.deleted == [{"id": bench.site.ref, "kind": "events", **period}]
    assert bench.twin.account.user["favorite"] == bench.site.ref
