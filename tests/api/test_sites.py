"""Sites and what belongs to them, over the API and on our own store."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.serve import serve_in_thread
from tests.api.conftest import Api, limited, new_owner, new_site
from tests.serving import command

EVENTS = (
    b'{"name":"pageview","time":"2026-06-15T10:00:00Z","visitor":"a","path":"/"}\n'
    b'{"name":"pageview","time":"2026-06-15T10:05:00Z","visitor":"a","path":"/pricing"}\n'
    b'{"name":"Signup","time":"2026-06-15T10:06:00Z","visitor":"a","path":"/pricing","props":{"plan":"pro"}}\n'
    b'{"name":"pageview","time":"2026-06-16T09:00:00Z","visitor":"b","path":"/"}\n'
)


def load(owner: Api, site: str) -> dict[str, object]:
    job: dict[str, object] = owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=EVENTS)
    return job


def counted(owner: Api, **query: object) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = owner.ok("POST", "/v1/query", {"date_range": "7d", **query})["results"]
    return rows


def test_a_site_is_found_by_id_and_domain(owner: Api, site: str) -> None:
    by_domain = owner.ok("GET", f"/v1/sites/{site}")
    assert owner.ok("GET", f"/v1/sites/{by_domain['id']}") == by_domain
    assert by_domain["id"].startswith("site_")
    assert (by_domain["connection"], by_domain["backend"], by_domain["timezone"]) == ("local", "local", "Europe/Berlin")


def test_sites_come_in_pages(owner: Api) -> None:
    domains = sorted(new_site(owner) for _ in range(3))
    first = owner.ok("GET", "/v1/sites?limit=2")
    rest = owner.ok("GET", f"/v1/sites?limit=2&cursor={first['next']}")
    assert [s["domain"] for s in [*first["sites"], *rest["sites"]]] == domains
    assert rest["next"] is None


def test_a_cursor_of_nobody_is_refused(owner: Api) -> None:
    assert owner.problem(400, "GET", "/v1/sites?cursor=%25")["problems"][0]["field"] == "cursor"


def test_imported_events_are_counted_and_the_same_file_twice_counts_once(owner: Api, site: str) -> None:
    assert load(owner, site)["rows"] == 4
    assert load(owner, site)["duplicate"] is True
    rows = counted(owner, site=site, metrics=["visitors", "pageviews", "events"])
    assert rows == [{"visitors": 2, "pageviews": 3, "events": 4}]


def test_refused_lines_are_told_in_pages_and_by_the_command(owner: Api, site: str, tmp_path: Path) -> None:
    """Lines 1 and 2 are events, the 150 after them are not."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(EVENTS.splitlines(keepends=True)[:2]) + b"{\n" * 150)
    told = subprocess.run(
        [command(), "import", site, str(file), "--url", owner.base, "--key", owner.key],
        capture_output=True, text=True, check=True, env={"PATH": "", "COLUMNS": "200"},
    )  # fmt: skip
    assert "2 rows imported, 150 refused" in told.stdout
    assert [f"line {n}:" for n in range(3, 153)] == re.findall(r"line \d+:", told.stderr)
    (job,) = owner.ok("GET", f"/v1/sites/{site}/imports")["imports"]
    problems = f"/v1/sites/{site}/imports/{job['id']}/problems"
    first = owner.ok("GET", problems)
    last = owner.ok("GET", f"{problems}?offset={first['next']}&limit=1000")
    assert [p["line"] for p in first["problems"] + last["problems"]] == list(range(3, 153))
    assert (len(first["problems"]), last["next"]) == (100, None)
    assert owner.problem(400, "GET", f"{problems}?offset=1")["problems"][0]["field"] == "offset"
    owner.ok("DELETE", f"/v1/sites/{site}/imports/{job['id']}")
    owner.problem(404, "GET", problems)


def test_the_question_in_the_address_has_the_same_answer(owner: Api, site: str) -> None:
    load(owner, site)
    body = f'{{"site":"{site}","metrics":["pageviews"],"dimensions":["page"],"date_range":"7d"}}'
    assert owner.ok("GET", "/v1/query", params={"q": body})["results"] == [
        {"page": "/", "pageviews": 2},
        {"page": "/pricing", "pageviews": 1},
    ]


def test_a_new_goal_counts_what_was_there_before(owner: Api, site: str) -> None:
    load(owner, site)
    made = owner.ok("PUT", f"/v1/sites/{site}/goals", {"event_name": "Signup"})
    again = owner.ok("PUT", f"/v1/sites/{site}/goals", {"event_name": "Signup"})
    assert made["id"] == again["id"]
    rows = counted(owner, site=site, metrics=["conversions", "conversion_rate"], dimensions=["goal"])
    assert rows == [{"goal": "Signup", "conversions": 1, "conversion_rate": 50.0}]
    owner.ok("DELETE", f"/v1/sites/{site}/goals/{made['id']}")
    assert owner.ok("GET", f"/v1/sites/{site}/goals")["goals"] == []


def test_a_segment_stands_for_its_filters(owner: Api, site: str) -> None:
    load(owner, site)
    made = owner.ok(
        "POST", f"/v1/sites/{site}/segments", {"name": "Pricing", "filters": [["is", "page", ["/pricing"]]]}
    )
    asked = {"site": site, "metrics": ["pageviews"], "filters": [["is", "segment", [made["id"]]]]}
    assert counted(owner, **asked) == [{"pageviews": 1}]
    owner.ok("PATCH", f"/v1/sites/{site}/segments/{made['id']}", {"filters": [["is", "page", ["/"]]]})
    assert counted(owner, **asked) == [{"pageviews": 2}]
    owner.ok("DELETE", f"/v1/sites/{site}/segments/{made['id']}")
    owner.problem(400, "POST", "/v1/query", asked)


def test_server_side_events_are_queryable_when_waited_for(owner: Api, site: str) -> None:
    events = [{"name": "pageview", "visitor": "c", "path": "/now"}, {"name": "Order", "visitor": "c", "path": "/now"}]
    taken = owner.ok("POST", f"/v1/sites/{site}/events?wait=true", events)
    assert taken == {"accepted": 2, "dropped": []}
    rows = counted(owner, site=site, metrics=["pageviews", "events"], date_range="day")
    assert rows == [{"pageviews": 1, "events": 2}]
    assert owner.ok("GET", f"/v1/sites/{site}/realtime")["visitors"] == 1


def test_a_bad_event_in_a_list_refuses_the_list_and_says_where(owner: Api, site: str) -> None:
    events = [{"name": "pageview", "visitor": "c"}, {"name": ""}, {"name": "x", "colour": "red"}]
    document = owner.problem(400, "POST", f"/v1/sites/{site}/events", events)
    assert {p["field"] for p in document["problems"]} == {"events[1].name", "events[2].colour"}
    assert counted(owner, site=site, metrics=["events"], date_range="day") == [{"events": 0}]


def test_a_renamed_site_is_still_found_by_its_old_domain(owner: Api, site: str) -> None:
    renamed = f"renamed-{site}"
    changed = owner.ok("PATCH", f"/v1/sites/{site}", {"domain": renamed, "tags": ["b", "a"]})
    assert (changed["domain"], changed["tags"]) == (renamed, ["a", "b"])
    assert owner.ok("GET", f"/v1/sites/{site}")["domain"] == renamed


def test_a_tag_selects_sites_for_a_query(owner: Api) -> None:
    one, two, _ = new_site(owner), new_site(owner), new_site(owner)
    for domain in (one, two):
        owner.ok("PATCH", f"/v1/sites/{domain}", {"tags": ["client-a"]})
    answer = owner.ok("POST", "/v1/query", {"sites": "client-a", "metrics": ["visitors"], "date_range": "7d"})
    assert {s["site"] for s in answer["meta"]["sites"]} == {one, two}
    owner.problem(400, "POST", "/v1/query", {"sites": "client-b", "metrics": ["visitors"]})


def test_a_deleted_site_is_gone_and_its_domain_free(owner: Api, site: str) -> None:
    owner.ok("DELETE", f"/v1/sites/{site}")
    owner.problem(404, "GET", f"/v1/sites/{site}")
    owner.ok("POST", "/v1/sites", {"domain": site})
    assert counted(owner, site=site, metrics=["events"]) == [{"events": 0}]


def test_a_site_of_a_vendor_is_made_at_the_vendor_and_answered_by_it(owner: Api, site: str) -> None:
    load(owner, site)
    store = TwinStore()
    store.add_key("vendor-key")
    with serve_in_thread(plausible_twin(store)) as base:
        body = {"backend": "plausible", "options": {"base_url": base}, "credential": {"api_key": "vendor-key"}}
        connection = owner.ok("POST", "/v1/connections", body)
        assert (connection["has_credential"], "vendor-key" in str(connection)) == (True, False)
        assert owner.ok("POST", f"/v1/connections/{connection['id']}/check")["ok"] is True
        made = {"domain": "vendor.example.com", "connection": connection["id"]}
        assert owner.ok("POST", "/v1/sites", made)["backend"] == "plausible"
        assert [s.domain for s in store.sites] == ["vendor.example.com"]
        answer = owner.ok("POST", "/v1/query", {"sites": "all", "metrics": ["visitors"], "date_range": "day"})
        assert {s["site"]: s["plan"] for s in answer["meta"]["sites"]} == {
            site: "local",
            "vendor.example.com": "native",
        }
        owner.problem(409, "DELETE", f"/v1/connections/{connection['id']}")
        owner.ok("DELETE", "/v1/sites/vendor.example.com")
        assert store.sites == []
        owner.ok("DELETE", f"/v1/connections/{connection['id']}")


def test_another_address_wipes_the_credential(owner: Api) -> None:
    body = {"backend": "plausible", "options": {"base_url": "http://127.0.0.1:9"}, "credential": {"api_key": "k"}}
    made = owner.ok("POST", "/v1/connections", body)
    path = f"/v1/connections/{made['id']}"
    assert owner.ok("PATCH", path, {"name": "New name"})["has_credential"] is True
    assert owner.ok("PATCH", path, {"options": {"base_url": "http://127.0.0.1:10"}})["has_credential"] is False


def test_the_local_connection_is_nobodys_to_change(owner: Api) -> None:
    assert owner.ok("GET", "/v1/connections/local")["options"] == {}
    owner.problem(409, "DELETE", "/v1/connections/local")


def test_an_existing_site_is_attached_where_the_backend_does_not_list_its_sites(owner: Api) -> None:
    """The Community Edition has no Sites API; a question for the site tells whether it is there."""
    store = TwinStore(edition="ce")
    store.add_key("ce-key")
    store.add_site("shop.example.org")
    with serve_in_thread(plausible_twin(store)) as base:
        connection = owner.ok(
            "POST",
            "/v1/connections",
            {
                "name": "CE",
                "backend": "plausible",
                "options": {"base_url": base, "edition": "ce"},
                "credential": {"api_key": "ce-key"},
            },
        )["id"]
        there = {"domain": "shop.example.org", "connection": connection, "existing": True}

        attached = owner.ok("POST", "/v1/sites", there)
        missing = owner.problem(404, "POST", "/v1/sites", there | {"domain": "gone.example.org"})
        totals = owner.ok("POST", "/v1/query", {"site": attached["id"], "metrics": ["visitors"]})["results"]

    assert (attached["domain"], attached["backend"]) == ("shop.example.org", "plausible")
    assert missing["code"] == "backend_not_found"
    assert totals == [{"visitors": 0}]


def test_sites_of_our_own_store_are_never_attached(owner: Api) -> None:
    problem = owner.problem(400, "POST", "/v1/sites", {"domain": "x.example.com", "existing": True})

    assert problem["problems"][0]["field"] == "existing"


@pytest.mark.parametrize(("format", "ending"), [("plausible", "zip"), ("ndjson", "ndjson")])
def test_an_export_is_named_by_domain_and_day(owner: Api, format: str, ending: str) -> None:
    """It is the 17th at noon in UTC and the 18th already at the site (contracts: Plausible 8)."""
    owner.ok("POST", "/v1/sites", {"domain": f"my-shop.{format}.example.com", "timezone": "Pacific/Auckland"})
    (site,) = owner.ok("GET", "/v1/sites")["sites"]
    answer = owner.send("GET", f"/v1/sites/{site['id']}/exports?format={format}")
    name = f"my-shop_{format}_example_com_20260618.{ending}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


def purged(api: Api, site: str) -> dict[str, Any]:
    """The proof of a deletion, once there is nothing left."""
    for _ in range(2000):
        proof: dict[str, Any] = api.ok("GET", f"/v1/deletions/{site}")
        if proof["purged_at"]:
            return proof
        time.sleep(0.05)
    raise AssertionError(proof)


def test_a_deletion_is_proven_to_those_who_ordered_it(platform: Api, owner: Api, site: str) -> None:
    page = {"name": "pageview", "url": f"https://{site}/", "time": "2026-06-17T11:00:00Z"}
    events = [page | {"visitor": "a"}, page | {"visitor": "a"}, page | {"visitor": "b"}]
    owner.ok("POST", f"/v1/sites/{site}/events?wait=true", events)
    number = owner.ok("GET", f"/v1/sites/{site}")["id"]
    owner.problem(404, "GET", f"/v1/deletions/{number}")
    owner.ok("DELETE", f"/v1/sites/{site}")
    proof = purged(owner, number)
    assert (proof["site"], proof["domain"], proof["remaining"]) == (number, site, 0)
    assert proof["deleted_at"] == proof["purged_at"] == "2026-06-17T12:00:00Z"
    assert {table: rows for table, rows in proof["rows"].items() if rows} == {"events": 3, "sessions": 2}
    assert platform.ok("GET", f"/v1/deletions/{number}") == proof
    new_owner(platform).problem(404, "GET", f"/v1/deletions/{number}")
    limited(owner, "manage_sites").problem(403, "GET", f"/v1/deletions/{number}")
    told = subprocess.run(
        [command(), "sites", "deletion", number, "--url", owner.base, "--key", owner.key],
        capture_output=True, text=True, check=True, env={"PATH": ""},
    )  # fmt: skip
    assert json.loads(told.stdout) == proof


@pytest.mark.parametrize("name", ["events_per_minute", "events_per_minute_and_address"])
def test_a_limit_beyond_all_sense_is_refused_by_name(owner: Api, site: str, name: str) -> None:
    refused = owner.problem(400, "PUT", f"/v1/sites/{site}/settings", {name: 2**70})
    assert refused["problems"][0]["field"] == name
    kept = owner.ok("GET", f"/v1/sites/{site}/settings")
    assert kept[name] is None
