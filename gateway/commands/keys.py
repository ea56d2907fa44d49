"""`tallyway keys`: make the first keys, directly in the catalog of the data directory."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.catalog.base import Database

BY_COMMAND = "command line"
"""Name in the audit log of whoever can write the data directory."""
app = typer.Typer(help="API keys.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """API keys, straight in the data directory; a running server honours them at once."""


@app.command()
def create(
    admin: Annotated[bool, typer.Option("--admin", help="An administrator of the installation.")] = False,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "made on the command line",
    scope: Annotated[list[str] | None, typer.Option(help="read, manage_sites, manage_goals, ingest or admin.")] = None,
    tenant: Annotated[str, typer.Option(help="Id or slug of the tenant.")] = "default",
) -> None:
    """Make a key and print it, this once."""
    import os

    from gateway.access.keyring import created
    from gateway.catalog import Catalog, audit, tenants
    from gateway.catalog import keys as rows
    from gateway.settings import read_settings
    from gateway.tenancy import KeyScope

    settings = read_settings(os.environ)
    chosen = scope or ["admin" if admin else "read"]
    if unknown := [s for s in chosen if s not in set(KeyScope)]:
        raise typer.BadParameter(f"no such scope: {', '.join(unknown)}", param_hint="--scope")
    now = settings.clock()

    def noted(db: "Database") -> str:
        """The key and its row of the audit log, both or neither."""
        owner = tenants.get(db, tenant)
        scopes = [KeyScope(s) for s in chosen]
        made, key = rows.create(db, owner, name=name, scopes=scopes, now=now, platform=admin)
        note = created(made)
        audit.add(db, owner, BY_COMMAND, "key.create", note.subject, now, after=note.after)
        return key

    catalog = Catalog(settings.data)
    try:
        key = catalog.run_now(noted)
    finally:
        catalog.close()
    typer.echo(key)
