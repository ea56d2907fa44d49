"""Vendor-shaped APIs bound what strangers may cost: bodies, and guesses at tokens and keys."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from gateway.http.facades.pirsch import routes as pirsch
from gateway.http.facades.plausible import routes as plausible
from gateway.http.facades.sparklytics import routes as sparklytics
from gateway.settings import Settings
from tests.api.conftest import Api, client, new_owner, new_site
from tests.serving import Served, serve

GUESSES = 6
BODY, EVENT, BATCH = 64 * 1024, 1_000_000, 10_000_000
LARGER = {
    "/pirsch/api/v1/hit": EVENT,
    "/pirsch/api/v1/event": EVENT,
    "/pirsch/api/v1/session": EVENT,
    "/pirsch/api/v1/hit/batch": BATCH,
    "/pirsch/api/v1/event/batch": BATCH,
    "/pirsch/api/v1/session/batch": BATCH,
}
"""What documented calls of the vendors need; everything else has the limit of a question."""
ROUTES = [
    *((method, "/plausible" + path) for method, path, *_ in plausible.ROUTES if method != "GET"),
    *((method, "/sparklytics" + path) for method, path, *_ in sparklytics.ROUTES if method != "GET"),
    *((method, "/pirsch/api/v1" + path) for method, path, *_ in pirsch.ROUTES if method != "GET"),
    ("POST", "/pirsch/api/v1/token"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(
        tmp_path_factory.mktemp("limits"),
        LOG_LEVEL="error",
        METRICS_TOKEN="a-scrapers-token",
        AUTH_FAILURE_LIMIT=str(GUESSES),
    ) as running:
        yield running


@pytest.fixture(scope="module")
def keys(served: Served) -> tuple[Api, Api]:
    """A key of ours, and a client of the Pirsch-shaped API."""
    owner = new_owner(Api(served.base, served.key))
    scopes = ["read", "ingest", "manage_sites", "manage_goals"]
    made = owner.ok("POST", f"/v1/sites/{new_site(owner)}/pirsch-clients", {"scopes": scopes})
    token = client().post(f"{served.base}/pirsch/api/v1/token", json=made).json()["access_token"]
    return owner, owner.with_key(token)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{m} {p}" for m, p in ROUTES])
def test_a_body_over_the_limit_of_its_route_is_refused(keys: tuple[Api, Api], method: str, path: str) -> None:
    api = keys["/pirsch/" in path]
    limit = LARGER.get(path, BODY)
    filled = path.replace("{", "").replace("}", "").replace(":path", "")
    answer = api.send(method, filled, content=b" " * (limit + 1), headers={"Content-Type": "application/json"})
    assert (answer.status_code, "payload_too_large" in answer.text) in ((413, False), (400, True)), answer.text
    if limit > BODY:
        assert api.send(method, filled, content=b" " * limit).status_code == 400  # read, and found to be no JSON


def test_the_limits_that_are_larger_are_the_documented_ones() -> None:
    settings = Settings()
    made = {e.path: e.most(settings) for e in pirsch.ENDPOINTS}
    table = {path: made[path] for path in (pirsch.PREFIX + path for path in pirsch.LARGER)}
    assert table == LARGER | {"/pirsch/api/v1/import/plausible": settings.import_body_limit}
    assert (settings.body_limit, settings.event_body_limit) == (BODY, EVENT)
    assert sparklytics.EVENTS_LIMIT == 100_000


def test_a_body_of_megabytes_for_a_token_is_not_read(served: Served) -> None:
    body = json.dumps({"client_id": "x" * 9_000_000, "client_secret": "y"}).encode()
    answer = client().post(f"{served.base}/pirsch/api/v1/token", content=body)
    assert answer.status_code == 413


def ask(served: Served, path: str, bearer: str, address: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {bearer}", "X-Forwarded-For": address}
    return client().get(f"{served.base}{path}", headers=headers)


@pytest.mark.parametrize("mark", ["", "pa_", "tw_"])
def test_guesses_at_a_pirsch_token_are_limited_by_address(served: Served, keys: tuple[Api, Api], mark: str) -> None:
    address = f"198.51.100.{40 + len(mark) + mark.count('tw')}"
    path = "/pirsch/api/v1/domain"
    answers = [ask(served, path, f"{mark}guessed-badly{n:040}", address) for n in range(60)]
    statuses = [a.status_code for a in answers]
    assert (statuses[:GUESSES], statuses.count(429) >= 50) == ([401] * GUESSES, True)
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert ask(served, path, keys[1].key, address).status_code == 200
    assert ask(served, path, "guessed", "198.51.100.49").status_code == 401


def test_asking_without_a_token_is_how_clients_begin_and_no_guess(served: Served) -> None:
    for _ in range(30):
        headers = {"Authorization": "Bearer", "X-Forwarded-For": "198.51.100.50"}
        assert client().get(f"{served.base}/pirsch/api/v1/domain", headers=headers).status_code == 401


def test_guesses_at_the_token_for_figures_are_counted_before_they_are_compared(served: Served) -> None:
    statuses = [ask(served, "/metrics", f"{n}-guess", "198.51.100.51").status_code for n in range(30)]
    assert (statuses[:GUESSES], statuses.count(429) >= 20) == ([401] * GUESSES, True)
    assert ask(served, "/metrics", "a-scrapers-token", "198.51.100.51").status_code == 429
    assert ask(served, "/metrics", "a-scrapers-token", "198.51.100.52").status_code == 200
