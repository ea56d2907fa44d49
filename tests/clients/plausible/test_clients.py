"""plausible-mcp 0.1.2 and plausible-client 2.0.0, unmodified, against the facade; numbers counted by hand."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.facades.plausible.conftest import DEMO, demo, mirrored, owner, platform, served, site

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
WEEK = "2026-06-01,2026-06-07"
NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody answers at: what a client tells others than the gateway goes nowhere."""

__all__ = ["demo", "mirrored", "owner", "platform", "served", "site"]


def missing() -> str | None:
    """What these tests lack here and how to get it."""
    if shutil.which("node") is None:
        return "no node here"
    if not PYTHON.exists() or not (HERE / "node_modules" / "plausible-client").exists():
        return "the clients are not installed (make clients)"
    return None


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if lack := missing():
        if os.environ.get("TALLYWAY_REQUIRE_CLIENTS") == "1":
            pytest.fail(f"client tests are required here, but {lack}", pytrace=False)
        pytest.skip(f"client tests: {lack}")


def ask(tenant: Api, home: Path, *calls: tuple[str, dict[str, Any]]) -> list[str]:
    """The texts that plausible-mcp gives its assistant."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DO_NOT_TRACK": "1",
        "https_proxy": NOWHERE,
        "no_proxy": "127.0.0.1",
        "PLAUSIBLE_BASE_URL": f"{tenant.base}/plausible",
        "PLAUSIBLE_API_KEY": tenant.key,
    }
    done = subprocess.run(
        [PYTHON, HERE / "ask_mcp.py", json.dumps(calls)], env=environment, capture_output=True, text=True, timeout=90,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("backend", ["local", "plausible"])
def test_plausible_mcp_reads_the_hand_counted_numbers(demo: Api, mirrored: Api, tmp_path: Path, backend: str) -> None:
    week = {"site_id": f"https://{DEMO}/", "date_range": WEEK}
    doctor, totals, pages, series, present, unknown = ask(
        demo if backend == "local" else mirrored,
        tmp_path,
        ("doctor", {}),
        ("get_aggregate_stats", week),
        ("get_breakdown", {**week, "property_name": "page"}),
        ("get_timeseries", week),
        ("get_realtime_visitors", {"site_id": DEMO}),
        ("get_aggregate_stats", {"site_id": "nobody.example.com"}),
    )

    assert json.loads(doctor)["sample_sites"] == [DEMO]
    assert json.loads(totals)["totals"] == {"visitors": 7, "pageviews": 15, "bounce_rate": 40, "visit_duration": 425}
    assert json.loads(pages)["results"] == [
        {"page": "/", "visitors": 6},
        {"page": "/pricing", "visitors": 4},
        {"page": "/blog", "visitors": 3},
        {"page": "/signup", "visitors": 1},
    ]
    days = json.loads(series)["timeseries"]  # a visit counts on the day of its last action: none on 2 June
    assert [(day["date"], day["visitors"]) for day in days] == [
        ("2026-06-01", 2), ("2026-06-02", 0), ("2026-06-03", 2), ("2026-06-04", 1),
        ("2026-06-05", 1), ("2026-06-06", 1), ("2026-06-07", 1),
    ]  # fmt: skip
    assert json.loads(present)["realtime_visitors"] == 0
    assert "Authentication failed (HTTP 401)" in unknown


def test_plausible_client_sends_properties_and_revenue(owner: Api, site: str) -> None:
    owner.ok("PUT", f"/v1/sites/{site}/goals", {"event_name": "Purchase", "currency": "EUR"})
    given = {
        "apiHost": f"{owner.base}/plausible",
        "domain": site,
        "userAgent": BROWSER,
        "address": "198.51.100.7",
        "events": [
            ["pageview", {"url": f"https://{site}/", "referrer": "https://www.google.com/", "deviceWidth": 1200}],
            ["pageview", {"url": f"https://{site}/cart"}],
            [
                "Purchase",
                {
                    "url": f"https://{site}/cart",
                    "props": {"plan": "pro", "seats": 3},
                    "revenue": {"currency": "EUR", "amount": "49.95"},
                },
            ],
        ],
    }
    sent = subprocess.run(
        ["node", HERE / "send.mjs", json.dumps(given)], capture_output=True, text=True, timeout=60, check=False
    )
    assert sent.returncode == 0, sent.stderr
    owner.ok("POST", f"/v1/sites/{site}/events?wait=true", {"name": "Marker", "visitor": "m"})

    def counted(**more: Any) -> Any:
        body = {"site_id": site, "date_range": "day", "dimensions": [], **more}
        found = owner.ok("POST", "/plausible/api/v2/query", body)["results"]
        return [(*row["dimensions"], *row["metrics"]) for row in found]

    bought = [["is", "event:goal", ["Purchase"]]]
    seen = counted(metrics=["visitors"], dimensions=["visit:source"], filters=[["is", "event:name", ["pageview"]]])
    assert seen == [("Google", 1)]
    assert counted(metrics=["events"], dimensions=["event:props:plan", "event:props:seats"], filters=bought) == [
        ("pro", "3", 1)
    ]
    ((revenue,),) = counted(metrics=["total_revenue"], filters=bought)
    assert (revenue["value"], revenue["long"]) == (49.95, "€49.95")
