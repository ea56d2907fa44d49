"""What a server keeps of an import: memory at most, memory and disk a minute after, and the start that follows.

    python -m bench footprint [--events 1000000] [--minute 60] [--rounds 3]

The file goes in over the API of a `tallyway serve` of its own. "At most" is the process's own high-water mark;
memory and disk are read when the import has just ended and a minute after, without a request in between. Then the
server is stopped and started again. The process that reads the file for the server is not counted: it ends with it.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.accept import create_site
from bench.imports import write_events
from bench.servers import ADMIN_KEY, Running, tallyway
from bench.start import starts

HEADERS = {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/octet-stream"}
POLL = 0.2


def asked(server: Running, method: str, path: str, body: Any = None) -> Mapping[str, Any]:
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request(method, path, body, HEADERS)
    answer = connection.getresponse()
    found: Mapping[str, Any] = json.loads(answer.read())
    connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path}: {found}")
    return found


def imported(server: Running, site: str, file: Path) -> int:
    """Import a file and wait for its end; how many rows were taken."""
    with file.open("rb") as body:
        job = asked(server, "POST", f"/v1/sites/{site}/imports?format=ndjson", body)
    while (job := asked(server, "GET", f"/v1/sites/{site}/imports/{job['id']}"))["status"] != "completed":
        if job["status"] == "failed":
            raise RuntimeError(job["error"])
        time.sleep(POLL)
    return int(job["rows"])


def on_disk(folder: Path) -> int:
    """Bytes of every file, as long as they are: what a disk sets aside for them."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def shown(what: str, server: Running, folder: Path, rows: int) -> None:
    journal = on_disk(folder / "local" / "journal") / 2**20
    print(
        f"  {what:<34}{server.resident():>5.0f} MB, {on_disk(folder) / rows:>5.1f} bytes an event on disk"
        f" (journal {journal:.0f} MB)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--minute", type=float, default=60.0, help="seconds that the server is left alone")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, file = Path(name) / "data", Path(name) / "events.ndjson"
        write_events(file, args.events)
        with tallyway(folder, core=None) as server:
            site = create_site(server)
            began = time.perf_counter()
            rows = imported(server, site, file)
            print(f"{rows:,} events imported in {time.perf_counter() - began:.1f} s", flush=True)
            print(f"  {'at most':<34}{server.peak():>5.0f} MB (goal 450)", flush=True)
            shown("just after", server, folder, rows)
            time.sleep(args.minute)
            shown("a minute after (goals 250, 45)", server, folder, rows)
        starts("started again", folder, args.rounds, "goals 2 s, 250 MB")
        with tallyway(folder, core=None) as server:
            time.sleep(args.minute)
            shown("a minute after that start", server, folder, rows)


if __name__ == "__main__":
    main()
