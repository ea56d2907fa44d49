"""A running installation is copied, taken up elsewhere and checked: over real sockets, by the commands people type."""

from __future__ import annotations

import json
import subprocess
import tarfile
import threading
from pathlib import Path
from typing import Any

from tests.serving import ADMIN_KEY, Served, clean_environment, command, serve

NOW = "2026-06-17T12:00:00Z"
SITE = "/v1/sites/example.com"


def run(*words: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = (
        clean_environment() | {"TALLYWAY_DATA": str(data), "TALLYWAY_NOW": NOW, "TALLYWAY_KEY": ADMIN_KEY} | settings
    )
    return subprocess.run(
        [command(), *words], env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def send(server: Served, start: int, count: int) -> None:
    events = [
        {"name": "pageview", "time": NOW, "visitor": f"v{n}", "path": f"/{n}"} for n in range(start, start + count)
    ]
    server.call("POST", f"{SITE}/events", events)


def pageviews(server: Served) -> int:
    asked: dict[str, Any] = {"sites": ["example.com"], "metrics": ["pageviews"], "date_range": "day"}
    return int(server.call("POST", "/v1/query", asked)["results"][0]["pageviews"])


def test_a_backup_of_a_busy_server_is_restored_with_everything_acknowledged_before(tmp_path: Path) -> None:
    data, file = tmp_path / "one" / "data", tmp_path / "backup.tar"
    with serve(tmp_path / "one", NOW=NOW) as server:
        server.call("POST", "/v1/sites", {"domain": "example.com", "connection": "local"})
        send(server, 0, 200)
        ended = threading.Event()
        sent = [200]

        def write() -> None:
            while not ended.is_set():
                send(server, sent[0], 20)
                sent[0] += 20

        writing = threading.Thread(target=write)
        writing.start()
        try:
            before = sent[0]
            made = run("backup", str(file), "--url", server.base, data=data)
        finally:
            ended.set()
            writing.join()
        assert made.returncode == 0, made.stderr
        busy = run("fsck", "--repair", data=data)
        assert (busy.returncode, busy.stdout) == (1, ""), "nothing is looked at, let alone repaired, under its server"
        assert "has the event store open; stop it first" in busy.stderr
    with tarfile.open(file) as packed:
        names = packed.getnames()
    assert "catalog.db" in names
    assert not [name for name in names if "salt" in name or "vault" in name]
    assert file.stat().st_mode & 0o077 == 0

    elsewhere = tmp_path / "two" / "data"
    restored = run("restore", str(file), data=elsewhere)
    assert (restored.returncode, restored.stdout.splitlines()[-1]) == (0, "good"), restored.stdout + restored.stderr
    again = run("restore", str(file), data=elsewhere)
    assert again.returncode == 1
    assert "is not empty" in again.stderr
    with serve(tmp_path / "two", NOW=NOW) as server:
        assert before <= pageviews(server) <= sent[0]


def test_a_sound_installation_is_good_and_a_damaged_journal_is_told_and_repaired(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run("fsck", data=data).stdout.splitlines()[-1] == "good"
    (data / "local" / "journal" / f"{5:020d}.log").write_bytes(b"no record at all, but something")
    found = run("fsck", data=data)
    assert found.returncode == 1
    assert "journal_damaged" in found.stdout
    mended = run("fsck", "--repair", data=data)
    assert (mended.returncode, mended.stdout.splitlines()[-1]) == (0, "1 findings, 0 left"), mended.stdout
    assert run("fsck", data=data).stdout.splitlines()[-1] == "good"


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w") as packed:
        text = tmp_path / "text"
        text.write_text(json.dumps({}))
        packed.add(text, "../text")
    refused = run("restore", str(other), data=tmp_path / "data")
    assert refused.returncode == 1
    assert "is no backup" in refused.stderr
