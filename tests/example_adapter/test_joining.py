"""An adapter outside this tree joins through its entry point and is held to the same contract suite."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As if the example had been installed: metadata made of its pyproject.toml, and its package on the path."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(HERE), str(ROOT)])}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_registry_finds_it(environment: dict[str, str]) -> None:
    code = "from adapters.registry import backends; print(*backends())"
    done = run(environment, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "pagecount"
    assert {"local", "plausible", "pirsch", "sparklytics", "umami"} <= set(done.stdout.split())


def test_a_taken_name_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    entries = next(tmp_path.glob("*.dist-info")) / "entry_points.txt"
    entries.write_text("[tallyway.adapters]\npagecount = adapters.umami:BACKEND\n")
    done = run(environment, "-c", "from adapters.registry import backends; backends()")
    assert done.returncode != 0
    assert "ConfigurationError" in done.stderr


def test_the_contract_suite_holds_it(environment: dict[str, str]) -> None:
    done = run(
        environment, "-m", "pytest", "-q", "-p", "tallyway_pagecount.contract", "-p", "no:cacheprovider",
        "tests/contract", "-k", "pagecount and not test_truth",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    passed = int(done.stdout.strip().splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed > 80
