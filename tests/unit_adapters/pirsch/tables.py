"""The generated tables of docs/pirsch.md: what common questions cost, and every endpoint of the vendor.

python -m tests.unit_adapters.pirsch.tables      rewrites them; test_docs.py compares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.pirsch.capabilities import FAN_OUT_CALLS, PIRSCH, WALK_CALLS
from adapters.pirsch.translate.plan import draft
from adapters.pirsch.translate.question import CallLimits
from adapters.pirsch.vendor.calls import ROUTES
from gateway.http.facades.pirsch.routes import SERVED
from gateway.read.planner import approximations
from models.query import read_query
from models.site import Site

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs/pirsch.md"
ENDPOINTS = ROOT / "fixtures/pirsch/endpoints.json"
NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
SITE = Site(id="demo", domain="demo.example.com", external_id="A5kgYzK14m")
TOP = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate"]
BUY: list[Any] = ["is", "goal", ["Purchase"]]

QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Top line", {"metrics": TOP}),
    ("Top line with visit duration", {"metrics": [*TOP, "visit_duration"]}),
    ("Visitors by day", {"metrics": ["visitors"], "dimensions": ["time:day"]}),
    ("Visitors and views by day", {"metrics": ["visitors", "pageviews"], "dimensions": ["time:day"]}),
    ("Visitors by hour of one day", {"metrics": ["visitors"], "dimensions": ["time:hour"], "date_range": "day"}),
    ("Visitors by hour of a week", {"metrics": ["visitors"], "dimensions": ["time:hour"], "date_range": "7d"}),
    ("Visitors by month of a year", {"metrics": ["visitors"], "dimensions": ["time:month"], "date_range": "12mo"}),
    ("Top pages", {"metrics": ["visitors", "pageviews", "bounce_rate"], "dimensions": ["page"], "limit": 9}),
    ("Entry pages", {"metrics": ["visits"], "dimensions": ["entry_page"], "limit": 9}),
    ("Exit pages with exit rate", {"metrics": ["visits", "exit_rate"], "dimensions": ["exit_page"], "limit": 9}),
    ("Sources", {"metrics": ["visitors"], "dimensions": ["source"], "limit": 9}),
    ("Sources, detailed", {"metrics": ["visitors", "visits", "bounce_rate"], "dimensions": ["source"], "limit": 9}),
    ("Channels", {"metrics": ["visitors", "percentage"], "dimensions": ["channel"], "limit": 9}),
    ("Campaigns", {"metrics": ["visitors"], "dimensions": ["utm_campaign"], "limit": 9}),
    ("Countries", {"metrics": ["visitors"], "dimensions": ["country"], "limit": 9}),
    ("Countries, detailed", {"metrics": ["visitors", "visits", "bounce_rate"], "dimensions": ["country"], "limit": 9}),
    ("Devices", {"metrics": ["visitors", "percentage"], "dimensions": ["device"]}),
    ("Browsers", {"metrics": ["visitors"], "dimensions": ["browser"], "limit": 9}),
    ("Goals with rates", {"metrics": ["visitors", "conversion_rate"], "dimensions": ["goal"]}),
    ("One goal", {"metrics": ["visitors", "conversions", "conversion_rate"], "filters": [BUY]}),
)

_QUERIED = (
    "total visitor hours minutes duration/session duration/page page page/entry page/exit event/page events event/meta "
    "hostname channel referrer language country region city os os/version browser browser/version screen platform "
    "tag/details session/list utm/source utm/medium utm/campaign utm/content utm/term"
)
CANONICAL: Mapping[str, str] = {
    **dict.fromkeys(("POST hit", "POST hit/batch", "POST event", "POST event/batch"), "collect events"),
    "POST token": "credential", "GET domain": "list sites, get site", "POST domain": "create site",
    "DELETE domain": "delete site", "POST domain/hostname": "update site", "POST domain/timezone": "update site",
    "POST domain/name": "update site", "GET goal": "list goals", "POST goal": "create goal",
    "DELETE goal": "delete goal", "GET domain/link": "shared links", "POST domain/link": "shared links",
    "PUT domain/link": "shared links", "DELETE domain/link": "shared links", "GET member": "guests",
    "POST member": "guests", "PUT member": "guests", "DELETE member": "guests", "GET invitation": "guests",
    "DELETE invitation": "guests", "GET organization": "teams", "GET filter": "settings", "POST filter": "settings",
    "DELETE filter": "settings", "GET import": "import history", "DELETE import": "import history",
    "POST import/plausible": "import history", "GET statistics": "export history", "GET statistics/active": "realtime",
    **{f"GET statistics/{path}": "query" for path in _QUERIED.split()},
}  # fmt: skip
NOT_OFFERED: Mapping[str, str] = {
    "POST session": "keeps sessions of applications alive; no tracker here sends it",
    "POST session/batch": "the same",
}


def costs() -> str:
    lines = ["| question (last 30 days unless said) | calls at most | exact |", "|---|---|---|"]
    for title, body in QUESTIONS:
        query = read_query(body).resolved(zone="Etc/UTC", now=NOW)
        foreseen = draft(SITE, query, CallLimits(FAN_OUT_CALLS, WALK_CALLS)).foreseen
        if foreseen.refusals:
            raise ValueError(f"{title}: {foreseen.refusals}")
        codes = dict.fromkeys(r.code for r in (*approximations(query, PIRSCH), *foreseen.reasons))
        most = f"{foreseen.calls}, the cap" if foreseen.calls == FAN_OUT_CALLS else str(foreseen.calls)
        lines.append(f"| {title} | {most} | {', '.join(codes) or 'yes'} |")
    return "\n".join(lines)


def endpoints() -> str:
    calls: dict[str, list[str]] = {}
    for name, route in ROUTES.items():
        calls.setdefault(f"{route.call.method} {route.path}", []).append(f"`{name}`")
    lines = ["| endpoint | documents | here | vendor call | facade | evidence |", "|---|---|---|---|---|---|"]
    for entry in json.loads(ENDPOINTS.read_text("utf-8")):
        name = f"{entry['method']} {entry['path'].removeprefix('/api/v1/').removeprefix('/api/v1')}"
        where = "seed" if entry["seed"] else "2026-07" if entry["docs_2026_07"] else "SDKs"
        here = CANONICAL.get(name, "") or NOT_OFFERED.get(name, "")
        passage = ", ".join(calls.get(name, []))
        facade = "yes" if (entry["method"], entry["path"].removeprefix("/api/v1")) in SERVED else ""
        proof = "twin" if name in CANONICAL or passage else ""
        lines.append(f"| `{name}` | {where} | {here} | {passage} | {facade} | {proof} |")
    return "\n".join(lines)


TABLES = {"costs": costs, "endpoints": endpoints}


def with_tables(text: str) -> str:
    """The page with both tables made anew, each between its markers."""
    for name, table in TABLES.items():
        begin, end = f"<!-- generated: {name} -->\n", f"\n<!-- end: {name} -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = f"{head}{begin}{table()}{end}{tail}"
    return text


if __name__ == "__main__":
    DOCS.write_text(with_tables(DOCS.read_text("utf-8")), "utf-8")
