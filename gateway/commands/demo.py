"""`tallyway demo`: the real service on this machine with sample sites on several backends, until Ctrl-C."""

import secrets
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.serve import run, server
from gateway.operate.api_client import ApiError, Remote

if TYPE_CHECKING:
    from uvicorn import Server

    from gateway.operate.demo.samples import Sample

HOST = "127.0.0.1"
START_SECONDS = 30
CHECKOUT = Path(__file__).resolve().parents[2]
Bodies = Sequence[dict[str, Any]]


def demo(port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Port to listen on.")] = 8000) -> None:
    """Start with sample sites on several backends and a month of events; everything is gone when it ends."""
    from gateway.app import create_app
    from gateway.http.pages.demo import demo_routes
    from gateway.operate.demo.samples import OWN
    from gateway.settings import Settings

    key, base = "tw_demo" + secrets.token_hex(16), f"http://{HOST}:{port}"
    with TemporaryDirectory(prefix="tallyway-demo-") as directory, _vendors() as vendors:
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
        prepared = server(create_app(settings, demo_routes(OWN.domain)), HOST, port, patience=settings.receive_timeout)
        guide = threading.Thread(target=_prepare, args=(prepared, vendors, base, key), daemon=True)
        guide.start()
        run(prepared)
        guide.join(timeout=5)
    typer.echo("\nstopped; the sample data is gone")


def _vendors() -> AbstractContextManager[Bodies]:
    """Connections to the vendors' stand-ins that a checkout brings; none from an installed wheel."""
    if not (CHECKOUT / "fixtures" / "demo.py").is_file():
        return nullcontext(())
    if str(CHECKOUT) not in sys.path:
        sys.path.append(str(CHECKOUT))
    found: AbstractContextManager[Bodies] = import_module("fixtures.demo").vendors(datetime.now(UTC).date())
    return found


def _prepare(prepared: "Server", vendors: Bodies, base: str, key: str) -> None:
    """Wait for the server, then set the samples up through the API as a user would. A failure ends the server."""
    from gateway.operate.demo import samples

    began, remote = time.monotonic(), Remote(base, key)
    try:
        _wait(prepared)
        typer.echo("setting up sample sites ...", err=True)
        rows = _fill(remote, samples.OWN)
        tenant = remote.call("POST", "/v1/tenants", {"name": "A second tenant", "slug": "second"})
        named = {"name": "demo", "scopes": ["admin"], "tenant": tenant["id"]}
        second = Remote(base, remote.call("POST", "/v1/keys", named)["key"])
        rows += _fill(second, samples.OTHER)
        for connection in (samples.as_plausible(base, second.key), *vendors):
            made = remote.call("POST", "/v1/connections", connection)
            remote.call("POST", f"/v1/connections/{made['id']}/sync")
        _say(remote, base, rows, time.monotonic() - began)
    except ApiError as error:
        typer.echo(f"the demo could not be set up: {error.detail}", err=True)
        prepared.should_exit = True


def _fill(remote: Remote, sample: "Sample") -> int:
    """Create the site with its goals and import its history; the number of events."""
    from gateway.operate.demo.samples import GOALS

    remote.call("POST", "/v1/sites", {"domain": sample.domain, "timezone": "Europe/Berlin", "tags": ["demo"]})
    for goal in GOALS:
        remote.call("PUT", f"/v1/sites/{sample.domain}/goals", dict(goal))
    lines = sample.history(datetime.now(UTC).date())
    path = f"/v1/sites/{sample.domain}/imports?format=ndjson&wait=true"
    job = remote.send("POST", path, lines, "application/x-ndjson", None)
    return int(job["rows"])


def _wait(prepared: "Server") -> None:
    deadline = time.monotonic() + START_SECONDS
    while not prepared.started:
        if time.monotonic() > deadline:
            raise ApiError(f"the server did not start in {START_SECONDS} s")
        time.sleep(0.05)


def _say(remote: Remote, base: str, rows: int, seconds: float) -> None:
    sites = "\n".join(f"  {site['domain']:<20}{site['backend']}" for site in remote.call("GET", "/v1/sites")["sites"])
    body = '{"sites":"all","metrics":["visitors","visits","pageviews"],"date_range":"30d"}'
    typer.echo(
        f"""
{rows:,} events imported; ready in {seconds:.0f} s.

{sites}

  A page with the tracking snippet   {base}/demo
  The API, described                 {base}/docs

One question to all of them:

  curl -s {base}/v1/query -H 'Authorization: Bearer {remote.key}' -d '{body}'

Ctrl-C stops it."""
    )
