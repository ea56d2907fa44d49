"""Who has the local backend's folder: a lock of the operating system, which a process that died cannot hold."""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import Self

from models.errors import ConfigurationError

OWNER = "owner"
"""The file that is locked; it stays, and names who locked it last."""
TRIES, PAUSE = 20, 0.05
"""Whoever only looks holds the lock for the blink of an eye: one that is held is asked for again for a second."""


def holder(folder: Path) -> str:
    """Who has the folder, as "process 12 on web-1, since …"; "" when nobody has. Changes nothing. Raises OSError."""
    try:
        with (folder / OWNER).open("rb") as file:
            try:
                flock(file, LOCK_SH | LOCK_NB)
            except BlockingIOError:
                return _named(file.read())
    except FileNotFoundError:
        return ""
    return ""


def _named(written: bytes) -> str:
    with suppress(ValueError, KeyError, TypeError):
        told = json.loads(written)
        return f"process {int(told['pid'])} on {told['host']}, since {told['since']}"
    return "another process"


@dataclass(frozen=True, slots=True)
class FolderLock:
    """The folder is ours until `release`, or until this process ends. Take it before anything in there is touched."""

    folder: Path
    _file: int

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Blocking. Raises ConfigurationError that names who has it, OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        opened = os.open(folder / OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _locked(opened, folder)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            written = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}).encode()
            os.pwrite(opened, written, 0)
            os.ftruncate(opened, len(written))
        except BaseException:
            os.close(opened)
            raise
        return cls(folder, opened)

    def release(self) -> None:
        os.close(self._file)


def _locked(opened: int, folder: Path) -> None:
    for _ in range(TRIES):
        try:
            return flock(opened, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
    raise ConfigurationError(
        f"{_named(os.pread(opened, 1000, 0))}, has the events and the journal in {folder}: stop it, or give this one a"
        " data directory of its own"
    )
