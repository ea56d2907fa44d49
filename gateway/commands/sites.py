"""`tallyway sites`: list and create sites of a running gateway."""

from typing import Annotated

import typer

from gateway.operate.api_client import LOCAL, Key, Remote, Url

app = typer.Typer(help="Sites of a running gateway.", no_args_is_help=True)


@app.command("list")
def list_sites(
    url: Url = LOCAL, key: Key = "", as_json: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False
) -> None:
    """List the sites that the key may see."""
    from gateway.operate.output import print_json_lines, print_table

    found = list(Remote(url, key).pages("/v1/sites?limit=1000", "sites"))
    if as_json:
        print_json_lines(found)
    else:
        print_table(["domain", "timezone", "backend", "connection", "id"], found)


@app.command("add")
def add_site(
    domain: str,
    url: Url = LOCAL,
    key: Key = "",
    timezone: Annotated[str, typer.Option(help="IANA time zone.")] = "Etc/UTC",
    connection: Annotated[str, typer.Option(help="Id of a connection; our own store without it.")] = "",
) -> None:
    """Create a site and print the script tag for its pages."""
    body = {"domain": domain, "timezone": timezone} | ({"connection": connection} if connection else {})
    made = Remote(url, key).call("POST", "/v1/sites", body)
    typer.echo(f'<script defer src="{made["script"]}"></script>')


@app.command("deletion")
def show_deletion(
    site: Annotated[str, typer.Argument(help="Id of the deleted site, as the audit log has it.")],
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Show the proof that nothing is left of a deleted site; exit code 1 while rows are still being removed."""
    import json
    from urllib.parse import quote

    proof = Remote(url, key).call("GET", f"/v1/deletions/{quote(site, safe='')}")
    typer.echo(json.dumps(proof, indent=2))
    if proof["purged_at"] is None:
        raise typer.Exit(1)
