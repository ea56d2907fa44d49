"""`make test` installs what browser and client tests need where it can, and says what it leaves out where not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def make(*arguments: str) -> list[str]:
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("npm", "chromium", "said", "made"),
    [
        ("", "", ["no npm here: browser and client tests are skipped"], set()),
        ("", "chromium", ["no npm here: browser and client tests are skipped"], set()),
        ("npm", "", ["no Chromium here: browser tests are skipped"], {"clients"}),
        ("npm", "chromium", [], {"clients", "browser"}),
    ],
)
def test_what_a_machine_cannot_run_is_said_in_one_line(
    npm: str, chromium: str, said: list[str], made: set[str], tmp_path: Path
) -> None:
    (tmp_path / "make").write_text('#!/bin/sh\nshift; for target in "$@"; do echo "made $target"; done\n')
    (tmp_path / "make").chmod(0o755)

    lines = make("beside", f"NPM={npm}", f"CHROMIUM={chromium}", f"MAKE={tmp_path / 'make'}")

    assert [line for line in lines if not line.startswith("made ")] == said
    assert {line.removeprefix("made ") for line in lines if line.startswith("made ")} == made


def test_tests_that_cannot_be_installed_for_are_said_to_be_skipped() -> None:
    assert make("beside", "NPM=npm", "CHROMIUM=", "MAKE=false") == [
        "no Chromium here: browser tests are skipped",
        "npm installed nothing: the tests that need it are skipped",
    ]


def test_the_tests_are_run_after_that() -> None:
    planned = make("--dry-run", "test", "NPM=", "PYTEST_ARGS=--marks-the-place")
    at = {
        word: next(n for n, line in enumerate(planned) if word in line) for word in ("no npm here", "--marks-the-place")
    }
    assert at["no npm here"] < at["--marks-the-place"]


def test_help_names_every_target_that_is_for_people() -> None:
    named = {line.split()[1] for line in make("help")}
    assert {"install", "test", "check", "demo", "browser", "clients", "docs", "bench"} <= named
