"""Imported archives in answers: what two of them have in common is added up, and said."""

import io
import zipfile
from typing import Any

from tests.api.conftest import Api

JANUARY = ["2026-01-01", "2026-01-31"]


def archive(first: str, last: str, rows: dict[str, int]) -> bytes:
    """Visitors by day, for the days between two."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        lines = "".join(f"{day},{count},{count}\n" for day, count in rows.items())
        opened.writestr(f"imported_visitors_{first}_{last}.csv", f"date,visitors,visits\n{lines}")
    return out.getvalue()


def test_days_of_two_archives_add_up_and_are_approximate(owner: Api, site: str) -> None:
    for content in (
        archive("20260101", "20260120", {"2026-01-05": 3, "2026-01-15": 5}),
        archive("20260115", "20260131", {"2026-01-15": 7, "2026-01-25": 11}),
    ):
        job = owner.ok("POST", f"/v1/sites/{site}/imports?format=plausible&wait=true", content=content)
        assert (job["status"], job["skipped"]) == ("completed", 0)

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
