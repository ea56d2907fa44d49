"""`tallyway vault`: change the key that protects the credentials."""

import typer

app = typer.Typer(help="The vault of credentials.", no_args_is_help=True)


@app.callback()
def _vault() -> None:
    """The vault of credentials, straight in the data directory."""


@app.command()
def rotate() -> None:
    """Wrap every secret under the first key of TALLYWAY_VAULT_KEY; the others may go afterwards.

    Put the new key first and keep the old one behind it, restart the servers, then run this. It may be interrupted
    and run again at any time. Exit code 1 when a secret cannot be opened by any of the keys.
    """
    import os

    from gateway.app import open_vault
    from gateway.catalog import Catalog, sealed
    from gateway.settings import read_settings

    settings = read_settings(os.environ)
    catalog = Catalog(settings.data)
    try:
        done = sealed.rotate(catalog, open_vault(settings, catalog))
    finally:
        catalog.close()
    typer.echo(f"{done.wrapped} secrets wrapped anew, {done.current} were current")
    for name in done.lost:
        typer.echo(f"not opened by any key: {name}", err=True)
    if done.lost:
        raise typer.Exit(1)
