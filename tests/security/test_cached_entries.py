"""Answers kept for one tenant are nobody else's, however the question is put."""

import json

from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.serve import serve_in_thread
from tests.api.conftest import Api, limited, new_owner

DOMAIN = "kept.example.com"
BODY = json.dumps({"site": DOMAIN, "metrics": ["visitors"], "date_range": "7d"}).encode()


def connected(platform: Api, base: str) -> Api:
    owner = new_owner(platform)
    body = {"backend": "plausible", "options": {"base_url": base}, "credential": {"api_key": "vendor-key"}}
    connection = owner.ok("POST", "/v1/connections", body)["id"]
    owner.ok("POST", f"/v1/connections/{connection}/sync")
    return owner


def test_a_warm_answer_is_not_given_to_another_tenant(platform: Api) -> None:
    store = TwinStore()
    store.add_key("vendor-key")
    store.add_site(DOMAIN)
    with serve_in_thread(plausible_twin(store)) as base:
        theirs = connected(platform, base)
        for _ in range(2):
            warm = theirs.send("POST", "/v1/query", content=BODY)
        assert warm.json()["meta"]["sites"][0]["cache"] == "hit"
        asked = len(store.requests)
        stranger, etag = new_owner(platform), {"If-None-Match": warm.headers["etag"]}
        for headers in ({}, etag, {"If-None-Match": "*"}):
            answer = stranger.send("POST", "/v1/query", content=BODY, headers=headers)
            assert answer.status_code == 400, answer.text
            assert "etag" not in answer.headers
        assert theirs.send("POST", "/v1/query", content=BODY, headers=etag).status_code == 304
        # Neither does the key of another site of the same tenant, nor one that was just revoked, nor one without scope.
        other = theirs.ok("POST", "/v1/sites", {"domain": f"other-{DOMAIN}"})["domain"]
        assert limited(theirs, "read", sites=[other]).send("POST", "/v1/query", content=BODY).status_code == 400
        assert limited(theirs, "ingest").send("POST", "/v1/query", content=BODY).status_code == 403
        made = theirs.ok("POST", "/v1/keys", {"name": "short", "scopes": ["read"]})
        short = theirs.with_key(made["key"])
        assert short.send("POST", "/v1/query", content=BODY).status_code == 200
        theirs.ok("DELETE", f"/v1/keys/{made['id']}")
        assert short.send("POST", "/v1/query", content=BODY).status_code == 401
        assert len(store.requests) == asked


def test_the_same_domain_of_two_tenants_is_two_sites(platform: Api) -> None:
    first, second = TwinStore(), TwinStore()
    for store in (first, second):
        store.add_key("vendor-key")
        store.add_site(DOMAIN)
    with serve_in_thread(plausible_twin(first)) as one, serve_in_thread(plausible_twin(second)) as two:
        connected(platform, one).send("POST", "/v1/query", content=BODY)
        asked = len(first.requests)
        answer = connected(platform, two).send("POST", "/v1/query", content=BODY)
        assert answer.json()["meta"]["sites"][0]["cache"] == "miss"
        assert (len(first.requests), bool(second.requests)) == (asked, True)


def test_a_domain_on_a_vendor_is_not_drawn_to_another_tenants_own_store(platform: Api) -> None:
    """Trackers say a domain and nothing else: whoever got it second would get the events."""
    store, domain = TwinStore(), "drawn.example.com"
    store.add_key("vendor-key")
    store.add_site(domain)
    with serve_in_thread(plausible_twin(store)) as base:
        theirs, stranger = connected(platform, base), new_owner(platform)
        stranger.problem(409, "POST", "/v1/sites", {"domain": domain})
        other = stranger.ok("POST", "/v1/sites", {"domain": f"stranger-{domain}"})["id"]
        stranger.problem(409, "PATCH", f"/v1/sites/{other}", {"domain": domain})
        assert theirs.ok("POST", "/v1/sites", {"domain": domain})["connection"] == "local"
