"""`tallyway import`: send a file of history to a running gateway and watch it go in."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from gateway.operate.api_client import LOCAL, ApiError, Key, Remote, Url

if TYPE_CHECKING:
    from rich.progress import Progress

CHUNK = 1 << 18
POLL_SECONDS = 0.3


def import_file(
    site: Annotated[str, typer.Argument(help="Id or domain of the site.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    form: Annotated[str, typer.Option("--format", help="Format of the file.")] = "ndjson",
    on_error: Annotated[str, typer.Option(help="skip a line that cannot be read, or abort.")] = "skip",
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Import history into a site; the same file twice counts once."""
    remote, size = Remote(url, key), file.stat().st_size
    address = f"/v1/sites/{quote(site, safe='')}/imports"
    with _progress() as progress:
        job = _upload(remote, f"{address}?format={quote(form)}&on_error={quote(on_error)}", file, size, progress)
        address = f"{address}/{quote(job['id'], safe='')}"
        job = _watch(remote, address, job, progress)
    _report(job, _problems(remote, address))


def _progress() -> "Progress":
    """A bar with rate and remaining time, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rows]}"),
        console=Console(stderr=True),
    )


def _upload(remote: Remote, address: str, file: Path, size: int, progress: "Progress") -> dict[str, Any]:
    task = progress.add_task("sending", total=size, rows="")

    def chunks() -> Iterator[bytes]:
        with file.open("rb") as source:
            while chunk := source.read(CHUNK):
                progress.advance(task, len(chunk))
                yield chunk

    answer: dict[str, Any] = remote.send("POST", address, chunks(), "application/octet-stream", size)
    return answer


def _watch(remote: Remote, address: str, job: dict[str, Any], progress: "Progress") -> dict[str, Any]:
    task, started = progress.add_task("importing", total=job["bytes_total"] or None, rows=""), time.monotonic()
    while True:
        rate = job["rows"] / max(time.monotonic() - started, POLL_SECONDS)
        done = job["status"] in ("completed", "failed")
        reached = job["bytes_total"] if done else job["bytes_done"]
        progress.update(task, completed=reached, rows=f"{job['rows']:,} rows, {rate:,.0f}/s")
        if done:
            return job
        time.sleep(POLL_SECONDS)
        job = remote.call("GET", address)


def _problems(remote: Remote, address: str) -> Iterator[dict[str, Any]]:
    """Every line that was refused."""
    offset: int | None = 0
    while offset is not None:
        page = remote.call("GET", f"{address}/problems?offset={offset}&limit=1000")
        yield from page["problems"]
        offset = page["next"]


def _report(job: dict[str, Any], problems: Iterator[dict[str, Any]]) -> None:
    for problem in problems:
        where = f"{problem['file']}:" if problem["file"] else "line "
        typer.echo(f"{where}{problem['line']}: {problem['reason']}", err=True)
    if job["status"] == "failed":
        raise ApiError(f"the import failed: {job['error']}")
    known = " (the same content was imported before)" if job["duplicate"] else ""
    typer.echo(f"{job['rows']} rows imported, {job['skipped']} refused{known}")
