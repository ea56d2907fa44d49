"""Queries over a vendor's site through the whole service: kept, revalidated by the client, and never another's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from fixtures.twins.plausible import TwinStore, demo_store, plausible_twin
from fixtures.twins.serve import serve_in_thread
from tests.api.conftest import Api, limited, new_owner

SITE = "demo.example.com"
QUERY = {"site": SITE, "metrics": ["visitors"], "date_range": ["2026-06-01", "2026-06-07"]}


@dataclass(frozen=True)
class Shop:
    """A tenant with the demo site on a Plausible of its own."""

    owner: Api
    store: TwinStore

    @property
    def calls(self) -> int:
        return sum(seen.path == "/api/v2/query" for seen in self.store.requests)


@pytest.fixture(scope="module")
def twin() -> Iterator[tuple[TwinStore, str]]:
    store = demo_store(key="cache-key")
    with serve_in_thread(plausible_twin(store)) as url:
        yield store, url


@pytest.fixture
def shop(owner: Api, twin: tuple[TwinStore, str]) -> Shop:
    connect(owner, twin[1])
    twin[0].requests.clear()
    return Shop(owner, twin[0])


def connect(owner: Api, url: str) -> str:
    body = {"backend": "plausible", "options": {"base_url": url}, "credential": {"api_key": "cache-key"}}
    connection = owner.ok("POST", "/v1/connections", body)["id"]
    owner.ok("POST", f"/v1/connections/{connection}/sync")
    return str(connection)


def ask(api: Api, **headers: str) -> Any:
    answer = api.send("POST", "/v1/query", json=QUERY, headers=headers)
    assert answer.status_code in (200, 304), answer.text
    return answer


def test_the_second_and_third_answers_come_without_a_call_and_say_so(shop: Shop) -> None:
    miss, hit, lean = (ask(shop.owner) for _ in range(3))

    assert shop.calls == 1
    assert [a.json()["meta"]["sites"][0]["cache"] for a in (miss, hit, lean)] == ["miss", "hit", "hit"]
    assert miss.json()["results"] == hit.json()["results"] == [{"visitors": 7}]
    assert miss.headers["cache-status"] == "tallyway; fwd=miss; stored"
    assert hit.headers["cache-status"].startswith("tallyway; hit; ttl=")
    assert lean.content == hit.content
    moving = {"age", "cache-control", "cache-status", "date", "x-request-id"}
    assert {n: v for n, v in lean.headers.items() if n not in moving} == {
        n: v for n, v in hit.headers.items() if n not in moving
    }
    assert lean.headers.keys() == hit.headers.keys()
    assert lean.headers["x-request-id"] != hit.headers["x-request-id"]
    assert lean.headers["cache-control"] == "private, max-age=86400"
    assert int(lean.headers["age"]) >= 0


def test_a_known_answer_is_not_sent_again(shop: Shop) -> None:
    ask(shop.owner)
    etag = ask(shop.owner).headers["etag"]
    again = ask(shop.owner, **{"If-None-Match": f'"other", {etag}'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert ask(shop.owner, **{"If-None-Match": '"other"'}).status_code == 200


def test_a_kept_answer_has_the_callers_id_and_stands_on_the_bill(shop: Shop) -> None:
    for _ in range(3):
        ask(shop.owner)
    before = calls_on_the_bill(shop.owner)
    assert ask(shop.owner, **{"X-Request-Id": "my-own-id-0001"}).headers["x-request-id"] == "my-own-id-0001"
    known = ask(shop.owner)
    ask(shop.owner, **{"If-None-Match": known.headers["etag"]})

    # three answers, and the look at the bill before them, which is on it by now
    assert calls_on_the_bill(shop.owner) == before + 4


def calls_on_the_bill(api: Api) -> int:
    return sum(row["api_calls"] for row in api.ok("GET", "/v1/usage")["usage"])


def test_the_address_asks_the_same(shop: Shop) -> None:
    answers = [shop.owner.send("GET", "/v1/query", params={"q": json.dumps(QUERY)}) for _ in range(3)]

    assert [a.json()["results"] for a in answers] == [[{"visitors": 7}]] * 3
    assert shop.calls == 1


def test_another_tenant_and_a_limited_key_get_nothing_of_it(shop: Shop, platform: Api) -> None:
    for _ in range(3):
        ask(shop.owner)
    stranger = new_owner(platform)
    stranger.problem(400, "POST", "/v1/query", QUERY)
    shop.owner.ok("POST", "/v1/sites", {"domain": "other.example.com"})
    other = shop.owner.ok("GET", "/v1/sites/other.example.com")["id"]
    limited(shop.owner, "read", sites=[other]).problem(400, "POST", "/v1/query", QUERY)
    limited(shop.owner, "ingest").problem(403, "POST", "/v1/query", QUERY)
    shop.owner.with_key("tw_" + "00" * 20).problem(401, "POST", "/v1/query", QUERY)


def test_guessing_shuts_out_the_right_key_too(shop: Shop) -> None:
    for _ in range(3):
        ask(shop.owner)
    wrong = shop.owner.with_key(shop.owner.key[:11] + "x" * 32)
    statuses = [wrong.send("POST", "/v1/query", json=QUERY).status_code for _ in range(21)]

    assert statuses == [401] * 20 + [429]
    shop.owner.problem(429, "POST", "/v1/query", QUERY)


def test_our_own_write_ends_what_was_kept(shop: Shop) -> None:
    for _ in range(3):
        ask(shop.owner)
    shop.owner.ok("PATCH", f"/v1/sites/{SITE}", {"tags": ["shop"]})

    assert ask(shop.owner).json()["meta"]["sites"][0]["cache"] == "miss"
    assert shop.calls == 2


def test_a_changed_connection_ends_what_was_kept_under_the_old_one(shop: Shop) -> None:
    (connection,) = [c["id"] for c in shop.owner.ok("GET", "/v1/connections")["connections"] if c["id"] != "local"]
    for _ in range(3):
        ask(shop.owner)
    shop.owner.ok("PATCH", f"/v1/connections/{connection}", {"credential": {"api_key": "cache-key"}})
    shop.owner.ok("POST", f"/v1/connections/{connection}/check")  # opens it again
    before = shop.calls

    assert ask(shop.owner).json()["meta"]["sites"][0]["cache"] == "miss"
    assert shop.calls == before + 1


def test_a_client_may_ask_for_less_time(shop: Shop) -> None:
    shop.owner.problem(400, "POST", "/v1/query", QUERY, headers={"Request-Timeout": "soon"})
    assert ask(shop.owner, **{"Request-Timeout": "5"}).status_code == 200
