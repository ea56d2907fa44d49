"""Work that outlives a request: imports of history, with progress and everything that was refused."""

from datetime import datetime
from enum import StrEnum

from models.base import Frozen


class JobStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class OnError(StrEnum):
    """What an import does with a line it cannot read."""

    SKIP = "skip"
    """Take the rest; report the line."""
    ABORT = "abort"
    """Take nothing; report the lines."""


class LineProblem(Frozen):
    """One refused line or row: where it stands (`file` inside an archive), and why it was refused."""

    line: int
    reason: str
    file: str = ""


class ProblemPage(Frozen):
    """Some refused lines of an import, in the order of the file; `next` is the offset of the following ones."""

    problems: tuple[LineProblem, ...]
    next: int | None = None


class ImportJob(Frozen):
    """An import. `rows` were taken, `skipped` refused (here the first 100 with reasons; all of them stand under
    `.../problems`); `duplicate`: all taken before."""

    id: str
    site: str
    format: str
    status: JobStatus
    rows: int = 0
    skipped: int = 0
    problems: tuple[LineProblem, ...] = ()
    duplicate: bool = False
    bytes_done: int = 0
    bytes_total: int = 0
    error: str = ""
    first_date: str | None = None
    last_date: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
