"""The facade over other backends: what they can answer has the same shape, what they cannot is refused and why."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import pytest

from fixtures.twins.plausible import demo_store, plausible_twin
from fixtures.twins.serve import serve_in_thread
from tests.facades.pirsch.served import NOW, Client, gateway

KEY = "twin-key-of-the-tests"
LOOPBACK = {"TALLYWAY_ALLOW_HTTP": "true", "TALLYWAY_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8"}
TOTAL = ("visitors", "views", "sessions", "bounces")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with gateway(tmp_path_factory.mktemp("gateway"), **LOOPBACK) as client:
        yield client


def connected(demo: Client, backend: str, options: Mapping[str, object], credential: Mapping[str, str]) -> Client:
    """A client of the demo site behind another connection."""
    made = demo.admin(
        "POST", "/v1/connections", {"name": backend, "backend": backend, "options": options, "credential": credential}
    )
    assert made.status == 201, made.body
    synced = demo.admin("POST", f"/v1/connections/{made.json['id']}/sync")
    assert synced.status == 200, synced.body
    sites = demo.admin("GET", f"/v1/sites?connection={made.json['id']}").json["sites"]
    other = Client(demo.base, next(site["id"] for site in sites if site["domain"] == "demo.example.com"))
    other.credentials = other.client()
    other.bearer = other.token()
    return other


@pytest.fixture(scope="module")
def plausible(demo: Client) -> Iterator[Client]:
    """The demo week behind Plausible's twin."""
    with serve_in_thread(plausible_twin(demo_store(edition="cloud", key=KEY, now=datetime.fromisoformat(NOW)))) as base:
        yield connected(demo, "plausible", {"base_url": base}, {"api_key": KEY})


@pytest.fixture(scope="module")
def itself(demo: Client) -> Client:
    """The demo site once more: behind the Pirsch adapter, which asks this very facade."""
    options = {"base_url": f"{demo.base}/pirsch"}
    credential = {name: demo.credentials[name] for name in ("client_id", "client_secret")}
    return connected(demo, "pirsch", options, credential)


ASKED: Sequence[tuple[str, dict[str, str]]] = (
    ("total", {}), ("total", {"path": "/pricing"}), ("total", {"country": "de"}), ("total", {"event": "Purchase"}),
    ("visitor", {"scale": "month"}), ("channel", {}), ("country", {}), ("browser", {}), ("page/entry", {}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "query"), ASKED)
def test_plausible_answers_as_our_own_store_does(
    demo: Client, plausible: Client, name: str, query: dict[str, str]
) -> None:
    assert plausible.statistics(name, **query) == demo.statistics(name, **query)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("total", {}), ("total", {"path": "/pricing"}), ("total", {"country": "de"}), ("visitor", {}),
        ("country", {}), ("browser", {}), ("os", {}), ("channel", {}), ("page/exit", {}),
    ],
)  # fmt: skip
def test_the_facade_over_the_adapter_over_the_facade_answers_as_our_own_store(
    demo: Client, itself: Client, name: str, query: dict[str, str]
) -> None:
    assert itself.statistics(name, **query) == demo.statistics(name, **query)


@pytest.mark.parametrize("name", ["hours", "weekdays", "session/list", "tags", "event/list", "options/page"])
def test_what_a_backend_has_not_is_refused_with_its_reason(plausible: Client, name: str) -> None:
    refused = plausible.refused(name)
    assert refused["validation"] == {}
    assert len(refused["error"]) == 1
    assert ": " in refused["error"][0]


def test_a_batch_of_the_past_is_refused_where_events_carry_no_time(plausible: Client) -> None:
    hit = {"url": "https://demo.example.com/", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0 Firefox/140.0"}
    answered = plausible.pirsch("POST", "/hit/batch", [{**hit, "time": "2026-06-01T10:00:00Z"}])
    assert (answered.status, answered.json["error"][0].partition(":")[0]) == (400, "backdate_events")
