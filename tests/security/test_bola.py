"""One tenant's key against everything of another: generated from the OpenAPI document, so no new route is missed."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.http.openapi import document
from gateway.http.routes import ENDPOINTS
from tests.api.conftest import Api, client, new_owner, new_site
from tests.serving import ADMIN_KEY

DOCUMENT = document(ENDPOINTS, "0")
PARAMETER = re.compile(r"\{(\w+)\}")
EVENTS = b'{"name":"pageview","time":"2026-06-15T10:00:00Z","visitor":"a","path":"/"}\n'
BODIES: dict[str, Any] = {
    "send_events": {"name": "pageview", "visitor": "a", "path": "/"},
    "put_quotas": {},
    "change_connection": {"name": "mine now"},
    "change_site": {"name": "mine now"},
    "put_goal": {"event_name": "Signup"},
    "put_shared_link": {"name": "for me"},
    "put_guest": {"email": "me@example.com", "role": "viewer"},
    "put_custom_prop": {"property": "plan"},
    "put_settings": {},
    "create_segment": {"name": "mine", "filters": [["is", "page", ["/"]]]},
    "change_segment": {"name": "mine now"},
    "create_pirsch_client": {"description": "mine"},
}
"""A good body for every operation with a path, so that only the owner is wrong."""
QUERIES = {"start_import": "?format=ndjson"}
PLATFORM = {"put_quotas"}
NAMES = frozenset({"backend", "call", "email", "property"})
"""Parameters that are names within a site, not ids of objects."""

OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if "{" in path
]


@dataclass
class Belongings:
    """A tenant with one of everything; `ids` by the name of the path's parameter."""

    api: Api
    domain: str
    ids: dict[str, str] = field(default_factory=dict)


def furnished(platform: Api) -> Belongings:
    api = new_owner(platform)
    domain = new_site(api)
    mine = Belongings(api, domain, {"backend": "plausible", "call": "x", "email": "g@example.com", "property": "plan"})
    base = f"/v1/sites/{domain}"
    body = {"backend": "plausible", "options": {"base_url": "http://127.0.0.1:9"}, "credential": {"api_key": "k"}}
    segment = {"name": "s", "filters": [["is", "page", ["/"]]]}
    mine.ids |= {
        "site": api.ok("GET", base)["id"],
        "tenant": api.ok("GET", "/v1/tenants")["tenants"][0]["id"],
        "connection": api.ok("POST", "/v1/connections", body)["id"],
        "key": api.ok("POST", "/v1/keys", {"name": "k", "scopes": ["read"]})["id"],
        "goal": api.ok("PUT", f"{base}/goals", {"event_name": "Signup"})["id"],
        "link": api.ok("PUT", f"{base}/shared-links", {"name": "l"})["id"],
        "team": api.ok("POST", "/v1/teams", {"name": "t"})["id"],
        "segment": api.ok("POST", f"{base}/segments", segment)["id"],
        "client": api.ok("POST", f"{base}/pirsch-clients", {})["client_id"],
        "job": api.ok("POST", f"{base}/imports?format=ndjson&wait=true", content=EVENTS)["id"],
    }
    return mine


@pytest.fixture(scope="module")
def tenants(served: Any) -> tuple[Belongings, Belongings]:
    """Ours, and another's."""
    platform = Api(served.base, served.key)
    return furnished(platform), furnished(platform)


def ask(api: Api, method: str, path: str, operation: dict[str, Any]) -> tuple[int, str]:
    name = re.sub(r"_(get|post|put|patch|delete)$", "", operation["operationId"])
    more: dict[str, Any] = {}
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        more = {"json": BODIES[name]} if "application/json" in content else {"content": EVENTS}
    answer = api.send(method, path + QUERIES.get(name, ""), **more)
    return answer.status_code, answer.text


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=[f"{o[0]} {o[1]}" for o in OPERATIONS])
def test_what_belongs_to_another_tenant_is_not_there(
    tenants: tuple[Belongings, Belongings], method: str, path: str, operation: dict[str, Any]
) -> None:
    ours, theirs = tenants
    for site in (theirs.ids["site"], theirs.domain):
        filled = path.format(**{**theirs.ids, "site": site})
        status, text = ask(ours.api, method, filled, operation)
        assert status == (403 if operation["operationId"] in PLATFORM else 404), (status, text)
        assert theirs.ids["tenant"] not in text.replace(filled, "")


NESTED = [o for o in OPERATIONS if "{site}" in o[1] and set(PARAMETER.findall(o[1])) - {"site"} - NAMES]


@pytest.mark.parametrize(("method", "path", "operation"), NESTED, ids=[f"{o[0]} {o[1]}" for o in NESTED])
def test_an_id_of_another_tenant_under_a_site_of_ones_own_is_not_there(
    tenants: tuple[Belongings, Belongings], method: str, path: str, operation: dict[str, Any]
) -> None:
    ours, theirs = tenants
    ids = {**theirs.ids, "site": ours.domain, "goal": f"{theirs.ids['goal']}0"}  # goals are numbered within each site
    status, text = ask(ours.api, method, path.format(**ids), operation)
    assert status == 404, text


def test_their_things_still_stand_after_all_that(tenants: tuple[Belongings, Belongings]) -> None:
    theirs = tenants[1]
    site = theirs.api.ok("GET", f"/v1/sites/{theirs.domain}")
    assert (site["name"], site["id"]) == ("", theirs.ids["site"])
    assert theirs.api.ok("GET", f"/v1/sites/{theirs.domain}/segments/{theirs.ids['segment']}")["name"] == "s"
    assert [link["id"] for link in theirs.api.ok("GET", f"/v1/sites/{theirs.domain}/shared-links")["shared_links"]] == [
        theirs.ids["link"]
    ]
    theirs.api.ok("GET", f"/v1/connections/{theirs.ids['connection']}")
    clients = theirs.api.ok("GET", f"/v1/sites/{theirs.domain}/pirsch-clients")["clients"]
    assert theirs.ids["client"] in {c["client_id"] for c in clients}


def test_ids_of_another_tenant_in_bodies_are_like_ids_of_nobody(tenants: tuple[Belongings, Belongings]) -> None:
    ours, theirs = tenants
    for there, nowhere in ((theirs.ids["site"], "site_0000000000"), (theirs.domain, "nowhere.example.com")):
        for chosen in ("site", "sites"):
            said = [
                ours.api.problem(
                    400,
                    "POST",
                    "/v1/query",
                    {chosen: ref if chosen == "site" else [ours.domain, ref], "metrics": ["visitors"]},
                )["problems"]
                for ref in (there, nowhere)
            ]
            assert str(said[0]).replace(there, "") == str(said[1]).replace(nowhere, "")
        ours.api.problem(400, "POST", "/v1/keys", {"name": "k", "scopes": ["read"], "sites": [there]})
    ours.api.problem(403, "POST", "/v1/keys", {"name": "k", "scopes": ["read"], "tenant": theirs.ids["tenant"]})
    made = {"domain": "new-here.example.com", "connection": theirs.ids["connection"]}
    ours.api.problem(404, "POST", "/v1/sites", made)
    ours.api.problem(404, "GET", f"/v1/teams?connection={theirs.ids['connection']}")
    assert ours.api.ok("GET", f"/v1/sites?connection={theirs.ids['connection']}")["sites"] == []
    filters = [["is", "segment", [theirs.ids["segment"]]]]
    ours.api.problem(400, "POST", "/v1/query", {"site": ours.domain, "metrics": ["visitors"], "filters": filters})
    ours.api.problem(403, "GET", "/v1/sites", headers={"Tallyway-Tenant": theirs.ids["tenant"]})


def test_listings_hold_nothing_of_another_tenant(tenants: tuple[Belongings, Belongings]) -> None:
    ours, theirs = tenants
    secrets = {theirs.domain, *(theirs.ids[n] for n in ("site", "tenant", "connection", "key", "segment", "link"))}
    listings = [
        path
        for path, operations in DOCUMENT["paths"].items()
        if "get" in operations and not PARAMETER.findall(path) and path not in ("/v1/query", "/metrics")
    ]
    assert {"/v1/sites", "/v1/keys", "/v1/connections", "/v1/audit", "/v1/usage", "/v1/tenants"} <= set(listings)
    for path in listings:
        text = ours.api.send("GET", path).text
        assert not [secret for secret in secrets if secret in text], path


def test_an_idempotency_key_of_another_tenant_replays_nothing(tenants: tuple[Belongings, Belongings]) -> None:
    ours, theirs = tenants
    headers, body = {"Idempotency-Key": "the-same-word"}, {"name": "k", "scopes": ["read"]}
    first = theirs.api.send("POST", "/v1/keys", json=body, headers=headers)
    again = ours.api.send("POST", "/v1/keys", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in again.headers
    assert again.json()["key"] != first.json()["key"]


def test_an_idempotency_key_of_another_key_replays_nothing(tenants: tuple[Belongings, Belongings]) -> None:
    """Nor does one of the same key for another tenant: an administrator of the installation acts on several."""
    ours, theirs = tenants
    path, headers = f"/v1/sites/{ours.domain}/pirsch-clients", {"Idempotency-Key": "the-same-word-again"}
    made = ours.api.ok("POST", path, {"scopes": ["read"]}, headers=headers)
    body = {"name": "elsewhere", "scopes": ["read", "manage_sites"], "sites": [new_site(ours.api)]}
    elsewhere = ours.api.with_key(ours.api.ok("POST", "/v1/keys", body)["key"])
    answer = elsewhere.send("POST", path, json={"scopes": ["read"]}, headers=headers)
    assert (answer.status_code, made["client_secret"] in answer.text) == (404, False)
    platform = ours.api.with_key(ADMIN_KEY)
    keys = [
        platform.ok(
            "POST", "/v1/keys", {"name": "k", "scopes": ["read"]}, headers=headers | {"Tallyway-Tenant": tenant}
        )
        for tenant in (ours.ids["tenant"], theirs.ids["tenant"])
    ]
    assert [key["tenant"] for key in keys] == [ours.ids["tenant"], theirs.ids["tenant"]]


def test_the_facade_shows_a_stranger_nothing(tenants: tuple[Belongings, Belongings]) -> None:
    ours, theirs = tenants
    for ref in (theirs.domain, theirs.ids["site"]):
        for path in (
            f"/plausible/api/v1/sites/{ref}",
            f"/plausible/api/v1/stats/aggregate?site_id={ref}&metrics=visitors",
        ):
            assert ours.api.send("GET", path).status_code in (401, 404), path
        body = {"site_id": ref, "metrics": ["visitors"], "date_range": "7d"}
        assert ours.api.send("POST", "/plausible/api/v2/query", json=body).status_code == 401


def test_a_key_of_one_site_reaches_nothing_that_belongs_to_the_whole_tenant(
    tenants: tuple[Belongings, Belongings],
) -> None:
    ours = tenants[0]
    other = new_site(ours.api)
    body = {"name": "one site", "scopes": ["admin"], "sites": [other]}
    limited = ours.api.with_key(ours.api.ok("POST", "/v1/keys", body)["key"])
    assert [site["domain"] for site in limited.ok("GET", "/v1/sites")["sites"]] == [other]
    for method, path, given in (
        ("GET", "/v1/keys", None),
        ("POST", "/v1/keys", {"name": "all", "scopes": ["admin"]}),
        ("DELETE", f"/v1/keys/{ours.ids['key']}", None),
        ("POST", f"/v1/keys/{ours.ids['key']}/rotate", None),
        ("GET", "/v1/audit", None),
        ("GET", "/v1/usage", None),
        ("GET", "/v1/connections", None),
        ("GET", f"/v1/connections/{ours.ids['connection']}", None),
        ("PATCH", f"/v1/connections/{ours.ids['connection']}", {"name": "x"}),
        ("GET", f"/v1/connections/{ours.ids['connection']}/sites", None),
        ("POST", f"/v1/connections/{ours.ids['connection']}/sync", None),
        ("GET", f"/v1/tenants/{ours.ids['tenant']}/quotas", None),
    ):
        limited.problem(403, method, path, given)
    limited.problem(404, "GET", f"/v1/sites/{ours.domain}")


def test_mass_assignment_is_refused(tenants: tuple[Belongings, Belongings]) -> None:
    ours, theirs = tenants
    for name, value in (("tenant", theirs.ids["tenant"]), ("generation", 0), ("id", "site_x"), ("external_id", "1")):
        document = ours.api.problem(400, "PATCH", f"/v1/sites/{ours.domain}", {name: value})
        assert {p["field"] for p in document["problems"]} == {name}
    document = ours.api.problem(400, "POST", "/v1/keys", {"name": "k", "scopes": ["read"], "platform": True})
    assert document["problems"][0]["field"] == "platform"
    assert client().get(ours.api.base + "/healthz").status_code == 200
