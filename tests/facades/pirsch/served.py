"""A gateway on loopback with the demo site, and a client of its Pirsch-shaped API."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixtures.twins.plausible import EVENTS
from fixtures.twins.serve import serve_in_thread
from gateway.app import create_app
from gateway.settings import read_settings

ADMIN_KEY = "tw_" + "a1" * 20  # an invented key, given to the server and used by the tests
NOW = "2026-06-08T12:00:00Z"
WEEK = {"from": "2026-06-01", "to": "2026-06-07"}
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
Pairs = Mapping[str, Any] | list[tuple[str, str]]


@dataclass(frozen=True)
class Answered:
    """A status, headers in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Speaks with one gateway; `bearer` goes with every request of `pirsch`."""

    base: str
    site: str = ""
    credentials: dict[str, Any] = field(default_factory=dict)
    bearer: str = ""

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answered:
        """A body that is no bytes is sent as JSON without a content type, as the Go client does."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=dict(headers or {}))
        if data is not None and not request.has_header("Content-type"):
            request.add_header("Content-Type", "")
        try:
            with urllib.request.urlopen(request, timeout=30) as found:
                return Answered(found.status, {k.lower(): v for k, v in found.headers.items()}, found.read())
        except urllib.error.HTTPError as error:
            return Answered(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())

    def admin(self, method: str, path: str, body: Any = None) -> Answered:
        """A request to our own API with the operator's key."""
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        return self.send(method, path, body, headers)

    def token(self, credentials: Mapping[str, Any] | None = None) -> str:
        given = credentials or self.credentials
        wanted = {name: given[name] for name in ("client_id", "client_secret")}
        answered = self.send("POST", "/pirsch/api/v1/token", wanted)
        assert answered.status == 200, answered.body
        return str(answered.json["access_token"])

    def pirsch(self, method: str, path: str, body: Any = None, query: Pairs | None = None) -> Answered:
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self.send(method, f"/pirsch/api/v1{path}{asked}", body, {"Authorization": f"Bearer {self.bearer}"})

    def statistics(self, path: str, /, **query: Any) -> Any:
        """The JSON of a statistics endpoint over the demo week."""
        answered = self.pirsch("GET", f"/statistics/{path}", query={"id": self.site, **WEEK, **query})
        assert answered.status == 200, answered.body
        return answered.json

    def refused(self, path: str, /, **query: Any) -> Any:
        """The body of a refusal with 400."""
        answered = self.pirsch("GET", f"/statistics/{path}", query={"id": self.site, **WEEK, **query})
        assert answered.status == 400, answered.body
        return answered.json

    def client(self, **wanted: Any) -> dict[str, Any]:
        """Another client of the site."""
        made = self.admin("POST", f"/v1/sites/{self.site}/pirsch-clients", wanted)
        assert made.status == 201, made.body
        return dict(made.json)

    def as_client(self, **wanted: Any) -> "Client":
        """The same gateway with the token of another client."""
        made = self.client(**wanted)
        return Client(self.base, self.site, made, made["access_key"] or self.token(made))

    def another_site(self, domain: str) -> "Client":
        """A site without events, and a client of it; the store holds one gateway in a process at a time."""
        made = self.admin("POST", "/v1/sites", {"domain": domain})
        assert made.status == 201, made.body
        other = Client(self.base, made.json["id"])
        other.credentials = other.client()
        other.bearer = other.token()
        return other

    def day(self, path: str, /, **query: Any) -> Any:
        """The JSON of a statistics endpoint over the day that the clock shows; what was taken is counted first."""
        self.admin("POST", f"/v1/sites/{self.site}/events?wait=true", [engagement()])
        return self.statistics(path, **{"from": NOW[:10], "to": NOW[:10], **query})


def engagement() -> dict[str, Any]:
    """An event that is not counted, to wait for those before it."""
    return {"name": "engagement", "visitor": "nobody-at-all", "engagement_ms": 1, "url": "https://demo.example.com/"}


def with_number(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its money as a number; the file writes it as text, to the cent."""
    if paid := event.get("revenue"):
        paid["amount"] = float(paid["amount"])
    return event


@contextmanager
def gateway(data: Path, **settings: str) -> Iterator[Client]:
    """Runs until the block ends, its clock frozen the day after the demo week."""
    given = {
        "TALLYWAY_DATA": str(data),
        "TALLYWAY_ADMIN_KEY": ADMIN_KEY,
        "TALLYWAY_NOW": NOW,
        "TALLYWAY_LOG_LEVEL": "error",
    }
    with serve_in_thread(create_app(read_settings(given | settings))) as base:
        client = Client(base)
        made = client.admin("POST", "/v1/sites", {"domain": "demo.example.com"})
        assert made.status == 201, made.body
        client.site = made.json["id"]
        lines = (EVENTS / "demo-site.jsonl").read_text("utf-8").splitlines()
        sent = client.admin(
            "POST", f"/v1/sites/{client.site}/events?wait=true", [with_number(json.loads(line)) for line in lines]
        )
        assert sent.status == 202, sent.body
        for goal in ({"event_name": "Purchase", "currency": "EUR"}, {"page_path": "/pricing"}):
            assert client.admin("PUT", f"/v1/sites/{client.site}/goals", goal).status == 200
        client.credentials = client.client()
        client.bearer = client.token()
        yield client
