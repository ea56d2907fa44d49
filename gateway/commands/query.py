"""`tallyway query`: a question to a running gateway, answered as a table, JSON or CSV."""

import json
from typing import Annotated, Any

import typer

from gateway.operate.api_client import LOCAL, Key, Remote, Url


def query(
    sites: Annotated[list[str], typer.Argument(help="Ids or domains; `all` for every site.")],
    metric: Annotated[list[str] | None, typer.Option("--metric", "-m", help="Metrics; visitors by default.")] = None,
    by: Annotated[list[str] | None, typer.Option("--by", "-b", help="Dimensions to group by.")] = None,
    date_range: Annotated[str, typer.Option("--range", "-r", help="7d, month, 2026-01-01,2026-01-31, ...")] = "30d",
    where: Annotated[list[str] | None, typer.Option("--filter", "-f", help='JSON: ["is","page",["/"]]')] = None,
    order: Annotated[list[str] | None, typer.Option("--order", "-o", help="visitors:desc")] = None,
    limit: Annotated[int, typer.Option(help="Most rows.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Rows as CSV.")] = False,
    url: Url = LOCAL,
    key: Key = "",
) -> None:
    """Ask one or several sites."""
    from gateway.operate.output import print_csv, print_json_lines, print_table

    body: dict[str, Any] = {
        "metrics": metric or ["visitors"],
        "dimensions": by or [],
        "date_range": date_range.split(",") if "," in date_range else date_range,
        "filters": [_filter(text) for text in where or []],
        "order_by": [text.rsplit(":", 1) if ":" in text else [text, "desc"] for text in order or []],
        "limit": limit,
    }
    body |= {"sites": "all"} if sites == ["all"] else {"site": sites[0]} if len(sites) == 1 else {"sites": sites}
    answer = Remote(url, key).call("POST", "/v1/query", body)
    rows = answer["results"]
    columns = list(rows[0]) if rows else [*body["dimensions"], *body["metrics"]]
    if as_json:
        print_json_lines([answer])
    elif as_csv:
        print_csv(columns, rows)
    else:
        print_table(columns, rows)
    _say(answer["meta"])


def _filter(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {text}", param_hint="--filter") from error


def _say(meta: dict[str, Any]) -> None:
    """What is not exact or not there, on standard error."""
    for site in meta["sites"]:
        if site["status"] != "ok":
            typer.echo(f"{site['site']}: {site['error']['detail']}", err=True)
        for reason in site.get("reasons", []):
            typer.echo(f"{site['site']}: approximate: {reason['detail']}", err=True)
