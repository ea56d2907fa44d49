"""Domains, goals, funnels, links, members, clients, filters and views through Pirsch's calls."""

import io
import time
import zipfile

import pytest

from tests.facades.pirsch.served import CHROME, WEEK, Client

EVERYTHING = ["read", "ingest", "manage_sites", "manage_goals"]
STEPS = [
    {"name": "Home", "filter": {"path": ["/"]}},
    {"name": "Pricing", "filter": {"path_pattern": ["/pri*"]}},
    {"name": "Bought", "filter": {"event_name": ["Purchase"]}},
]


@pytest.fixture
def owner(demo: Client) -> Client:
    return demo.as_client(scopes=EVERYTHING, all_sites=True)


@pytest.fixture
def own(empty: Client) -> Client:
    """A client of an empty site that may do everything with it."""
    return empty.as_client(scopes=EVERYTHING)


def test_a_domain_from_its_creation_to_its_end(owner: Client) -> None:
    wanted = {"hostname": "new.example.com", "subdomain": "new", "timezone": "Europe/Berlin", "display_name": "New"}
    made = owner.pirsch("POST", "/domain", wanted)
    assert (made.status, made.json["hostname"], made.json["display_name"]) == (200, "new.example.com", "New")
    domain = made.json["id"]
    assert owner.pirsch("POST", "/domain", wanted).json["validation"] == {"hostname": "is taken"}
    assert (
        owner.pirsch("POST", "/domain/hostname", {"domain_id": domain, "hostname": "newer.example.com"}).status == 200
    )
    assert owner.pirsch("POST", "/domain/timezone", {"domain_id": domain, "timezone": "Asia/Tokyo"}).status == 200
    (shown,) = owner.pirsch("GET", "/domain", query={"id": domain}).json
    assert (shown["hostname"], shown["timezone"]) == ("newer.example.com", "Asia/Tokyo")
    assert owner.pirsch("DELETE", "/domain", query={"id": domain}).status == 200
    assert owner.pirsch("GET", "/domain", query={"id": domain}).json == []


def test_a_client_of_one_site_makes_no_domains(own: Client) -> None:
    wanted = {"hostname": "other.example.com", "subdomain": "other", "timezone": "Etc/UTC"}
    assert own.pirsch("POST", "/domain", wanted).status == 403


def test_a_new_code_ends_the_old_one(own: Client) -> None:
    old = own.credentials["identification_code"]
    new = own.pirsch("PUT", "/domain", {"id": own.site}).json["identification_code"]
    assert len(new) == 32
    ask = "url=https%3A%2F%2Fa.example%2F"
    agent = {"User-Agent": CHROME}
    assert own.send("GET", f"/hit?code={old}&{ask}", None, agent).headers["x-tallyway-dropped"] == "unknown_site"
    assert "x-tallyway-dropped" not in own.send("GET", f"/hit?code={new}&{ask}", None, agent).headers


def test_goals(own: Client) -> None:
    body = {
        "domain_id": own.site, "name": "Blog", "path_pattern": "/blog/**", "event_name": None, "visitors": 100, "cr": 0,
    }  # fmt: skip
    made = own.pirsch("POST", "/goal", body).json
    assert (made["pattern"], made["visitor_goal"], made["cr_goal"]) == ("(?i)^/blog/.*$", 100, None)
    assert own.admin("GET", f"/v1/sites/{own.site}/goals").json["goals"][0]["page_path"] == "/blog/*"
    sale = {"domain_id": own.site, "name": "Sale", "event_name": "Sale", "event_meta_key": "currency"}
    changed = own.pirsch("PUT", "/goal", {**sale, "id": made["id"], "event_meta_value": "USD"}).json
    assert (changed["event_meta_value"], changed["path_pattern"]) == ("USD", None)
    assert [g["name"] for g in own.pirsch("GET", "/goal", query={"id": own.site, "search": "SAL"}).json] == ["Sale"]
    assert own.pirsch("DELETE", "/goal", query={"id": changed["id"]}).status == 200
    assert own.pirsch("GET", "/goal", query={"id": own.site}).json == []


def test_goals_that_cannot_be_kept_are_refused(own: Client) -> None:
    for pattern in ("/blog/*", "blog"):
        refused = own.pirsch("POST", "/goal", {"domain_id": own.site, "name": "x", "path_pattern": pattern})
        assert refused.json["validation"].keys() == {"path_pattern"}
    both = {"domain_id": own.site, "name": "x", "path_pattern": "/a", "event_name": "b"}
    assert own.pirsch("POST", "/goal", both).status == 400
    assert own.pirsch("POST", "/goal", {"domain_id": own.site, "name": "x"}).status == 400


def test_expressions_are_tried_out(own: Client) -> None:
    asked = {"regex": "(?i)^/regular/[^/]*$", "sample": "/Regular/example"}
    assert own.pirsch("POST", "/goal/regex", asked).json == {"match": True}
    assert own.pirsch("POST", "/goal/regex", {"regex": "(", "sample": "/"}).status == 400


def test_a_funnel(owner: Client) -> None:
    made = owner.pirsch("POST", "/funnel", {"domain_id": owner.site, "name": "Sales", "steps": STEPS}).json
    assert [step["step"] for step in made["steps"]] == [0, 1, 2]
    found = owner.statistics("funnel", funnel_id=made["id"])
    assert found["definition"] == made
    # Six saw `/`; anna and cleo went on to /pricing in that visit; anna bought.
    assert [row["visitors"] for row in found["data"]] == [6, 2, 1]
    assert found["data"][1] == {
        "step": 2, "visitors": 2, "relative_visitors": 2 / 6, "previous_visitors": 6,
        "relative_previous_visitors": 1.0, "dropped": 4, "drop_off": 4 / 6,
    }  # fmt: skip
    assert [row["visitors"] for row in owner.statistics("funnel", funnel_id=made["id"], country="us")["data"]] == [
        1, 1, 0,
    ]  # fmt: skip
    shorter = {"id": made["id"], "domain_id": owner.site, "name": "Short", "steps": STEPS[:2]}
    assert owner.pirsch("POST", "/funnel", shorter).json["def_time"] == made["def_time"]
    listed = owner.pirsch("GET", "/funnel", query={"id": owner.site, "search": "short"}).json
    assert [(f["id"], len(f["steps"])) for f in listed] == [(made["id"], 2)]
    assert owner.pirsch("DELETE", "/funnel", query={"id": made["id"]}).status == 200
    assert owner.pirsch("GET", "/statistics/funnel", query={"id": owner.site, **WEEK, "funnel_id": "x"}).status == 404


@pytest.mark.parametrize("steps", [STEPS[:1], STEPS * 3, None, [{"name": "x"}] * 2])
def test_funnels_have_two_to_eight_steps(owner: Client, steps: object) -> None:
    assert owner.pirsch("POST", "/funnel", {"domain_id": owner.site, "name": "x", "steps": steps}).status == 400


def test_access_links(own: Client) -> None:
    body = {"domain_id": own.site, "description": "For Jo", "valid_until": "2026-10-01T00:00:00.000000Z"}
    made = own.pirsch("POST", "/domain/link", body).json
    assert (made["description"], made["valid_until"], bool(made["code"])) == ("For Jo", "2026-10-01T00:00:00Z", True)
    query = {"domain_id": own.site}
    assert [link["id"] for link in own.pirsch("GET", "/domain/link", query=query).json] == [made["id"]]
    assert own.pirsch("DELETE", "/domain/link", query={"id": made["id"]}).status == 200
    assert own.pirsch("GET", "/domain/link", query=query).json == []


def test_people(own: Client) -> None:
    invited = {"id": own.site, "organization_id": None, "emails": ["a@example.com", "b@example.com"]}
    assert own.pirsch("POST", "/member", invited).status == 200
    open_ones = own.pirsch("GET", "/invitation", query={"domain_id": own.site}).json
    assert sorted(i["email"] for i in open_ones) == ["a@example.com", "b@example.com"]
    assert own.pirsch("GET", "/member", query={"id": own.site}).json == []
    for invitation in open_ones:
        assert own.pirsch("DELETE", "/invitation", {"domain_id": own.site, "id": invitation["id"]}).status == 200
    assert own.pirsch("GET", "/invitation", query={"domain_id": own.site}).json == []
    assert own.pirsch("POST", "/member", {"id": own.site, "emails": ["nobody"]}).status == 400


def test_clients_make_clients(own: Client) -> None:
    body = {"domain_id": own.site, "type": "oauth", "description": "reads", "scope_statistics": "r"}
    made = own.pirsch("POST", "/client", body).json
    assert [len(made[name]) for name in ("client_id", "client_secret")] == [32, 64]
    assert (made["scope_statistics"], made["scope_hit"]) == ("r", "")
    assert own.token(made)
    renamed = own.pirsch("POST", "/client", {"id": made["id"], "description": "reads more"}).json
    assert (renamed["description"], "client_secret" in renamed) == ("reads more", False)
    assert own.pirsch("DELETE", "/client", query={"id": made["id"]}).status == 200
    key = own.pirsch("POST", "/client", {"domain_id": own.site, "type": "token"}).json
    assert key["client_secret"].startswith("pa_")


def test_a_client_cannot_give_what_it_has_not(empty: Client) -> None:
    weak = empty.as_client(scopes=["read", "manage_sites"])
    body = {"domain_id": empty.site, "type": "oauth", "scope_hit": "w"}
    assert weak.pirsch("POST", "/client", body).status == 403


def test_traffic_filters_are_rules_of_collection(own: Client) -> None:
    body = {"domain_id": own.site, "type": "ip", "description": "Office", "filter": "203.0.113.7"}
    made = own.pirsch("POST", "/filter", body).json
    assert (made["filter"], made["description"]) == ("203.0.113.7", "Office")
    hit = {"url": "https://a.example/", "ip": "203.0.113.7", "user_agent": CHROME}
    assert "x-tallyway-dropped" in own.pirsch("POST", "/hit", hit).headers
    moved = own.pirsch("POST", "/filter", {**body, "id": made["id"], "filter": "203.0.113.9"}).json
    assert "x-tallyway-dropped" not in own.pirsch("POST", "/hit", hit).headers
    assert [f["filter"] for f in own.pirsch("GET", "/filter", query={"domain_id": own.site}).json] == ["203.0.113.9"]
    assert own.pirsch("DELETE", "/filter", query={"id": moved["id"]}).status == 200
    assert own.pirsch("GET", "/filter", query={"domain_id": own.site}).json == []
    assert own.pirsch("POST", "/filter", {**body, "type": "shoe size"}).status == 400


def test_views_are_segments(owner: Client) -> None:
    body = {"domain_id": owner.site, "name": "Germans", "country": ["de"], "path": None, "compare": None}
    made = owner.pirsch("POST", "/view", body).json
    segments = owner.admin("GET", f"/v1/sites/{owner.site}/segments").json["segments"]
    assert [(s["id"], s["filters"]) for s in segments] == [(made["id"], [["is", "country", ["DE"]]])]
    query = {"domain_id": owner.site}
    assert [v["country"] for v in owner.pirsch("GET", "/view", query=query).json] == [["de"]]
    changed = owner.pirsch("POST", "/view", {**body, "id": made["id"], "country": ["fr"]}).json
    assert changed["id"] == made["id"]
    assert owner.pirsch("DELETE", "/view", query={"id": made["id"]}).status == 200
    assert owner.pirsch("GET", "/view", query=query).json == []


def test_statistics_of_some_days_are_not_deleted(own: Client) -> None:
    body = {"id": own.site, "kind": "", "from": "2024-01-01", "to": "2024-02-15"}
    refused = own.pirsch("DELETE", "/statistics", body)
    assert (refused.status, refused.json["validation"]) == (400, {})
    assert own.pirsch("DELETE", "/statistics", {**body, "kind": "imported"}).status == 200


def test_an_archive_of_plausible_is_imported(own: Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        rows = "date,visitors,pageviews,bounces,visits,visit_duration\n2024-03-01,5,9,2,6,60\n"
        archive.writestr("imported_visitors_20240301_20240302.csv", rows)
    line, end = b"--edge\r\nContent-Disposition: form-data; ", b"\r\n--edge--\r\n"
    body = line + b'name="domain"\r\n\r\n' + own.site.encode() + b"\r\n"
    body += line + b'name="file"; filename="a.zip"\r\n\r\n' + packed.getvalue() + end
    head = {"Authorization": f"Bearer {own.bearer}", "Content-Type": "multipart/form-data; boundary=edge"}
    started = own.send("POST", "/pirsch/api/v1/import/plausible", body, head)
    assert (started.status, started.json["type"], started.json["domain_id"]) == (200, "plausible", own.site)
    deadline = time.monotonic() + 60
    while own.pirsch("GET", "/import", query={"domain_id": own.site}).json["status"] not in ("completed", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    days = {"from": "2024-03-01", "to": "2024-03-02"}
    total = own.statistics("total", **days)
    assert [total[name] for name in ("visitors", "views", "sessions", "bounces")] == [5, 9, 6, 2]
    asked = {"id": own.site, **days, "event": "Sale"}
    answered = own.pirsch("GET", "/statistics/total", query=asked)
    assert answered.headers["x-tallyway-approximate"] == "imports_unsupported_query"
    part = {"id": own.site, "kind": "imported", "from": "2024-03-02", "to": "2024-03-31"}
    assert own.pirsch("DELETE", "/statistics", part).status == 400
    assert own.pirsch("DELETE", "/statistics", {**part, "from": "2024-03-01"}).status == 200
    assert own.statistics("total", **days)["visitors"] == 0
    assert own.pirsch("GET", "/import", query={"domain_id": own.site}).json == {}
    assert own.pirsch("DELETE", "/import", query={"domain_id": own.site}).status == 200


def test_an_import_without_a_file_is_refused(own: Client) -> None:
    body = b'--edge\r\nContent-Disposition: form-data; name="domain"\r\n\r\n' + own.site.encode() + b"\r\n--edge--\r\n"
    head = {"Authorization": f"Bearer {own.bearer}", "Content-Type": "multipart/form-data; boundary=edge"}
    answered = own.send("POST", "/pirsch/api/v1/import/plausible", body, head)
    assert (answered.status, answered.json["validation"]) == (400, {"file": "is required"})
