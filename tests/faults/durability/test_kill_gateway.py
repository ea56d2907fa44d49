"""kill -9 of the gateway itself, with trackers at work over sockets: what got its 202 counts once after a restart."""

import json
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.serving import ADMIN_KEY, READY_SECONDS, Served, clean_environment, command, free_port, wait_until_ready

DOMAIN = "killed.example.com"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
TRACKERS, ROUNDS, PAGE = 12, 3, 1000
MARKED = "/"
"""Page of the event that is waited for in the end."""


@contextmanager
def gateway(folder: Path) -> Iterator[tuple[Served, subprocess.Popen[bytes]]]:
    """The service on its data, killed in the end."""
    log, port = folder / "server.log", free_port()
    environment = clean_environment() | {"TALLYWAY_DATA": str(folder / "data"), "TALLYWAY_ADMIN_KEY": ADMIN_KEY}
    with log.open("ab") as out:
        process = subprocess.Popen([command(), "serve", "--port", str(port)], env=environment, stdout=out, stderr=out)
    try:
        served = Served(f"http://127.0.0.1:{port}", ADMIN_KEY)
        wait_until_ready(served.base, process, log, READY_SECONDS)
        yield served, process
    finally:
        process.kill()
        process.wait()


def track(base: str, prefix: str, taken: list[str]) -> None:
    """Send page views, each of a page of its own, until the server is gone; note those that were taken."""
    line = HTTPConnection(base.removeprefix("http://"), timeout=60)
    headers = {"User-Agent": BROWSER, "Content-Type": "text/plain"}
    with suppress(OSError, HTTPException):
        for number in range(10**6):
            page = f"/{prefix}-{number}"
            headers["X-Forwarded-For"] = f"198.51.100.{number % 200}"
            line.request(
                "POST",
                "/api/event",
                json.dumps({"n": "pageview", "u": f"https://{DOMAIN}{page}", "d": DOMAIN}),
                headers,
            )
            answer = line.getresponse()
            answer.read()
            if answer.status == 202:
                taken.append(page)


def counted(served: Served) -> Counter[str]:
    """Page views by page, all of them."""
    found: Counter[str] = Counter()
    today = datetime.now(UTC).date()
    days = [str(today - timedelta(days=1)), str(today)]
    while True:
        asked = {
            "sites": [DOMAIN], "metrics": ["pageviews"], "dimensions": ["page"], "date_range": days,
            "order_by": [["page", "asc"]], "limit": PAGE, "offset": len(found),
        }  # fmt: skip
        rows = served.call("POST", "/v1/query", asked)["results"]
        found.update({row["page"]: row["pageviews"] for row in rows})
        if len(rows) < PAGE:
            return found


def test_what_was_taken_over_a_socket_survives_the_death_of_the_gateway(tmp_path: Path) -> None:
    moments, taken = random.Random(time.time_ns()), list[str]()
    for number in range(ROUNDS):
        with gateway(tmp_path) as (served, process):
            if not number:
                served.call("POST", "/v1/sites", {"domain": DOMAIN, "timezone": "Etc/UTC"})
            trackers = [
                threading.Thread(target=track, args=(served.base, f"r{number}-{each}", taken))
                for each in range(TRACKERS)
            ]
            for tracker in trackers:
                tracker.start()
            time.sleep(moments.uniform(0.2, 2.5))
            process.kill()
            for tracker in trackers:
                tracker.join()
    assert len(taken) > TRACKERS * ROUNDS, "the gateway was killed before it took anything"
    with gateway(tmp_path) as (served, _):
        served.call("POST", f"/v1/sites/{DOMAIN}/events?wait=true", {"name": "Marker", "visitor": "m"})
        found = counted(served)
    missing, twice = set(taken) - set(found), {page for page, views in found.items() if views != 1 and page != MARKED}
    assert (sorted(missing)[:5], sorted(twice)[:5]) == ([], [])
