"""Play the shared conformance cases against a running gateway with a frozen clock.

The cases lie beside the checkout in `shared/conformance/`; without them this is skipped. The share that holds may not
fall below `.ci/conformance-floor`, which rises with the product.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import serve

ROOT = Path(__file__).parents[2]
RUNNER = ROOT.parent / "shared" / "conformance" / "run.py"
FLOOR = float((ROOT / ".ci" / "conformance-floor").read_text())


@pytest.mark.conformance
@pytest.mark.timeout(1500)
@pytest.mark.skipif(not RUNNER.exists(), reason="conformance cases: no shared/conformance/ beside the checkout")
def test_the_share_of_cases_that_hold_stays_above_the_floor(tmp_path: Path) -> None:
    # each case brings its history by an import of its own
    with serve(tmp_path, NOW="2026-06-17T12:00:00Z") as gateway:
        played = subprocess.run(
            [sys.executable, RUNNER, "--base", gateway.base, "--key", gateway.key, "--floor", str(FLOOR)],
            capture_output=True,
            text=True,
            check=False,
        )
    print(played.stdout[-2000:])
    verdict = re.search(r"^conformance (\d+)/(\d+) =", played.stdout, re.MULTILINE)
    assert verdict, played.stdout + played.stderr
    good, total = map(int, verdict.groups())
    assert played.returncode == 0, f"{good} of {total} hold, the floor is {FLOOR}\n{played.stdout}"
    assert total > 100, "the case files were not found or not read"
