"""The wheel, the locks and the import contracts: what holds the house together is itself tested."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("gateway", "adapters", "models")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: dict[str, dict[str, Any]] = {
    contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]
}

# One violation for each contract: the module that is written or extended, and the line that breaks the rule.
VIOLATIONS = {
    "packages": ("models/planted_packages.py", "import adapters.base"),
    "gateway-layers": ("gateway/read/planner.py", "import gateway.services"),
    "http-layers": ("gateway/http/server/frame.py", "import gateway.http.routes"),
    "local-layers": ("adapters/local/store/schema.py", "import adapters.local.engine"),
    "pirsch-layers": ("adapters/pirsch/translate/filters.py", "import adapters.pirsch.translate.rows"),
    "pirsch-asks-what-was-planned": (
        "adapters/pirsch/translate/measure.py",
        "import adapters.pirsch.translate.objections",
    ),
    "adapters-independent": ("adapters/plausible/planted_neighbour.py", "import adapters.local"),
    "vendors-by-registry": ("gateway/read/stats.py", "import adapters.plausible.adapter"),
    "planner-pure": ("gateway/read/planner.py", "import adapters.base"),
    "no-io-in-the-core": ("adapters/plausible/translate.py", "import socket"),
    "starlette-at-the-rim": ("gateway/read/planner.py", "import starlette.requests"),
    "httpx2-in-adapters": ("gateway/read/executor.py", "import httpx2"),
    "no-other-client": ("adapters/base.py", "import httpx"),
    "catalog-owns-sqlite": ("gateway/read/stats.py", "import sqlite_utils"),
    "local-owns-the-event-store": ("gateway/read/stats.py", "import clickhouse_connect"),
    "models-are-data": ("models/planted_data.py", "import orjson"),
}

IMPORTED_AS = {
    "crawler-user-agents": "crawleruseragents",
    "chdb-core-lite": "chdb",
    "google-re2": "re2",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
    "opentelemetry-sdk": "opentelemetry",
}
"""Distributions whose module has another name; all others are called alike, with underscores."""
NEEDED_WITHOUT_AN_IMPORT = {
    "chdb-core-lite": "clickhouse-connect opens the embedded event store with it",
    "httptools": "uvicorn reads requests with it",
    "python-multipart": "Starlette reads forms with it",
    "tzdata": "zoneinfo reads time zones from it where the system has none",
    "uvloop": "uvicorn runs on it",
}


def declared(extra: str | None = None) -> set[str]:
    """The names of `dependencies`, or of an extra."""
    project = PROJECT["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return {re.split(r"[\[<>=!~ ]", line)[0] for line in lines}


def module_of(distribution: str) -> str:
    return IMPORTED_AS.get(distribution, distribution.replace("-", "_"))


def imports_of(path: Path) -> set[str]:
    """The top names of what a module imports, at its head or later."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def lint_imports(tree: Path) -> dict[str, bool]:
    """Run the contracts over a tree; contract name -> kept."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env=os.environ | {"COLUMNS": "300"},  # each verdict on one line
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))
    assert verdicts, done.stdout + done.stderr
    return {name: verdict == "KEPT" for name, verdict in verdicts.items()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The three packages and their configuration, in a folder of their own."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            tmp_path / package,
            ignore=shutil.ignore_patterns("__pycache__", "*.js", "*.png", "*.css", "data"),
        )
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def test_the_import_contracts_hold() -> None:
    verdicts = lint_imports(ROOT)
    assert [name for name, kept in verdicts.items() if not kept] == []
    assert len(verdicts) == len(CONTRACTS)


def test_each_import_contract_catches_a_planted_violation(tree: Path) -> None:
    assert set(VIOLATIONS) == set(CONTRACTS), "a new contract needs a planted violation"
    for path, line in VIOLATIONS.values():
        module = tree / path
        assert module.parent.is_dir(), path
        kept = module.read_text() if module.exists() else ""
        module.write_text(f"{kept}\n{line}\n")
    verdicts = lint_imports(tree)
    assert [ident for ident, contract in CONTRACTS.items() if verdicts[contract["name"]]] == []


def test_every_vendor_folder_stands_in_the_contracts() -> None:
    vendors = {f"adapters.{found.parent.name}" for found in (ROOT / "adapters").glob("*/capabilities.py")}
    assert set(CONTRACTS["adapters-independent"]["modules"]) == vendors
    assert set(CONTRACTS["vendors-by-registry"]["forbidden_modules"]) == vendors


def test_models_may_import_no_run_dependency_but_pydantic() -> None:
    modules = {module_of(name) for name in declared()}
    forbidden = CONTRACTS["models-are-data"]["forbidden_modules"]
    assert modules - {"pydantic"} == {name for name in forbidden if name not in sys.stdlib_module_names}


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    imported = {
        module: str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for module in imports_of(path) - sys.stdlib_module_names - set(PACKAGES)
    }
    needed = {module_of(name) for name in declared() - NEEDED_WITHOUT_AN_IMPORT.keys()}
    optional = {module_of(name) for name in declared("otel")}
    assert {m: path for m, path in imported.items() if m not in needed | optional} == {}, "not in `dependencies`"
    assert needed | optional == imported.keys(), "in `dependencies`, and imported nowhere"
    assert NEEDED_WITHOUT_AN_IMPORT.keys() <= declared()


def test_the_wheel_carries_the_three_packages_and_their_data(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = tmp_path.glob("tallyway-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert inside == set(PACKAGES)
    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    assert [name for name in tracked.split() if name not in names] == []
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {"gateway/http/static/tallyway.js", "gateway/http/static/swagger-ui/MANIFEST.sha256"} <= names
    assert {"gateway/http/pages/templates/stats.html", "gateway/http/static/plausible/tracker.js"} <= names
    assert "gateway/operate/demo/traffic.py" in names


def test_the_three_names_belong_to_tallyway_alone() -> None:
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["tallyway"])) == {"tallyway"}


@pytest.mark.parametrize("lock", ["run", "dev", "build"])
def test_locks_pin_every_package_by_hash_and_name_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    packages = re.findall(r"^(\S+==\S+).*?\\\n((?:\s+--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
    starts = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert len(packages) == len(starts) > 5
    assert "://" not in text
    assert "--index" not in text


def test_the_dev_lock_holds_the_run_lock() -> None:
    """Both go into one environment, so they must not disagree."""
    pins = {
        name: set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("run", "dev", "build")
    }
    assert pins["run"] <= pins["dev"]
    assert {pin.split("==")[0] for pin in pins["build"] - pins["dev"]} <= {"editables"}


def test_every_dependency_is_in_the_lock() -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE))
    assert declared() <= locked


def test_the_npm_lock_of_the_browser_tests_names_no_address() -> None:
    text = (ROOT / "tests" / "browser" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert "://" not in text
    assert text.count('"integrity"') > 2


@pytest.mark.parametrize("folder", ["swagger-ui", "plausible"])
def test_vendored_files_are_the_published_ones(folder: str) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "MANIFEST.sha256"],
        cwd=ROOT / "gateway" / "http" / "static" / folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
