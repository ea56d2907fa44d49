"""`tallyway check`: whether the settings and the data directory can be used, before the service starts."""

from typing import Annotated

import typer


def check(
    reference: Annotated[bool, typer.Option("--reference", help="Print the page docs/configuration.md.")] = False,
    errors: Annotated[bool, typer.Option("--errors", help="Print the page docs/errors.md.")] = False,
) -> None:
    """Check settings, data directory, catalog and vault; the secrets themselves are never printed."""
    import os

    from gateway.operate.settings_reference import configuration_markdown

    if reference:
        typer.echo(configuration_markdown(), nl=False)
        return
    if errors:
        from gateway.http.server.errors import errors_markdown

        typer.echo(errors_markdown(), nl=False)
        return
    import asyncio

    from adapters.registry import backends
    from gateway.app import build
    from gateway.settings import read_settings

    settings = read_settings(os.environ)
    typer.echo("settings: good")
    services = build(settings)
    try:
        typer.echo(f"data directory: good ({settings.data.resolve()})")
        typer.echo("catalog and vault: good")
        typer.echo(f"backends: {', '.join(backends())}")
        no_vault = settings.vault_key is None and settings.vault_key_command is None
        for warning in _warnings(settings.admin_key is None, no_vault, settings.now is not None):
            typer.echo(f"note: {warning}")
    finally:
        asyncio.run(services.close())


def _warnings(no_admin: bool, no_vault: bool, frozen: bool) -> list[str]:
    found = {
        "TALLYWAY_ADMIN_KEY is not set; `tallyway keys create --admin` makes a key": no_admin,
        "TALLYWAY_VAULT_KEY is not set; a key file in the data directory protects the credentials": no_vault,
        "TALLYWAY_NOW freezes the clock": frozen,
    }
    return [text for text, applies in found.items() if applies]
