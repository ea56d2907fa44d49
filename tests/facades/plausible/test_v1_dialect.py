"""Reading `GET /api/v1/stats/...` (contracts: Plausible 5)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.http.dialect import Refused
from gateway.http.facades.plausible import stats_v1 as v1
from models.filters import Comparison
from models.query import Direction, Order
from models.result import Answer, ImportsNote, ImportsSkipped
from models.vocabulary import Metric, Operator

NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, "2026-05-18", "2026-06-16"),
        ({"period": "day"}, "2026-06-17", "2026-06-17"),
        ({"period": "7d", "date": "2021-01-08"}, "2021-01-01", "2021-01-07"),
        ({"period": "month", "date": "2021-01-15"}, "2021-01-01", "2021-01-31"),
        ({"period": "6mo", "date": "2021-01-15"}, "2020-07-01", "2020-12-31"),
        ({"period": "custom", "date": "2021-01-01,2021-01-03"}, "2021-01-01", "2021-01-03"),
        ({"period": "custom", "date": "2021-01-01, 2021-01-03"}, "2021-01-01", "2021-01-03"),
    ],
)
def test_periods_are_seen_from_their_date(given: dict[str, str], first: str, last: str) -> None:
    assert v1.aggregate(given, NOW).query.date_range == (first, last)


def test_the_old_filters_are_understood() -> None:
    asked = v1.aggregate(
        {"filters": r"event:page==/a|/b;visit:source!=Google;event:page!=/en/**;event:props:x == a\|b"}, NOW
    )

    assert asked.query.filters == (
        Comparison(Operator.IS, "page", ("/a", "/b")),
        Comparison(Operator.IS_NOT, "source", ("Google",)),
        Comparison(Operator.WILDCARD_NOT, "page", ("/en/**",)),
        Comparison(Operator.IS, "prop:x", ("a|b",)),
    )


def test_a_list_after_a_negation_excludes_its_values() -> None:
    asked = v1.aggregate({"filters": "event:page!=/a|/b"}, NOW)

    assert asked.query.filters == (Comparison(Operator.IS_NOT, "page", ("/a", "/b")),)


def test_goals_are_exact_even_with_a_star() -> None:
    asked = v1.aggregate({"filters": "event:goal==Visit /register**"}, NOW)

    assert asked.query.filters == (Comparison(Operator.IS, "goal", ("Visit /register**",)),)


def test_a_breakdown_is_ordered_by_its_first_metric_then_by_name() -> None:
    asked = v1.breakdown({"property": "event:page", "metrics": "time_on_page,visitors", "limit": "2", "page": "3"}, NOW)

    assert asked.query.order_by == (Order("visitors", Direction.DESC), Order("page", Direction.ASC))
    assert (asked.query.limit, asked.query.offset) == (2, 4)


def test_versions_bring_their_browser() -> None:
    asked = v1.breakdown({"property": "visit:browser_version"}, NOW)
    answer = Answer(rows=(("56.0", "Chrome", 3),))

    assert asked.query.dimensions == ("browser_version", "browser")
    assert v1.write_breakdown(asked, answer) == {
        "results": [{"browser_version": "56.0", "browser": "Chrome", "visitors": 3}]
    }


def test_rows_without_a_campaign_are_left_out() -> None:
    asked = v1.breakdown({"property": "visit:utm_campaign"}, NOW)

    assert asked.query.filters == (Comparison(Operator.IS_NOT, "utm_campaign", ("(not set)",)),)


@pytest.mark.parametrize(
    ("property_", "metric"),
    [("event:page", Metric.GROUP_CONVERSION_RATE), ("event:goal", Metric.CONVERSION_RATE)],
)
def test_the_rate_of_a_breakdown(property_: str, metric: Metric) -> None:
    given = {"property": property_, "metrics": "conversion_rate", "filters": "event:goal==Signup"}

    assert v1.breakdown(given, NOW).query.metrics == (metric,)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"metrics": "scroll_depth"}, "The metric `scroll_depth` is not recognized."),
        ({"metrics": "visitors,visitors"}, "Metrics cannot be queried multiple times."),
        ({"period": "year"}, "Error parsing `period` parameter: invalid period `year`."),
        ({"period": "month", "date": "2021-dk"}, "Error parsing `date` parameter: invalid_format."),
        ({"period": "day", "date": "20210101"}, "Error parsing `date` parameter: invalid_format."),
        ({"period": "day", "date": "2021-02-30"}, "Error parsing `date` parameter: invalid_date."),
        ({"period": "day", "date": "9999-12-31"}, "Error parsing `date` parameter: invalid_date."),
        ({"period": "12mo", "date": "1970-06-01"}, "Error parsing `date` parameter: invalid_date."),
        ({"filters": "[" * 200 + "]" * 200}, "Invalid filters. They are nested deeper than 100 lists."),
        ({"period": "custom"}, "The `date` parameter is required when using a custom period."),
        ({"period": "custom", "date": "x,y"}, "Invalid format for `date` parameter."),
        (
            {"metrics": "visit_duration", "filters": "event:name==x"},
            "Session metric `visit_duration` cannot be queried when using a filter on `event:name`.",
        ),
        ({"metrics": "conversion_rate"}, "Metric `conversion_rate` can only be queried in a goal breakdown"),
        ({"filters": "visit:nothing==x"}, "Invalid filter property 'visit:nothing'."),
        ({"filters": "nonsense"}, "Invalid filter 'nonsense'."),
        ({"filters": "visit:country==USA"}, "Invalid visit:country filter"),
    ],
)
def test_what_is_wrong_is_said_in_the_vendors_words(given: dict[str, str], text: str) -> None:
    with pytest.raises(Refused) as caught:
        v1.aggregate(given, NOW)

    assert caught.value.body["error"].startswith(text)


HAS_DONE = '[["has_done",["is","event:page",["/"]]]]'
NOT_PAGE = '[["not",["is","event:page",["/"]]]]'


@pytest.mark.parametrize(
    ("read", "given", "text"),
    [
        (v1.aggregate, {"metrics": "time_on_page"}, "needs a filter on `event:page`, or a breakdown by it."),
        (
            v1.aggregate,
            {"metrics": "time_on_page", "filters": HAS_DONE},
            "needs a filter on `event:page`, or a breakdown by it.",
        ),
        (v1.timeseries, {"metrics": "time_on_page"}, "needs a filter on `event:page`, or a breakdown by it."),
        (
            v1.breakdown,
            {"metrics": "time_on_page", "property": "visit:source", "filters": "event:page==/"},
            "can be broken down by `event:page` only.",
        ),
        (
            v1.aggregate,
            {"metrics": "time_on_page", "filters": "event:page==/;event:goal==Signup"},
            "does not go with a filter on `event:goal`.",
        ),
        (
            v1.breakdown,
            {"metrics": "time_on_page", "property": "event:page", "filters": "event:name==Signup"},
            "does not go with a filter on `event:name`.",
        ),
        (
            v1.aggregate,
            {"metrics": "views_per_visit", "filters": "event:page==/"},
            "cannot be queried with a filter on `event:page`.",
        ),
        (
            v1.timeseries,
            {"metrics": "views_per_visit", "filters": NOT_PAGE},
            "cannot be queried with a filter on `event:page`.",
        ),
        (
            v1.breakdown,
            {"metrics": "visitors,views_per_visit", "property": "visit:source"},
            "has no breakdown.",
        ),
    ],
)
def test_metrics_of_pages_are_refused_in_the_words_of_v1(read: Any, given: dict[str, str], text: str) -> None:
    with pytest.raises(Refused) as caught:
        read(given, NOW)

    assert caught.value.body["error"] == f"Metric `{given['metrics'].rpartition(',')[2]}` {text}"


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (v1.aggregate, {"metrics": "time_on_page", "filters": NOT_PAGE}),
        (v1.breakdown, {"metrics": "time_on_page", "property": "event:page"}),
        (v1.timeseries, {"metrics": "views_per_visit"}),
        (v1.aggregate, {"metrics": "views_per_visit", "filters": HAS_DONE}),
    ],
)
def test_metrics_of_pages_are_taken(read: Any, given: dict[str, str]) -> None:
    assert read(given, NOW).metrics == (given["metrics"],)


def test_visits_are_refused_beside_what_only_events_know() -> None:
    with pytest.raises(Refused) as caught:
        v1.breakdown({"metrics": "visitors,visits", "property": "event:goal"}, NOW)

    assert caught.value.body["error"] == "Session metric `visits` cannot be queried for breakdown by `event:goal`."


def test_time_on_page_alone_is_ordered_by_visitors_that_are_not_shown() -> None:
    asked = v1.breakdown({"metrics": "time_on_page", "property": "event:page"}, NOW)

    assert asked.query.metrics == (Metric.TIME_ON_PAGE, Metric.VISITORS)
    assert asked.query.order_by == (Order("visitors", Direction.DESC), Order("page", Direction.ASC))
    assert v1.write_breakdown(asked, Answer(rows=(("/", 30, 2),))) == {"results": [{"page": "/", "time_on_page": 30}]}


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.0"])
def test_pages_are_numbered_from_one(page: str) -> None:
    with pytest.raises(Refused) as caught:
        v1.breakdown({"property": "event:page", "page": page}, NOW)

    assert caught.value.body["error"] == "Please provide page as a number from 1."


def test_every_bucket_of_a_series_has_a_row() -> None:
    asked = v1.timeseries(
        {"period": "custom", "date": "2021-01-01,2021-01-02", "metrics": "visitors,visit_duration"}, NOW
    )
    answer = Answer(rows=(("2021-01-02", 2, 30),), time_labels=("2021-01-01", "2021-01-02"))

    assert v1.write_timeseries(asked, answer) == {
        "results": [
            {"date": "2021-01-01", "visitors": 0, "visit_duration": None},
            {"date": "2021-01-02", "visitors": 2, "visit_duration": 30},
        ]
    }


def test_left_out_imports_are_warned_about() -> None:
    asked = v1.aggregate({"with_imported": "true"}, NOW)
    answer = Answer(rows=((3,),), imports=ImportsNote(False, ImportsSkipped.UNSUPPORTED_QUERY))

    assert "Imported stats are not included" in v1.write_aggregate(asked, answer, None)["warning"]


@pytest.mark.parametrize(
    ("metric", "then", "now", "change"),
    [
        ("visitors", 1, 2, 100),
        ("visitors", 3, 1, -67),
        ("visitors", 8, 9, 13),
        ("visitors", 8, 7, -13),
        ("visitors", 40, 41, 3),
        ("visitors", 200, 201, 1),
        ("visitors", 0, 5, 100),
        ("visitors", 0, 0, 0),
        ("bounce_rate", 50, 40, -10),
        ("bounce_rate", 0, 40, None),
        ("conversion_rate", 33.3, 50.0, 16.7),
        ("conversion_rate", 0.25, 2.5, 2.3),
        ("conversion_rate", 2.5, 0.25, -2.3),
        ("visit_duration", None, 5, None),
    ],
)
def test_change(metric: str, then: float | None, now: float | None, change: float | None) -> None:
    assert v1.change(metric, then, now) == change
