"""`tallyway serve`: the service, in this process, until a signal ends it."""

import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from socket import socket

    from uvicorn import Server

DRAIN_SECONDS = 10
COLLECT = (50_000, 20, 100)
"""Objects made between two collections, and how many of one generation come before one of the next."""
SWITCH_SECONDS = 0.001
"""How long a thread may keep another one waiting."""


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Run the gateway. Settings come from TALLYWAY_* variables; see `tallyway check --reference`."""
    import os

    from gateway.app import create_app
    from gateway.settings import read_settings

    settings = read_settings(os.environ)
    run(server(create_app(settings), host, port, patience=settings.receive_timeout))


def server(app: Callable[..., Any], host: str, port: int, *, patience: float = 0) -> "Server":
    """uvicorn as we run it: one process, uvloop and httptools, our own logs, the peer's address as it is.

    `patience` is how many seconds a request may take to arrive; 0 for no limit.
    """
    import uvicorn

    from gateway.http.server import uvicorn_protocol

    class Patient(uvicorn_protocol.PacedHttpProtocol):
        pass

    Patient.patience = patience

    class Settled(uvicorn.Server):
        async def startup(self, sockets: "list[socket] | None" = None) -> None:
            await super().startup(sockets)
            settle()

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=Patient,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return Settled(config)


def settle() -> None:
    """Leave what start-up made out of garbage collection, and collect more rarely; let the event loop go first.

    A full collection over the modules costs tens of milliseconds, and requests trigger it again and again. A thread
    that computes (the event store's writer) may keep the loop waiting for a millisecond, not for five.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def run(prepared: "Server") -> None:
    """Serve until a signal comes; exit code 3 when the application could not start."""
    try:
        prepared.run()
    except KeyboardInterrupt:
        return
    if not prepared.started:
        raise typer.Exit(3)
