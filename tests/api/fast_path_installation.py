"""The application over a copy of an installation, with its time standing still, with or without its fast paths."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from gateway.access.rate_limit import RateLimit
from gateway.app import build
from gateway.http import facades
from gateway.http.application import Application, application
from gateway.http.fast_path.base import FastPath
from gateway.observe import log as logging
from gateway.settings import Settings
from tests.api.fast_path_rows import OWN, UNREACHABLE, VENDORS, Row, Sent
from tests.serving import ADMIN_KEY, free_port

NOW = datetime.fromisoformat("2026-06-17T12:00:00Z")
LIMITS = ("guesses", "key_rate", "address_rate", "event_rate")


@dataclass(frozen=True)
class Installation:
    """A data directory to be copied, and what the rows name in it."""

    data: Path
    keys: Mapping[str, str]
    ids: Mapping[str, str]


class BrokenIngest:
    """Fails in its own code, however it is called."""

    async def track(self, *given: Any) -> Any:
        raise RuntimeError("a secret of ours")

    takes_together = track_all = track


class Counting:
    """A fast path, and how often it answered."""

    def __init__(self, path: FastPath, answered: Counter[str]) -> None:
        self._path, self._answered = path, answered

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        rest = await self._path.answered(scope, receive, send)
        self._answered["fast"] += rest is None
        return rest


class Running:
    """The application over a copy of the installation, with its time standing still."""

    def __init__(self, installed: Installation, data: Path, given: Row, *, fast: bool) -> None:
        settings = _settings(data, **given.settings)
        logging.set_up("info", "json")
        services = build(settings)
        ours: dict[str, Any] = {name: _stopped(settings, name) for name in LIMITS}
        if given.breaks:
            ours["ingest"] = BrokenIngest()
        self.services = replace(services, **ours)
        self.installed, self.answered = installed, Counter[str]()
        self.app: Application = application(self.services, _lifespan, facades.routes(self.services), facades.TRACKING)
        self.access: Any = self.app.fast_paths["/v1/query"].access  # type: ignore[attr-defined]  # not of the protocol
        counted = {path: Counting(found, self.answered) for path, found in self.app.fast_paths.items()}
        self.app.fast_paths = counted if fast else {}

    async def send(self, sent: Sent, etag: str = "") -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the answer."""
        path, _, query = sent.path.partition("?")
        messages: list[Message] = []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": sent.method, "scheme": "http",
            "path": self._filled(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": self._headers(sent, etag), "client": (sent.address, 50000), "server": ("127.0.0.1", 8000),
        }  # fmt: skip

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, _pieces(sent), keep)
        start = messages[0]
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
        return start["status"], headers, b"".join(m.get("body", b"") for m in messages[1:])

    def _filled(self, path: str) -> str:
        for name, value in self.installed.ids.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def _headers(self, sent: Sent, etag: str) -> list[tuple[bytes, bytes]]:
        found = [(name, value.replace("{etag}", etag)) for name, value in sent.headers]
        if sent.key:
            found.append(("authorization", sent.scheme + self._key(sent.key)))
        if sent.host:
            found.append(("host", sent.host))
        if sent.length is not None:
            found.append(("content-length", sent.length or str(len(sent.body))))
        return [(name.encode(), value.encode("utf-8")) for name, value in found]

    def _key(self, name: str) -> str:
        """A key of the installation; with a tilde, a wrong one that begins like it."""
        return self.installed.keys[name.removeprefix("~")][: -1 if name.startswith("~") else None]


def _pieces(sent: Sent) -> Receive:
    """The body, in so many messages; then the client waits for its answer."""
    size = -(-len(sent.body) // sent.pieces) or 1
    bodies = [sent.body[i : i + size] for i in range(0, len(sent.body), size)] or [b""]
    left = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    left[-1]["more_body"] = False

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield


def _settings(data: Path, **more: Any) -> Settings:
    allowed = {"allow_http": True, "allow_private_networks": ("127.0.0.0/8",)}
    return Settings(data=data, now=NOW, admin_key=SecretStr(ADMIN_KEY), **allowed, **more)


def _stopped(settings: Settings, name: str) -> RateLimit:
    """A limit to which nothing comes back while the test runs, however long that takes."""
    setting = "auth_failure_limit" if name == "guesses" else f"{name}_limit"
    return RateLimit(getattr(settings, setting), name, monotonic=lambda: 0.0)


async def installation(data: Path, vendor: str) -> Installation:
    keys = {"operator": ADMIN_KEY}
    running = Running(Installation(data, keys, {}), data, Row("", (), ()), fast=False)

    async def ok(method: str, path: str, body: Any = None, key: str = "owner", **headers: str) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        status, _, answer = await running.send(Sent(method, path, raw, tuple(headers.items()), key=key))
        assert status < 300, answer
        return json.loads(answer)

    for slug, name in (("first", "owner"), ("second", "neighbour")):
        tenant = await ok("POST", "/v1/tenants", {"name": slug, "slug": slug}, "operator")
        body = {"name": name, "scopes": ["admin"], "tenant": tenant["id"]}
        keys[name] = (await ok("POST", "/v1/keys", body, "operator"))["key"]
    connections = {}
    for name in ("vendor", "gone"):
        body = {"backend": "plausible", "options": {"base_url": vendor}, "credential": {"api_key": "twin-key"}}
        connections[name] = (await ok("POST", "/v1/connections", body))["id"]
    await ok("POST", f"/v1/connections/{connections['vendor']}/sync")
    await ok("POST", "/v1/sites", {"domain": OWN})
    await ok("POST", "/v1/sites", {"domain": UNREACHABLE, "connection": connections["gone"]})
    nowhere = {"options": {"base_url": f"http://127.0.0.1:{free_port()}"}, "credential": {"api_key": "twin-key"}}
    await ok("PATCH", f"/v1/connections/{connections['gone']}", nowhere)
    ids = dict(connections)
    for name, body in (
        ("collector", {"scopes": ["ingest"]}),
        ("guest", {"scopes": ["read"], "sites": [(await ok("GET", f"/v1/sites/{VENDORS}"))["id"]]}),
        ("stranger", {"scopes": ["read"], "sites": [(await ok("GET", f"/v1/sites/{OWN}"))["id"]]}),
    ):
        made = await ok("POST", "/v1/keys", {"name": name, **body})
        keys[name], ids[name] = made["key"], made["id"]
    await running.services.close()
    shutil.rmtree(data / "local")  # an event store cannot be copied; it is made again at the first event
    return Installation(data, keys, ids)
