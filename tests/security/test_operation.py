"""What operators rely on: readiness, draining, figures, the doctor, traces."""

import asyncio
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.base import Reply
from adapters.base import Request as Outgoing
from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.serve import serve_in_thread
from gateway.access.metering import Meter
from gateway.app import build, create_app
from gateway.catalog import Catalog
from gateway.http.application import application
from gateway.observe import tracing
from gateway.observe.prometheus import PrometheusMetrics
from gateway.outbound.instrumented import InstrumentedTransport
from gateway.settings import Settings
from models.errors import ConfigurationError
from tests.api.conftest import Api
from tests.serving import ADMIN_KEY, READY_SECONDS, clean_environment, command, free_port, serve, wait_until_ready


def connect(api: Api, base_url: str) -> str:
    body = {"backend": "plausible", "options": {"base_url": base_url}, "credential": {"api_key": "k"}}
    return str(api.ok("POST", "/v1/connections", body)["id"])


def test_a_dead_vendor_does_not_make_the_service_unready(platform: Api) -> None:
    connection = connect(platform, f"http://127.0.0.1:{free_port()}")
    assert platform.ok("POST", f"/v1/connections/{connection}/check")["ok"] is False
    assert platform.ok("GET", "/readyz") == {"status": "ok", "reasons": []}


async def test_a_catalog_that_fails_makes_the_service_unready_and_says_so(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, log_level="error"))
    asking = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://x")
    async with app.router.lifespan_context(app), asking:
        assert (await asking.get("/readyz")).status_code == 200
        database = sqlite3.connect(tmp_path / "catalog.db", timeout=0.1)
        database.execute("ALTER TABLE quotas RENAME TO quotas_gone")
        answer = await asking.get("/readyz")
        database.execute("ALTER TABLE quotas_gone RENAME TO quotas")
        database.close()
        assert (answer.status_code, answer.json()["reasons"]) == (503, ["the catalog cannot be read"])
        assert (await asking.get("/readyz")).status_code == 200


class Slow:
    """A vendor that thinks for a while, and says when it was asked."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    async def answer(self, request: Request) -> Response:
        self.asked.set()
        await asyncio.sleep(1.5)
        return JSONResponse({"sites": [], "meta": {"after": None, "before": None, "limit": 100}})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])


def test_a_request_in_flight_is_answered_after_sigterm_and_the_process_ends_well(tmp_path: Path) -> None:
    slow, port, log = Slow(), free_port(), tmp_path / "log"
    environment = clean_environment() | {
        "TALLYWAY_DATA": str(tmp_path / "data"),
        "TALLYWAY_ADMIN_KEY": ADMIN_KEY,
        "TALLYWAY_ALLOW_HTTP": "true",
        "TALLYWAY_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    with serve_in_thread(slow.app()) as vendor, log.open("wb") as out:
        process = subprocess.Popen([command(), "serve", "--port", str(port)], env=environment, stdout=out, stderr=out)
        try:
            base = f"http://127.0.0.1:{port}"
            wait_until_ready(base, process, log, READY_SECONDS)
            api = Api(base, ADMIN_KEY)
            connection, statuses = connect(api, vendor), list[int]()
            asking = threading.Thread(
                target=lambda: statuses.append(api.send("GET", f"/v1/connections/{connection}/sites").status_code)
            )
            asking.start()
            assert slow.asked.wait(60)
            process.send_signal(signal.SIGTERM)
            asking.join(60)
            assert statuses == [200]
            assert process.wait(60) in (0, -signal.SIGTERM)  # uvicorn passes the signal on when all is done
            with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), 1):
                pass
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()
    assert '"event":"closed"' in log.read_text()


def fetched(url: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_figures_have_a_port_of_their_own_or_a_token(tmp_path: Path) -> None:
    port = free_port()
    with serve(tmp_path, METRICS_PORT=str(port), METRICS_HOST="127.0.0.2", METRICS_TOKEN="a-scrapers-token") as served:
        Api(served.base, served.key).ok("GET", "/v1/sites")
        with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), 1):
            pass
        status, text = fetched(f"http://127.0.0.2:{port}/metrics")
        assert status == 200
        assert 'tallyway_request_seconds_count{method="GET",route="/v1/sites",status="200"} 1.0' in text
        assert "process_resident_memory_bytes" in text
        beside = {token: fetched(f"{served.base}/metrics", token)[0] for token in ("a-scrapers-token", "wrong", "")}
        assert beside == {"a-scrapers-token": 200, "wrong": 401, "": 401}
        made = Api(served.base, served.key).ok("POST", "/v1/keys", {"name": "k", "scopes": ["admin"]})
        assert fetched(f"{served.base}/metrics", made["key"])[0] == 403


def run(word: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {"TALLYWAY_DATA": str(data)} | {f"TALLYWAY_{n}": v for n, v in settings.items()}
    return subprocess.run([command(), word], env=environment, capture_output=True, text=True, check=False)


def doctor(data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return run("doctor", data, **settings)


def test_the_doctor_finds_a_healthy_installation_healthy(tmp_path: Path) -> None:
    found = doctor(tmp_path / "data")
    assert found.returncode == 0, found.stdout + found.stderr
    for subject in ("disk", "clock", "catalog", "vault", "event store"):
        assert f"good   {subject}" in found.stdout


def test_the_doctor_beside_a_running_server_leaves_its_event_store_alone(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        Api(served.base, served.key).ok("POST", "/v1/sites", {"domain": "busy.example.com"})
        found = doctor(tmp_path / "data")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "note   event store: not looked at" in found.stdout
    words = {line.split()[0] for line in found.stdout.splitlines()}
    assert (words, found.stderr) == ({"good", "note"}, ""), "findings, and no line of a log between them"


def test_a_vault_key_that_was_lost_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    with serve(tmp_path, ALLOW_HTTP="true", ALLOW_PRIVATE_NETWORKS="127.0.0.0/8") as served:
        connect(Api(served.base, served.key), "http://127.0.0.1:9")
    key = tmp_path / "data" / "vault.key"
    kept = key.read_text()
    key.unlink()
    found = run("check", tmp_path / "data")
    assert (found.returncode, key.exists()) == (1, False)
    assert "holds secrets, but not the vault.key" in found.stderr
    assert run("check", tmp_path / "data", VAULT_KEY=kept.strip()).returncode == 0


def test_check_knows_a_vault_key_that_a_command_prints(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("00" * 32)
    found = run("check", tmp_path / "data", VAULT_KEY_COMMAND=f"cat {tmp_path / 'key'}")
    assert (found.returncode, "VAULT_KEY" in found.stdout) == (0, False), found.stdout + found.stderr


def test_the_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    data = tmp_path / "data"
    services = build(Settings(data=data, allow_http=True, allow_private_networks=("127.0.0.0/8",)))
    asyncio.run(services.close())
    with serve(tmp_path, ALLOW_HTTP="true", ALLOW_PRIVATE_NETWORKS="127.0.0.0/8") as served:
        connection = connect(Api(served.base, served.key), f"http://127.0.0.1:{free_port()}")
    (data / "catalog.db").chmod(0o644)
    database = sqlite3.connect(data / "catalog.db")
    database.execute("UPDATE connections SET tenant = 'nobody'")
    database.commit()
    database.close()
    found = doctor(data, ALLOW_HTTP="true", ALLOW_PRIVATE_NETWORKS="127.0.0.0/8")
    assert found.returncode == 1
    for line in (
        "BAD    catalog.db: mode 0644",
        "BAD    catalog: 1 orphaned rows",
        f"BAD    vault: not opened by any configured key: credential of {connection}",
        f"BAD    plausible connection {connection} of nobody",
    ):
        assert line in found.stdout, found.stdout
    shutil.rmtree(data)


class Vendor:
    """A transport that answers 200."""

    async def send(self, request: Outgoing) -> Reply:
        return Reply(200, {}, b"{}")

    async def close(self) -> None:
        """Nothing was opened."""


async def test_calls_to_vendors_are_spans_where_traces_are_kept(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider, catalog = tracing.set_up("", exporter), Catalog(tmp_path)
    try:
        measured = InstrumentedTransport(
            Vendor(), "plausible", "t", Meter(catalog, Settings().clock), PrometheusMetrics()
        )
        await measured.send(Outgoing("GET", "/secret-path", idempotent=True))
    finally:
        tracing.stop(provider)
        catalog.close()
    spans: Any = exporter.get_finished_spans()
    assert [(span.name, dict(span.attributes)) for span in spans] == [
        (
            "vendor call",
            {"tallyway.backend": "plausible", "http.request.method": "GET", "tallyway.outcome": "2xx"},
        )
    ]


async def test_requests_are_spans_with_the_vendors_calls_inside_and_name_no_site(tmp_path: Path) -> None:
    store = TwinStore()
    store.add_key("traced-key")
    store.add_site("traced.example.com")
    exporter = InMemorySpanExporter()
    provider, key = tracing.set_up("", exporter), "tw_" + "o7" * 20
    settings = Settings(
        data=tmp_path, admin_key=SecretStr(key), allow_http=True, allow_private_networks=("127.0.0.0/8",)
    )
    services = build(settings)
    app = application(services, never_started)
    query = {"site": "traced.example.com", "metrics": ["visitors"], "date_range": ["2026-06-01", "2026-06-07"]}
    try:
        with serve_in_thread(plausible_twin(store)) as base:
            transport, headers = httpx2.ASGITransport(app=app), {"Authorization": f"Bearer {key}"}
            async with httpx2.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
                body = {"backend": "plausible", "options": {"base_url": base}, "credential": {"api_key": "traced-key"}}
                made = (await client.post("/v1/connections", json=body)).json()["id"]
                await client.post(f"/v1/connections/{made}/sync")
                exporter.clear()
                # A miss, a kept answer, one by the short way, and a mistake.
                answers = [await client.post("/v1/query", json=query) for _ in range(3)]
                answers.append(await client.get("/v1/sites/traced.example.org"))
    finally:
        tracing.stop(provider)
        await services.close()
    spans: Any = exporter.get_finished_spans()
    told = [(span.name, dict(span.attributes)) for span in spans]
    asked = {"http.request.method": "POST", "http.response.status_code": 200}
    called = {"tallyway.backend": "plausible", "http.request.method": "POST", "tallyway.outcome": "2xx"}

    assert [answer.status_code for answer in answers] == [200, 200, 200, 404]
    assert told == [
        ("vendor call", called),
        *[("request", asked)] * 3,
        ("request", {"http.request.method": "GET", "http.response.status_code": 404}),
    ]
    assert spans[0].parent.span_id == spans[1].context.span_id
    assert "traced" not in str(told)


@asynccontextmanager
async def never_started(app: Starlette) -> AsyncIterator[None]:
    """The life of an application that is asked without a server."""
    yield


def test_traces_without_the_extra_are_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match="tallyway\\[otel\\]"):
        tracing.set_up("http://127.0.0.1:9/v1/traces")


def test_counting_costs_little(tmp_path: Path) -> None:
    """A request adds a few calls of bookkeeping, and no statement."""
    catalog = Catalog(tmp_path)
    meter, figures, calls = Meter(catalog, Settings().clock), PrometheusMetrics(), Counter[str]()
    meter.api_call("t")
    figures.request("GET", "/v1/query", 200, 0.001)  # the first of its labels makes them
    sys.setprofile(lambda frame, event, called: calls.update([event]))
    try:
        meter.api_call("t")
        figures.request("GET", "/v1/query", 200, 0.001)
    finally:
        sys.setprofile(None)
    catalog.close()
    assert calls["call"] + calls["c_call"] < 100
