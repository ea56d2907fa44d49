"""Load on a server from another process: `wrk` where it is installed, else plain sockets."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.servers import CLIENT_CORE, Running, on_core

CONNECTIONS = 256
REQUESTS = 2000
"""Different requests, sent in turn."""
DOMAIN = "example.com"
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/{}.1 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14; SM-A{}) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
)  # fmt: skip
REFERRERS = (None, None, "https://www.google.com/", "https://news.ycombinator.com/item?id=1", "https://t.co/x")


@dataclass(frozen=True, slots=True)
class Round:
    """One burst of load. `cpu` and `loop` are seconds of the server's process and of its event loop's thread."""

    answered: int
    seconds: float
    cpu: float
    loop: float
    failed: int = 0


def hits() -> Sequence[tuple[str, str, str]]:
    """Body, user agent and address of page views: 500 pages, 160 browsers, 1000 addresses, five referrers."""
    draw = random.Random(11)
    made = []
    for _ in range(REQUESTS):
        body = {
            "n": "pageview", "u": f"https://{DOMAIN}/blog/post-{int(draw.paretovariate(1.1)) % 500}", "d": DOMAIN,
            "r": draw.choice(REFERRERS), "v": 34,
        }  # fmt: skip
        agent = draw.choice(AGENTS).format(draw.randrange(100, 140))
        made.append((json.dumps(body), agent, f"198.51.{draw.randrange(4)}.{draw.randrange(250)}"))
    return made


def raw(port: int) -> Sequence[bytes]:
    """The same as complete HTTP requests."""
    return [
        (
            f"POST /api/event HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/plain\r\nUser-Agent: {agent}\r\n"
            f"X-Forwarded-For: {address}\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.8\r\nContent-Length: {len(body)}"
            f"\r\n\r\n{body}"
        ).encode()
        for body, agent, address in hits()
    ]


def burst(server: Running, seconds: float) -> Round:
    """As many events as the server takes, on 64 connections."""
    cpu, loop, began = server.cpu(), server.loop_cpu(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        answered, failed = (_wrk if shutil.which("wrk") else _sockets)(server.port, seconds, Path(folder))
    took = time.perf_counter() - began
    return Round(answered, took, server.cpu() - cpu, server.loop_cpu() - loop, failed)


WRK = """
local sent, ready = {}, {}
for line in io.lines("%s") do
  local body, agent, address = line:match("^(.-)\\t(.-)\\t(.-)$")
  ready[#ready + 1] = wrk.format("POST", "/api/event", {
    ["Content-Type"] = "text/plain", ["User-Agent"] = agent, ["X-Forwarded-For"] = address,
    ["Accept-Language"] = "de-DE,de;q=0.9,en;q=0.8"}, body)
end
local turn = 0
request = function() turn = turn %% #ready + 1 return ready[turn] end
done = function(summary)
  local failed = summary.errors.status + summary.errors.read + summary.errors.timeout
  io.write(string.format("ANSWERED %%d %%d\\n", summary.requests, failed))
end
"""  # fmt: skip


def _wrk(port: int, seconds: float, folder: Path) -> tuple[int, int]:
    lines = folder / "hits.tsv"
    lines.write_text("".join("\t".join(hit) + "\n" for hit in hits()), encoding="utf-8")
    script = folder / "hits.lua"
    script.write_text(WRK % lines, encoding="utf-8")
    command = [
        *(*on_core(CLIENT_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script)),
        f"http://127.0.0.1:{port}/api/event",
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answered, failed = said.rpartition("ANSWERED ")[2].split()
    return int(answered), int(failed)


def _sockets(port: int, seconds: float, folder: Path) -> tuple[int, int]:
    command = [*on_core(CLIENT_CORE), sys.executable, "-m", "bench.load", str(port), f"{seconds:g}"]
    answered, failed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(answered), int(failed)


async def _flood(port: int, seconds: float) -> tuple[int, int]:
    ready, until = raw(port), time.monotonic() + seconds
    answered = failed = 0

    async def one(start: int) -> None:
        nonlocal answered, failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        turn = start
        while time.monotonic() < until:
            writer.write(ready[turn % len(ready)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:"))
            await reader.readexactly(length)
            answered, failed, turn = answered + 1, failed + (not head.startswith(b"HTTP/1.1 202")), turn + CONNECTIONS
        writer.close()

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return answered, failed


if __name__ == "__main__":
    print(*asyncio.run(_flood(int(sys.argv[1]), float(sys.argv[2]))))
