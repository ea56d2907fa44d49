"""Imported archives in answers: what two of them have in common is added up, and said."""

import io
import zipfile
from typing import Any

from gateway.http.dialect import APPROXIMATE
from tests.api.conftest import Api

JANUARY = ["2026-01-01", "2026-01-31"]


def archive(first: str, last: str, rows: dict[str, int], *, browser: str = "") -> bytes:
    """Visitors by day, for the days between two; with a browser, the same of it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        lines = "".join(f"{day},{count},{count}\n" for day, count in rows.items())
        opened.writestr(f"imported_visitors_{first}_{last}.csv", f"date,visitors,visits\n{lines}")
        if browser:
            lines = "".join(f"{day},{browser},{count},{count}\n" for day, count in rows.items())
            opened.writestr(f"imported_browsers_{first}_{last}.csv", f"date,browser,visitors,visits\n{lines}")
    return out.getvalue()


def take(owner: Api, site: str, *archives: bytes) -> None:
    for content in archives:
        job = owner.ok("POST", f"/v1/sites/{site}/imports?format=plausible&wait=true", content=content)
        assert (job["status"], job["skipped"]) == ("completed", 0)


def two(owner: Api, site: str) -> None:
    """January up to the 20th, and from the 15th on; only the first knows browsers."""
    take(
        owner,
        site,
        archive("20260101", "20260120", {"2026-01-05": 3, "2026-01-15": 5}, browser="Firefox"),
        archive("20260115", "20260131", {"2026-01-15": 7, "2026-01-25": 11}),
    )


def test_days_of_two_archives_add_up_and_are_approximate(owner: Api, site: str) -> None:
    two(owner, site)

    def asked(days: list[str], **more: Any) -> dict[str, Any]:
        body = {"site": site, "metrics": ["visitors"], "date_range": days, "include": {"imports": True}}
        return body | more

    answer = owner.ok("POST", "/v1/query", asked(JANUARY))
    (said,) = answer["meta"]["sites"]
    assert answer["results"] == [{"visitors": 26}]
    assert (said["accuracy"], [reason["code"] for reason in said["reasons"]]) == ("approximate", ["imports_overlap"])
    assert "2026-01-15 to 2026-01-20" in said["reasons"][0]["detail"]

    refused = owner.problem(422, "POST", "/v1/query", asked(JANUARY, accuracy="exact"))
    assert "imports_overlap" in refused["reasons"][0]

    answer = owner.ok("POST", "/v1/query", asked(["2026-01-01", "2026-01-14"]))
    assert (answer["results"], answer["meta"]["sites"][0]["accuracy"]) == ([{"visitors": 3}], "exact")

    answer = owner.ok("POST", "/v1/query", asked(JANUARY, dimensions=["browser"]))
    assert answer["results"] == [{"browser": "Firefox", "visitors": 8}]
    assert answer["meta"]["sites"][0]["accuracy"] == "exact", "only one of them has browsers"


def test_the_vendor_shaped_answers_say_it_in_a_header(owner: Api, site: str) -> None:
    two(owner, site)
    paths = {
        "v2": ("POST", "/plausible/api/v2/query", None),
        "v1": ("GET", f"/plausible/api/v1/stats/aggregate?site_id={site}&period=custom&with_imported=true", None),
    }

    def why(name: str, days: list[str]) -> tuple[Any, str | None]:
        method, path, body = paths[name]
        if name == "v2":
            body = {"site_id": site, "metrics": ["visitors"], "date_range": days, "include": {"imports": True}}
        else:
            path += f"&date={','.join(days)}"
        answer = owner.send(method, path, json=body)
        assert answer.status_code == 200, answer.text
        found = answer.json()["results"]
        return (found[0]["metrics"][0] if name == "v2" else found["visitors"]["value"]), answer.headers.get(APPROXIMATE)

    for name in paths:
        assert why(name, JANUARY) == (26, "imports_overlap"), name
        assert why(name, ["2026-01-01", "2026-01-14"]) == (3, None), name
