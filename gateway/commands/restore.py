"""`tallyway restore`: take a backup into an empty data directory, before the service starts there."""

from pathlib import Path
from typing import Annotated

import typer


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="What `backup` wrote.")],
) -> None:
    """Unpack a backup into TALLYWAY_DATA, take it up, and check it."""
    import asyncio
    import os

    from gateway.commands.fsck import report
    from gateway.operate.backup import unpack
    from gateway.settings import read_settings

    settings = read_settings(os.environ)
    unpack(file, settings.data)
    typer.echo(f"unpacked into {settings.data.resolve()}")
    if asyncio.run(report(settings, repair=False)):
        raise typer.Exit(1)
