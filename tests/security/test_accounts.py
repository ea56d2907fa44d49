"""Keys that change and end, quotas that hold, use that is billed: also with two servers on one data directory."""

import asyncio
import csv
import io
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.serve import serve_in_thread
from gateway.access.keyring import OPERATING
from gateway.app import build
from gateway.catalog.usage import Quotas
from gateway.settings import Settings
from gateway.tenancy import SiteRecord
from models.errors import QuotaExceeded
from models.event import Event, Received
from models.site import SiteDraft
from tests.api.conftest import NOW, Api, client, new_owner, new_site
from tests.serving import Served, serve

QUERY = {"metrics": ["visitors"], "date_range": "7d"}
EVENT = {"name": "pageview", "visitor": "a", "path": "/"}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
REVOKED_SECONDS = 5.0


def tenant_of(owner: Api) -> str:
    return str(owner.ok("GET", "/v1/tenants")["tenants"][0]["id"])


def test_a_rotated_key_takes_over_and_the_old_one_ends_at_once(owner: Api) -> None:
    body = {"name": "k", "scopes": ["read"], "sites": [new_site(owner)]}
    old = owner.ok("POST", "/v1/keys", body)
    new = owner.ok("POST", f"/v1/keys/{old['id']}/rotate")
    assert new["key"] != old["key"]
    assert {n: new[n] for n in ("name", "scopes", "sites")} == {n: old[n] for n in ("name", "scopes", "sites")}
    owner.with_key(new["key"]).ok("GET", "/v1/sites")
    owner.with_key(old["key"]).problem(401, "GET", "/v1/sites")
    owner.problem(409, "POST", f"/v1/keys/{old['id']}/rotate")
    assert owner.ok("GET", "/v1/audit")["audit"][0]["action"] == "key.rotate"


def test_a_rotated_key_may_be_given_time_to_be_replaced(owner: Api) -> None:
    old = owner.ok("POST", "/v1/keys", {"name": "k", "scopes": ["read"]})
    owner.ok("POST", f"/v1/keys/{old['id']}/rotate?grace_seconds=3600")
    owner.with_key(old["key"]).ok("GET", "/v1/sites")
    kept = next(k for k in owner.ok("GET", "/v1/keys")["keys"] if k["id"] == old["id"])
    assert kept["expires_at"] == "2026-06-17T13:00:00Z"
    owner.problem(400, "POST", f"/v1/keys/{old['id']}/rotate?grace_seconds=-1")


def test_the_last_use_of_a_key_is_shown(owner: Api) -> None:
    made = owner.ok("POST", "/v1/keys", {"name": "k", "scopes": ["read"]})
    assert made["last_used_at"] is None
    owner.with_key(made["key"]).ok("GET", "/v1/sites")
    kept = next(k for k in owner.ok("GET", "/v1/keys")["keys"] if k["id"] == made["id"])
    assert kept["last_used_at"] == NOW


def test_a_quota_of_sites_is_refused_by_its_name(platform: Api, owner: Api) -> None:
    platform.ok("PUT", f"/v1/tenants/{tenant_of(owner)}/quotas", {"sites": 1})
    kept = new_site(owner)
    document = owner.problem(402, "POST", "/v1/sites", {"domain": "one-too-many.example.com"})
    assert (document["code"], document["quota"], document["limit"]) == ("quota_exceeded", "sites", 1)
    owner.ok("DELETE", f"/v1/sites/{kept}")
    new_site(owner)


def test_a_quota_of_events_drops_what_trackers_send_and_says_so(platform: Api, owner: Api, site: str) -> None:
    platform.ok("PUT", f"/v1/tenants/{tenant_of(owner)}/quotas", {"events_per_month": 2})
    owner.ok("POST", f"/v1/sites/{site}/events", EVENT)
    document = owner.problem(402, "POST", f"/v1/sites/{site}/events", [EVENT, EVENT])
    assert document["quota"] == "events_per_month"
    said = []
    for _ in range(2):
        payload = {"n": "pageview", "u": f"https://{site}/a", "d": site}
        answer = client().post(f"{owner.base}/api/event", json=payload, headers={"User-Agent": BROWSER})
        assert answer.status_code == 202
        said.append(answer.headers.get("x-tallyway-dropped"))
    assert said == [None, "quota_exceeded"]
    owner.problem(402, "POST", f"/v1/sites/{site}/imports?format=ndjson")


@pytest.mark.parametrize("way", ["server", "tracker", "trackers"])
async def test_events_side_by_side_share_what_is_left_of_a_quota(tmp_path: Path, way: str) -> None:
    """All are let in before the first one is on disk, where it is counted."""
    services = build(Settings(data=tmp_path))
    tenant, ingest = OPERATING.tenant, services.ingest
    event = Event(name="pageview", time=Settings().clock(), url="https://quota.example.com/")
    browser = Received("198.51.100.7", BROWSER)

    async def sent(record: SiteRecord) -> int:
        """How many were taken of three."""
        match way:
            case "server":
                try:
                    return (await ingest.send(record, [EVENT] * 3)).accepted
                except QuotaExceeded:
                    return 0
            case "tracker":
                return (await ingest.collect(record, [event] * 3, browser)).count(None)
            case _:
                return (await ingest.track_all(record.site.domain, [(event, browser)] * 3)).count(None)

    try:
        record = await services.site_changes.create(OPERATING, SiteDraft(domain="quota.example.com"))
        await services.meter.set_quotas(services.catalog, tenant.id, Quotas(events_per_month=10))
        await services.meter.room(tenant.id)
        taken = await asyncio.gather(*(sent(record) for _ in range(8)))
        assert sum(taken) == (10 if way == "trackers" else 9)
        assert await services.meter.room(tenant.id) == 10 - sum(taken), "nothing is held any longer"
    finally:
        await services.close()


def test_sites_made_side_by_side_share_what_is_left_of_a_quota(platform: Api, owner: Api) -> None:
    platform.ok("PUT", f"/v1/tenants/{tenant_of(owner)}/quotas", {"sites": 2})
    drafts = [{"domain": f"{n}.{tenant_of(owner).replace('_', '-')}.example.com"} for n in range(16)]
    with ThreadPoolExecutor(16) as side_by_side:
        made = list(side_by_side.map(lambda draft: owner.send("POST", "/v1/sites", json=draft).status_code, drafts))
    assert (made.count(201), made.count(402)) == (2, 14)


def test_a_quota_of_events_holds_for_those_that_come_at_once(platform: Api, owner: Api) -> None:
    """Sixty browsers on four sites, before any of them has an answer."""
    sites, most, senders = [new_site(owner) for _ in range(4)], 20, 60
    platform.ok("PUT", f"/v1/tenants/{tenant_of(owner)}/quotas", {"events_per_month": most})
    place = urlsplit(owner.base)
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection((place.hostname or "", place.port or 0), timeout=100))
            for _ in range(senders)
        ]
        for number, line in enumerate(lines):
            event = {"n": "pageview", "u": f"https://x.example/{number}", "d": sites[number % len(sites)]}
            body = json.dumps(event)
            head = f"POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: {BROWSER}\r\nContent-Length: {len(body)}\r\n"
            line.sendall(f"{head}\r\n{body}".encode())
        answers = [line.recv(65536) for line in lines]
    assert all(b" 202 " in answer for answer in answers)
    assert sum(b"quota_exceeded" not in answer for answer in answers) == most
    assert sum(row["events"] for row in owner.ok("GET", "/v1/usage")["usage"]) == most


def test_a_quota_of_calls_says_when_to_come_back(platform: Api, owner: Api) -> None:
    path = f"/v1/tenants/{tenant_of(owner)}/quotas"
    platform.ok("PUT", path, {"api_calls_per_hour": 3})
    statuses = [owner.send("GET", "/v1/sites").status_code for _ in range(3)]
    assert 402 in statuses  # the call that asked for the tenant counts as well
    refused = owner.send("GET", "/v1/sites")
    assert (refused.status_code, refused.headers["retry-after"]) == (402, "3600")
    platform.ok("PUT", path, {})
    owner.ok("GET", "/v1/sites")


def test_quotas_are_set_by_the_platform_only_and_read_by_their_tenant(platform: Api, owner: Api) -> None:
    path = f"/v1/tenants/{tenant_of(owner)}/quotas"
    owner.problem(403, "PUT", path, {"sites": 9})
    platform.ok("PUT", path, {"sites": 9})
    assert owner.ok("GET", path)["sites"] == 9
    new_owner(platform).problem(404, "GET", path)
    platform.problem(404, "PUT", "/v1/tenants/nobody/quotas", {})
    platform.problem(400, "PUT", path, {"sites": -1, "colour": 1})


def test_use_is_counted_by_site_and_exported(platform: Api, owner: Api) -> None:
    store = TwinStore()
    store.add_key("vendor-key")
    store.add_site("billed.example.com")
    local = new_site(owner)
    owner.ok("POST", f"/v1/sites/{local}/events", [EVENT, EVENT])
    with serve_in_thread(plausible_twin(store)) as base:
        body = {"backend": "plausible", "options": {"base_url": base}, "credential": {"api_key": "vendor-key"}}
        connection = owner.ok("POST", "/v1/connections", body)["id"]
        owner.ok("POST", f"/v1/connections/{connection}/sync")
        before = len(store.requests)
        for _ in range(3):
            owner.ok("POST", "/v1/query", {"site": "billed.example.com", **QUERY})
        asked = len(store.requests) - before
    found = {row["domain"]: row for row in owner.ok("GET", "/v1/usage")["usage"]}
    assert {row["month"] for row in found.values()} == {"2026-06"}
    assert (found[local]["events"], found[local]["api_calls"], found[local]["vendor_calls"]) == (2, 1, 0)
    billed = found["billed.example.com"]
    assert (billed["events"], billed["api_calls"], billed["vendor_calls"]) == (0, 3, asked)
    assert asked >= 1
    assert found[""]["vendor_calls"] == before
    text = owner.send("GET", "/v1/usage?format=csv")
    assert text.headers["content-type"].startswith("text/csv")
    rows = {row["domain"]: row for row in csv.DictReader(io.StringIO(text.text))}
    assert (rows[local]["events"], rows["billed.example.com"]["api_calls"]) == ("2", "3")
    tenants = {row["tenant"] for row in platform.ok("GET", "/v1/usage")["usage"]}
    assert {tenant_of(owner), "default"} <= tenants
    assert owner.ok("GET", "/v1/usage?first=2026-01&last=2026-05")["usage"] == []
    refused = owner.problem(400, "GET", "/v1/usage?first=2026-05&last=2026-01")
    assert [problem["field"] for problem in refused["problems"]] == ["first"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    folder = tmp_path_factory.mktemp("pair")
    with serve(folder) as running:
        yield running, folder


def test_a_key_revoked_by_another_process_ends_within_five_seconds(pair: tuple[Served, Path]) -> None:
    """The second process is the catalog itself, opened beside the server as the command line does."""
    from gateway.catalog import Catalog
    from gateway.catalog import keys as rows
    from gateway.settings import Settings
    from gateway.tenancy import DEFAULT_TENANT, Tenant

    served, folder = pair
    platform = Api(served.base, served.key)
    made = platform.ok("POST", "/v1/keys", {"name": "short", "scopes": ["read"]})
    short = platform.with_key(made["key"])
    short.ok("GET", "/v1/sites")
    beside = Catalog(folder / "data")
    try:
        beside.run_now(rows.revoke, Tenant(DEFAULT_TENANT), made["id"], Settings().clock())
    finally:
        beside.close()
    revoked = asked = time.monotonic()
    while short.send("GET", "/v1/sites").status_code == 200:
        assert asked - revoked <= REVOKED_SECONDS  # who asks later is refused, however long that takes
        time.sleep(0.1)
        asked = time.monotonic()
    short.problem(401, "GET", "/v1/sites")


def test_a_tenants_admin_cannot_end_or_take_over_an_administrator_of_the_installation(
    pair: tuple[Served, Path],
) -> None:
    """Their keys lie in a tenant, the default one, whose own administrators see them."""
    from gateway.catalog import Catalog
    from gateway.catalog import keys as rows
    from gateway.settings import Settings
    from gateway.tenancy import DEFAULT_TENANT, KeyScope, Tenant

    served, folder = pair
    above, beside = Api(served.base, served.key), Catalog(folder / "data")
    try:
        made, key = beside.run_now(
            rows.create,
            Tenant(DEFAULT_TENANT),
            name="k",
            scopes=[KeyScope.ADMIN],
            now=Settings().clock(),
            platform=True,
        )
    finally:
        beside.close()
    admin = above.with_key(above.ok("POST", "/v1/keys", {"name": "a", "scopes": ["admin"]})["key"])
    admin.problem(403, "DELETE", f"/v1/keys/{made.id}")
    admin.problem(403, "POST", f"/v1/keys/{made.id}/rotate")
    assert above.with_key(key).ok("GET", "/v1/tenants")["tenants"]
    above.ok("DELETE", f"/v1/keys/{made.id}")
    above.with_key(key).problem(401, "GET", "/v1/tenants")


def test_what_was_counted_survives_a_restart(tmp_path: Path) -> None:
    with serve(tmp_path, NOW=NOW) as served:
        platform = Api(served.base, served.key)
        site = new_site(platform)
        platform.ok("POST", f"/v1/sites/{site}/events", [EVENT] * 3)
    with serve(tmp_path, NOW=NOW) as served:
        rows = Api(served.base, served.key).ok("GET", "/v1/usage")["usage"]
    assert {row["domain"]: row["events"] for row in rows}[site] == 3
