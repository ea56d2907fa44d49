"""`tallyway doctor`: look at everything an installation stands on, and say what is wrong with it."""

import typer


def doctor() -> None:
    """Check permissions, clock, disk, catalog, vault, event store and every connection. Exit code 1 on a failure.

    Creates what a start would create, and changes nothing else. The embedded event store belongs to one process: stop
    the server to have it checked, too.
    """
    import asyncio
    import os

    from gateway.app import build
    from gateway.observe import log
    from gateway.operate.doctor import Verdict, examine
    from gateway.settings import read_settings

    settings = read_settings(os.environ)
    log.set_up("error", settings.log_format)  # what is found is said below; lines of the log would stand between
    findings = asyncio.run(examine(settings, build))
    for finding in findings:
        typer.echo(f"{finding.verdict:<6} {finding.subject}: {finding.said}")
    if any(finding.verdict is Verdict.BAD for finding in findings):
        raise typer.Exit(1)
