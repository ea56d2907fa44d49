"""Servers in processes of their own, on loopback, and what they cost: CPU seconds and memory as Linux counts them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 60.0
SERVER_CORE, CLIENT_CORE = 0, 1
ADMIN_KEY = "bench-admin-key-0123456789"


@dataclass(frozen=True, slots=True)
class Running:
    """A process and the port it answers on."""

    pid: int
    port: int

    def cpu(self) -> float:
        """User and system seconds so far, all threads."""
        return _ticks(Path(f"/proc/{self.pid}/stat"))

    def loop_cpu(self) -> float:
        """The same of the thread that runs the event loop."""
        return _ticks(Path(f"/proc/{self.pid}/task/{self.pid}/stat"))

    def resident(self) -> float:
        """MB in memory now."""
        return self._status("VmRSS")

    def peak(self) -> float:
        """MB in memory at most so far."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"no {name} of process {self.pid}")
        return int(found[1]) / 1024


def _ticks(stat: Path) -> float:
    fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def on_core(core: int) -> Sequence[str]:
    """What to put before a command to keep it on one core; nothing where there is only one."""
    return ("taskset", "-c", str(core)) if len(os.sched_getaffinity(0)) > core and core else ("taskset", "-c", "0")


@contextmanager
def serving(
    command: Sequence[str], port: int, path: str, *, core: int | None = SERVER_CORE, **more: str
) -> Iterator[Running]:
    """Run a server until the block ends; it is up when it answers a GET of `path`. `more` joins the environment."""
    pinned = [*(on_core(core) if core is not None else ()), *command]
    environment = {**os.environ, **more, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(pinned, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _until_up(process, port, path)
        yield Running(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def _until_up(process: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            said = process.stderr.read().decode() if process.stderr else ""
            raise RuntimeError(f"the server ended with {process.returncode}: {said[-2000:]}")
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise RuntimeError("the server does not answer")


@contextmanager
def bare(app: str, *, core: int | None = SERVER_CORE) -> Iterator[Running]:
    """A baseline application (`module:name`) under uvicorn as `tallyway serve` runs it."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop"),
        *("--http", "httptools", "--no-access-log", "--no-proxy-headers", "--no-server-header", "--ws", "none"),
    ]
    with serving(command, port, "/", core=core) as running:
        yield running


@contextmanager
def tallyway(folder: Path, *, core: int | None = SERVER_CORE, **settings: str) -> Iterator[Running]:
    """`tallyway serve` on a data directory; `settings` are TALLYWAY_* variables without the prefix."""
    port = free_port()
    given: Mapping[str, str] = {f"TALLYWAY_{name.upper()}": value for name, value in settings.items()}
    command = [str(Path(sys.executable).with_name("tallyway")), "serve", "--port", str(port)]
    with serving(
        command, port, "/readyz", core=core, TALLYWAY_DATA=str(folder), TALLYWAY_ADMIN_KEY=ADMIN_KEY, **given
    ) as running:
        yield running
