"""`tallyway capabilities`: what each backend can answer, from its own declaration."""

from typing import Annotated

import typer


def capabilities(
    backend: Annotated[str | None, typer.Argument(help="Only this backend.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON value a line.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The page docs/capabilities.md.")] = False,
) -> None:
    """Show what the backends can answer, and why not where they cannot."""
    from adapters.registry import editions
    from gateway.operate.capability_table import capabilities_markdown, cells
    from gateway.operate.output import print_json_lines, print_table

    chosen = [can for can in editions() if backend in (None, can.backend)]
    if not chosen:
        raise typer.BadParameter(f"no such backend: {backend}", param_hint="backend")
    if markdown:
        typer.echo(capabilities_markdown(chosen), nl=False)
    elif as_json:
        print_json_lines(can.model_dump(mode="json") for can in chosen)
    else:
        rows = [{"what": name, **{c.name: cells(c)[name].short for c in chosen}} for name in cells(chosen[0])]
        print_table(["what", *(c.name for c in chosen)], rows)
