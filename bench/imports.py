"""Events a second from a file to queryable rows: read, derived, journalled, made visits, stored.

    python -m bench.imports [--events 1000000] [--profile]

The file is the demo site's kind of traffic: page views, engagement, properties, revenue, one visitor id a visit.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import resource
import tempfile
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

from adapters.local.collect.derive import Derivation
from adapters.local.collect.rules import compile_rules
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.visitor import Salts
from adapters.local.imports.ndjson import LineReader, Source
from gateway.commands.serve import settle
from gateway.operate.demo.traffic import generate
from models.job import JobStatus
from models.settings import SiteSettings
from tests.unit_adapters.local.wiring import SITE, local_adapter

FIRST = date(2025, 1, 1)


def write_events(path: Path, events: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for event in islice(generate(365, max(100, events // 900), 7, FIRST), events):
            file.write(json.dumps(event) + "\n")


def now() -> datetime:
    return datetime.now(UTC)


def shown(what: str, rows: int, wall: float, *cpu: float) -> None:
    """`cpu` is of the server's process, and of the one that reads for it."""
    each = " + ".join(f"{seconds / rows * 1e6:.1f}" for seconds in cpu)
    print(f"  {what:<34}{rows / wall:>10,.0f}/s {each:>12} us CPU each")


def read_only(path: Path, *, profile: bool) -> None:
    """Reading and deriving alone, in this process."""
    derivation = Derivation(Salts(), Geo.open())
    reader = LineReader(Source(path, SITE, compile_rules(SiteSettings()), now()), derivation)
    recorded = cProfile.Profile()
    began, used, offset, line, rows = perf_counter(), process_time(), 0, 1, 0
    if profile:
        recorded.enable()
    while (block := reader.read(offset, line)).lines:
        offset, line, rows = block.end, line + block.lines, rows + block.rows
    recorded.disable()
    shown("read and derive", rows, perf_counter() - began, process_time() - used)
    if profile:
        pstats.Stats(recorded).sort_stats("tottime").print_stats(18)


def _of_children() -> float:
    """CPU seconds of processes that have ended, those before ours in the same shell included."""
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    return child.ru_utime + child.ru_stime


async def end_to_end(folder: Path, path: Path) -> None:
    adapter = local_adapter(folder, now=now)
    await adapter.start()
    try:
        began, used, others = perf_counter(), process_time(), _of_children()
        job = await adapter.start_import(SITE, "ndjson", path)
        done = await adapter.get_import(SITE, job.id, wait=True)
        wall, cpu = perf_counter() - began, process_time() - used
        if done.status is not JobStatus.COMPLETED:
            raise RuntimeError(done.error)
        shown("file to queryable rows", done.rows, wall, cpu, _of_children() - others)
    finally:
        await adapter.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    settle()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "events.ndjson"
        write_events(path, args.events)
        print(f"{args.events:,} events, {path.stat().st_size / args.events:.0f} bytes each, {os.cpu_count()} cores")
        read_only(path, profile=args.profile)
        asyncio.run(end_to_end(folder / "data", path))


if __name__ == "__main__":
    main()
