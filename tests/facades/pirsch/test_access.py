"""Clients: what they may do, whose numbers they see, and when they stop."""

import pytest

from tests.facades.pirsch.served import CHROME, WEEK, Client

HIT = {"url": "https://demo.example.com/", "ip": "203.0.113.7", "user_agent": CHROME}


def test_a_key_takes_events_and_reads_nothing(empty: Client) -> None:
    key = empty.as_client(kind="key")
    assert key.pirsch("POST", "/hit", HIT).status == 200
    answered = key.pirsch("GET", "/statistics/total", query={"id": empty.site, **WEEK})
    assert (answered.status, answered.json["error"]) == (403, ["Access denied."])


def test_a_client_that_only_reads_sends_nothing(demo: Client) -> None:
    reader = demo.as_client(scopes=["read"])
    assert reader.pirsch("POST", "/hit", HIT).status == 403
    assert reader.statistics("total")["visitors"] == 7


def test_a_client_sees_its_own_site_only(demo: Client, empty: Client) -> None:
    answered = empty.pirsch("GET", "/statistics/total", query={"id": demo.site, **WEEK})
    assert (answered.status, answered.json["error"]) == (404, ["Domain not found."])
    assert [d["id"] for d in empty.pirsch("GET", "/domain").json] == [empty.site]


def test_a_client_of_all_sites_lists_them_and_names_the_one_it_sends_to(demo: Client, empty: Client) -> None:
    everywhere = demo.as_client(all_sites=True)
    assert {demo.site, empty.site} <= {d["id"] for d in everywhere.pirsch("GET", "/domain").json}
    found = everywhere.pirsch("GET", "/domain", query={"search": "DEMO.ex"}).json
    assert [d["hostname"] for d in found] == ["demo.example.com"]
    assert everywhere.pirsch("POST", "/hit", HIT).status == 400
    assert everywhere.pirsch("POST", "/hit", HIT, query={"id": empty.site}).status == 200


def test_a_wrong_secret_gets_no_token(demo: Client) -> None:
    body = {"client_id": demo.credentials["client_id"], "client_secret": "x" * 64}
    answered = demo.send("POST", "/pirsch/api/v1/token", body)
    assert (answered.status, answered.json["validation"]) == (401, {})
    assert demo.send("POST", "/pirsch/api/v1/token", {"client_id": 1}).status == 400
    assert demo.send("POST", "/pirsch/api/v1/token", b"no json").status == 400


def test_a_deleted_client_stops_at_once(demo: Client) -> None:
    other = demo.as_client()
    assert other.pirsch("GET", "/domain").status == 200
    path = f"/v1/sites/{demo.site}/pirsch-clients/{other.credentials['client_id']}"
    assert demo.admin("DELETE", path).status == 204
    assert other.pirsch("GET", "/domain").status == 401
    assert demo.admin("DELETE", path).status == 404


def test_secrets_are_shown_once(demo: Client) -> None:
    made = demo.client(description="dashboard")
    listed = demo.admin("GET", f"/v1/sites/{demo.site}/pirsch-clients")
    assert made["client_secret"].encode() not in listed.body
    shown = {c["client_id"]: c for c in listed.json["clients"]}[made["client_id"]]
    assert (shown["description"], shown["scopes"], shown["all_sites"]) == ("dashboard", ["ingest", "read"], False)


@pytest.mark.parametrize("wanted", [{"scopes": ["admin"]}, {"kind": "code"}, {"kind": "robot"}])
def test_a_client_cannot_be_more_than_a_client(demo: Client, wanted: dict[str, object]) -> None:
    assert demo.admin("POST", f"/v1/sites/{demo.site}/pirsch-clients", wanted).status == 400


def test_a_key_of_ours_is_no_client(demo: Client) -> None:
    made = demo.admin("POST", "/v1/keys", {"name": "reader", "scopes": ["read"]}).json
    head = {"Authorization": f"Bearer {made['key']}"}
    assert demo.send("GET", "/pirsch/api/v1/domain", None, head).status == 401
    assert demo.send("GET", f"/v1/sites/{demo.site}/pirsch-clients", None, head).status == 403
    other = {"Authorization": f"Bearer {demo.bearer}"}
    assert demo.send("GET", "/v1/sites", None, other).status == 401


def test_a_token_that_was_changed_is_no_token(demo: Client) -> None:
    other = demo.as_client()
    other.bearer = other.bearer[:-2] + ("AA" if other.bearer[-2:] != "AA" else "BB")
    assert other.pirsch("GET", "/domain").status == 401
