"""Problems: every error has a stable code and a status; a request's problems come all at once."""

import socket

import pytest

from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.serve import serve_in_thread
from tests.api.conftest import Api, client, new_owner

GOOD = {"metrics": ["visitors"], "date_range": "7d"}


def test_all_problems_of_a_query_come_at_once(owner: Api) -> None:
    body = {
        "site": "nowhere.example.com",
        "metrics": ["visitors", "guests"],
        "dimensions": ["colour"],
        "filters": [["resembles", "page", ["/"]]],
        "date_range": ["2026-02-01", "2026-01-01"],
        "timezone": "Mars/Olympus",
        "limit": 0,
        "nonsense": 1,
    }
    document = owner.problem(400, "POST", "/v1/query", body)
    assert document["code"] == "invalid_request"
    assert {p["field"] for p in document["problems"]} == {
        "nonsense", "metrics[1]", "dimensions[0]", "filters[0][0]", "date_range", "timezone", "limit", "site",
    }  # fmt: skip
    metric = next(p for p in document["problems"] if p["field"] == "metrics[1]")
    assert "visitors" in metric["allowed"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"domain": "https://example.com"}, {"domain"}),
        ({"domain": "example.com:3000"}, {"domain"}),
        ({"domain": "co.uk"}, {"domain"}),
        ({"domain": "com", "timezone": "Nowhere", "colour": "red"}, {"domain", "timezone", "colour"}),
        ({}, {"domain"}),
        ({"domain": 7}, {"domain"}),
        ({"domain": "tags.example.com", "tags": ["a b"]}, {"tags[0]"}),
    ],
)
def test_a_site_that_cannot_be_is_refused_with_every_reason(
    owner: Api, body: dict[str, object], fields: set[str]
) -> None:
    document = owner.problem(400, "POST", "/v1/sites", body)
    assert {p["field"] for p in document["problems"]} == fields


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "required"),
        (b"{", "not JSON"),
        (b'{"metrics":[NaN]}', "not JSON"),
        (b"[" * 100_00 + b"]" * 100_00, "not JSON"),
        (b'"text"', "object"),
        (b'{"limit":' + b"9" * 5000 + b"}", "not JSON"),
    ],
    ids=["empty", "cut", "nan", "deep", "no object", "digits"],
)
def test_a_body_that_is_no_question_is_refused(owner: Api, body: bytes, reason: str) -> None:
    answer = owner.send("POST", "/v1/query", content=body)
    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["detail"]


def test_a_body_over_its_limit_is_refused_with_and_without_a_length(owner: Api) -> None:
    large = b'{"metrics":["' + b"x" * 70_000 + b'"]}'

    def pieces() -> object:
        yield large[:40_000]
        yield large[40_000:]

    assert owner.send("POST", "/v1/query", content=large).json()["code"] == "too_large"
    assert owner.send("POST", "/v1/query", content=pieces()).status_code == 413


def test_what_is_not_there_is_a_404_of_its_kind(owner: Api, site: str) -> None:
    assert owner.problem(404, "GET", "/v1/sites/nowhere.example.com")["code"] == "unknown_site"
    assert owner.problem(404, "GET", "/v1/connections/con_none")["code"] == "unknown_connection"
    assert owner.problem(404, "DELETE", f"/v1/sites/{site}/goals/999")["code"] == "unknown_goal"
    assert owner.problem(404, "GET", f"/v1/sites/{site}/segments/seg_none")["code"] == "not_found"
    assert owner.problem(404, "GET", "/v1/nothing")["code"] == "not_found"


def test_a_site_that_is_not_there_is_told_in_the_same_words_everywhere(owner: Api) -> None:
    ref = "nowhere.example.com"
    assert owner.problem(404, "GET", f"/v1/sites/{ref}")["detail"] == "There is no such site"
    asked = {"site": GOOD | {"site": ref}, "sites[0]": GOOD | {"sites": [ref]}}
    key = {"name": "reader", "scopes": ["read"], "sites": [ref]}
    for path, field, body in (*(("/v1/query", f, b) for f, b in asked.items()), ("/v1/keys", "sites[0]", key)):
        (problem,) = owner.problem(400, "POST", path, body)["problems"]
        assert (problem["field"], problem["reason"]) == (field, f"there is no such site: '{ref}'")


def test_a_method_that_an_address_does_not_know_is_answered_with_those_it_does(owner: Api) -> None:
    answer = owner.send("DELETE", "/v1/sites")
    assert answer.status_code == 405
    assert {m.strip() for m in answer.headers["allow"].split(",")} == {"GET", "HEAD", "POST"}


def test_a_domain_that_is_taken_is_a_conflict_for_everyone(platform: Api, owner: Api, site: str) -> None:
    for who in (owner, new_owner(platform)):
        assert who.problem(409, "POST", "/v1/sites", {"domain": site})["code"] == "already_exists"


def test_an_idempotency_key_makes_one_of_two_requests(owner: Api) -> None:
    headers, body = {"Idempotency-Key": "once-1"}, {"domain": f"once-{owner.key[-6:]}.example.com"}
    first = owner.send("POST", "/v1/sites", json=body, headers=headers)
    again = owner.send("POST", "/v1/sites", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = owner.problem(409, "POST", "/v1/sites", {"domain": "other.example.com"}, headers=headers)
    assert other["code"] == "idempotency_conflict"


def test_a_failed_request_may_be_tried_again_under_its_idempotency_key(owner: Api) -> None:
    headers = {"Idempotency-Key": "retry-1"}
    owner.problem(400, "POST", "/v1/sites", {"domain": "com"}, headers=headers)
    body = {"domain": f"retry-{owner.key[-6:]}.example.com"}
    assert owner.send("POST", "/v1/sites", json=body, headers=headers).status_code == 201


def test_a_backend_that_cannot_be_reached_is_said_to_be_so(owner: Api) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        connection = connect(owner, f"http://127.0.0.1:{port}")
        document = owner.problem(503, "GET", f"/v1/connections/{connection}/sites")
    assert (document["code"], document["retryable"], document["backend"]) == ("backend_unavailable", True, "plausible")


def test_what_a_vendor_refuses_keeps_its_kind(owner: Api) -> None:
    store = TwinStore(hourly_limit=1, retry_after=7)
    store.add_key("vendor-key")
    with serve_in_thread(plausible_twin(store)) as base:
        wrong = connect(owner, base, "wrong-key")
        assert owner.problem(502, "GET", f"/v1/connections/{wrong}/sites")["code"] == "backend_credentials"
        right = connect(owner, base)
        owner.send("GET", f"/v1/connections/{right}/sites")
        limited = owner.send("GET", f"/v1/connections/{right}/sites?limit=7")  # the page before is kept
    assert (limited.status_code, limited.json()["code"]) == (429, "backend_rate_limited")
    assert int(limited.headers["retry-after"]) > 0


def connect(owner: Api, base_url: str, key: str = "vendor-key") -> str:
    body = {"backend": "plausible", "options": {"base_url": base_url}, "credential": {"api_key": key}}
    return str(owner.ok("POST", "/v1/connections", body)["id"])


def test_a_connection_says_everything_that_is_wrong_and_repeats_no_secret(owner: Api) -> None:
    body = {"backend": "plausible", "options": {"base_url": "ftp://x"}, "credential": {"api_key": "s3cr3t", "x": 1}}
    answer = owner.send("POST", "/v1/connections", json=body)
    assert answer.status_code == 400
    assert {p["field"] for p in answer.json()["problems"]} == {"options.base_url", "credential.x"}
    assert "s3cr3t" not in answer.text


def test_an_unknown_backend_is_answered_with_the_known_ones(owner: Api) -> None:
    document = owner.problem(400, "POST", "/v1/connections", {"backend": "abacus"})
    assert "plausible" in document["problems"][0]["allowed"]


def test_an_import_of_an_unknown_format_is_refused_before_it_is_read(owner: Api, site: str) -> None:
    document = owner.problem(400, "POST", f"/v1/sites/{site}/imports?format=abacus", {"a": 1})
    assert "ndjson" in document["problems"][0]["allowed"]


def test_every_answer_carries_the_request_id_and_security_headers(owner: Api) -> None:
    answer = owner.send("GET", "/v1/sites", headers={"X-Request-Id": "from-the-proxy-1"})
    assert answer.headers["x-request-id"] == "from-the-proxy-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "access-control-allow-origin" not in answer.headers
    forged = owner.send("GET", "/v1/sites", headers={"X-Request-Id": "bad id"})
    assert forged.headers["x-request-id"] != "bad id"


def test_refusals_name_their_reasons_before_anybody_is_asked(owner: Api) -> None:
    store = TwinStore()
    store.add_key("vendor-key")
    store.add_site("vendor.example.com")
    with serve_in_thread(plausible_twin(store)) as base:
        connection = connect(owner, base)
        owner.ok("POST", f"/v1/connections/{connection}/sync")
        asked = len(store.requests)
        body = {"site": "vendor.example.com", **GOOD, "dimensions": ["language"]}
        document = owner.problem(422, "POST", "/v1/query", body)
        plan = owner.ok("POST", "/v1/query/plan", body)["sites"][0]
        assert len(store.requests) == asked
    assert document["code"] == "unsupported_query"
    assert document["reasons"] == plan["refusals"]
    assert plan["possible"] is False


def test_a_failing_site_makes_the_answer_partial(owner: Api, site: str) -> None:
    store = TwinStore()
    store.add_key("vendor-key")
    store.add_site("gone.example.com")
    with serve_in_thread(plausible_twin(store)) as base:
        connection = connect(owner, base)
        owner.ok("POST", f"/v1/connections/{connection}/sync")
    answer = owner.ok("POST", "/v1/query", {"sites": "all", **GOOD, "include": {"totals": True}})
    assert answer["meta"]["partial"] is True
    assert {s["site"]: s["status"] for s in answer["meta"]["sites"]} == {site: "ok", "gone.example.com": "error"}
    assert answer["totals"] is None


def test_the_service_answers_about_itself_without_a_key(owner: Api) -> None:
    for path in ("/healthz", "/readyz", "/version", "/openapi.json", "/docs"):
        assert client().get(owner.base + path).status_code == 200
    assert client().get(f"{owner.base}/metrics").status_code == 401
