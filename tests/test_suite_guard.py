"""The suite's own guard: outside addresses are refused, loopback is not."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 443), ("203.0.113.9", 9)])
def test_a_connection_to_the_outside_is_refused(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(AssertionError, match="loopback only"):
        client.connect(address)


def test_a_look_up_of_an_outside_name_is_refused() -> None:
    with pytest.raises(AssertionError, match="no outside name"):
        socket.getaddrinfo("plausible.example", 443)


async def test_the_guard_holds_in_an_event_loop() -> None:
    with pytest.raises(AssertionError, match="no outside name"):
        await asyncio.open_connection("pirsch.example", 443)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_settings_of_the_shell_do_not_reach_the_tests() -> None:
    shell = os.environ | {"TALLYWAY_DATA": "/nowhere", "TALLYWAY_REQUIRE_BROWSER": "1"}
    look = "import os; from tests import conftest; conftest.pytest_configure(None); " + (
        "print(*[name for name in os.environ if name.startswith('TALLYWAY_')])"
    )
    seen = subprocess.run([sys.executable, "-c", look], env=shell, capture_output=True, text=True, check=True).stdout
    assert "TALLYWAY_DATA" not in seen
    assert "TALLYWAY_REQUIRE_BROWSER" in seen


@pytest.mark.parametrize(
    "spread", [["-n", "0"], ["-n", "2", "--dist", "loadgroup"]], ids=["one process", "two workers"]
)
def test_a_test_that_never_ran_fails_the_run(tmp_path: Path, spread: list[str]) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    (tmp_path / "conftest.py").write_text(
        "from tests.rollcall import RollCall\n\n\n"
        "def pytest_configure(config):\n"
        "    config.pluginmanager.register(RollCall())\n\n\n"
        "def pytest_collection_modifyitems(items):\n"
        "    items.append(items[0])\n"
    )
    done = run_pytest(tmp_path, *spread)
    both_ran = spread == ["-n", "0"]
    assert (done.returncode == 0) == both_ran, done.stdout
    assert ("1 of 2" in done.stdout) != both_ran


@pytest.mark.parametrize(
    "spread", [["-n", "0"], ["-n", "2", "--dist", "worksteal"]], ids=["one process", "two workers"]
)
def test_a_test_that_a_runner_passes_over_fails_the_run(tmp_path: Path, spread: list[str]) -> None:
    """As `make test` spreads them."""
    (tmp_path / "test_some.py").write_text("def test_one():\n    pass\n\n\ndef test_two():\n    pass\n")
    (tmp_path / "conftest.py").write_text(
        "from tests.rollcall import RollCall\n\n\n"
        "def pytest_configure(config):\n"
        "    if not hasattr(config, 'workerinput'):\n"
        "        config.pluginmanager.register(RollCall())\n\n\n"
        "def pytest_runtest_protocol(item):\n"
        "    return True if item.name == 'test_two' else None\n"
    )
    done = run_pytest(tmp_path, *spread)
    assert done.returncode != 0, done.stdout
    assert "1 of 2" in done.stdout


def test_a_failing_test_leaves_no_engine_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.leftovers import Leftovers\n\n\n"
        "def pytest_sessionstart(session):\n"
        "    session.config.pluginmanager.register(Leftovers())\n"
    )
    (tmp_path / "test_engine.py").write_text(
        "import asyncio\n\n"
        "from adapters.local.store.event_store import EventStore\n\n\n"
        "def test_that_ends_before_it_closes(tmp_path):\n"
        "    asyncio.run(EventStore.open(f'chdb://{tmp_path}'))\n"
        "    raise AssertionError\n\n\n"
        "def test_that_forgets_to_close(tmp_path):\n"
        "    asyncio.run(EventStore.open(f'chdb://{tmp_path}'))\n\n\n"
        "def test_that_comes_next(tmp_path):\n"
        "    async def opened():\n"
        "        store = await EventStore.open(f'chdb://{tmp_path}')\n"
        "        await store.close()\n\n"
        "    asyncio.run(opened())\n"
    )
    said = run_pytest(tmp_path).stdout
    assert "1 failed, 2 passed, 1 error" in said, said


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A suite of its own in a folder."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        *options,
        str(folder),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)
