"""The stats endpoints of the facade over a real server; the numbers are those counted by hand for the demo site."""

import json
from typing import Any

import jsonschema
import pytest

from tests.api.conftest import Api, client, new_owner
from tests.facades.plausible.conftest import DEMO, as_plausible, error, facade
from tests.serving import Served

WEEK = "period=custom&date=2026-06-01,2026-06-07"
STATS = f"/api/v1/stats/%s?site_id={DEMO}"
QUERY = {"site_id": DEMO, "metrics": ["visitors"], "date_range": ["2026-06-01", "2026-06-07"]}


def test_an_aggregate_in_todays_shape(demo: Api) -> None:
    metrics = "visitors,visits,pageviews,bounce_rate,visit_duration,views_per_visit"
    got = facade(demo).ok("GET", f"{STATS % 'aggregate'}&{WEEK}&metrics={metrics}")
    values = [value["value"] for value in got["results"].values()]
    assert (list(got["results"]), values) == (metrics.split(","), [7, 10, 15, 40, 425, 1.5])


def test_a_comparison_with_the_days_before(demo: Api) -> None:
    got = facade(demo).ok("GET", f"{STATS % 'aggregate'}&{WEEK}&compare=previous_period")
    assert got["results"]["visitors"] == {"value": 7, "comparison_value": 0, "change": 100}


@pytest.mark.parametrize("interval", ["", "&interval=date", "&interval=day"])
def test_a_series_has_every_day(demo: Api, interval: str) -> None:
    got = facade(demo).ok("GET", f"{STATS % 'timeseries'}&{WEEK}&metrics=pageviews{interval}")
    assert [(row["date"][-2:], row["pageviews"]) for row in got["results"]] == [
        ("01", 4), ("02", 1), ("03", 3), ("04", 3), ("05", 1), ("06", 2), ("07", 1),
    ]  # fmt: skip


def test_a_breakdown_without_metrics_counts_visitors(demo: Api) -> None:
    got = facade(demo).ok("GET", f"{STATS % 'breakdown'}&{WEEK}&property=visit:source")
    assert got == {
        "results": [
            {"source": "Direct / None", "visitors": 5},
            {"source": "Google", "visitors": 3},
            {"source": "Twitter", "visitors": 2},
        ]
    }


def test_airbyte_reads_all_days_from_the_first(demo: Api) -> None:
    """airbyte-source-plausible 0.1.14 asks so, and keeps rows whose bounce_rate is not null."""
    asked = "period=custom&date=2026-01-01,2026-06-17&metrics=visitors,pageviews,bounce_rate,visit_duration,visits"
    rows = facade(demo).ok("GET", f"{STATS % 'timeseries'}&{asked}")["results"]
    # 10 visits, and one of them went on past midnight: beside page views it counts on both days (demo-site.md)
    assert (len(rows), sum(row["visits"] for row in rows)) == (168, 11)
    assert all(row["bounce_rate"] is not None for row in rows)


def test_breakdowns_are_paged(demo: Api) -> None:
    pages = [
        facade(demo).ok("GET", f"{STATS % 'breakdown'}&{WEEK}&property=event:page&limit=2&page={n}") for n in (1, 2, 3)
    ]
    assert [[row["page"] for row in page["results"]] for page in pages] == [["/", "/pricing"], ["/blog", "/signup"], []]


@pytest.mark.parametrize(
    "filters",
    ["visit:source==Google", "visit:source==Goo*", '[["is","visit:source",["Google"]]]', "visit:source==Google|x"],
)
def test_old_and_new_filters_count_alike(demo: Api, filters: str) -> None:
    answer = facade(demo).send(
        "GET",
        "/api/v1/stats/aggregate",
        params={"site_id": DEMO, "period": "custom", "date": "2026-06-01,2026-06-07", "filters": filters},
    )
    assert answer.json() == {"results": {"visitors": {"value": 3}}}


def test_statistics_are_read_with_a_form_for_a_body(demo: Api) -> None:
    """As `curl -X GET -F` sends them, or a client that marks every request as a form."""
    week = {"site_id": DEMO, "period": "custom", "date": "2026-06-01,2026-06-07", "filters": "visit:source==Google"}
    answer = facade(demo).send("GET", "/api/v1/stats/aggregate", data=week)
    empty = facade(demo).send(
        "GET", STATS % "realtime/visitors", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.json() == {"results": {"visitors": {"value": 3}}}
    assert (empty.status_code, empty.content) == (200, b"0")


def test_countries_nobody_knows_are_no_rows_of_v1(owner: Api, site: str) -> None:
    lines = [
        {"name": "pageview", "time": "2026-06-01T10:00:00Z", "visitor": f"v{n}", "path": "/", "country": country}
        for n, country in enumerate(("EE", "ZZ", "ZZ", ""))
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=content)
    where = {"site_id": site, "property": "visit:country", "period": "custom", "date": "2026-06-01,2026-06-01"}
    answer = facade(owner).send("GET", "/api/v1/stats/breakdown", params=where)

    assert answer.json() == {"results": [{"country": "EE", "visitors": 1}]}


def test_realtime_is_a_bare_number(demo: Api) -> None:
    answer = facade(demo).send("GET", STATS % "realtime/visitors")
    assert (answer.content, answer.headers["content-type"]) == (b"0", "application/json")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("breakdown?site_id=DEMO", "The `property` parameter is required."),
        ("breakdown?site_id=DEMO&property=x", "Invalid property 'x'."),
        ("breakdown?site_id=DEMO&property=event:hostname", "Property 'event:hostname' is currently not supported"),
        ("breakdown?site_id=DEMO&property=event:page&limit=0", "Please provide limit as a number between 1 and 1000."),
        ("aggregate?site_id=DEMO&period=year", "Error parsing `period` parameter: invalid period `year`."),
        (
            "aggregate?site_id=DEMO&filters=event:goal%3D%3DNope",
            "The goal `Nope` is not configured for this site. Find",
        ),
        (
            "aggregate?site_id=DEMO&filters=event:goal%3D%3DVisit /no",
            "The pageview goal for the pathname `/no` is not configured for this site. Find out how",
        ),
        ("timeseries?site_id=DEMO&interval=week", "Error parsing `interval` parameter: invalid interval `week`."),
        ("aggregate", "Missing site ID. Please provide the required site_id parameter with your request."),
    ],
)
def test_what_is_wrong_is_said(demo: Api, path: str, text: str) -> None:
    assert error(facade(demo), 400, "GET", "/api/v1/stats/" + path.replace("DEMO", DEMO)).startswith(text)


def test_v2_names_an_unknown_goal_alike_whatever_its_kind(demo: Api) -> None:
    body = {**QUERY, "site_id": DEMO, "filters": [["is", "event:goal", ["Visit /no"]]]}
    said = error(facade(demo), 400, "POST", "/api/v2/query", json=body)

    assert said.startswith("Invalid filters. The goal `Visit /no` is not configured for this site. Find out how")


def test_a_goal_is_known_in_another_case_where_case_does_not_count(demo: Api) -> None:
    # the 2 purchases of the demo site; "purchase" with its case is no goal
    found = [["is", "event:goal", ["purchase"], {"case_sensitive": False}]]
    asked = {**QUERY, "site_id": DEMO, "metrics": ["events"], "date_range": "all", "dimensions": []}
    answer = facade(demo).ok("POST", "/api/v2/query", {**asked, "filters": found})
    exact = facade(demo).ok("POST", "/api/v2/query", {**asked, "filters": [["is", "event:goal", ["Purchase"]]]})

    assert answer["results"] == exact["results"] != []
    assert "The goal `purchase` is not" in error(
        facade(demo), 400, "POST", "/api/v2/query", json={**asked, "filters": [["is", "event:goal", ["purchase"]]]}
    )


def test_time_goes_by_the_length_of_all_and_is_named_in_the_answer(owner: Api, site: str) -> None:
    days = ("2026-01-01", "2026-01-04", "2026-06-17")  # a Thursday, its Sunday, a Wednesday 167 days on
    lines = [{"name": "pageview", "time": f"{d}T10:00:00Z", "url": f"https://{site}/", "visitor": d} for d in days]
    content = "\n".join(map(json.dumps, lines)).encode()
    owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=content)
    asked = {"site_id": site, "metrics": ["visitors"], "date_range": "all", "dimensions": ["time"]}
    got = facade(owner).ok("POST", "/api/v2/query", asked)

    assert [(*row["dimensions"], *row["metrics"]) for row in got["results"]] == [("2026-01-01", 2), ("2026-06-15", 1)]
    assert got["query"]["dimensions"] == ["time:week"]
    assert got["query"]["order_by"] == [["time:week", "asc"], ["visitors", "desc"]]


def test_the_schema_takes_what_the_facade_takes(demo: Api) -> None:
    schema = facade(demo).ok("GET", "/api/docs/query/schema.json")
    validator = jsonschema.Draft202012Validator(schema)
    good: list[dict[str, Any]] = [
        QUERY,
        {**QUERY, "dimensions": ["visit:source", "time:day"], "order_by": [["visitors", "desc"]]},
        {**QUERY, "filters": [["or", [["is", "event:page", ["/"]], ["not", ["is", "visit:source", ["x"]]]]]]},
        {**QUERY, "filters": [["is", "visit:source", ["google"], {"case_sensitive": False}]]},
        {**QUERY, "date_range": "28d", "include": {"total_rows": True}, "pagination": {"limit": 5, "offset": 1}},
        {**QUERY, "dimensions": ["event:props:plan"]},
    ]
    for body in good:
        validator.validate(body)
        facade(demo).ok("POST", "/api/v2/query", body)
    bad: list[dict[str, Any]] = [
        {**QUERY, "metrics": []},
        {**QUERY, "metrics": ["exit_rate"]},
        {**QUERY, "date_range": "someday"},
        {**QUERY, "dimensions": ["visit:screen"]},
        {**QUERY, "more": 1},
        {**QUERY, "filters": [["and", []]]},
    ]
    for body in bad:
        assert not validator.is_valid(body), body
        error(facade(demo), 400, "POST", "/api/v2/query", json=body)


def test_money_in_another_currency_is_left_out_and_told(owner: Api, site: str) -> None:
    owner.ok("PUT", f"/v1/sites/{site}/goals", {"event_name": "Order", "currency": "USD"})
    lines = [
        {"name": "Order", "time": "2026-06-01T10:00:00Z", "url": f"https://{site}/", "visitor": currency}
        | {"revenue": {"amount": amount, "currency": currency}}
        for amount, currency in ((10, "USD"), (20, "EUR"))
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=content)
    asked = QUERY | {"site_id": site, "metrics": ["total_revenue"], "filters": [["is", "event:goal", ["Order"]]]}
    got = facade(owner).ok("POST", "/api/v2/query", asked)
    assert [row["metrics"][0]["value"] for row in got["results"]] == [10]
    assert got["meta"]["metric_warnings"]["total_revenue"] == {
        "code": "other_currencies_left_out",
        "warning": "Revenue in other currencies than the goal's is left out: EUR 20.00 (1 event).",
    }


def test_rows_by_more_dimensions_than_eight(demo: Api) -> None:
    names = ("source", "channel", "referrer", "device", "browser", "os", "country", "region", "city", "utm_source")
    got = facade(demo).ok("POST", "/api/v2/query", QUERY | {"dimensions": [f"visit:{name}" for name in names]})
    # by source: 5 came directly, 3 from Google and 2 from Twitter; further dimensions only divide them
    assert {row["dimensions"][0] for row in got["results"]} == {"Direct / None", "Google", "Twitter"}
    assert {len(row["dimensions"]) for row in got["results"]} == {10}


def hours_of_today(site: str) -> dict[str, Any]:
    return {
        "site_id": site, "metrics": ["pageviews"], "date_range": "day", "dimensions": ["time:hour"],
        "include": {"time_labels": True},
    }  # fmt: skip


def test_today_ends_now(owner: Api, site: str) -> None:
    """It is 12:00 in UTC and 14:00 at the site, whose sender dates one event an hour ahead (contracts: 7.10)."""
    page = {"name": "pageview", "url": f"https://{site}/", "visitor": "v"}
    times = ("2026-06-16T21:59:59Z", "2026-06-16T22:00:00Z", "2026-06-17T12:00:00Z", "2026-06-17T13:00:00Z")
    lines = "\n".join(json.dumps(page | {"time": time}) for time in times)
    owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=lines.encode())
    got = facade(owner).ok("POST", "/api/v2/query", hours_of_today(site))
    assert got["query"]["date_range"] == ["2026-06-17T00:00:00+02:00", "2026-06-17T14:00:00+02:00"]
    assert got["meta"]["time_labels"] == [f"2026-06-17 {hour:02d}:00:00" for hour in range(15)]
    assert got["results"] == [
        {"dimensions": ["2026-06-17 00:00:00"], "metrics": [1]},
        {"dimensions": ["2026-06-17 14:00:00"], "metrics": [1]},
    ]
    whole = facade(owner).ok("POST", "/api/v2/query", hours_of_today(site) | {"date_range": ["2026-06-17"] * 2})
    assert (len(whole["meta"]["time_labels"]), len(whole["results"])) == (24, 3)


def test_today_ends_now_at_other_backends_too(mirrored: Api) -> None:
    got = facade(mirrored).ok("POST", "/api/v2/query", hours_of_today(DEMO))
    assert got["query"]["date_range"] == ["2026-06-17T00:00:00+00:00", "2026-06-17T12:00:00+00:00"]
    assert got["meta"]["time_labels"] == [f"2026-06-17 {hour:02d}:00:00" for hour in range(13)]


def test_what_a_backend_cannot_answer_is_a_400_with_our_reason(platform: Api, demo: Api) -> None:
    other = new_owner(platform)
    options = {"base_url": f"{demo.base}/plausible", "requests_per_hour": 1_000_000, "edition": "cloud"}
    made = other.ok("POST", "/v1/connections", as_plausible(demo) | {"options": options})
    other.ok("POST", f"/v1/connections/{made['id']}/sync")
    other.ok("PATCH", f"/v1/connections/{made['id']}", {"options": options | {"edition": "ce"}})
    body = {**QUERY, "metrics": ["total_revenue"], "filters": [["contains", "event:goal", ["Purchase"]]]}
    said = error(facade(other), 400, "POST", "/api/v2/query", json=body)
    assert "revenue exists only in Plausible's cloud" in said


def test_health_needs_no_key(served: Served) -> None:
    answer = client().get(f"{served.base}/plausible/api/health")
    assert answer.status_code == 200
    assert set(answer.json().values()) == {"ok"}


def test_getsentrys_assistant_asks_for_goals(demo: Api) -> None:
    """getsentry/plausible-mcp 0.7.1: a goal dimension beside a filter on goals, a limit, no include."""
    asked = {
        **QUERY,
        "metrics": ["visitors", "events", "conversion_rate"],
        "dimensions": ["event:goal"],
        "filters": [["is", "event:goal", ["Purchase"]]],
        "pagination": {"limit": 20},
    }
    results = facade(demo).ok("POST", "/api/v2/query", asked)["results"]
    assert results == [{"dimensions": ["Purchase"], "metrics": [2, 2, 28.57]}]


# Trackers at the facade's address


BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


def send_event(api: Api, body: dict[str, Any], agent: str = BROWSER) -> Any:
    headers = {"Content-Type": "text/plain", "User-Agent": agent, "X-Forwarded-For": "198.51.100.9"}
    return client().post(f"{api.base}/plausible/api/event", json=body, headers=headers)


def test_an_event_is_taken_and_a_dropped_one_counted_in_the_header(owner: Api, site: str) -> None:
    body = {"n": "pageview", "u": f"https://{site}/x", "d": site}
    taken = send_event(owner, body)
    assert (taken.status_code, taken.text) == (202, "ok")
    assert "x-plausible-dropped" not in taken.headers
    dropped = send_event(owner, {**body, "d": f"{site},no.example.com"})
    assert (dropped.text, dropped.headers["x-plausible-dropped"]) == ("ok", "1")
    assert send_event(owner, body, agent="Googlebot/2.1").headers["x-plausible-dropped"] == "1"
    assert send_event(owner, {"n": "pageview"}).json() == {"errors": {"url": ["is required"]}}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("script", "{}"),
        ("plausible", "{}"),
        ("script.hash.outbound-links", '{"hashBasedRouting":true,"outboundLinks":true}'),
        ("script.manual.local", '{"autoCapturePageviews":false,"captureOnLocalhost":true}'),
    ],
)
def test_scripts_have_their_classic_names(served: Served, name: str, options: str) -> None:
    script = client().get(f"{served.base}/plausible/js/{name}.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["access-control-allow-origin"] == "*"
    assert f"const site = {options}\n" in script.text
    assert "export {" not in script.text


def test_an_unknown_script_is_not_there(served: Served) -> None:
    for name in ("pa-nothing", "jquery", "script.unheard-of"):
        assert client().get(f"{served.base}/plausible/js/{name}.js").status_code == 404


def test_a_segment_counts_like_its_filters_written_out(owner: Api, site: str) -> None:
    # Estonia: ann sees /a then /b and signs up, bob and cid see one page each; Germany: dot signs up on /b.
    seen = (
        ("ann", "pageview", "/a", "EE"), ("ann", "pageview", "/b", "EE"), ("ann", "Signup", "/b", "EE"),
        ("bob", "pageview", "/b", "EE"), ("cid", "pageview", "/a", "EE"), ("dot", "Signup", "/b", "DE"),
    )  # fmt: skip
    lines = [
        {"name": name, "time": f"2026-06-01T10:0{n}:00Z", "visitor": who, "path": path, "country": country}
        for n, (who, name, path, country) in enumerate(seen)
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    owner.ok("POST", f"/v1/sites/{site}/imports?format=ndjson&wait=true", content=content)
    owner.ok("PUT", f"/v1/sites/{site}/goals", {"event_name": "Signup"})
    saved = {
        "pages": [["is", "page", ["/b"]], ["is", "country", ["EE"]]],
        "goals": [["is", "goal", ["Signup"]], ["is", "country", ["EE"]]],
    }
    made = {
        name: owner.ok("POST", f"/v1/sites/{site}/segments", {"name": name, "filters": filters})["id"]
        for name, filters in saved.items()
    }

    def found(metric: str, segment: object) -> list[Any]:
        body = {**QUERY, "site_id": site, "metrics": [metric], "filters": [["is", "segment", [segment]]]}
        rows: list[dict[str, Any]] = facade(owner).ok("POST", "/api/v2/query", body)["results"]
        return [row["metrics"] for row in rows]

    assert found("bounce_rate", made["pages"]) == [[100]]  # of visits that entered on /b: bob's
    assert found("conversion_rate", made["goals"]) == [[33.33]]  # one of three in Estonia
    rate = {**QUERY, "site_id": site, "metrics": ["conversion_rate"]}
    for segment, text in (
        (made["pages"], "Metric `conversion_rate` can only"),
        (9999, "Invalid filters. The site has no such"),
    ):
        body = {**rate, "filters": [["is", "segment", [segment]]]}
        assert error(facade(owner), 400, "POST", "/api/v2/query", json=body).startswith(text)
