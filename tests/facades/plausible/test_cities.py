"""Cities are GeoNames numbers in every answer and filter, and a blank one is 0 (contracts: Plausible 4.3, 5, 8)."""

import json
from typing import Any

import pytest

from gateway.http.facades.plausible.filters import shown
from tests.api.conftest import Api, new_owner
from tests.facades.plausible.conftest import as_plausible, facade

TALLINN, BERLIN = 588409, 2950159
# Three visitors in Tallinn, one in Berlin, two nobody knows where, one where the sender names the place.
CITIES: tuple[Any, ...] = (TALLINN, TALLINN, TALLINN, BERLIN, "", 0, "Bielefeld")
DAY = ["2026-06-01", "2026-06-01"]


@pytest.fixture(scope="module")
def towns(platform: Api) -> Api:
    """A tenant with a site whose visitors come from the cities above."""
    tenant = new_owner(platform)
    tenant.ok("POST", "/v1/sites", {"domain": "towns.example.com"})
    events = [
        {"name": "pageview", "time": "2026-06-01T10:00:00Z", "visitor": f"v{n}", "url": "https://towns.example.com/"}
        | ({"city": city} if city != "" else {})
        for n, city in enumerate(CITIES)
    ]
    lines = "\n".join(map(json.dumps, events)).encode()
    job = tenant.ok("POST", "/v1/sites/towns.example.com/imports?format=ndjson&wait=true", content=lines)
    assert (job["rows"], job["skipped"]) == (7, 0)
    return tenant


@pytest.fixture(scope="module")
def far_towns(platform: Api, towns: Api) -> Api:
    """The same site behind a Plausible connection to the facade."""
    tenant = new_owner(platform)
    made = tenant.ok("POST", "/v1/connections", as_plausible(towns))
    tenant.ok("POST", f"/v1/connections/{made['id']}/sync")
    return tenant


@pytest.fixture(params=["towns", "far_towns"])
def asked(request: pytest.FixtureRequest) -> Api:
    return facade(request.getfixturevalue(request.param))


def visitors(api: Api, *filters: Any, **more: Any) -> list[dict[str, Any]]:
    body = {"site_id": "towns.example.com", "metrics": ["visitors"], "date_range": DAY, "filters": list(filters)}
    found: list[dict[str, Any]] = api.ok("POST", "/api/v2/query", body | more)["results"]
    return found


def test_cities_are_numbers_and_blank_ones_zero(asked: Api) -> None:
    rows = visitors(asked, dimensions=["visit:city", "visit:device"])
    assert {row["dimensions"][0]: row["metrics"][0] for row in rows} == {TALLINN: 3, 0: 2, BERLIN: 1, "Bielefeld": 1}
    assert all(type(row["dimensions"][1]) is str for row in rows)


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_cities_go_by_number_not_by_its_digits(asked: Api, direction: str) -> None:
    rows = visitors(asked, dimensions=["visit:city"], order_by=[["visit:city", direction]])
    inwards = [0, "Bielefeld", TALLINN, BERLIN]
    assert [row["dimensions"][0] for row in rows] == (inwards if direction == "asc" else inwards[::-1])


@pytest.mark.parametrize(
    ("clause", "count"),
    [
        (["is", "visit:city", [0]], 2),
        (["is", "visit:city", ["0"]], 2),
        (["is", "visit:city", [0, BERLIN]], 3),
        (["is_not", "visit:city", [0]], 5),
        (["is_not", "visit:city", [0, TALLINN]], 2),
        (["is", "visit:city", [TALLINN]], 3),
        (["not", ["is", "visit:city", [0]]], 5),
    ],
)
def test_zero_means_visitors_without_a_city(asked: Api, clause: Any, count: int) -> None:
    assert visitors(asked, clause) == [{"dimensions": [], "metrics": [count]}]


@pytest.mark.parametrize(
    ("filters", "count"), [("visit:city==0", 2), ("visit:city!=0", 5), ("visit:city==0|2950159", 3)]
)
def test_zero_means_the_same_in_the_old_filters(asked: Api, filters: str, count: int) -> None:
    where = f"site_id=towns.example.com&period=custom&date=2026-06-01,2026-06-01&filters={filters}"
    assert asked.ok("GET", f"/api/v1/stats/aggregate?{where}")["results"]["visitors"]["value"] == count


def test_the_old_breakdown_leaves_blanks_out(asked: Api) -> None:
    where = "site_id=towns.example.com&period=custom&date=2026-06-01,2026-06-01&property=visit:city"
    rows = asked.ok("GET", f"/api/v1/stats/breakdown?{where}")["results"]
    assert {row["city"]: row["visitors"] for row in rows} == {TALLINN: 3, BERLIN: 1, "Bielefeld": 1}


def test_our_own_api_has_no_zero(far_towns: Api) -> None:
    body = {"site": "towns.example.com", "metrics": ["visitors"], "dimensions": ["city"], "date_range": DAY}
    rows = far_towns.ok("POST", "/v1/query", body)["results"]
    assert {row["city"]: row["visitors"] for row in rows}[""] == 2


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", "18446744073709551616"),
        ("007", "007"),
        ("٣", "٣"),
        ("(not set)", 0),
        (None, None),
    ],
)
def test_only_geonames_numbers_become_numbers(value: str | None, written: Any) -> None:
    assert shown("city", value) == written
    assert shown("page", value) == value
