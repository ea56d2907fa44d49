"""Vendor-shaped APIs give no key more than our own API does: every route of every facade, by one table.

Each route is asked with a key that has every scope but the one it needs, with a key that has this scope for another
site, and with a key that has just what it takes, so that a refusal is not owed to a request that is wrong anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2
import pytest

from gateway.http.facades.pirsch import routes as pirsch
from gateway.http.facades.plausible import routes as plausible
from gateway.http.facades.sparklytics import routes as sparklytics
from gateway.http.routes import ENDPOINTS
from gateway.tenancy import KeyScope
from tests.api.conftest import Api, client, new_owner, new_site
from tests.serving import serve

SCOPES = (KeyScope.READ, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS, KeyScope.INGEST)
REFUSED = (401, 403)
HIDDEN = (401, 403, 404)
_numbers = count(1)


@dataclass(frozen=True)
class Row:
    """A route of a facade, the scope its table names, and our own operation whose right it has (None: it has none)."""

    facade: str
    method: str
    path: str
    scope: KeyScope
    native: str | None

    @property
    def name(self) -> str:
        return f"{self.facade} {self.method} {self.path}"


NATIVE = {
    ("plausible", "*", "/stats/"): "post_query",
    ("plausible", "*", "/query"): "post_query",
    ("plausible", "GET", "/sites"): "list_sites",
    ("plausible", "POST", "/sites"): "create_site",
    ("plausible", "GET", "/sites/teams"): "list_teams",
    ("plausible", "GET", "/sites/goals"): "list_goals",
    ("plausible", "PUT", "/sites/goals"): "put_goal",
    ("plausible", "POST", "/sites/goals"): "put_goal",
    ("plausible", "DELETE", "/sites/goals"): "delete_goal",
    ("plausible", "GET", "/sites/custom-props"): "list_custom_props",
    ("plausible", "PUT", "/sites/custom-props"): "put_custom_prop",
    ("plausible", "DELETE", "/sites/custom-props"): "delete_custom_prop",
    ("plausible", "PUT", "/sites/shared-links"): "put_shared_link",
    ("plausible", "PUT", "/shared-links"): "put_shared_link",
    ("plausible", "GET", "/sites/guests"): "list_guests",
    ("plausible", "PUT", "/sites/guests"): "put_guest",
    ("plausible", "DELETE", "/sites/guests"): "delete_guest",
    ("plausible", "GET", "/sites/{site_id:path}"): "get_site",
    ("plausible", "PUT", "/sites/{site_id:path}"): "change_site",
    ("plausible", "DELETE", "/sites/{site_id:path}"): "delete_site",
    ("sparklytics", "GET", "/api/websites"): "list_sites",
    ("sparklytics", "POST", "/api/websites"): "create_site",
    ("sparklytics", "GET", "/api/websites/{website}"): "get_site",
    ("sparklytics", "PUT", "/api/websites/{website}"): "change_site",
    ("sparklytics", "DELETE", "/api/websites/{website}"): "delete_site",
    ("sparklytics", "POST", "/api/websites/{website}/share"): "put_shared_link",
    ("sparklytics", "DELETE", "/api/websites/{website}/share"): "delete_shared_link",
    ("pirsch", "POST", "/hit"): "send_events",
    ("pirsch", "POST", "/event"): "send_events",
    ("pirsch", "POST", "/session"): "send_events",
    ("pirsch", "GET", "/statistics"): "post_query",
    ("pirsch", "GET", "/domain"): "list_sites",
    ("pirsch", "POST", "/domain"): "create_site",
    ("pirsch", "DELETE", "/domain"): "delete_site",
    ("pirsch", "POST", "/domain/hostname"): "change_site",
    ("pirsch", "POST", "/domain/timezone"): "change_site",
    ("pirsch", "POST", "/domain/name"): "change_site",
    ("pirsch", "GET", "/domain/link"): "list_shared_links",
    ("pirsch", "POST", "/domain/link"): "put_shared_link",
    ("pirsch", "DELETE", "/domain/link"): "delete_shared_link",
    ("pirsch", "DELETE", "/import"): "delete_import",
    ("pirsch", "POST", "/import"): "start_import",
    ("pirsch", "GET", "/member"): "list_guests",
    ("pirsch", "POST", "/member"): "put_guest",
    ("pirsch", "DELETE", "/member"): "delete_guest",
    ("pirsch", "GET", "/invitation"): "list_guests",
    ("pirsch", "DELETE", "/invitation"): "delete_guest",
    ("pirsch", "POST", "/filter"): "put_settings",
    ("pirsch", "DELETE", "/filter"): "put_settings",
    ("pirsch", "GET", "/view"): "list_segments",
    ("pirsch", "POST", "/view"): "create_segment",
    ("pirsch", "DELETE", "/view"): "delete_segment",
    ("pirsch", "GET", "/goal"): "list_goals",
    ("pirsch", "POST", "/goal"): "put_goal",
    ("pirsch", "PUT", "/goal"): "put_goal",
    ("pirsch", "DELETE", "/goal"): "delete_goal",
}
"""Beginnings of paths, the longest that fits wins; a slash around the path means any place in it."""
OWN_RULE = {
    "pirsch PUT /domain", "pirsch DELETE /statistics", "pirsch GET /import", "pirsch GET /filter", "pirsch GET /client",
    "pirsch POST /client", "pirsch DELETE /client", "pirsch POST /goal/regex", "pirsch GET /funnel",
    "pirsch POST /funnel", "pirsch DELETE /funnel", "plausible GET /api/docs/query/schema.json",
}  # fmt: skip
"""Routes that our own API has no operation for, or that need more here."""
ABOUT_NO_SITE = {"plausible GET /api/docs/query/schema.json", "pirsch POST /goal/regex"}
LISTS = {"plausible GET /api/v1/sites", "sparklytics GET /api/websites", "pirsch GET /domain"}
"""Where another site's key is answered, with what it may see."""


def native(facade: str, method: str, path: str) -> str | None:
    if f"{facade} {method} {path}" in OWN_RULE:
        return None
    short = path.removeprefix("/api/v1") if facade == "plausible" else path
    fits = [
        (len(start), operation)
        for (of, by, start), operation in NATIVE.items()
        if of == facade and by in (method, "*") and (short.startswith(start) or (by == "*" and start in short))
    ]
    return max(fits)[1] if fits else None


ROWS = [
    Row(facade, method, path, scope, native(facade, method, path))
    for facade, table in (
        ("plausible", plausible.ROUTES),
        ("sparklytics", sparklytics.ROUTES),
        ("pirsch", (*pirsch.ROUTES, ("POST", "/import/plausible", None, KeyScope.INGEST))),
    )
    for method, path, _, scope in table
]
RIGHTS = {e.name: e for e in ENDPOINTS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_facade_route_needs_what_our_own_operation_needs(row: Row) -> None:
    if row.name in OWN_RULE:
        return
    assert row.native is not None, "say which of our operations it is, or that it is none"
    assert row.scope == RIGHTS[row.native].access


@dataclass
class World:
    """One tenant with a site to be asked about, and keys: by scope all but it, just it, and it for another site."""

    owner: Api
    lacking: dict[KeyScope, dict[str, Api]]
    holding: dict[KeyScope, dict[str, Api]]
    elsewhere: dict[KeyScope, dict[str, Api]]


def keys_of(owner: Api, scopes: list[KeyScope], site: str, *, limited: bool) -> dict[str, Api]:
    """A key, and a Pirsch client with its token, of the same rights."""
    body = {"name": "k", "scopes": scopes} | ({"sites": [site]} if limited else {})
    key = owner.with_key(owner.ok("POST", "/v1/keys", body)["key"])
    wanted = {"scopes": scopes, "all_sites": not limited}
    made = owner.ok("POST", f"/v1/sites/{site}/pirsch-clients", wanted)
    answer = client().post(
        f"{owner.base}/pirsch/api/v1/token", json={n: made[n] for n in ("client_id", "client_secret")}
    )
    return {"key": key, "client": owner.with_key(answer.json()["access_token"])}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serve(
        tmp_path_factory.mktemp("rights"), NOW="2026-06-17T12:00:00Z", LOG_LEVEL="error", CREATION_RATE_LIMIT="0"
    ) as served:
        owner = new_owner(Api(served.base, served.key))
        other = new_site(owner)
        yield World(
            owner,
            {s: keys_of(owner, [x for x in SCOPES if x is not s], other, limited=False) for s in SCOPES},
            {s: keys_of(owner, [s], other, limited=False) for s in SCOPES},
            {s: keys_of(owner, [s], other, limited=True) for s in SCOPES},
        )


def furnished(owner: Api) -> tuple[str, str, dict[str, str]]:
    """A new site with one of everything: its domain, its id, and ids of what it has."""
    domain = f"rights-{next(_numbers)}.example.com"
    site = owner.ok("POST", "/v1/sites", {"domain": domain})["id"]
    base = f"/v1/sites/{domain}"
    ids = {
        "link": owner.ok("PUT", f"{base}/shared-links", {"name": "Shared website"})["id"],
        "goal": owner.ok("PUT", f"{base}/goals", {"event_name": "Signup"})["id"],
        "client": owner.ok("POST", f"{base}/pirsch-clients", {})["client_id"],
    }
    owner.ok("PUT", f"{base}/guests", {"email": "secret-guest@example.com", "role": "viewer"})
    owner.ok("PUT", f"{base}/custom-props", {"property": "plan"})
    return domain, site, ids


def ask(row: Row, api: Api, domain: str, site: str, ids: dict[str, str]) -> httpx2.Response:
    """A good request to the route, about the site."""
    names = {"site_id:path": domain, "goal_id": ids["goal"], "property:path": "plan", "name:path": "new link"}
    path = row.path
    for name, value in {**names, "email": "secret-guest@example.com", "website": site}.items():
        path = path.replace(f"{{{name}}}", value)
    if row.facade == "pirsch":
        path = "/api/v1" + path
    more: dict[str, Any] = {}
    if row.method == "GET" or (row.facade == "pirsch" and row.method == "DELETE"):
        more["params"] = parameters(row, domain, site, ids)
    if row.path == "/import/plausible":
        more |= {"data": {"domain": site}, "files": {"file": ("a.zip", b"PK")}}
    elif row.method != "GET":
        more["content"] = httpx2.Request("POST", "http://x", json=body(row, domain, site, ids)).content
        more["headers"] = {"Content-Type": "application/json"}
        more.setdefault("params", {"id": site} if row.facade == "pirsch" else {"site_id": domain})
    return api.send(row.method, f"/{row.facade}{path}", **more)


def parameters(row: Row, domain: str, site: str, ids: dict[str, str]) -> dict[str, str]:
    if row.facade == "plausible":
        return {"site_id": domain, "period": "7d", "property": "event:page", "metrics": "visitors"}
    kind = row.path.rpartition("/")[2]
    named = ids.get(kind, site) if row.method == "DELETE" else site
    return {"id": named, "domain_id": site, "from": "2026-06-10", "to": "2026-06-16", **LISTED}


LISTED = {
    "event": "Signup", "event_meta_key": "plan", "tag": "plan", "visitor_id": "1", "session_id": "1",
    "visitors": "true", "funnel_id": "x",
}  # fmt: skip
"""What some lists ask for besides site and dates."""


def body(row: Row, domain: str, site: str, ids: dict[str, str]) -> Any:
    new = f"new-{next(_numbers)}.example.com"
    if row.facade == "plausible":
        return {
            "site_id": domain, "metrics": ["visitors"], "date_range": "7d", "goal_type": "event", "event_name": "Paid",
            "property": "tier", "name": "another", "email": "x@example.com", "role": "viewer", "domain": new,
            "goal_id": ids["goal"],
        }  # fmt: skip
    if row.facade == "sparklytics":
        return {"name": "new", "domain": new}
    visit = {"ip": "198.51.100.7", "user_agent": "Mozilla/5.0 Firefox/140.0", "url": f"https://{domain}/"}
    if row.path.endswith("/batch"):
        return [{**visit, "event_name": "Paid", "time": "2026-06-17T11:00:00Z"}]
    return {
        **visit, "id": site if row.path in ("/domain", "/member", "/statistics") else None, "domain_id": site,
        "hostname": new, "subdomain": "new", "timezone": "Europe/Berlin", "name": "new",
        "description": "new", "event_name": "Paid",
        "emails": ["x@example.com"], "type": "ip" if row.path == "/filter" else None, "filter": "198.51.100.9",
        "steps": [{"name": "a", "filter": {"path": ["/a"]}}, {"name": "b", "filter": {"path": ["/b"]}}],
        "regex": "a", "test": "a",
        "kind": "imported", "from": "2026-06-10", "to": "2026-06-16",
    }  # fmt: skip


def of(keys: dict[str, Api], row: Row) -> Api:
    return keys["client" if row.facade == "pirsch" else "key"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_key_with_every_other_scope_is_refused_and_one_with_just_this_scope_is_not(world: World, row: Row) -> None:
    domain, site, ids = furnished(world.owner)
    refused = ask(row, of(world.lacking[row.scope], row), domain, site, ids)
    assert refused.status_code in REFUSED, refused.text
    assert "secret-guest" not in refused.text
    taken = ask(row, of(world.holding[row.scope], row), domain, site, ids)
    assert taken.status_code not in REFUSED, taken.text
    assert taken.status_code < 500


TAKING = {f"pirsch POST {path}" for path, _ in pirsch.TAKING}
"""A client of one site sends to that site, whatever it names."""


@pytest.mark.parametrize("row", [r for r in ROWS if r.name not in TAKING | ABOUT_NO_SITE], ids=lambda row: row.name)
def test_a_key_of_another_site_sees_and_changes_nothing(world: World, row: Row) -> None:
    domain, site, ids = furnished(world.owner)
    answer = ask(row, of(world.elsewhere[row.scope], row), domain, site, ids)
    if row.name in LISTS:
        assert domain not in answer.text
        assert site not in answer.text
    else:
        assert answer.status_code in HIDDEN, answer.text
    world.owner.ok("GET", f"/v1/sites/{domain}/goals/{ids['goal']}")
    assert [g["email"] for g in world.owner.ok("GET", f"/v1/sites/{domain}/guests")["guests"]] == [
        "secret-guest@example.com"
    ]
    assert len(world.owner.ok("GET", f"/v1/sites/{domain}/shared-links")["shared_links"]) == 1


def test_teams_of_the_tenant_are_not_for_keys_of_a_site(world: World) -> None:
    world.owner.ok("POST", "/v1/teams", {"name": "The secret team"})
    path = "/plausible/api/v1/sites/teams"
    assert "The secret team" in world.holding[KeyScope.READ]["key"].send("GET", path).text
    refused = world.elsewhere[KeyScope.READ]["key"].send("GET", path)
    assert (refused.status_code, "The secret team" in refused.text) == (401, False)


def test_what_opens_a_public_page_is_told_to_those_who_may_make_it(world: World) -> None:
    domain, site, ids = furnished(world.owner)
    for key, shown in ((world.holding[KeyScope.READ]["key"], None), (world.owner, ids["link"])):
        assert key.ok("GET", f"/sparklytics/api/websites/{site}")["data"]["share_id"] == shown
        before = f"{site[:-1]}{chr(ord(site[-1]) - 1)}"  # pages are by id: this one begins at ours, or just before it
        listed = key.ok("GET", f"/sparklytics/api/websites?limit=100&cursor={before}")["data"]
        assert next(w for w in listed if w["domain"] == domain)["share_id"] == shown
