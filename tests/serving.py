"""The real gateway as a process of its own, for tests that need sockets, signals and a clean start."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY_SECONDS = 100.0
"""How long a start may take: far longer than it does, also on a machine that is busy with other things."""
ADMIN_KEY = "tw_" + "a1" * 20  # an invented key, given to the server and used by the tests


class ServerDied(AssertionError):
    """The server ended or was not ready in time; carries the end of its log."""


@dataclass(frozen=True)
class Served:
    """A running gateway: its origin and an admin key."""

    base: str
    key: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded JSON answer; an HTTP error status fails the test with the body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=100) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path} -> {error.code} {error.read().decode()[:500]}") from error


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """This process's environment without what is said to Tallyway or its tests: unknown names stop the start."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TALLYWAY_")}


@contextlib.contextmanager
def serve(data: Path, *, ready_within: float = READY_SECONDS, **settings: str) -> Iterator[Served]:
    """Run `tallyway serve` on a free loopback port until the block ends.

    `settings` are further TALLYWAY_* variables by their last part, as in `serve(tmp, NOW="2026-06-17T12:00:00Z")`.
    Raises ServerDied when it is not ready in `ready_within` seconds or does not end on SIGTERM.
    """
    data.mkdir(parents=True, exist_ok=True)
    log = data / "server.log"
    port = free_port()
    environment = clean_environment() | {"TALLYWAY_DATA": str(data / "data"), "TALLYWAY_ADMIN_KEY": ADMIN_KEY}
    environment |= {f"TALLYWAY_{name}": value for name, value in settings.items()}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [command(), "serve", "--host", "127.0.0.1", "--port", str(port)], env=environment, stdout=out, stderr=out
        )
    try:
        served = Served(f"http://127.0.0.1:{port}", ADMIN_KEY)
        wait_until_ready(served.base, process, log, ready_within)
        yield served
    finally:
        stop(process, log)


def command() -> str:
    """The installed console script, beside this interpreter or on PATH."""
    beside = Path(sys.executable).with_name("tallyway")
    found = str(beside) if beside.exists() else shutil.which("tallyway")
    if found is None:
        raise ServerDied("the tallyway command is not installed: make install")
    return found


def wait_until_ready(base: str, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Poll /readyz."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/readyz", timeout=60):
            return
        time.sleep(0.05)
    raise ServerDied(f"not ready in {seconds:.0f} s (exit {process.poll()})\n{tail(log)}")


def stop(process: subprocess.Popen[bytes], log: Path) -> None:
    """SIGTERM and wait; a server that does not drain is a failure, not something to hide."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.wait()
        raise ServerDied(f"did not end on SIGTERM\n{tail(log)}") from error


def tail(log: Path, characters: int = 4000) -> str:
    """The end of the server's log, for a failure message."""
    return log.read_text(errors="replace")[-characters:]
