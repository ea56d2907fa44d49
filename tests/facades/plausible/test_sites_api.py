"""The Sites API of the facade over a real server: shapes, statuses, texts (contracts: Plausible 2 and 3; seeds)."""

from typing import Any

import pytest

from tests.api.conftest import Api, client, limited, new_owner, new_site
from tests.facades.plausible.conftest import error, facade
from tests.serving import Served

V1 = "/api/v1"
MISSING = "Missing site ID. Please provide the required site_id parameter with your request."
NO_META = {"after": None, "before": None, "limit": 100}


# Keys


@pytest.mark.parametrize("path", ["/api/v1/sites", "/api/v1/stats/aggregate", "/api/v1/sites/goals"])
def test_a_missing_key_is_said_before_anything_else(served: Served, path: str) -> None:
    answer = client().get(f"{served.base}/plausible{path}")
    assert answer.status_code == 401
    assert answer.json() == {"error": "Missing API key. Please use a valid Plausible API key as a Bearer Token."}


@pytest.mark.parametrize("header", ["Bearer", "Basic dXNlcjpwYXNz", "tw_0000"])
def test_a_header_without_a_bearer_key_is_no_key(owner: Api, header: str) -> None:
    answer = facade(owner).send("GET", f"{V1}/sites", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("Missing API key.")


def test_a_wrong_key_is_said_in_the_words_of_each_api(owner: Api) -> None:
    wrong = facade(owner.with_key("tw_" + "0" * 40))
    assert error(wrong, 401, "GET", f"{V1}/sites").startswith("Invalid API key. Please make sure")
    assert error(wrong, 401, "GET", f"{V1}/stats/aggregate?site_id=x").startswith("Invalid API key or site ID.")


def test_any_white_space_may_stand_after_bearer(owner: Api, site: str) -> None:
    answer = facade(owner).send("GET", f"{V1}/sites", headers={"Authorization": f"Bearer  {owner.key}"})
    assert [s["domain"] for s in answer.json()["sites"]] == [site]


def test_a_key_that_may_only_read_cannot_write(owner: Api, site: str) -> None:
    reader = facade(limited(owner, "read"))
    assert reader.ok("GET", f"{V1}/sites/{site}")["domain"] == site
    assert error(reader, 401, "PUT", f"{V1}/sites/custom-props", json={"site_id": site, "property": "x"})
    assert error(reader, 401, "DELETE", f"{V1}/sites/{site}")


def test_a_site_of_others_looks_like_one_of_nobody(platform: Api, owner: Api) -> None:
    theirs = new_site(new_owner(platform))
    for method, path in (
        ("GET", "/sites/{}"),
        ("PUT", "/sites/{}?domain=new.example.com"),
        ("DELETE", "/sites/{}"),
        ("GET", "/sites/goals?site_id={}"),
        ("GET", "/sites/guests?site_id={}"),
        ("PUT", "/sites/shared-links?name=x&site_id={}"),
    ):
        for site in ("nobody.example.com", theirs):
            assert error(facade(owner), 404, method, V1 + path.format(site)) == "Site could not be found"
    for site in ("nobody.example.com", theirs):
        said = error(facade(owner), 401, "GET", f"{V1}/stats/aggregate?site_id={site}")
        assert said.startswith("Invalid API key or site ID.")


# Sites


def forms(domain: str) -> dict[str, dict[str, Any]]:
    """The same request in every form, as keyword arguments of httpx2."""
    zone = "Europe/London"
    return {
        "json": {"json": {"domain": domain, "timezone": zone}},
        "urlencoded": {"data": {"domain": domain, "timezone": zone}},
        "multipart, quoted as in the documents": {"files": {"domain": (None, f'"{domain}"'), "timezone": (None, zone)}},
        "address": {"params": {"domain": domain, "timezone": zone}},
        "address and body": {"params": {"timezone": zone}, "json": {"domain": domain}},
    }


@pytest.mark.parametrize("form", forms(""))
def test_a_site_is_created_from_every_kind_of_body(owner: Api, form: str) -> None:
    domain = f"{form.partition(' ')[0].strip(',')}-{len(form)}.example.com"

    answer = facade(owner).send("POST", f"{V1}/sites", **forms(domain)[form])

    assert answer.status_code == 200
    site = answer.json()
    assert (site["domain"], site["timezone"], site["custom_properties"]) == (domain, "Europe/London", [])
    configuration = site["tracker_script_configuration"]
    assert configuration.pop("id").startswith("pa-")
    assert configuration.pop("installation_type") is None
    assert len(configuration) == 8
    assert not any(configuration.values())


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "domain: can't be blank"),
        ({"domain": 5}, "domain: is invalid"),
        ({"domain": "a" * 250 + ".com"}, "domain: should be at most 253 character(s)"),
        ({"domain": "ex ample.com"}, "domain: only letters, numbers, slashes, underscores and period allowed"),
        ({"domain": "a.example.com", "timezone": "Mars/Base"}, "timezone: is invalid"),
        (
            {"domain": "a.example.com", "tracker_script_configuration": {"installation_type": "magic"}},
            "tracker_script_configuration.installation_type: is invalid",
        ),
    ],
)
def test_what_is_wrong_with_a_site_is_said(owner: Api, body: dict[str, Any], text: str) -> None:
    assert error(facade(owner), 400, "POST", f"{V1}/sites", json=body) == text


def test_a_taken_domain_is_refused(owner: Api, site: str) -> None:
    said = error(facade(owner), 400, "POST", f"{V1}/sites", json={"domain": f"https://WWW.{site}/"})
    assert said.startswith("domain: This domain cannot be registered.")
    assert said.endswith("support@plausible.io\n")


def test_sites_are_paged_both_ways_newest_first(owner: Api) -> None:
    domains = [new_site(owner) for _ in range(5)]
    api = facade(owner)
    pages = [api.ok("GET", f"{V1}/sites?limit=2")]
    while after := pages[-1]["meta"]["after"]:
        pages.append(api.ok("GET", f"{V1}/sites?limit=2&after={after}"))
    seen = [s["domain"] for page in pages for s in page["sites"]]
    assert sorted(seen) == sorted(domains)
    assert [len(page["sites"]) for page in pages] == [2, 2, 1]
    assert pages[0]["meta"]["before"] is None
    back = api.ok("GET", f"{V1}/sites?limit=2&before={pages[2]['meta']['before']}")
    assert back["sites"] == pages[1]["sites"]
    assert api.ok("GET", f"{V1}/sites?limit=1000")["meta"] == NO_META
    assert all(s.keys() == {"domain", "timezone"} for s in api.ok("GET", f"{V1}/sites")["sites"])


def test_a_changed_domain_leaves_the_old_one_valid(owner: Api, site: str) -> None:
    api = facade(owner)
    assert error(api, 400, "PUT", f"{V1}/sites/{site}", json={"domain": site}).startswith("domain: New domain must be")
    assert error(api, 400, "PUT", f"{V1}/sites/{site}", json={}).startswith("Payload must contain at least one")
    changed = api.ok("PUT", f"{V1}/sites/{site}", {"domain": f"new-{site}"})
    assert changed["domain"] == f"new-{site}"
    assert api.ok("GET", f"{V1}/sites/{site}") == changed


def test_options_of_the_script_keep_their_value_unless_named(owner: Api, site: str) -> None:
    api, key = facade(owner), "tracker_script_configuration"
    first = api.ok("PUT", f"{V1}/sites/{site}", {key: {"installation_type": "gtm", "outbound_links": True}})
    second = api.ok("PUT", f"{V1}/sites/{site}", {key: {"hash_based_routing": True}})
    assert first[key]["outbound_links"]
    assert (second[key]["installation_type"], second[key]["outbound_links"]) == ("gtm", True)
    script = client().get(f"{api.base}/js/{second[key]['id']}.js")
    assert f'{{"domain":"{site}","hashBasedRouting":true,"outboundLinks":true}}' in script.text


def test_a_deleted_site_is_gone(owner: Api, site: str) -> None:
    assert facade(owner).ok("DELETE", f"{V1}/sites/{site}") == {"deleted": True}
    assert error(facade(owner), 404, "GET", f"{V1}/sites/{site}") == "Site could not be found"


# Goals


def test_a_goal_is_found_or_created(owner: Api, site: str) -> None:
    api = facade(owner)
    body = {"site_id": site, "goal_type": "event", "event_name": "Signup", "custom_props": {"plan": "pro"}}
    made = api.ok("PUT", f"{V1}/sites/goals", body)
    again = api.ok("PUT", f"{V1}/sites/goals", {**body, "display_name": "Other"})
    assert made == again
    assert isinstance(made.pop("id"), int)
    assert made == {
        "domain": site,
        "display_name": "Signup",
        "goal_type": "event",
        "event_name": "Signup",
        "page_path": None,
        "custom_props": {"plan": "pro"},
    }
    page = api.ok("PUT", f"{V1}/sites/goals", {"site_id": site, "goal_type": "page", "page_path": "/a/**"})
    scroll = {"site_id": site, "goal_type": "page", "page_path": "/a", "scroll_threshold": 50, "display_name": "Half"}
    api.ok("PUT", f"{V1}/sites/goals", scroll)
    listed = api.ok("GET", f"{V1}/sites/goals?site_id={site}")
    assert page["display_name"] == "Visit /a/**"
    assert [(g["display_name"], g["goal_type"]) for g in listed["goals"]] == [
        ("Half", "scroll"),
        ("Visit /a/**", "page"),
        ("Signup", "event"),
    ]
    assert listed["meta"] == NO_META


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, MISSING),
        ({"site_id": "SITE"}, "Parameter `goal_type` is required to create a goal"),
        ({"site_id": "SITE", "goal_type": "event"}, "Parameter `event_name` is required to create a goal"),
        ({"site_id": "SITE", "goal_type": "page"}, "Parameter `page_path` is required to create a goal"),
        (
            {"site_id": "SITE", "goal_type": "page", "page_path": "x", "custom_props": {"a": 1}},
            "page_path: this field is required and must start with a /, "
            "custom_props: must be a map with string keys and string values",
        ),
        (
            {"site_id": "SITE", "goal_type": "event", "event_name": "x", "custom_props": dict.fromkeys("abcd", "1")},
            "custom_props: use at most 3 properties per goal",
        ),
        (
            {"site_id": "SITE", "goal_type": "event", "event_name": "x", "currency": "euro"},
            "currency: is invalid",
        ),
    ],
)
def test_what_is_wrong_with_a_goal_is_said(owner: Api, site: str, body: dict[str, Any], text: str) -> None:
    filled = {k: site if v == "SITE" else v for k, v in body.items()}
    assert error(facade(owner), 400, "PUT", f"{V1}/sites/goals", json=filled) == text


def test_another_currency_for_an_event_is_refused(owner: Api, site: str) -> None:
    body = {"site_id": site, "goal_type": "event", "event_name": "Purchase", "currency": "EUR"}
    made = facade(owner).ok("PUT", f"{V1}/sites/goals", body)
    assert error(facade(owner), 400, "PUT", f"{V1}/sites/goals", json={**body, "currency": "USD"})
    without = {k: v for k, v in body.items() if k != "currency"}
    assert facade(owner).ok("PUT", f"{V1}/sites/goals", without) == made


@pytest.mark.parametrize("how", ["json", "data", "params"])
def test_a_goal_is_deleted_by_its_id(owner: Api, site: str, how: str) -> None:
    api = facade(owner)
    made = api.ok("PUT", f"{V1}/sites/goals", {"site_id": site, "goal_type": "event", "event_name": "x"})
    place: dict[str, Any] = {how: {"site_id": site}}
    answer = api.send("DELETE", f"{V1}/sites/goals/{made['id']}", **place)
    assert answer.json() == {"deleted": True}
    assert error(api, 404, "DELETE", f"{V1}/sites/goals/{made['id']}", **place) == "Goal could not be found"


# Properties, links, guests, teams


def test_properties_may_hold_slashes(owner: Api, site: str) -> None:
    api = facade(owner)
    for name in ("path/to", "author"):
        assert api.ok("PUT", f"{V1}/sites/custom-props", {"site_id": site, "property": name}) == {"created": True}
    listed = api.ok("GET", f"{V1}/sites/custom-props?site_id={site}")
    assert listed == {"custom_properties": [{"property": "author"}, {"property": "path/to"}]}
    assert api.ok("GET", f"{V1}/sites/{site}")["custom_properties"]
    assert api.ok("DELETE", f"{V1}/sites/custom-props/path/to?site_id={site}") == {"deleted": True}
    assert len(api.ok("GET", f"{V1}/sites/custom-props?site_id={site}")["custom_properties"]) == 1
    long = {"site_id": site, "property": "x" * 301}
    assert error(api, 400, "PUT", f"{V1}/sites/custom-props", json=long) == "Parameter `property` is too long"


def test_both_routes_of_shared_links_find_the_same_link(owner: Api, site: str) -> None:
    api = facade(owner)
    today = api.ok("PUT", f"{V1}/sites/shared-links", {"site_id": site, "name": "Wordpress"})
    early = api.send("PUT", f"{V1}/shared-links/Wordpress", data={"site_id": site}).json()
    assert early == today
    assert today["url"].startswith(f"{owner.base}/share/{site}?auth=")
    reserved = {"site_id": site, "name": "WordPress - Shared Dashboard"}
    assert error(api, 400, "PUT", f"{V1}/sites/shared-links", json=reserved).startswith("This name is reserved.")
    nameless = error(api, 400, "PUT", f"{V1}/sites/shared-links", json={"site_id": site})
    assert nameless == "Parameter `name` is required to create a shared link"


def test_guests_are_invited_once_and_withdrawn(owner: Api, site: str) -> None:
    api, body = facade(owner), {"site_id": site, "email": "alice@example.com", "role": "viewer"}
    made = api.ok("PUT", f"{V1}/sites/guests", body)
    assert made == {"email": "alice@example.com", "role": "viewer", "status": "invited"}
    assert api.ok("PUT", f"{V1}/sites/guests", {**body, "role": "editor"}) == made
    assert api.ok("GET", f"{V1}/sites/guests?site_id={site}") == {"guests": [made], "meta": NO_META}
    assert "viewer` or `editor" in error(api, 400, "PUT", f"{V1}/sites/guests", json={**body, "role": "king"})
    for _ in range(2):
        assert api.ok("DELETE", f"{V1}/sites/guests/alice@example.com?site_id={site}") == {"deleted": True}
    assert api.ok("GET", f"{V1}/sites/guests?site_id={site}")["guests"] == []


def test_sites_are_made_and_listed_by_team(owner: Api, site: str) -> None:
    api = facade(owner)
    assert api.ok("GET", f"{V1}/sites/teams") == {"teams": [], "meta": NO_META}
    team = owner.ok("POST", "/v1/teams", {"name": "Shops"})["id"]
    shown = {"id": team, "name": "Shops", "api_available": True}
    assert api.ok("GET", f"{V1}/sites/teams")["teams"] == [shown]
    api.ok("POST", f"{V1}/sites", {"domain": f"team.{site}", "team_id": team})
    assert [s["domain"] for s in api.ok("GET", f"{V1}/sites?team_id={team}")["sites"]] == [f"team.{site}"]
    assert len(api.ok("GET", f"{V1}/sites")["sites"]) == 2
    unknown = {"domain": f"other.{site}", "team_id": "11111111-1111-1111-1111-111111111111"}
    assert error(api, 403, "POST", f"{V1}/sites", json=unknown) == "You can't add sites to the selected team."
    assert owner.problem(409, "DELETE", f"/v1/teams/{team}")["code"]
    api.ok("DELETE", f"{V1}/sites/team.{site}")
    assert owner.send("DELETE", f"/v1/teams/{team}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "goals"), ("GET", "guests"), ("GET", "custom-props"), ("PUT", "goals"), ("PUT", "shared-links")],
)
def test_a_request_about_no_site_is_refused(owner: Api, method: str, path: str) -> None:
    assert error(facade(owner), 400, method, f"{V1}/sites/{path}") == MISSING


def test_a_body_that_is_no_json_is_refused(owner: Api) -> None:
    headers = {"Content-Type": "application/json"}
    assert error(facade(owner), 400, "POST", f"{V1}/sites", content=b"{", headers=headers)


# What clients send that the documents do not show


def test_goals_as_kctl_plausible_creates_them(owner: Api, site: str) -> None:
    made = facade(owner).ok("POST", f"{V1}/sites/goals", {"site_id": site, "goal_type": "page_path", "page_path": "/a"})
    assert (made["goal_type"], made["display_name"]) == ("page", "Visit /a")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/plugins/v1/goals"), ("PATCH", "/api/v1/sites"), ("GET", "/api/v3")]
)
def test_unknown_addresses_are_said_in_the_vendors_shape(owner: Api, method: str, path: str) -> None:
    assert error(facade(owner), 404, method, path) == "Not found"
