"""CPU of a kept answer, of the same answer with an access line, and of a 304, as ratios to a bare Starlette response.

python -m bench.cache [--seconds 2] [--rounds 5] [--hits 200000]

Then memory: how much the service grows over so many hits (goal: less than 1 MB for each 100,000).

The bare application answers the same bytes without looking at the request. Servers and wrk each have a core; rounds are
interleaved; medians. Goals: a hit at most 1.15, with access line 1.7, a 304 at most 1.0.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.servers import ADMIN_KEY, CLIENT_CORE, Running, bare, on_core, tallyway
from fixtures.twins.plausible import demo_store, plausible_twin
from fixtures.twins.serve import serve_in_thread

BODY_FILE = "BENCH_BODY"
CONNECTIONS = 64
QUERY = {
    "site": "demo.example.com",
    "metrics": ["visitors", "visits", "pageviews", "bounce_rate"],
    "dimensions": ["time:day"],
    "date_range": ["2026-06-01", "2026-06-07"],
}
ASKED = json.dumps(QUERY)
WRK = """
wrk.method = "POST"
wrk.body = [[%s]]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
if "%s" ~= "" then wrk.headers["If-None-Match"] = '"%s"' end
done = function(summary)
  io.write(string.format("ANSWERED %%d %%d\\n", summary.requests, summary.errors.status + summary.errors.read))
end
"""


def _same_bytes() -> Starlette:
    """The baseline: a route and a Response of the bytes in a file."""
    content = Path(os.environ[BODY_FILE]).read_bytes() if BODY_FILE in os.environ else b""

    async def answer(request: Request) -> Response:
        return Response(content, media_type="application/json")

    return Starlette(routes=[Route("/v1/query", answer, methods=["POST"]), Route("/", answer)])


app = _same_bytes()


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server and what is asked of it."""

    name: str
    server: Running
    etag: str = ""

    def burst(self, seconds: int) -> tuple[float, float]:
        """Microseconds of CPU for each request, and requests per second."""
        before = self.server.cpu()
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(WRK % (ASKED, ADMIN_KEY, self.etag, self.etag))
            script.flush()
            command = [
                *(*on_core(CLIENT_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name),
                f"http://127.0.0.1:{self.server.port}/v1/query",
            ]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        answered, failed = map(int, said.rpartition("ANSWERED ")[2].split())
        assert failed == 0, said
        return (self.server.cpu() - before) / answered * 1e6, answered / seconds


def call(server: Running, method: str, path: str, body: object = None) -> tuple[bytes, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status < 300, content
    return content, {name.lower(): value for name, value in answer.getheaders()}


@contextmanager
def warmed(vendor: str, folder: Path, access_log: str) -> Iterator[tuple[Running, bytes, str]]:
    """The service with the answer kept: process, bytes and entity tag."""
    networks = "127.0.0.0/8"
    with tallyway(folder, allow_http="true", allow_private_networks=networks, access_log=access_log) as server:
        options = {"backend": "plausible", "options": {"base_url": vendor}, "credential": {"api_key": "demo-key"}}
        made = json.loads(call(server, "POST", "/v1/connections", options)[0])["id"]
        call(server, "POST", f"/v1/connections/{made}/sync")
        for _ in range(3):
            content, headers = call(server, "POST", "/v1/query", QUERY)
        assert headers["cache-status"].startswith("tallyway; hit")
        yield server, content, headers["etag"].strip('"')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=2, help="whole seconds, as wrk counts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hits", type=int, default=200_000, help="at least, for the growth of memory; 0 for none")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_in_thread(plausible_twin(demo_store())) as vendor,
        warmed(vendor, Path(folder, "quiet"), "false") as (quiet, content, etag),
        warmed(vendor, Path(folder, "logging"), "true") as (logging, _, _),
    ):
        body = Path(folder, "body.json")
        body.write_bytes(content)
        os.environ[BODY_FILE] = str(body)
        with bare("bench.cache:app") as baseline:
            contestants = [
                Contestant("bare Starlette", baseline),
                Contestant("hit", quiet),
                Contestant("304", quiet, etag),
                Contestant("hit, access line", logging),
            ]
            rounds = [[one.burst(given.seconds) for one in contestants] for _ in range(given.rounds)]
            grown = growth(contestants[1], given.hits) if given.hits else ""
    report(contestants, rounds, len(content))
    print(grown)


def growth(one: Contestant, hits: int) -> str:
    """What resident memory does over so many hits, after a warm-up."""
    one.burst(2)
    before, answered = one.server.resident(), 0.0
    while answered < hits:
        answered += 5 * one.burst(5)[1]
    after = one.server.resident()
    slope = (after - before) / answered * 100_000
    return f"memory over {answered:,.0f} hits: {before:.1f} -> {after:.1f} MB, {slope:+.2f} MB for each 100,000"


def report(contestants: list[Contestant], rounds: list[list[tuple[float, float]]], size: int) -> None:
    """Medians, and the median of each round's ratio to the bare one of the same round."""
    print(f"{size} bytes, {CONNECTIONS} connections, load {os.getloadavg()[0]:.1f}")
    for column, one in enumerate(contestants):
        cpu = median(r[column][0] for r in rounds)
        ratio = median(r[column][0] / r[0][0] for r in rounds)
        rate = median(r[column][1] for r in rounds)
        print(f"{one.name:18} {cpu:7.1f} us CPU {ratio:6.2f} x bare {rate:9.0f} requests/s")


if __name__ == "__main__":
    main()
