"""Creates whose answer got lost: the vendor has one site in the end, and so have we."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.serve import serve_in_thread
from fixtures.twins.sparklytics import demo_store as sparklytics_store
from fixtures.twins.sparklytics import sparklytics_twin
from gateway.catalog import Catalog, idempotency
from gateway.settings import Settings
from gateway.tenancy import DEFAULT_TENANT, Tenant
from models.errors import IdempotencyConflict
from tests.api.conftest import Api, client, new_owner

DOMAIN = "lost.example.com"
CREATING = ("/sites", "/funnels")


class Forgetful:
    """In front of a vendor: does what it is told, loses the answers to creates, and on demand all other answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.forgets, self.silent, self.creates = app, False, False, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        creating = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith(CREATING)
        self.creates += creating
        if self.silent and not creating and scope["type"] == "http":
            await JSONResponse({}, 503)(scope, receive, send)
        elif creating and self.forgets:

            async def lost(message: Message) -> None:
                """The vendor's answer goes nowhere."""

            await self.app(scope, receive, lost)
            await JSONResponse({}, 503)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


@pytest.fixture
def vendor() -> Iterator[tuple[TwinStore, Forgetful, str]]:
    store = TwinStore()
    store.add_key("vendor-key")
    forgetful = Forgetful(plausible_twin(store))
    with serve_in_thread(forgetful) as base:
        yield store, forgetful, base


def connected(platform: Api, base: str) -> tuple[Api, dict[str, Any]]:
    owner = new_owner(platform)
    body = {"backend": "plausible", "options": {"base_url": base}, "credential": {"api_key": "vendor-key"}}
    return owner, {"domain": DOMAIN, "connection": owner.ok("POST", "/v1/connections", body)["id"]}


def test_a_site_whose_answer_was_lost_is_found_by_its_domain(
    platform: Api, vendor: tuple[TwinStore, Forgetful, str]
) -> None:
    store, forgetful, base = vendor
    owner, draft = connected(platform, base)
    forgetful.forgets = True
    assert owner.ok("POST", "/v1/sites", draft)["domain"] == DOMAIN
    assert ([s.domain for s in store.sites], forgetful.creates) == ([DOMAIN], 1)


def test_an_unknown_outcome_is_resolved_before_anything_is_created_again(
    platform: Api, vendor: tuple[TwinStore, Forgetful, str]
) -> None:
    store, forgetful, base = vendor
    owner, draft = connected(platform, base)
    forgetful.forgets = forgetful.silent = True
    headers = {"Idempotency-Key": "create-1"}
    owner.problem(503, "POST", "/v1/sites", draft, headers=headers)
    assert owner.ok("GET", "/v1/sites")["sites"] == []
    forgetful.forgets = forgetful.silent = False
    answer = owner.send("POST", "/v1/sites", json=draft, headers=headers)
    assert answer.status_code == 201, answer.text
    assert ([s.domain for s in store.sites], forgetful.creates) == ([DOMAIN], 1)
    replayed = owner.send("POST", "/v1/sites", json=draft, headers=headers)
    assert (replayed.json()["id"], replayed.headers["idempotency-replayed"]) == (answer.json()["id"], "true")
    assert client().get(f"{owner.base}/healthz").status_code == 200


def test_a_refusal_is_no_unknown_outcome(platform: Api, vendor: tuple[TwinStore, Forgetful, str]) -> None:
    store, forgetful, base = vendor
    store.add_site(DOMAIN)
    owner, draft = connected(platform, base)
    for _ in range(2):
        assert owner.send("POST", "/v1/sites", json=draft).status_code in (409, 422)
    assert forgetful.creates == 2


def test_a_call_of_a_backend_whose_answer_was_lost_is_not_done_again_with_its_key(platform: Api) -> None:
    """Nothing can be looked up by a natural key there: whoever asked has to look."""
    store, site = sparklytics_store()
    forgetful, owner = Forgetful(sparklytics_twin(store)), new_owner(platform)
    with serve_in_thread(forgetful) as base:
        body = {"backend": "sparklytics", "options": {"base_url": base}, "credential": {"api_key": store.key}}
        connection = owner.ok("POST", "/v1/connections", body)["id"]
        owner.ok("POST", f"/v1/connections/{connection}/sync")
        steps = [{"step_type": "page_view", "match_value": path} for path in ("/", "/buy")]
        path = f"/v1/sites/{site.domain}/vendor/sparklytics/create_funnel"

        def create(key: str) -> tuple[int, str]:
            answer = owner.send("POST", path, json={"name": "Buy", "steps": steps}, headers={"Idempotency-Key": key})
            return answer.status_code, answer.json().get("detail", "")

        forgetful.forgets = True
        assert create("one")[0] == 503
        forgetful.forgets = False
        status, detail = create("one")
        assert (status, "outcome" in detail, len(site.funnels)) == (409, True, 1)
        assert create("two")[0] == 200
    assert len(site.funnels) == 2
    assert [row["outcome"] for row in owner.ok("GET", "/v1/audit")["audit"][:2]] == ["done", "unknown"]


def test_a_request_that_died_with_its_process_may_be_done_again(tmp_path: Path) -> None:
    catalog, tenant, now = Catalog(tmp_path), Tenant(DEFAULT_TENANT), Settings().clock()
    assert catalog.run_now(idempotency.claim, tenant, "k", "digest", now) is None
    with pytest.raises(IdempotencyConflict, match="not been answered"):
        catalog.run_now(idempotency.claim, tenant, "k", "digest", now + timedelta(minutes=14))
    assert catalog.run_now(idempotency.claim, tenant, "k", "digest", now + timedelta(minutes=16)) is None
    with pytest.raises(IdempotencyConflict):
        catalog.run_now(idempotency.claim, tenant, "k", "digest", now + timedelta(minutes=17))
    with pytest.raises(IdempotencyConflict, match="unknown"):  # unless nothing finds out what became of it
        catalog.run_now(idempotency.claim, tenant, "k", "digest", now + timedelta(minutes=40), False)
    catalog.close()
