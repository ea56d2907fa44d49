"""What Pirsch's clients rely on (contracts: Pirsch 15), one test for each line."""

import json
import urllib.parse
from typing import Any

import pytest

from tests.facades.pirsch.served import ADMIN_KEY, CHROME, WEEK, Client

HIT = {"url": "https://demo.example.com/", "ip": "203.0.113.7", "user_agent": CHROME}


def test_every_success_is_exactly_200(demo: Client, empty: Client) -> None:
    wanted = [
        empty.pirsch("POST", "/hit", HIT),
        empty.pirsch("POST", "/session", HIT),
        demo.pirsch("GET", "/domain"),
        demo.pirsch("GET", "/statistics/total", query={"id": demo.site, **WEEK}),
    ]
    assert [answered.status for answered in wanted] == [200] * 4


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/json", ""])
def test_the_token_body_is_json_whatever_it_says(demo: Client, kind: str) -> None:
    body = {name: demo.credentials[name] for name in ("client_id", "client_secret")} | {"grant_type": "x"}
    answered = demo.send("POST", "/pirsch/api/v1/token", json.dumps(body).encode(), {"Content-Type": kind})
    assert answered.status == 200
    assert answered.json["expires_at"] == "2026-06-08T13:00:00Z"


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", "", "Basic abc", "Bearer nonsense", f"Bearer {ADMIN_KEY}"])
def test_without_a_token_the_answer_is_401_in_the_vendors_shape(demo: Client, header: str) -> None:
    answered = demo.send("POST", "/pirsch/api/v1/hit", HIT, {"Authorization": header})
    assert answered.status == 401
    assert answered.json == {"validation": {}, "error": ["A valid access token is required."]}


def test_credentials_have_the_lengths_that_the_clients_check(demo: Client) -> None:
    key = demo.client(kind="key")["access_key"]
    given = demo.credentials
    assert [len(given[name]) for name in ("client_id", "client_secret", "identification_code")] == [32, 64, 32]
    assert (key[:3], len(key)) == ("pa_", 48)


def test_dates_are_plain_or_date_times(demo: Client) -> None:
    stamped = {"from": "2026-06-01T00:00:00.000Z", "to": "2026-06-07T00:00:00.000Z"}
    assert demo.statistics("total", **stamped) == demo.statistics("total")
    assert demo.statistics("total", **{"from": WEEK["to"], "to": WEEK["from"]}) == demo.statistics("total")
    assert demo.refused("total", **{"from": "yesterday"})["validation"].keys() == {"from"}


def test_empty_is_absent_and_zero_is_the_default(demo: Client) -> None:
    """The Go client always sends every parameter."""
    go = dict.fromkeys(("scale", "tz", "platform", "sort", "direction", "search", "custom_metric_key", "path"), "")
    go |= {"custom_metric_type": "", "offset": "0", "limit": "0", "include_avg_time_on_page": "false"}
    path = go.pop("path")
    assert demo.pirsch(
        "GET", "/statistics/page", query={"id": demo.site, **WEEK, **go, "path": path}
    ).json == demo.statistics("page")


@pytest.mark.parametrize("names", [("path", "path"), ("path[]", "path[]"), ("path[0]", "path[1]")])
def test_lists_of_values_in_three_spellings(demo: Client, names: tuple[str, str]) -> None:
    query = [("id", demo.site), *WEEK.items(), (names[0], "/blog"), (names[1], "/signup")]
    assert demo.pirsch("GET", "/statistics/total", query=query).json["visitors"] == 4


def test_empty_lists_are_lists(empty: Client) -> None:
    for name in ("page", "goals", "events", "tags", "session/list", "utm/source", "event/list"):
        assert empty.statistics(name) == [], name


def test_the_domain_is_an_array_of_one(demo: Client) -> None:
    (domain,) = demo.pirsch("GET", "/domain").json
    assert domain["id"] == demo.site
    assert domain["organization_id"] is None


def test_goals_are_nested(demo: Client) -> None:
    found = {row["page_goal"]["name"]: row for row in demo.statistics("goals")}
    assert found["Visit /pricing"]["stats"] == {
        "visitors": 4, "views": 4, "cr": 4 / 7, "custom_metric_avg": 0.0, "custom_metric_total": 0.0,
    }  # fmt: skip
    goal = found["Visit /pricing"]["page_goal"]
    assert (goal["path_pattern"], goal["pattern"], goal["event_name"]) == ("/pricing", "(?i)^/pricing$", None)


def test_rates_are_floats_up_to_one(demo: Client) -> None:
    total = demo.statistics("total")
    assert isinstance(total["bounce_rate"], float)
    assert isinstance(total["cr"], float)
    assert all(0 <= row["relative_visitors"] <= 1 for row in demo.statistics("country"))


def test_all_time_keys_are_there(demo: Client) -> None:
    for name in ("visitor", "duration/session"):
        row = demo.statistics(name)[0]
        assert row["day"] == "2026-06-01T00:00:00Z"
        assert [row[key] for key in ("week", "month", "year", "minute")] == [None] * 4


@pytest.mark.parametrize("places", [("/hit", "/event", "/session"), ("/p/pv", "/p/e", "/p/s")])
def test_browsers_have_routes_of_their_own(empty: Client, places: tuple[str, str, str]) -> None:
    view, custom, alive = places
    code = empty.credentials["identification_code"]
    agent = {"User-Agent": CHROME}
    url = urllib.parse.quote("https://demo.example.com/start?utm_source=news", safe="")
    seen = empty.send("GET", f"{view}?nc=1&code={code}&url={url}&t=Start&w=1920&h=1080&tag_author=Jo", None, agent)
    assert (seen.status, seen.headers["access-control-allow-origin"]) == (200, "*")
    event = {
        "identification_code": code, "url": "https://demo.example.com/start", "event_name": "Play",
        "referrer": "https%3A%2F%2Fwww.google.com%2F", "event_meta": {"film": "x"},
    }  # fmt: skip
    kind = {**agent, "Content-Type": "text/plain;charset=UTF-8"}
    assert empty.send("POST", custom, json.dumps(event).encode(), kind).status == 200
    assert empty.send("POST", f"{alive}?nc=2&code={code}&url={url}", b"", kind).status == 200
    total = empty.day("total")
    assert (total["visitors"], total["views"], total["bounces"]) == (1, 1, 0)
    assert [row["key"] for row in empty.day("tags")] == ["author", "film"]
    assert empty.day("options/utm/source") == ["news"]


def test_the_referrer_of_a_beacon_is_decoded(empty: Client) -> None:
    event = {
        "identification_code": empty.credentials["identification_code"], "url": "https://demo.example.com/",
        "event_name": "Play", "referrer": "https%3A%2F%2Fwww.google.com%2F",
    }  # fmt: skip
    empty.send("POST", "/event", json.dumps(event).encode(), {"User-Agent": CHROME, "Content-Type": "text/plain"})
    assert [row["referrer_name"] for row in empty.day("referrer")] == ["Google"]


def test_an_unknown_code_is_answered_and_not_counted(demo: Client) -> None:
    answered = demo.send("GET", f"/hit?code={'x' * 32}&url=https%3A%2F%2Fa.example%2F", None, {"User-Agent": CHROME})
    assert (answered.status, answered.headers["x-tallyway-dropped"]) == (200, "unknown_site")


def test_the_doubled_prefix_is_understood(demo: Client) -> None:
    head = {"Authorization": f"Bearer {demo.bearer}"}
    week = urllib.parse.urlencode({"id": demo.site, **WEEK})
    assert demo.send("GET", f"/pirsch/api/v1//api/v1/funnel?{week}", None, head).json == []
    refused = demo.send("GET", f"/pirsch/api/v1//api/v1/statistics/funnel?{week}", None, head)
    assert (refused.status, refused.json["validation"]) == (400, {"funnel_id": "is required"})


def test_a_get_may_carry_a_content_type(demo: Client) -> None:
    head = {"Authorization": f"Bearer {demo.bearer}", "Content-Type": "application/json"}
    assert demo.send("GET", "/pirsch/api/v1/domain", None, head).status == 200


def test_systems_have_versions_and_exits_a_path(demo: Client) -> None:
    assert {"os", "os_version", "visitors", "relative_visitors"} == demo.statistics("os/version")[0].keys()
    assert "exit_path" not in demo.statistics("page/exit")[0]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"country": "deu"}, "country"),
        ({"platform": "~desk"}, "platform"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"limit": "many"}, "limit"),
        ({"direction": "up", "sort": "visitors"}, "direction"),
        ({"custom_metric_key": "a", "custom_metric_type": "money"}, "custom_metric_type"),
    ],
)
def test_what_pirsch_would_drop_without_a_word_is_refused(demo: Client, query: dict[str, Any], field: str) -> None:
    endpoint = "total" if "custom_metric_key" in query else "page"
    assert demo.refused(endpoint, **query)["validation"].keys() == {field}


def test_an_expression_that_cannot_be_read_is_refused(demo: Client) -> None:
    assert demo.refused("total", pattern="(")["error"]


def test_calls_that_mean_nothing_here_say_so(demo: Client) -> None:
    answered = demo.pirsch("GET", "/webhook", query={"domain_id": demo.site})
    assert (answered.status, answered.json["error"]) == (404, ["This service does not offer that call."])
