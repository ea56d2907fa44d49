"""Seconds to the first answer and memory when idle, without and with events; how soon an event is queryable.

    python -m bench start [--visits 4600000] [--rounds 5]

With `--visits`, the store of `bench.store` is opened too (it is made on first use). Start counts from the process's
start to the first 200 of /readyz; CPU seconds are those of the same time and say more on a busy machine.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from bench.accept import count, create_site
from bench.load import raw
from bench.servers import Running, tallyway
from bench.store import VISITS, dsn_of, opened

PAUSE = 0.02


@contextmanager
def started(folder: Path, took: list[tuple[float, float]], **settings: str) -> Iterator[Running]:
    began = time.perf_counter()
    with tallyway(folder, core=None, **settings) as running:
        took.append((time.perf_counter() - began, running.cpu()))
        yield running


def shown(what: str, took: list[tuple[float, float]], memory: list[float], goals: str) -> None:
    wall, cpu = (median(values) for values in zip(*took, strict=True))
    print(f"  {what:<34}{wall:>6.2f} s, {cpu:.2f} CPU s, {median(memory):>4.0f} MB idle ({goals})")


def starts(what: str, folder: Path, rounds: int, goals: str, **settings: str) -> None:
    took: list[tuple[float, float]] = []
    memory = []
    for _ in range(rounds):
        with started(folder, took, **settings) as running:
            time.sleep(1)
            memory.append(running.resident())
    shown(what, took, memory, goals)


def send(server: Running) -> int:
    """One event; its status."""
    connection = HTTPConnection("127.0.0.1", server.port)
    head, _, body = raw(server.port)[0].partition(b"\r\n\r\n")
    agent = next(line for line in head.decode().split("\r\n") if line.startswith("User-Agent:"))
    connection.request("POST", "/api/event", json.dumps(json.loads(body)), {"User-Agent": agent.partition(": ")[2]})
    return connection.getresponse().status


def visible(server: Running, rounds: int) -> list[float]:
    """Seconds from the 202 to a query that counts the event."""
    waited = []
    for number in range(1, rounds + 1):
        if (status := send(server)) != 202:
            raise RuntimeError(f"the event got {status}")
        began = time.perf_counter()
        while count(server) < number:
            time.sleep(PAUSE)
        waited.append(time.perf_counter() - began)
    return waited


async def _make(visits: int) -> None:
    await (await opened(visits)).close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print("start")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starts("vendors only, no event store", folder, args.rounds, "goals 1 s, 120 MB")
        with tallyway(folder, core=None) as running:
            create_site(running)
        starts("with an empty event store", folder, args.rounds, "goals 2 s, 350 MB")
        with tallyway(folder, core=None) as running:
            waited = visible(running, args.rounds)
        print(f"  queryable after the 202: {waited[0]:.2f} s the first, {max(waited):.2f} s at most (goal 2 s)")
    if args.visits:
        asyncio.run(_make(args.visits))
        with tempfile.TemporaryDirectory() as name:
            what, store = f"with a store of {args.visits:,} visits", dsn_of(args.visits)
            starts(what, Path(name), args.rounds, "goals 2 s, 350 MB", events=store)


if __name__ == "__main__":
    main()
