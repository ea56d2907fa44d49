"""An adapter outside this tree joins through its entry point and is held to the same contract suite, all of it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-an-adapter.md").read_text("utf-8")
INSTALL, RUN = re.findall(r"^    (pip install .*|pytest -p .*)$", PAGE, re.MULTILINE)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The running environment, beside it a folder where pip put the example as the page says.

    Its dependency, Tallyway, is there already; nothing is fetched.
    """
    beside = {"PIP_TARGET": str(tmp_path), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_QUIET": "1"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(tmp_path), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    run(environment | beside, INSTALL)
    return environment


def run(environment: dict[str, str], command: str) -> str:
    """What the command printed; fails where it does."""
    done = subprocess.run(
        shlex.split(command), cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


def test_the_registry_finds_it(environment: dict[str, str]) -> None:
    found = run(environment, 'python -c "from adapters.registry import backends; print(*backends())"').split()
    assert found[-1] == "pagecount"
    assert {"local", "plausible", "pirsch", "sparklytics", "umami"} <= set(found)


def test_a_taken_name_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    entries = next(tmp_path.glob("*.dist-info")) / "entry_points.txt"
    entries.write_text("[tallyway.adapters]\npagecount = adapters.umami:BACKEND\n")
    with pytest.raises(AssertionError, match="ConfigurationError"):
        run(environment, 'python -c "from adapters.registry import backends; backends()"')


@pytest.mark.timeout(600)
def test_it_passes_the_command_of_the_page(environment: dict[str, str]) -> None:
    last = run(environment, RUN).strip().splitlines()[-1]
    assert re.search(r"\b[1-9]\d+ passed", last), last
    assert not re.search(r"skipped|xfailed", last), last
