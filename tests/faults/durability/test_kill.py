"""kill -9 at full rate, at random moments: every acknowledged event is counted exactly once.

Rounds: 2 in a plain run, as many as `TALLYWAY_KILL_ROUNDS` says in CI, 200 in `make soak`.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = int(os.environ.get("TALLYWAY_KILL_ROUNDS", "2"))
COMMAND = [sys.executable, "-m", "tests.faults.durability.writing"]


def written_until_killed(folder: Path, prefix: str, seconds: float) -> set[int]:
    """Start a writer, kill it after a while; the numbers it acknowledged."""
    with subprocess.Popen([*COMMAND, str(folder), prefix], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        killer = threading.Timer(seconds, process.kill)
        killer.start()
        lines = process.stdout.read().split("\n")
        killer.cancel()
    assert process.returncode == -9
    return {int(line) for line in lines[:-1]}  # what follows the last line end may be half a number


def survives(folder: Path, rounds: int) -> None:
    """Write and kill so often, then count."""
    moments = random.Random(time.time_ns())
    acknowledged: set[str] = set()
    for number in range(rounds):
        taken = written_until_killed(folder, f"r{number}", moments.uniform(0.05, 3.5))
        acknowledged |= {f"r{number}-{each}" for each in taken}
    done = subprocess.run(
        [*COMMAND, str(folder), "-", "check"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert acknowledged, "the writers were killed before they wrote anything"
    missing = acknowledged - set(told["titles"])
    twice = {title for title, count in told["titles"].items() if count != 1}
    assert (sorted(missing)[:5], sorted(twice)[:5]) == ([], [])
    assert told["events"] == told["numbers"] == told["by_visits"]
    assert told["visits"] == told["opened"]


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_every_acknowledged_event_counts_once(tmp_path: Path) -> None:
    survives(tmp_path, ROUNDS)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_every_acknowledged_event_counts_once_in_two_hundred_rounds(tmp_path: Path) -> None:
    survives(tmp_path, 200)
