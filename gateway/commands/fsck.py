"""`tallyway fsck`: whether journal, events, visits and catalog fit together, while the service is stopped."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.settings import Settings


def fsck(
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what can be, without losing what is sound.")
    ] = False,
) -> None:
    """Check the data directory; exit code 1 when something is wrong and stays so."""
    import asyncio
    import os

    from gateway.settings import read_settings

    if asyncio.run(report(read_settings(os.environ), repair=repair)):
        raise typer.Exit(1)


async def report(settings: "Settings", *, repair: bool) -> int:
    """Print every finding; how many stay. Raises ConfigurationError when a running service holds the data."""
    from adapters.registry import own_store
    from gateway.app import build
    from gateway.observe import log
    from gateway.operate import backup
    from models.errors import ConfigurationError

    log.set_up("warning", settings.log_format)
    store = own_store()
    if owner := store.in_use(settings.data):  # what is being written would look damaged, and a repair would cut it off
        raise ConfigurationError(f"{owner}, has the event store open; stop it first")
    found = list(await store.check_closed(settings.data, repair=repair))
    if all(finding.repaired for finding in found):
        services = build(settings)
        try:
            found += await backup.inspect(services.connections, repair=repair)
        finally:
            await services.close()
    for finding in found:
        typer.echo(f"{'repaired' if finding.repaired else 'found'} {finding.code}: {finding.detail}")
    left = sum(not finding.repaired for finding in found)
    typer.echo("good" if not found else f"{len(found)} findings, {left} left")
    return left
