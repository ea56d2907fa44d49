"""What an import's runner is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from models.job import ImportJob, OnError
from models.site import Site


@dataclass(frozen=True, slots=True)
class Task:
    """An import to carry out: the job as it was announced, and the file, which stays where it is."""

    job: ImportJob
    site: Site
    path: Path
    on_error: OnError

    def day_of(self, instant: int) -> str:
        """The date of a Unix time in the site's zone."""
        return datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(self.site.timezone)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Done:
    """The ended job, and what has to be known to take its rows back."""

    job: ImportJob
    traces: Mapping[str, Any] = field(default_factory=dict)


Report = Callable[[ImportJob], None]
"""Told how far the job is."""


class Runner(Protocol):
    """Imports files of one format."""

    async def admit(self, site: Site) -> None:
        """Raises Conflict when the site may not have another import of the format."""
        ...

    async def run(self, task: Task, report: Report) -> Done:
        """Raises GatewayError or OSError when it cannot go on; run again, it goes on where it was."""
        ...

    async def remove(self, site: Site, job: ImportJob, path: Path, traces: Mapping[str, Any]) -> None:
        """Take the rows of an import back, complete or not."""
        ...

    def clean(self, path: Path) -> None:
        """Remove what was kept beside the file. Blocking."""
        ...
