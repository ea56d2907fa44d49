"""The command line: quick to start, keys straight into the data directory, known errors in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.catalog import Catalog, audit, keys
from tests.serving import command


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command(), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "", **environment},
    )


def test_help_names_every_command() -> None:
    said = run("--help").stdout
    for name in ("serve", "demo", "keys", "sites", "query", "import", "capabilities", "check"):
        assert f"\n  {name} " in said


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, gateway.cli; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pydantic", "starlette", "uvicorn", "sqlite_utils", "httpx2", "chdb", "rich", "structlog", "http.client"}
    assert heavy & set(loaded) == set()


@pytest.mark.parametrize("admin", [True, False])
def test_a_key_made_on_the_command_line_works(tmp_path: Path, admin: bool) -> None:
    made = run("keys", "create", *(["--admin"] if admin else []), TALLYWAY_DATA=str(tmp_path))
    catalog = Catalog(tmp_path)
    found = catalog.run_now(keys.matching, made.stdout.strip())
    assert found is not None
    noted = catalog.run_now(audit.listed, found[1], 2**62, 10)
    catalog.close()
    assert found[0].platform is admin
    assert [(row.key, row.action, row.object) for row in noted] == [("command line", "key.create", found[0].id)]


def test_a_bad_setting_is_one_line_and_exit_code_one(tmp_path: Path) -> None:
    ended = run("check", TALLYWAY_DATA=str(tmp_path), TALLYWAY_NOW="yesterday")
    assert ended.returncode == 1
    assert ended.stderr.startswith("tallyway: TALLYWAY_NOW: ")
    assert "Traceback" not in ended.stderr


def test_a_gateway_that_does_not_answer_is_said_to_be_so() -> None:
    ended = run("sites", "list", "--url", "http://127.0.0.1:9", "--key", "tw_x")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("tallyway: no gateway at http://127.0.0.1:9")


def test_check_says_what_it_found(tmp_path: Path) -> None:
    ended = run("check", TALLYWAY_DATA=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert "settings: good" in ended.stdout
    assert "TALLYWAY_ADMIN_KEY is not set" in ended.stdout
