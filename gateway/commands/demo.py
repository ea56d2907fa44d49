"""`tallyway demo`: the real service on this machine with sample sites on two backends, until Ctrl-C."""

import importlib
import secrets
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.remote import Refused, Remote
from gateway.commands.serve import run, server

if TYPE_CHECKING:
    from uvicorn import Server

HOST = "127.0.0.1"
SAMPLES = "fixtures.demo"
START_SECONDS = 30


def demo(port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Port to listen on.")] = 8000) -> None:
    """Start with sample sites on two backends and a month of events; everything is gone when it ends."""
    from gateway.app import create_app
    from gateway.http.demo import demo_routes
    from gateway.settings import Settings

    samples = _samples()
    key, base = "tw_demo" + secrets.token_hex(16), f"http://{HOST}:{port}"
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="tallyway-demo-"))
        settings = Settings.model_validate(
            {
                "data": Path(directory),
                "admin_key": key,
                "public_url": base,
                "allow_http": True,
                "allow_private_networks": "127.0.0.0/8",
                "log_level": "warning",
            }
        )
        today = datetime.now(UTC).date()
        connection = stack.enter_context(samples.other_backend(today))
        prepared = server(create_app(settings, demo_routes(samples.OWN_SITE)), HOST, port)
        guide = threading.Thread(target=_prepare, args=(prepared, samples, connection, base, key), daemon=True)
        guide.start()
        run(prepared)
        guide.join(timeout=5)
    typer.echo("\nstopped; the sample data is gone")


def _samples() -> ModuleType:
    """The sample data of the checkout. Raises Refused outside one: an installed wheel has none."""
    root = str(Path(__file__).resolve().parents[2])
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        return importlib.import_module(SAMPLES)
    except ModuleNotFoundError as error:
        raise Refused("the demo needs the sample data of a checkout: git clone, then `make demo`") from error


def _prepare(prepared: "Server", samples: ModuleType, connection: dict[str, object], base: str, key: str) -> None:
    """Wait for the server, then set the samples up through the API as a user would. A failure ends the server."""
    began, remote = time.monotonic(), Remote(base, key)
    try:
        _wait(prepared)
        typer.echo("setting up sample sites ...", err=True)
        remote.call("POST", "/v1/sites", {"domain": samples.OWN_SITE, "timezone": "Europe/Berlin", "tags": ["demo"]})
        for goal in samples.GOALS:
            remote.call("PUT", f"/v1/sites/{samples.OWN_SITE}/goals", goal)
        made = remote.call("POST", "/v1/connections", connection)
        remote.call("POST", f"/v1/connections/{made['id']}/sync")
        lines = samples.history(datetime.now(UTC).date())
        path = f"/v1/sites/{samples.OWN_SITE}/imports?format=ndjson&wait=true"
        job = remote.send("POST", path, lines, "application/x-ndjson", None)
        if job["skipped"]:
            typer.echo(f"{job['skipped']} sample events were refused: {job['problems'][0]['reason']}", err=True)
        _say(base, key, samples, job["rows"], time.monotonic() - began)
    except Refused as error:
        typer.echo(f"the demo could not be set up: {error.detail}", err=True)
        prepared.should_exit = True


def _wait(prepared: "Server") -> None:
    deadline = time.monotonic() + START_SECONDS
    while not prepared.started:
        if time.monotonic() > deadline:
            raise Refused(f"the server did not start in {START_SECONDS} s")
        time.sleep(0.05)


def _say(base: str, key: str, samples: ModuleType, rows: int, seconds: float) -> None:
    body = '{"sites":"all","metrics":["visitors","visits","pageviews"],"date_range":"30d"}'
    typer.echo(
        f"""
{rows:,} events imported; ready in {seconds:.0f} s.

  A page with the tracking snippet   {base}/demo
  The API, described                 {base}/docs

Ask both sites ({samples.OWN_SITE} on our own store, {samples.OTHER_SITE} behind another backend):

  curl -s {base}/v1/query -H 'Authorization: Bearer {key}' -d '{body}'

Ctrl-C stops it."""
    )
