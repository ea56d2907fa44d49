"""The rim: what is refused before any work is done, and what every answer carries."""

import hmac
import re
import socket
from collections.abc import Iterator
from hmac import compare_digest
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.routing import Route

from gateway.access.rate_limit import RateLimit
from gateway.app import build, create_app
from gateway.catalog import Catalog, clients, keys
from gateway.catalog.clients import ClientKind
from gateway.http import facades
from gateway.settings import Settings
from gateway.tenancy import DEFAULT_TENANT, KeyScope, Tenant
from models.errors import TooManyRequests
from tests.api.conftest import Api, client, new_owner, new_site
from tests.serving import Served, serve

QUERY = '{"site":"%s","metrics":["visitors"],"date_range":"7d"%s}'


def raw(base: str, request: bytes) -> bytes:
    """What the server says to these very bytes, until it closes or falls silent."""
    parts = urlsplit(base)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as wire:
        said = b""
        try:
            wire.sendall(request)
            wire.settimeout(2)
            while chunk := wire.recv(65536):
                said += chunk
        except (TimeoutError, ConnectionError):
            pass  # silent, or closed before all of it was sent
        return said


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 1000 + b"]" * 1000, 400),
        (b'{"limit":' + b"9" * 60_000 + b"}", 400),
        (b'{"limit":NaN}', 400),
        (b'{"limit":Infinity}', 400),
        (b'{"metrics":[' + b'"visitors",' * 5000 + b'"visitors"]}', 400),
        (b'{"limit":1000000000,"metrics":["visitors"]}', 400),
        (b'{"metrics":["visitors"],"date_range":["0001-01-01","9999-12-31"]}', 400),
        (b'{"metrics":["visitors"],"filters":[["matches","page",["' + b"(a+)+" * 200 + b'$"]]]}', 400),
        (b"\xff\xfe", 400),
        (b'{"limit":' + b"9" * 10**6 + b"}", 413),
    ],
    ids=["deep", "digits", "nan", "infinity", "metrics", "limit", "years", "regex", "not utf-8", "a million digits"],
)
def test_a_body_that_would_cost_too_much_is_refused(owner: Api, body: bytes, status: int) -> None:
    assert owner.send("POST", "/v1/query", content=body).status_code == status


EVENT = '{"name":"x","visitor":"a","path":"/","props":{"a":@}}'
FILTERED = '{"site":"#","metrics":["visitors"],"date_range":"7d","filters":@}'
NESTED = (
    ("POST", "/v1/sites/#/events", EVENT),
    ("POST", "/v1/sites/#/events", f"[{EVENT}]"),
    ("POST", "/v1/query", FILTERED),
    ("GET", f"/v1/query?q={FILTERED}", ""),
    ("POST", "/v1/sites/#/segments", '{"name":"s","filters":@}'),
    ("POST", "/v1/connections", '{"backend":"umami","options":{"a":@},"credential":{"a":@}}'),
    ("POST", "/v1/sites/#/vendor/local/x", "@"),
    ("POST", "/plausible/api/v2/query", FILTERED.replace("site", "site_id")),
    ("GET", "/plausible/api/v1/stats/aggregate?site_id=#&filters=@", ""),
    ("PUT", "/plausible/api/v1/sites/goals", '{"site_id":"#","custom_props":{"a":@}}'),
    ("POST", "/pirsch/api/v1/token", "@"),
    ("POST", "/event", "@"),
    ("POST", "/api/event", '{"n":"x","u":"https://#/","d":"#","p":{"a":@}}'),
    ("POST", "/sparklytics/e", '{"website_id":"#","type":"event","event_data":{"a":@}}'),
)
"""Where JSON is read: `#` stands for a site and `@` for arrays inside each other."""


@pytest.mark.parametrize("deep", [190, 260, 1000])
def test_nesting_is_refused_wherever_json_is_read_and_breaks_nothing(owner: Api, site: str, deep: int) -> None:
    """190 may be read, 260 is more than can be written again, 1000 is about Python's own stack."""
    nested = "[" * deep + "]" * deep
    for method, *places in NESTED:
        path, body = (text.replace("#", site).replace("@", nested) for text in places)
        assert owner.send(method, path, content=body).status_code < 500, path[:80]


def test_a_pattern_that_backtracks_elsewhere_is_answered_in_linear_time(owner: Api, site: str) -> None:
    events = b'{"name":"pageview","time":"2026-06-15T10:00:00Z","visitor":"a","path":"/%s!"}\n' % (b"a" * 1900)
    owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=events)
    filters = ',"filters":[["matches","page",["^/(a+)+$"]]]'
    answer = owner.send("POST", "/v1/query", content=(QUERY % (site, filters)).encode())  # elsewhere it takes years
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
def test_no_origin_is_reflected_outside_the_trackers(owner: Api, origin: str) -> None:
    for path in ("/v1/sites", "/docs", "/openapi.json", "/metrics", "/nothing"):
        answer = owner.send("GET", path, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers, path
    preflight = client().options(
        f"{owner.base}/v1/sites", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
    )
    assert (preflight.status_code, "access-control-allow-origin" in preflight.headers) == (405, False)


def test_trackers_are_open_to_every_origin_and_never_with_credentials(owner: Api, site: str) -> None:
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    event = {"n": "pageview", "u": f"https://{site}/", "d": site}
    posts = [
        client().post(f"{owner.base}{path}", json=body, headers=origin)
        for path in ("/api/event", "/plausible/api/event")
        for body in (event, event | {"d": "nobody.example.org"}, {})
    ]
    asked = [client().options(f"{owner.base}{path}", headers=origin) for path in facades.TRACKING | {"/api/event"}]
    preflights = [answer for answer in asked if answer.status_code != 405]
    assert len(preflights) > 4
    scripts = [client().get(f"{owner.base}/js/tallyway.js", headers=origin)]
    for answer in (*posts, *preflights, *scripts):
        assert answer.headers.get("access-control-allow-origin") == "*", answer.request.url
        assert "access-control-allow-credentials" not in answer.headers, answer.request.url


def test_every_answer_carries_the_security_headers(owner: Api) -> None:
    for path in ("/v1/sites", "/docs", "/nothing", "/js/tallyway.js", "/healthz", "/v1/query"):
        headers = owner.send("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert "'unsafe-inline'" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_the_documentation_page_loads_nothing_from_elsewhere(owner: Api) -> None:
    page = client().get(f"{owner.base}/docs").text
    assert re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page) == []
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", page)


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT"])
def test_methods_that_echo_are_not_known(owner: Api, method: str) -> None:
    path = b"/v1/sites" if method != "CONNECT" else b"127.0.0.1:80"
    host = urlsplit(owner.base).netloc.encode()
    said = raw(
        owner.base, method.encode() + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nX-Echo: marker\r\n\r\n"
    )
    assert said.split(b" ")[1:2] in ([b"400"], [b"404"], [b"405"]), said[:100]
    assert b"marker" not in said


def test_two_lengths_are_not_two_requests(owner: Api) -> None:
    """The pair of content-length and transfer-encoding that proxies disagree about."""
    smuggled = b"GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    said = raw(owner.base, head + smuggled)
    assert (said.count(b"HTTP/1.1 "), said.split(b" ")[1]) == (1, b"400")


@pytest.mark.parametrize("text", ["a%0d%0aSet-Cookie:%20x=1", "a%0aX-Evil:%201", "%00", "..%2f..%2fetc%2fpasswd"])
def test_line_breaks_never_become_headers(owner: Api, text: str) -> None:
    for path in (
        f"/v1/sites/{text}",
        f"/js/pa-{text}.js",
        f"/static/{text}",
        f"/v1/sites/{text}/exports?format={text}",
    ):
        answer = owner.send("GET", path)
        assert answer.status_code in (400, 404), path
        assert not {"set-cookie", "x-evil"} & set(answer.headers)
    answer = owner.send("GET", "/v1/sites", headers={"X-Request-Id": "abcdefgh\tx"})
    assert answer.headers["x-request-id"] != "abcdefgh\tx"


def test_an_event_for_a_hundred_thousand_sites_is_refused(owner: Api, site: str) -> None:
    domains = ",".join(f"{n}.e" for n in range(100_000))
    for path in ("/api/event", "/plausible/api/event"):
        event = {"n": "pageview", "u": f"https://{site}/", "d": domains}
        answer = client().post(f"{owner.base}{path}", json=event)
        assert (answer.status_code, answer.json()) == (400, {"errors": {"domain": ["should have at most 10 item(s)"]}})


async def test_names_that_no_site_can_have_are_not_remembered(tmp_path: Path) -> None:
    services = build(Settings(data=tmp_path))
    try:
        for n in range(20):
            assert await services.sites.for_tracker(f"{n}" + "x" * 900_000) is None
        assert not services.sites._by_name
        assert await services.sites.for_tracker("x" * 253) is None
        assert len(services.sites._by_name) == 1
    finally:
        await services.close()


def test_a_header_of_a_megabyte_is_refused(owner: Api) -> None:
    said = raw(owner.base, b"GET /v1/sites HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"x" * 2**20 + b"\r\n\r\n")
    assert said == b"" or said.split(b" ")[1] in (b"400", b"401", b"431")
    owner.ok("GET", "/v1/sites")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway with every limit of the rim switched on; the tests' own address is a proxy that it trusts."""
    with serve(
        tmp_path_factory.mktemp("strict"),
        AUTH_FAILURE_LIMIT="3",
        KEY_RATE_LIMIT="30",
        ADDRESS_RATE_LIMIT="60",
        HOSTS="127.0.0.1",
    ) as running:
        yield running


def from_address(address: str, **more: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, **more}


def test_an_unknown_host_is_refused_and_a_known_one_answered(strict: Served) -> None:
    port = urlsplit(strict.base).port
    for host, status in (("127.0.0.1", 200), (f"127.0.0.1:{port}", 200), ("evil.example.com", 421), ("", 421)):
        headers = from_address("198.51.100.1", Host=host)
        assert client().get(f"{strict.base}/version", headers=headers).status_code == status, host
        for probe in ("/healthz", "/readyz"):
            assert client().get(strict.base + probe, headers=headers).status_code == 200, host


def test_guesses_at_a_key_are_limited_by_address_and_prefix(strict: Served) -> None:
    def guess(address: str, key: str) -> int:
        headers = from_address(address, Authorization=f"Bearer {key}")
        return client().get(f"{strict.base}/v1/sites", headers=headers).status_code

    prefix = "tw_guessing"
    assert [guess("198.51.100.2", f"{prefix}{n:032}") for n in range(5)] == [401, 401, 401, 429, 429]
    assert guess("198.51.100.3", f"{prefix}{7:032}") == 401
    assert guess("198.51.100.2", f"tw_another1{7:032}") == 401
    assert guess("198.51.100.2", strict.key) == 200


@pytest.mark.parametrize("forged", ["X-Plausible-IP", "X-Real-IP", "CF-Connecting-IP", "Forwarded"])
def test_a_header_of_ones_own_gives_no_new_guesses(strict: Served, forged: str) -> None:
    def guess(n: int) -> int:
        said = f"for=6.6.6.{n}" if forged == "Forwarded" else f"6.6.6.{n}"
        headers = from_address(
            "198.51.100.20", Authorization=f"Bearer tw_{forged[:8].lower()}{n:032}", **{forged: said}
        )
        return client().get(f"{strict.base}/v1/sites", headers=headers).status_code

    assert [guess(n) for n in range(5)] == [401, 401, 401, 429, 429]


def test_a_line_of_ones_own_above_the_proxys_gives_no_new_guesses(strict: Served) -> None:
    def guess(n: int) -> int:
        key = f"tw_lines000{n:032}"
        lines = [("X-Forwarded-For", f"6.6.6.{n}"), ("X-Forwarded-For", "198.51.100.21")]
        return client().get(f"{strict.base}/v1/sites", headers=[*lines, ("Authorization", f"Bearer {key}")]).status_code

    assert [guess(n) for n in range(5)] == [401, 401, 401, 429, 429]


def test_one_key_and_one_address_may_ask_so_often_and_no_more(strict: Served) -> None:
    platform = Api(strict.base, strict.key)
    made = platform.ok("POST", "/v1/keys", {"name": "busy", "scopes": ["read"]}, headers=from_address("198.51.100.4"))
    busy = platform.with_key(made["key"])
    statuses = [busy.send("GET", "/v1/sites", headers=from_address(f"198.51.101.{n}")).status_code for n in range(32)]
    assert statuses.count(200) in (30, 31)
    assert statuses[-1] == 429
    answers = [client().get(f"{strict.base}/healthz", headers=from_address("198.51.100.5")) for _ in range(63)]
    assert [a.status_code for a in answers].count(200) in (60, 61)
    assert answers[-1].json()["code"] == "rate_limited"
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_limits_are_on_by_default_far_above_what_people_do() -> None:
    """And far above what the operator's own tools do in a minute: those are not counted at all."""
    made = Settings()
    assert 6_000 <= made.address_rate_limit <= made.key_rate_limit <= 60_000
    assert 10 <= made.creation_rate_limit <= 100
    assert made.auth_failure_limit == 20


def test_the_operators_key_and_a_proxy_that_names_nobody_are_not_limited(strict: Served) -> None:
    platform = Api(strict.base, strict.key)
    assert {platform.send("GET", "/v1/sites").status_code for _ in range(80)} == {200}
    assert {client().get(f"{strict.base}/healthz").status_code for _ in range(80)} == {200}


def test_events_of_trackers_have_a_limit_of_their_own(strict: Served, tmp_path: Path) -> None:
    def sent(base: str) -> list[int]:
        event = {"n": "pageview", "u": "https://a.example/", "d": "a.example"}
        headers = from_address("198.51.100.60")
        return [client().post(f"{base}/api/event", json=event, headers=headers).status_code for _ in range(70)]

    assert set(sent(strict.base)) == {202}
    with serve(tmp_path, EVENT_RATE_LIMIT="10") as running:
        assert sent(running.base)[-1] == 429


def test_every_address_of_trackers_is_known_as_one(tmp_path: Path) -> None:
    found = [route for route in create_app(Settings(data=tmp_path)).routes if isinstance(route, Route)]
    routes = {(route.path, method) for route in found for method in route.methods or ()}
    tracking = facades.TRACKING | {"/api/event"}
    assert {path for path, _ in routes} >= tracking
    preflighted = {path for path, method in routes if method == "OPTIONS"}
    assert preflighted <= tracking


def test_an_address_is_believed_from_trusted_proxies_only(tmp_path: Path) -> None:
    with serve(tmp_path, TRUSTED_PROXIES="none", ADDRESS_RATE_LIMIT="20") as running:
        statuses = [
            client().get(f"{running.base}/healthz", headers=from_address(f"198.51.100.{n}")).status_code
            for n in range(25)
        ]
    assert 429 in statuses


def test_a_throttle_gives_back_with_time_and_forgets_nobody_early() -> None:
    now = [0.0]
    throttle = RateLimit(60, "requests", monotonic=lambda: now[0])
    for _ in range(60):
        throttle.take("a")
    with pytest.raises(TooManyRequests) as caught:
        throttle.take("a")
    assert caught.value.retry_after == 1.0
    throttle.take("b")
    now[0] = 1.0
    throttle.take("a")
    with pytest.raises(TooManyRequests):
        throttle.take("a")
    for _ in range(1000):
        RateLimit(0, "requests").take("a")


def test_a_wrong_prefix_is_compared_as_a_wrong_secret_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways compare one digest in constant time. Times themselves say nothing here: the look-up costs 50 times as
    much as the comparison, so that a missing one does not show."""
    compared: list[tuple[bytes, bytes]] = []

    def noting(kept: bytes, given: bytes) -> bool:
        compared.append((kept, given))
        return compare_digest(kept, given)

    catalog, tenant, now = Catalog(tmp_path), Tenant(DEFAULT_TENANT), Settings().clock()
    _, key = catalog.run_now(keys.create, tenant, name="k", scopes=[KeyScope.READ], now=now)
    _, secret = catalog.run_now(
        clients.create, tenant, site=None, kind=ClientKind.OAUTH, scopes=[KeyScope.READ], description="", now=now
    )
    client_id = catalog.run_now(clients.listed, tenant, None)[0].id
    monkeypatch.setattr(hmac, "compare_digest", noting)
    for guess in (f"{key[:-4]}0000", f"tw_nobody00{key[11:]}"):
        assert catalog.run_now(keys.matching, guess) is None
    for name, guess in ((client_id, f"{secret}x"), ("nobody", secret)):
        assert catalog.run_now(clients.with_secret, name, guess) is None
    catalog.close()
    nobody = bytes(32)
    assert [(kept == nobody, len(given)) for kept, given in compared] == [(False, 32), (True, 32)] * 2


def test_the_service_is_alive_after_all_this(platform: Api) -> None:
    assert new_site(new_owner(platform))
