"""Every change leaves its row in the audit log: who, what, to which thing, with something before and after it.

The routes come from the tables of our own API and of the facades, so that no new one is missed.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest

from adapters.base import VendorCall
from gateway.catalog import Catalog
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.catalog.text import written
from gateway.http.facades.pirsch import routes as pirsch
from gateway.http.facades.plausible import routes as plausible
from gateway.http.routes import ENDPOINTS
from gateway.manage.passthrough import Passthrough
from gateway.settings import Settings
from gateway.tenancy import DEFAULT_TENANT, Caller, KeyScope, SiteRecord, Tenant
from models.errors import AlreadyExists, CircuitOpen, RefusedByBackend, TimedOut
from tests.api.conftest import Api, client, new_owner, new_site
from tests.api.held import held_vendor
from tests.unit_gateway.tables import declared, record

HOME = ["is", "page", ["/"]]
EVENTS = b'{"name":"pageview","time":"2026-06-15T10:00:00Z","visitor":"a","path":"/"}\n'
STEPS = [{"name": name, "filter": {"path": [path]}} for name, path in (("home", "/"), ("buy", "/buy"))]
PLACE = re.compile(r"\{(\w+)\}")
Row = tuple[str, bool, bool]
"""An action, and whether there is something before and after it."""


@dataclass
class Ground:
    """A tenant with a site. What a request needs is made when its name is first met."""

    platform: Api
    owner: Api
    site: str
    made: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        if name not in self.made:
            self.made[name] = str(MAKERS[name](self))
        return self.made[name]

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self.owner.ok(method, path, body, **more)

    def filled(self, value: Any) -> Any:
        """The value with every `{name}` replaced by what it names."""
        match value:
            case str():
                return PLACE.sub(lambda found: self[found[1]], value)
            case dict():
                return {k: self.filled(v) for k, v in value.items()}
            case list():
                return [self.filled(v) for v in value]
            case _:
                return value

    def pirsch(self) -> Api:
        """A client of the Pirsch-shaped API that may do what a client can."""
        scopes = ["read", "ingest", "manage_sites", "manage_goals"]
        body = {"scopes": scopes, "all_sites": True}
        made = self.ok("POST", f"/v1/sites/{self.site}/pirsch-clients", body)
        wanted = {name: made[name] for name in ("client_id", "client_secret")}
        token = client().post(f"{self.owner.base}/pirsch/api/v1/token", json=wanted).json()["access_token"]
        return self.owner.with_key(token)

    def rows(self) -> list[dict[str, Any]]:
        """The audit log, the oldest first."""
        return list(reversed(self.ok("GET", "/v1/audit?limit=1000")["audit"]))


def _base(g: Ground) -> str:
    return f"/v1/sites/{g.site}"


P = "/pirsch/api/v1"
CONNECTION = {"backend": "plausible", "options": {"base_url": "http://127.0.0.1:9"}, "credential": {"api_key": "k"}}
GUEST = {"email": "g@example.com", "role": "viewer"}
PIRSCH_GOAL = {"domain_id": "{site_id}", "name": "Sale", "event_name": "Sale"}
PIRSCH_FUNNEL = {"domain_id": "{site_id}", "name": "Sales", "steps": STEPS}
PIRSCH_FILTER = {"domain_id": "{site_id}", "type": "ip", "filter": "203.0.113.7"}
PIRSCH_VIEW = {"domain_id": "{site_id}", "name": "Germans", "country": ["de"]}
PIRSCH_LINK = {"domain_id": "{site_id}", "description": "For Jo"}

MAKERS: Mapping[str, Callable[[Ground], Any]] = MappingProxyType(
    {
        "site": lambda g: g.site,
        "site_id": lambda g: g.ok("GET", _base(g))["id"],
        "tenant": lambda g: g.ok("GET", "/v1/tenants")["tenants"][0]["id"],
        "connection": lambda g: g.ok("POST", "/v1/connections", CONNECTION)["id"],
        "key": lambda g: g.ok("POST", "/v1/keys", {"name": "k", "scopes": ["read"]})["id"],
        "goal": lambda g: g.ok("PUT", _base(g) + "/goals", {"event_name": "Signup"})["id"],
        "link": lambda g: g.ok("PUT", _base(g) + "/shared-links", {"name": "l"})["id"],
        "team": lambda g: g.ok("POST", "/v1/teams", {"name": "t"})["id"],
        "segment": lambda g: g.ok("POST", _base(g) + "/segments", {"name": "s", "filters": [HOME]})["id"],
        "client": lambda g: g.ok("POST", _base(g) + "/pirsch-clients", {})["client_id"],
        "job": lambda g: g.ok("POST", _base(g) + "/imports?format=ndjson&wait=true", content=EVENTS)["id"],
        "property": lambda g: g.ok("PUT", _base(g) + "/custom-props", {"property": "plan"})["property"],
        "email": lambda g: g.ok("PUT", _base(g) + "/guests", GUEST)["email"],
        "token": lambda g: g.ok("PUT", _base(g) + "/guests", GUEST)["invitation_url"].rpartition("/")[2],
        "pirsch_goal": lambda g: g.pirsch().ok("POST", P + "/goal", g.filled(PIRSCH_GOAL))["id"],
        "pirsch_funnel": lambda g: g.pirsch().ok("POST", P + "/funnel", g.filled(PIRSCH_FUNNEL))["id"],
        "pirsch_filter": lambda g: g.pirsch().ok("POST", P + "/filter", g.filled(PIRSCH_FILTER))["id"],
        "pirsch_view": lambda g: g.pirsch().ok("POST", P + "/view", g.filled(PIRSCH_VIEW))["id"],
        "pirsch_link": lambda g: g.pirsch().ok("POST", P + "/domain/link", g.filled(PIRSCH_LINK))["id"],
        "pirsch_invitation": lambda g: invited(g),
        "pirsch_member": lambda g: member(g),
    }
)


def invited(g: Ground) -> str:
    """The open invitation as the Pirsch-shaped API lists it."""
    assert g["email"]
    return str(g.pirsch().ok("GET", g.filled(P + "/invitation?domain_id={site_id}"))[0]["id"])


def member(g: Ground) -> str:
    accepted(g)
    return str(g.pirsch().ok("GET", g.filled(P + "/member?id={site_id}"))[0]["id"])


def accepted(g: Ground) -> None:
    client().post(f"{g.owner.base}/invitations/{g['token']}")


@dataclass(frozen=True)
class Change:
    """A good request, and the rows that it leaves. `about` is part of every row's object."""

    path: str
    rows: tuple[Row, ...]
    body: Any = None
    about: str = "{site_id}"
    content: bytes | None = None


def made(action: str) -> tuple[Row, ...]:
    return ((action, False, True),)


def changed(action: str) -> tuple[Row, ...]:
    return ((action, True, True),)


def gone(action: str) -> tuple[Row, ...]:
    return ((action, True, False),)


SITE = "/v1/sites/{site}"
NEW = {"domain": "new-{site}"}
OURS: Mapping[str, Change] = MappingProxyType(
    {
        "create_key": Change("/v1/keys", made("key.create"), {"name": "k", "scopes": ["read"]}, "key_"),
        "revoke_key": Change("/v1/keys/{key}", gone("key.revoke"), about="{key}"),
        "rotate_key": Change("/v1/keys/{key}/rotate", changed("key.rotate"), about="{key}"),
        "create_connection": Change("/v1/connections", made("connection.create"), CONNECTION, "con"),
        "change_connection": Change(
            "/v1/connections/{connection}", changed("connection.change"), {"name": "b"}, "{connection}"
        ),
        "delete_connection": Change("/v1/connections/{connection}", gone("connection.delete"), about="{connection}"),
        "create_site": Change("/v1/sites", made("site.create"), NEW, "site_"),
        "change_site": Change(SITE, changed("site.change"), {"name": "b"}),
        "delete_site": Change(SITE, gone("site.delete")),
        "put_goal": Change(SITE + "/goals", made("goal.put"), {"event_name": "Sale"}),
        "delete_goal": Change(SITE + "/goals/{goal}", gone("goal.delete"), about="{site_id}/{goal}"),
        "put_shared_link": Change(SITE + "/shared-links", made("shared_link.put"), {"name": "m"}, "{site_id}/m"),
        "delete_shared_link": Change(
            SITE + "/shared-links/{link}", gone("shared_link.delete"), about="{site_id}/{link}"
        ),
        "put_guest": Change(SITE + "/guests", made("guest.put"), GUEST),
        "delete_guest": Change(SITE + "/guests/{email}", gone("guest.delete")),
        "put_custom_prop": Change(SITE + "/custom-props", made("custom_prop.put"), {"property": "a"}, "{site_id}/a"),
        "delete_custom_prop": Change(SITE + "/custom-props/{property}", gone("custom_prop.delete")),
        "put_settings": Change(SITE + "/settings", changed("settings.put"), {"exclude": {"countries": ["DE"]}}),
        "create_segment": Change(SITE + "/segments", made("segment.create"), {"name": "a", "filters": [HOME]}, "seg_"),
        "change_segment": Change(SITE + "/segments/{segment}", changed("segment.change"), {"name": "b"}, "{segment}"),
        "delete_segment": Change(SITE + "/segments/{segment}", gone("segment.delete"), about="{segment}"),
        "create_pirsch_client": Change(SITE + "/pirsch-clients", made("client.create"), {}, ""),
        "delete_pirsch_client": Change(SITE + "/pirsch-clients/{client}", gone("client.delete"), about="{client}"),
        "start_import": Change(SITE + "/imports?format=ndjson&wait=true", made("import.start"), content=EVENTS),
        "delete_import": Change(SITE + "/imports/{job}", gone("import.delete"), about="{site_id}/{job}"),
        "create_team": Change("/v1/teams", made("team.create"), {"name": "a"}, ""),
        "delete_team": Change("/v1/teams/{team}", gone("team.delete"), about="{team}"),
    }
)
"""Changes by a tenant's administrator, by operation."""
ELSEWHERE = frozenset(
    {"create_tenant", "put_quotas", "backup", "sync_connection", "accept", "call_vendor"}
)  # fmt: skip
"""Operations with a test of their own below."""
NO_CHANGE = frozenset({"post_query", "plan_query", "check_connection", "track", "send_events", "preflight", "unlock"})
"""Questions, and visits, which are not administration."""

S1 = "/plausible/api/v1"
CONFIGURED = {"tracker_script_configuration": {"outbound_links": True}}
PLAUSIBLE: Mapping[tuple[str, str], Change] = MappingProxyType(
    {
        ("POST", "/sites"): Change(S1 + "/sites", made("site.create"), NEW, "site_"),
        ("PUT", "/sites/goals"): Change(
            S1 + "/sites/goals", made("goal.put"), {"site_id": "{site}", "goal_type": "event", "event_name": "A"}
        ),
        ("POST", "/sites/goals"): Change(
            S1 + "/sites/goals", made("goal.put"), {"site_id": "{site}", "goal_type": "event", "event_name": "A"}
        ),
        ("DELETE", "/sites/goals/{goal_id}"): Change(
            S1 + "/sites/goals/{goal}", gone("goal.delete"), {"site_id": "{site}"}
        ),
        ("PUT", "/sites/custom-props"): Change(
            S1 + "/sites/custom-props", made("custom_prop.put"), {"site_id": "{site}", "property": "a"}
        ),
        ("DELETE", "/sites/custom-props/{property:path}"): Change(
            S1 + "/sites/custom-props/{property}", gone("custom_prop.delete"), {"site_id": "{site}"}
        ),
        ("PUT", "/sites/shared-links"): Change(
            S1 + "/sites/shared-links", made("shared_link.put"), {"site_id": "{site}", "name": "m"}
        ),
        ("PUT", "/shared-links/{name:path}"): Change(
            S1 + "/shared-links/m", made("shared_link.put"), {"site_id": "{site}"}
        ),
        ("PUT", "/sites/guests"): Change(S1 + "/sites/guests", made("guest.put"), {"site_id": "{site}", **GUEST}),
        ("DELETE", "/sites/guests/{email}"): Change(
            S1 + "/sites/guests/{email}", gone("guest.delete"), {"site_id": "{site}"}
        ),
        ("PUT", "/sites/{site_id:path}"): Change(
            S1 + "/sites/{site}", made("tracker_script_configuration"), CONFIGURED
        ),
        ("DELETE", "/sites/{site_id:path}"): Change(S1 + "/sites/{site}", gone("site.delete")),
    }
)
PIRSCH: Mapping[tuple[str, str], Change] = MappingProxyType(
    {
        ("POST", "/domain"): Change(
            P + "/domain",
            made("site.create"),
            {"hostname": "new-{site}", "subdomain": "x", "timezone": "UTC"},
            "site_",
        ),
        ("PUT", "/domain"): Change(P + "/domain", changed("client.renew_code"), {"id": "{site_id}"}),
        ("DELETE", "/domain"): Change(P + "/domain?id={site_id}", gone("site.delete")),
        ("POST", "/domain/hostname"): Change(
            P + "/domain/hostname", changed("site.change"), {"domain_id": "{site_id}", "hostname": "new-{site}"}
        ),
        ("POST", "/domain/timezone"): Change(
            P + "/domain/timezone", changed("site.change"), {"domain_id": "{site_id}", "timezone": "UTC"}
        ),
        ("POST", "/domain/name"): Change(
            P + "/domain/name", changed("site.change"), {"domain_id": "{site_id}", "name": "b"}
        ),
        ("POST", "/domain/link"): Change(P + "/domain/link", made("shared_link.put"), PIRSCH_LINK),
        ("DELETE", "/domain/link"): Change(P + "/domain/link?id={pirsch_link}", gone("shared_link.delete")),
        ("POST", "/member"): Change(P + "/member", made("guest.put"), {"id": "{site_id}", "emails": ["b@example.com"]}),
        ("DELETE", "/member"): Change(P + "/member?id={pirsch_member}", gone("guest.delete")),
        ("DELETE", "/invitation"): Change(
            P + "/invitation", gone("guest.delete"), {"domain_id": "{site_id}", "id": "{pirsch_invitation}"}
        ),
        ("POST", "/client"): Change(
            P + "/client", made("client.create"), {"domain_id": "{site_id}", "scope_statistics": "r"}, ""
        ),
        ("DELETE", "/client"): Change(P + "/client?id={client}", gone("client.delete"), about="{client}"),
        ("POST", "/filter"): Change(P + "/filter", changed("settings.put"), PIRSCH_FILTER),
        ("DELETE", "/filter"): Change(P + "/filter?id={pirsch_filter}", changed("settings.put")),
        ("POST", "/view"): Change(P + "/view", made("segment.create"), PIRSCH_VIEW, "seg_"),
        ("DELETE", "/view"): Change(P + "/view?id={pirsch_view}", gone("segment.delete"), about="{pirsch_view}"),
        ("POST", "/goal"): Change(P + "/goal", made("goal.put"), PIRSCH_GOAL),
        ("PUT", "/goal"): Change(
            P + "/goal",
            (*gone("goal.delete"), *made("goal.put")),
            {**PIRSCH_GOAL, "event_name": "Other", "id": "{pirsch_goal}"},
        ),
        ("DELETE", "/goal"): Change(P + "/goal?id={pirsch_goal}", gone("goal.delete")),
        ("POST", "/funnel"): Change(P + "/funnel", made("funnel.put"), PIRSCH_FUNNEL),
        ("DELETE", "/funnel"): Change(P + "/funnel?id={pirsch_funnel}", gone("funnel.delete"), about="{pirsch_funnel}"),
        ("DELETE", "/statistics"): Change(
            P + "/statistics",
            gone("import.delete"),
            {"id": "{site_id}", "kind": "imported", "from": "2026-06-01", "to": "2026-06-30", "job": "{job}"},
        ),
    }
)
VISITS = frozenset({("DELETE", "/import"), ("POST", "/goal/regex")} | {("POST", path) for path, _ in pirsch.TAKING})
"""Visits, a question, and an address that takes back only what is still running (`import.delete`, as above)."""
W = "/sparklytics/api/websites"
SPARKLYTICS: Mapping[tuple[str, str], Change] = MappingProxyType(
    {
        ("POST", "/api/websites"): Change(W, made("site.create"), {**NEW, "name": "S"}, "site_"),
        ("PUT", "/api/websites/{website}"): Change(W + "/{site_id}", changed("site.change"), {"name": "b"}),
        ("DELETE", "/api/websites/{website}"): Change(W + "/{site_id}", gone("site.delete")),
        ("POST", "/api/websites/{website}/share"): Change(W + "/{site_id}/share", made("shared_link.put"), {}),
    }
)


@pytest.fixture
def ground(platform: Api) -> Ground:
    owner = new_owner(platform)
    return Ground(platform, owner, new_site(owner))


def leaves(ground: Ground, api: Api, method: str, change: Change) -> None:
    """The request succeeds and leaves exactly its rows, by the key that sent it."""
    path, body, about = (ground.filled(part) for part in (change.path, change.body, change.about))
    before = ground.rows()
    known, owner = {row["id"] for row in before}, next(r["key"] for r in before if r["action"] == "site.create")
    sent = {"content": change.content} if change.content else {} if body is None else {"json": body}
    answer = api.send(method, path, **sent)
    assert answer.status_code < 300, answer.text
    new = [row for row in ground.rows() if row["id"] not in known]

    assert [(row["action"], row["before"] is not None, row["after"] is not None) for row in new] == list(change.rows)
    for row in new:
        assert about in row["object"]
        assert row["outcome"] == "done"
        assert row["before"] != row["after"]
        assert (row["key"] == owner) is (api == ground.owner), "the key, or the client, that sent the request"


@pytest.mark.parametrize("name", OURS)
def test_a_change_by_our_own_api_leaves_its_row(ground: Ground, name: str) -> None:
    endpoint = next(e for e in ENDPOINTS if e.name == name)
    leaves(ground, ground.owner, endpoint.method, OURS[name])


def test_no_change_of_our_own_api_is_left_out() -> None:
    writing = {e.name for e in ENDPOINTS if e.method != "GET"} | {"backup"}
    assert writing == OURS.keys() | ELSEWHERE | NO_CHANGE


@pytest.mark.parametrize("name", PLAUSIBLE, ids=" ".join)
def test_a_change_by_the_plausible_facade_leaves_its_row(ground: Ground, name: tuple[str, str]) -> None:
    leaves(ground, ground.owner, name[0], PLAUSIBLE[name])


def test_no_change_of_the_plausible_facade_is_left_out() -> None:
    writing = {
        (method, path.removeprefix(plausible.V1))
        for method, path, _, scope in plausible.ROUTES
        if method != "GET" and scope is not KeyScope.READ
    }
    assert writing == PLAUSIBLE.keys()


@pytest.mark.parametrize("name", PIRSCH, ids=" ".join)
def test_a_change_by_the_pirsch_facade_leaves_its_row(ground: Ground, name: tuple[str, str]) -> None:
    leaves(ground, ground.pirsch(), name[0], PIRSCH[name])


def test_no_change_of_the_pirsch_facade_is_left_out() -> None:
    writing = {(method, path) for method, path, _, _ in pirsch.ROUTES if method != "GET"}
    assert writing == PIRSCH.keys() | VISITS


@pytest.mark.parametrize("name", SPARKLYTICS, ids=" ".join)
def test_a_change_by_the_sparklytics_facade_leaves_its_row(ground: Ground, name: tuple[str, str]) -> None:
    leaves(ground, ground.owner, name[0], SPARKLYTICS[name])


def test_a_website_that_is_no_longer_shared_leaves_its_row(ground: Ground) -> None:
    ground.ok("POST", ground.filled(W + "/{site_id}/share"), {})
    leaves(ground, ground.owner, "DELETE", Change(W + "/{site_id}/share", gone("shared_link.delete")))


def test_tenants_quotas_and_backups_leave_their_rows(ground: Ground) -> None:
    platform, slug = ground.platform, f"new-{ground.site.replace('.', '-')}"
    tenant = platform.ok("POST", "/v1/tenants", {"name": "n", "slug": slug})["id"]
    platform.ok("PUT", f"/v1/tenants/{tenant}/quotas", {"sites": 3})
    rows = platform.ok("GET", "/v1/audit", headers={"Tallyway-Tenant": tenant})["audit"]
    assert [(row["action"], row["object"], row["key"]) for row in rows] == [
        ("quotas.put", tenant, "operator"),
        ("tenant.create", tenant, "operator"),
    ]
    assert platform.send("GET", "/v1/backup").status_code == 200
    assert ("backup.create", "installation") in {
        (row["action"], row["object"]) for row in platform.ok("GET", "/v1/audit")["audit"]
    }


def test_an_accepted_invitation_leaves_its_row(ground: Ground) -> None:
    accepted(ground)
    row = ground.rows()[-1]
    assert (row["action"], row["key"], row["object"]) == ("guest.accept", "invitation", ground["site_id"])
    assert None not in (row["before"], row["after"])
    assert row["before"] != row["after"]


def test_a_guest_of_another_role_leaves_a_row_and_one_of_the_same_none(ground: Ground) -> None:
    path = f"/v1/sites/{ground.site}/guests"
    for role in ("viewer", "viewer", "editor"):
        ground.ok("PUT", path, {**GUEST, "role": role})
    roles = {guest["role"] for guest in ground.ok("GET", path)["guests"]}
    rows = [(row["before"] is None, row["after"] is None) for row in ground.rows() if row["action"] == "guest.put"]
    assert rows == [(True, False), *([(False, False)] if roles == {"editor"} else [])]


def test_what_a_synchronisation_adds_leaves_a_row_for_each_site(ground: Ground) -> None:
    with held_vendor() as (vendor, base):
        for name in ("a", "b"):
            vendor.store.add_site(f"{name}.{ground.site}")
        body = {"backend": "plausible", "options": {"base_url": base}, "credential": {"api_key": "held-key"}}
        connection = ground.ok("POST", "/v1/connections", body)["id"]
        added = ground.ok("POST", f"/v1/connections/{connection}/sync")["added"]
    assert [row["object"] for row in ground.rows()][-2:] == [site["id"] for site in added]


def test_a_vendors_write_whose_answer_was_lost_leaves_a_row_that_says_so(ground: Ground) -> None:
    with held_vendor() as (vendor, base):
        site = vendor.connect(ground.owner, base)
        vendor.broken.set()
        ground.owner.problem(503, "PUT", f"/v1/sites/{site}/goals", {"event_name": "Sale"})
        row = ground.rows()[-1]
    assert (row["action"], row["outcome"]) == ("goal.put", "unknown")
    assert row["object"] == ground.ok("GET", f"/v1/sites/{site}")["id"]


async def test_a_write_that_only_one_backend_has_leaves_its_row(catalog: Catalog) -> None:
    class Vendor:
        vendor_calls = (VendorCall("themes", "POST", "Themes", writes=True, see=""),)
        can = declared()

        async def call_vendor(self, *_: object) -> dict[str, Any]:
            return {}

    class Backends:
        async def adapter(self, tenant: str, connection: str) -> Any:
            return Vendor()

    class Sites:
        async def bump(self, record: SiteRecord) -> None:
            """Nothing is kept here."""

    caller = Caller(Tenant(DEFAULT_TENANT), "key_1", frozenset({KeyScope.MANAGE_SITES}))
    audit_trail = AuditTrail(catalog, Settings().clock)
    passthrough = Passthrough(cast(Any, Backends()), cast(Any, Sites()), audit_trail)
    await passthrough.call(caller, record("a"), "table", "themes", "POST", query={}, body=None)

    rows = await audit_trail.listed(caller, 2**62, 10)
    assert [(row.action, row.object, row.outcome) for row in rows] == [("vendor.table.themes", "a", "done")]


def test_a_key_is_digested_with_its_sites_and_its_end(ground: Ground) -> None:
    body = {"name": "k", "scopes": ["read"]}
    for more in ({}, {"sites": [ground.site]}, {"expires_at": "2030-01-01T00:00:00Z"}):
        ground.ok("POST", "/v1/keys", body | more)
    assert len({row["after"] for row in ground.rows() if row["action"] == "key.create"} - {None}) >= 3


def test_a_row_and_its_change_are_one_transaction(tmp_path: Path) -> None:
    catalog, now = Catalog(tmp_path), Settings().clock()
    caller = Caller(Tenant(DEFAULT_TENANT), "key_1")

    def fails(_: object) -> Note:
        raise ZeroDivisionError

    async def run() -> tuple[str, ...]:
        audit_trail = AuditTrail(catalog, lambda: now)
        with pytest.raises(ZeroDivisionError):
            await audit_trail.noting(caller, "x.make", fails).run(lambda db: db.execute("CREATE TABLE made (a)"))
        with pytest.raises(AlreadyExists):
            await audit_trail.noting(caller, "x.make", Note("x")).run(_refuse)
        return tuple(row.action for row in await audit_trail.listed(caller, 2**62, 10))

    assert asyncio.run(run()) == ()
    assert catalog.run_now(lambda db: "made" in db.table_names()) is False
    catalog.close()


def _refuse(_: object) -> None:
    raise AlreadyExists


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("error", "outcomes"),
    [
        (None, ["done"]),
        (TimedOut(), ["unknown"]),
        (asyncio.CancelledError(), ["unknown"]),
        (CircuitOpen(), []),
        (RefusedByBackend(), []),
    ],
    ids=str,
)
async def test_a_change_at_a_backend_says_what_became_of_it(
    catalog: Catalog, error: BaseException | None, outcomes: list[str]
) -> None:
    now, caller = Settings().clock(), Caller(Tenant(DEFAULT_TENANT), "key_1")
    audit_trail = AuditTrail(catalog, lambda: now)
    with contextlib.suppress(BaseException):
        async with audit_trail.writing(caller, "goal.delete", Note("site/1", before={"id": "1"})):
            if error is not None:
                raise error
    later = AuditTrail(catalog, lambda: now + timedelta(hours=1))

    assert [row.outcome for row in await later.listed(caller, 2**62, 10)] == outcomes


async def test_a_change_that_was_cut_off_is_in_the_log_as_unknown(catalog: Catalog) -> None:
    now, caller = Settings().clock(), Caller(Tenant(DEFAULT_TENANT), "key_1")
    change = AuditTrail(catalog, lambda: now).writing(caller, "goal.delete", Note("site/1", before={"id": "1"}))
    await change.__aenter__()  # and the process is killed
    for minutes, actions in ((1, []), (16, ["goal.delete"]), (17, ["goal.delete"])):
        later = AuditTrail(catalog, lambda minutes=minutes: now + timedelta(minutes=minutes))  # type: ignore[misc]
        rows = await later.listed(caller, 2**62, 10)
        assert [row.action for row in rows] == actions
    assert (rows[0].outcome, rows[0].at, rows[0].before is None) == ("unknown", written(now), False)


async def test_what_a_backend_did_and_we_could_not_keep_is_in_the_log(catalog: Catalog) -> None:
    caller = Caller(Tenant(DEFAULT_TENANT), "key_1")
    audit_trail = AuditTrail(catalog, Settings().clock)
    with pytest.raises(AlreadyExists):
        async with audit_trail.writing(caller, "site.create", Note("con/a.example.com")) as change:
            await change.keep(lambda _: Note("site_1"), _refuse)

    rows = await audit_trail.listed(caller, 2**62, 10)
    assert [(row.object, row.outcome) for row in rows] == [("con/a.example.com", "unknown")]
