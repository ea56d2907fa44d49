"""kill -9 in the middle of an import, again and again: each line counts exactly once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[4]
CHILD = Path(__file__).with_name("crashing.py")
COUNT = 30_000


def child(folder: Path, file: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), str(file)], stdout=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_each_line_counts_once_whatever_is_killed(tmp_path: Path, seed: int) -> None:
    """Visitors have one visit each: their lines stand together, a second apart."""
    random, file, folder = Random(seed), tmp_path / "events.ndjson", tmp_path / "data"
    folder.mkdir()
    with file.open("w") as out:
        for number in range(COUNT):
            moment = f"2026-06-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
            event = {"name": "pageview", "time": moment, "visitor": f"v{number // 6}", "path": f"/{number}"}
            out.write(json.dumps(event) + "\n" + ("{\n" if number % 100 == 99 else ""))
    for _ in range(4):
        running = child(folder, file)
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(random.uniform(0, 0.6))
        running.kill()
        running.communicate()
    said, _ = child(folder, file).communicate(timeout=100)
    result = json.loads(said.splitlines()[-1])
    assert result.pop("broken") == list(range(101, COUNT + COUNT // 100 + 1, 101))
    assert result == {"status": "completed", "rows": COUNT, "found": [COUNT, COUNT, COUNT, COUNT // 6]}
