"""Secrets planted wherever a request or a vendor can carry them are found in no log, answer, audit row or figure."""

import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fixtures.twins.serve import serve_in_thread
from gateway.observe.log import HIDDEN, redacted
from tests.api.conftest import NOW, Api, client, new_owner
from tests.serving import serve

SECRETS = st.text(string.ascii_letters + string.digits, min_size=16, max_size=40).map(lambda text: f"plant{text}")
STATUSES = (200, 302, 400, 401, 403, 404, 500)
EXAMPLES = 12
METHODS = ["GET", "POST", "PUT", "DELETE"]
HEARD: list[str] = []
"""Everything that the vendor was told."""


@dataclass(repr=False)
class Ground:
    """A gateway, a vendor that repeats whatever it is told, and everything that was answered."""

    api: Api
    platform: Api
    vendor: str
    folder: Path
    planted: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def tell(self, method: str, path: str, headers: dict[str, str] | None = None, **more: object) -> int:
        answer = self.api.send(method, path, headers=headers, **more)
        self.answers.append(answer.text + str(answer.headers))
        return answer.status_code


async def echo(request: Request) -> Response:
    """Everything that was sent, with the status that the path asks for, as JSON or as HTML, and in headers."""
    said = f"{request.url} {dict(request.headers)} {(await request.body())!r}"
    HEARD.append(said)
    status = STATUSES[sum(said.encode()) % len(STATUSES)]
    body, media = (f'{{"error": {said!r}}}', "application/json") if len(said) % 2 else (f"<h1>{said}</h1>", "text/html")
    key = request.headers.get("authorization", "")
    return Response(body, status, {"x-echo": key, "location": f"/again?key={key}", "set-cookie": f"k={key}"}, media)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("redaction")
    vendor = Starlette(routes=[Route("/{path:path}", echo, methods=METHODS)])
    with (
        serve_in_thread(vendor) as base,
        serve(folder, NOW=NOW, ALLOW_HTTP="true", ALLOW_PRIVATE_NETWORKS="127.0.0.0/8", LOG_LEVEL="debug") as served,
    ):
        platform = Api(served.base, served.key)
        yield Ground(new_owner(platform), platform, base, folder)


@given(secret=SECRETS)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_secrets_are_planted_everywhere_as_a_property(ground: Ground, secret: str) -> None:
    plant(ground, secret)


def plant(ground: Ground, secret: str) -> None:
    """Wherever a secret may be put; each answer is searched at once."""
    ground.planted.append(secret)
    seen = len(ground.answers)
    for scheme in ("Bearer tw_", "Bearer ", "Basic ", "Token ", ""):
        assert ground.tell("GET", "/v1/sites", {"Authorization": f"{scheme}{secret}"}) in (401, 429)
    for name in ("key", "api_key", "access_token", "token", "auth"):
        ground.tell("GET", f"/v1/sites?{name}={secret}")
    ground.tell("GET", f"/v1/sites/tw_{secret}")
    ground.tell("GET", "/healthz", {"Cookie": f"session={secret}", "X-Api-Key": secret, "X-Request-Id": f"!{secret}"})
    for credential in ({"api_key": [secret]}, {"api_key": secret, secret: 1}, {"password": secret}, secret):
        body = {"backend": "plausible", "options": {"base_url": ground.vendor}, "credential": credential}
        assert ground.tell("POST", "/v1/connections", json=body) == 400
    userinfo = {"base_url": f"https://user:{secret}@example.com"}
    body = {"backend": "plausible", "options": userinfo, "credential": {"api_key": secret}}
    assert ground.tell("POST", "/v1/connections", json=body) == 400
    body = {"backend": "plausible", "options": {"base_url": ground.vendor}, "credential": {"api_key": secret}}
    made = ground.api.ok("POST", "/v1/connections", body)["id"]
    for path in (f"/v1/connections/{made}/check", f"/v1/connections/{made}/sync"):
        ground.tell("POST", path)
    ground.tell("GET", f"/v1/connections/{made}/sites")
    ground.tell("POST", "/v1/sites", json={"domain": "told.example.com", "connection": made})
    ground.tell("GET", f"/v1/connections/{made}")
    # The keys of a refused object are named, because the caller must mend them; anything else is found nowhere.
    named = [
        answer for answer in ground.answers[seen:] if secret in answer and f"credential.{secret}"[:60] not in answer
    ]
    assert named == []


def test_secrets_of_clients_are_planted_as_their_tokens_are(ground: Ground) -> None:
    plant_clients(ground)


def plant_clients(ground: Ground) -> None:
    """Clients of the Pirsch-shaped API: secrets and keys are told once, tokens once an hour; both are sent, right and
    wrong, wherever a client may put them."""
    site = ground.api.ok("POST", "/v1/sites", {"domain": f"{token_hex(6)}.example.com"})["id"]
    base, path = "/pirsch/api/v1", f"/v1/sites/{site}/pirsch-clients"
    scopes = ["read", "ingest", "manage_sites", "manage_goals"]
    client_ = ground.api.ok("POST", path, {"scopes": scopes}, headers={"Idempotency-Key": f"planted-{site}"})
    key = ground.api.ok("POST", path, {"kind": "key"})["access_key"]
    pair = {name: client_[name] for name in ("client_id", "client_secret")}
    token = ground.api.send("POST", f"{base}/token", json=pair).json()["access_token"]
    own = ground.api.with_key(token)
    body = {"domain_id": site, "type": "oauth", "scope_statistics": "r"}
    others = own.ok("POST", f"{base}/client", body, headers={"Idempotency-Key": f"planted-too-{site}"})["client_secret"]
    ground.planted += [client_["client_secret"], key, token, others]
    seen = len(ground.answers)
    for secret in (client_["client_secret"], key, token, others):
        for shape in (pair | {"client_secret": f"{secret}x"}, {"client_id": secret, "client_secret": secret}, [secret]):
            ground.tell("POST", f"{base}/token", json=shape)
        for bearer in (secret, f"{secret}x", secret[:-1]):
            ground.tell("GET", f"{base}/domain", {"Authorization": f"Bearer {bearer}"})
            ground.tell("POST", f"{base}/hit", {"Authorization": f"Bearer {bearer}"}, json={"url": "https://x/"})
        for name in ("access_token", "client_secret", "token"):
            ground.tell("GET", f"{base}/domain?{name}={secret}")
        ground.tell("GET", "/v1/sites", {"Authorization": f"Bearer {secret}"})
    ground.tell("GET", path)
    ground.tell("GET", f"{base}/client?id={site}", {"Authorization": f"Bearer {token}"})
    ground.tell("DELETE", f"{path}/{client_['client_id']}")
    ground.tell("GET", f"{base}/domain", {"Authorization": f"Bearer {token}"})

    assert [a for a in ground.answers[seen:] if any(secret in a for secret in ground.planted[-4:])] == []


@pytest.mark.parametrize(
    ("backend", "names"),
    [
        ("pirsch", ("client_id", "client_secret")),
        ("sparklytics", ("api_key",)),
        ("sparklytics", ("password",)),
        ("umami", ("api_key",)),
        ("umami", ("username", "password")),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_no_adapter_repeats_what_its_vendor_echoes(ground: Ground, backend: str, names: tuple[str, ...]) -> None:
    secret, seen = f"plant{token_hex(8)}", len(ground.answers)
    ground.planted.append(secret)
    # Each part of a credential is another secret: who signs in sends both.
    credential = {name: f"{secret}{number}" for number, name in enumerate(names)}
    body = {"backend": backend, "options": {"base_url": ground.vendor}, "credential": credential}
    made = ground.api.ok("POST", "/v1/connections", body)["id"]
    ground.tell("POST", f"/v1/connections/{made}/check")
    ground.tell("GET", f"/v1/connections/{made}/sites")
    ground.tell("POST", "/v1/sites", json={"domain": "told.example.com", "connection": made})
    ground.tell("GET", f"/v1/connections/{made}")
    assert any(secret in said for said in HEARD)
    assert [answer for answer in ground.answers[seen:] if secret in answer] == []


def test_no_secret_that_was_planted_is_found_anywhere(ground: Ground) -> None:
    for _ in range(EXAMPLES):
        plant(ground, f"plant{token_hex(8)}")
    plant_clients(ground)
    assert len(ground.planted) >= EXAMPLES + 4
    ground.tell("GET", "/v1/audit?limit=1000")
    figures = ground.platform.send("GET", "/metrics").text
    listings = ground.answers[-1]
    client().get(f"{ground.api.base}/healthz")
    files = {path: path.read_text("utf-8", "replace") for path in ground.folder.rglob("*") if path.is_file()}
    log = next(text for path, text in files.items() if path.name == "server.log")
    assert '"event":"request"' in log
    assert "connection.create" in listings
    for secret in ground.planted:
        assert secret not in figures
        assert secret not in listings
        assert [path.name for path, text in files.items() if secret in text] == []


@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_what_looks_like_a_secret_is_hidden_whatever_stands_around_it_as_a_property(
    secret: str, before: str, after: str
) -> None:
    for text in (f"Bearer {secret}", f" tw_{secret}", f"?key={secret}", f"&token={secret}", f"?auth={secret}"):
        shown = redacted({"event": f"{before} {text} {after}", "list": [(text,)]})
        assert secret not in str(shown)
        assert HIDDEN in str(shown)
    for name in ("authorization", "Set-Cookie", "api_key", "client_secret", "password", "credential", "access_token"):
        assert redacted({name: secret}) == {name: HIDDEN}


def test_figures_have_no_label_that_a_caller_chose(ground: Ground) -> None:
    ground.api.ok("POST", "/v1/sites", {"domain": "labelled.example.com"})
    ground.tell("GET", "/v1/sites/labelled.example.com")
    ground.tell("GET", "/no/such/labelled/address")
    text = ground.platform.send("GET", "/metrics").text
    assert 'route="/v1/sites/{site}"' in text
    assert "labelled" not in text
    assert "ten_" not in text
