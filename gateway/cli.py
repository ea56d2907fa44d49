"""The command line: a thin face over the service. Nothing heavy is imported before a command needs it."""

import sys

import typer

from gateway.commands import (
    backup,
    capabilities,
    check,
    demo,
    doctor,
    fsck,
    imports,
    keys,
    query,
    restore,
    serve,
    sites,
    vault,
)

app = typer.Typer(
    name="tallyway",
    help="One API in front of several web analytics backends.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(keys.app, name="keys")
app.add_typer(vault.app, name="vault")
app.command("doctor")(doctor.doctor)
app.add_typer(sites.app, name="sites")
app.command("query")(query.query)
app.command("import")(imports.import_file)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("fsck")(fsck.fsck)
app.command("capabilities")(capabilities.capabilities)
app.command("check")(check.check)


def main() -> None:
    """The console script. Known errors become one line on standard error and exit code 1."""
    from models.errors import GatewayError

    try:
        app()
    except GatewayError as error:
        sys.stderr.write(f"tallyway: {error.detail}\n")
        sys.exit(1)
