"""The journal has one owner: who comes second is told who has it, and who only looks touches nothing."""

import subprocess
from pathlib import Path

import pytest

from adapters.local.folder_lock import FolderLock, holder
from models.errors import ConfigurationError
from tests.serving import clean_environment, command, serve

SITE = "shop.example.com"


def run(data: Path, events: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of ours on the same data directory, with an event store of its own."""
    environment = clean_environment() | {"TALLYWAY_DATA": str(data), "TALLYWAY_EVENTS": f"chdb://{events}"}
    return subprocess.run(
        [command(), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def test_a_look_beside_a_running_gateway_costs_no_event(tmp_path: Path) -> None:
    """Between its start and its first event: what looked used to open the journal, and unlinked the segment in use."""
    with serve(tmp_path, EVENTS=f"chdb://{tmp_path / 'one'}") as gateway:
        gateway.call("POST", "/v1/sites", {"domain": SITE, "timezone": "Etc/UTC"})
        looked = run(tmp_path / "data", tmp_path / "two", "doctor")
        checked = run(tmp_path / "data", tmp_path / "two", "fsck")
        events = [{"name": "pageview", "time": "2026-01-01T10:00:00Z", "visitor": str(n)} for n in range(20)]
        gateway.call("POST", f"/v1/sites/{SITE}/events?wait=true", events)
        asked = {"site": SITE, "metrics": ["pageviews"], "date_range": ["2026-01-01", "2026-01-01"]}
        answer = gateway.call("POST", "/v1/query", asked)

    assert answer["results"] == [{"pageviews": 20}]
    assert "not looked at: process " in looked.stdout
    assert (checked.returncode, checked.stderr.count("\n")) == (1, 1)
    assert checked.stderr.startswith("tallyway: process ")


def test_a_second_gateway_on_the_same_directory_is_refused_in_words(tmp_path: Path) -> None:
    with serve(tmp_path, EVENTS=f"chdb://{tmp_path / 'one'}") as gateway:
        gateway.call("POST", "/v1/sites", {"domain": SITE, "timezone": "Etc/UTC"})
        second = run(tmp_path / "data", tmp_path / "two", "serve", "--port", "0")

    assert second.returncode != 0
    assert "has the events and the journal" in second.stdout + second.stderr


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    assert holder(tmp_path) == ""
    lock = FolderLock.take(tmp_path)
    assert holder(tmp_path).startswith("process ")
    with pytest.raises(ConfigurationError, match=r"^process \d+ on .+ has the events and the journal"):
        FolderLock.take(tmp_path)
    lock.release()
    assert holder(tmp_path) == ""
    FolderLock.take(tmp_path).release()
