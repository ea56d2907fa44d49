"""Keys: how they are presented, what they may do, and how they end."""

import pytest

from tests.api.conftest import Api, client, limited, new_owner, new_site

READ, SITES = "read", "manage_sites"
QUERY = {"metrics": ["visitors"], "date_range": "7d"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer tw_" + "0" * 40},
        {"Authorization": "Basic dHc6dHc="},
        {"Authorization": "Bearer a b"},
        {"Authorization": "Bearer ' OR 1=1 --"},
        {"Authorization": "Bearer " + "x" * 4000},
    ],
    ids=["empty", "no key", "unknown", "basic", "two words", "sql", "long"],
)
def test_a_request_without_a_good_key_is_refused_and_told_how(owner: Api, headers: dict[str, str]) -> None:
    answer = owner.send("GET", "/v1/sites", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert headers["Authorization"].removeprefix("Bearer ").strip() in ("", "Bearer") or (
        headers["Authorization"].removeprefix("Bearer ") not in answer.text
    )


def test_a_right_prefix_with_a_wrong_secret_is_refused(owner: Api) -> None:
    wrong = owner.key[:-4] + ("aaaa" if owner.key[-4:] != "aaaa" else "bbbb")
    owner.with_key(wrong).problem(401, "GET", "/v1/sites")


def test_the_scheme_may_be_written_in_any_case(owner: Api) -> None:
    assert owner.send("GET", "/v1/sites", headers={"Authorization": f"bEARER  {owner.key}"}).status_code == 200


def test_two_authorization_headers_are_refused(owner: Api) -> None:
    twice = [("Authorization", f"Bearer {owner.key}"), ("Authorization", f"Bearer {owner.key}")]
    assert client().get(f"{owner.base}/v1/sites", headers=twice).status_code == 401


def test_a_key_in_the_address_is_refused_even_beside_a_good_one(owner: Api) -> None:
    owner.problem(401, "GET", f"/v1/sites?key={owner.key}")


def test_a_revoked_key_stops_at_once(owner: Api) -> None:
    made = owner.ok("POST", "/v1/keys", {"name": "short", "scopes": ["read"]})
    short = owner.with_key(made["key"])
    short.ok("GET", "/v1/sites")
    owner.ok("DELETE", f"/v1/keys/{made['id']}")
    short.problem(401, "GET", "/v1/sites")


def test_an_expired_key_is_refused(owner: Api) -> None:
    body = {"name": "old", "scopes": ["read"], "expires_at": "2026-06-17T11:59:59Z"}
    owner.with_key(owner.ok("POST", "/v1/keys", body)["key"]).problem(401, "GET", "/v1/sites")


def test_a_key_is_shown_once_and_never_listed(owner: Api) -> None:
    made = owner.ok("POST", "/v1/keys", {"name": "k", "scopes": ["read"]})
    listed = owner.send("GET", "/v1/keys").text
    assert made["id"] in listed
    assert made["key"] not in listed


def test_a_key_limited_to_sites_sees_no_other(owner: Api) -> None:
    mine, other = new_site(owner), new_site(owner)
    key = limited(owner, READ, SITES, sites=[mine])
    assert [s["domain"] for s in key.ok("GET", "/v1/sites")["sites"]] == [mine]
    key.problem(404, "GET", f"/v1/sites/{other}")
    key.problem(400, "POST", "/v1/query", {"sites": [mine, other], **QUERY})
    key.problem(403, "POST", "/v1/sites", {"domain": "new.example.com"})


def test_another_tenants_things_are_not_there(platform: Api, owner: Api, site: str) -> None:
    stranger = new_owner(platform)
    site_id = owner.ok("GET", f"/v1/sites/{site}")["id"]
    for ref in (site, site_id):
        stranger.problem(404, "GET", f"/v1/sites/{ref}")
        stranger.problem(404, "DELETE", f"/v1/sites/{ref}")
        stranger.problem(404, "PUT", f"/v1/sites/{ref}/goals", {"event_name": "x"})
        stranger.problem(400, "POST", "/v1/query", {"site": ref, **QUERY})
    key_id = owner.ok("GET", "/v1/keys")["keys"][0]["id"]
    stranger.problem(404, "DELETE", f"/v1/keys/{key_id}")


def test_a_platform_key_acts_on_the_tenant_it_names(platform: Api, owner: Api, site: str) -> None:
    tenant = owner.ok("GET", "/v1/tenants")["tenants"][0]
    found = platform.ok("GET", f"/v1/sites/{site}", headers={"Tallyway-Tenant": tenant["slug"]})
    assert found["domain"] == site
    platform.problem(404, "GET", f"/v1/sites/{site}")
    owner.problem(403, "GET", "/v1/sites", headers={"Tallyway-Tenant": "default"})


def test_only_the_platform_creates_tenants(owner: Api) -> None:
    assert owner.problem(403, "POST", "/v1/tenants", {"name": "x", "slug": "x"})["code"] == "forbidden"


def test_changes_are_in_the_audit_log_of_their_tenant_only(platform: Api, owner: Api, site: str) -> None:
    actions = [row["action"] for row in owner.ok("GET", "/v1/audit")["audit"]]
    assert actions[0] == "site.create"
    assert "site.create" not in [r["action"] for r in new_owner(platform).ok("GET", "/v1/audit")["audit"]]
