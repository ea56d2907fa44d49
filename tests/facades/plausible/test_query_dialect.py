"""Reading `POST /api/v2/query`: words, ranges and the vendor's texts for what is wrong (contracts: Plausible 4)."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.http.dialect import Refused
from gateway.http.facades.plausible import query as dialect
from gateway.http.facades.plausible.money import revenue
from gateway.http.facades.plausible.wording import inspected
from models.filters import Comparison, HasDone, Not
from models.period import resolve
from models.query import Direction, Include, Order
from models.result import Money
from models.vocabulary import Metric, Operator


def body(**changes: Any) -> dict[str, Any]:
    return {"site_id": "example.com", "metrics": ["visitors"], "date_range": "7d"} | changes


def refusal(**changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        dialect.read({k: v for k, v in body(**changes).items() if v is not ...})
    assert caught.value.status == 400
    return str(caught.value.body["error"])


def nested(text: str, depth: int) -> Any:
    return json.loads("[" * depth + text + "]" * depth)


def test_words_become_canonical() -> None:
    asked = dialect.read(
        body(
            metrics=["visitors", "pageviews"],
            dimensions=["event:page", "event:props:plan", "visit:utm_source"],
            filters=[["is", "visit:country", ["DE"]], ["contains", "event:goal", ["Sign"], {"case_sensitive": False}]],
            order_by=[["event:page", "asc"]],
            include={"imports": True, "total_rows": True},
            pagination={"limit": 5, "offset": 10},
        )
    )

    query = asked.query
    assert query.metrics == (Metric.VISITORS, Metric.PAGEVIEWS)
    assert query.dimensions == ("page", "prop:plan", "utm_source")
    assert query.filters == (
        Comparison(Operator.IS, "country", ("DE",)),
        Comparison(Operator.CONTAINS, "goal", ("Sign",), case_sensitive=False),
    )
    assert query.order_by == (Order("page", Direction.ASC),)
    assert (query.limit, query.offset) == (5, 10)
    assert query.include == Include(imports=True, total_rows=True)


def test_the_vendors_row_limit_is_the_default() -> None:
    assert dialect.read(body()).query.limit == 10_000


def test_reversed_ranges_are_swapped_as_the_vendor_does() -> None:
    asked = dialect.read(body(date_range=["2026-02-01", "2026-01-01"]))

    assert asked.query.date_range == ("2026-01-01", "2026-02-01")


def test_wildcards_of_the_early_document_are_understood() -> None:
    asked = dialect.read(
        body(
            filters=[
                ["does_not_match", "event:page", ["/login*"]],
                ["matches", "visit:browser_version", ["^88"]],
                ["is", "visit:source", ["(Direct / None)"]],
                ["is", "visit:screen", ["Mobile"]],
            ]
        )
    )

    assert asked.query.filters == (
        Comparison(Operator.WILDCARD_NOT, "page", ("/login*",)),
        Comparison(Operator.MATCHES, "browser_version", ("^88",)),
        Comparison(Operator.IS, "source", ("Direct / None",)),
        Comparison(Operator.IS, "device", ("Mobile",)),
    )


def test_behaviour_and_negation_are_understood() -> None:
    asked = dialect.read(
        body(filters=[["not", ["is", "event:page", ["/"]]], ["has_not_done", ["is", "event:goal", ["Signup"]]]])
    )

    assert asked.query.filters == (
        Not(Comparison(Operator.IS, "page", ("/",))),
        HasDone(Comparison(Operator.IS, "goal", ("Signup",)), done=False),
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"metrics": ["visitors", "baa"]}, '#/metrics/1: Invalid metric "baa"'),
        ({"metrics": ["exit_rate"]}, '#/metrics/0: Invalid metric "exit_rate"'),
        ({"metrics": ["visitors", "visitors"]}, "#/metrics: Expected items to be unique but they were not."),
        ({"metrics": None}, "#/metrics: Type mismatch. Expected Array but got Null."),
        ({"filters": {}}, "#/filters: Type mismatch. Expected Array but got Object."),
        ({"order_by": ""}, "#/order_by: Type mismatch. Expected Array but got String."),
        ({"filters": nested("[]", 900)}, "Invalid filters. They are nested deeper than 100 lists."),
        ({"metrics": nested('["visitors"]', 900)}, f"#/metrics/0: Invalid metric {'[' * 51}...{']' * 51}"),
        ({"dimensions": ["badproperty"]}, '#/dimensions/0: Invalid dimension "badproperty"'),
        ({"dimensions": ["visit:screen"]}, '#/dimensions/0: Invalid dimension "visit:screen"'),
        ({"date_range": "bad_period"}, '#/date_range: Invalid date range "bad_period"'),
        (
            {"date_range": ["2021-W01-1", "2021-01-09"]},
            '#/date_range: Invalid date range ["2021-W01-1", "2021-01-09"]',
        ),
        ({"date_range": "realtime"}, '#/date_range: Invalid date range "realtime"'),
        (
            {"filters": [["is", "badproperty", ["bar"]]]},
            '#/filters/0: Invalid filter ["is", "badproperty", ["bar"]]',
        ),
        (
            {"filters": [["is", "visit:country", ["USA"]]]},
            "Invalid visit:country filter, visit:country needs to be a valid 2-letter country code.",
        ),
        ({"filters": [["is", "event:page", [1]]]}, 'Invalid filter \'["is", "event:page", [1]]\'.'),
        (
            {"filters": [["not", ["is", "event:goal", ["Signup"]]]]},
            "Invalid filters. Dimension `event:goal` can only be filtered at the top level.",
        ),
        (
            {"filters": [["has_done", ["is", "visit:source", ["x"]]]]},
            "Invalid filters. Behavioral filters (has_done, has_not_done) "
            "can only be used with event dimension filters.",
        ),
        (
            {"order_by": [["pageviews", "desc"]]},
            "Invalid order_by entry '{:pageviews, :desc}'. Entry is not a queried metric or dimension.",
        ),
        (
            {"metrics": ["conversion_rate"]},
            "Metric `conversion_rate` can only be queried with event:goal filters or dimensions.",
        ),
        (
            {"metrics": ["scroll_depth"]},
            "Metric `scroll_depth` can only be queried with event:page filters or dimensions.",
        ),
        (
            {"metrics": ["time_on_page"], "filters": [["has_done", ["is", "event:page", ["/"]]]]},
            "Metric `time_on_page` can only be queried with event:page filters or dimensions.",
        ),
        (
            {"metrics": ["views_per_visit"], "filters": [["is", "event:page", ["/"]]]},
            "Metric `views_per_visit` cannot be queried with a filter on `event:page`.",
        ),
        (
            {"metrics": ["views_per_visit"], "dimensions": ["visit:source"]},
            "Metric `views_per_visit` cannot be queried with non-time dimensions.",
        ),
        (
            {"metrics": ["visitors", "bounce_rate"], "dimensions": ["event:name"]},
            "Session metric(s) `bounce_rate` cannot be queried along with event dimension(s) `event:name`",
        ),
        (
            {"metrics": ["pageviews"], "dimensions": ["visit:entry_page"]},
            "Event metric(s) `pageviews` cannot be queried along with session dimension(s) `visit:entry_page`",
        ),
        ({"include": {"time_labels": True}}, "Invalid include.time_labels: requires a time dimension."),
    ],
)
def test_what_is_wrong_is_said_in_the_vendors_words(changes: dict[str, Any], text: str) -> None:
    assert refusal(**changes) == text


def test_a_page_inside_has_done_takes_no_view_from_a_visit() -> None:
    asked = dialect.read(body(metrics=["views_per_visit"], filters=[["has_done", ["is", "event:page", ["/"]]]]))

    assert asked.query.metrics == (Metric.VIEWS_PER_VISIT,)


@pytest.mark.parametrize(
    ("first", "last", "interval"),
    [
        ("2021-01-01", "2021-01-02", "hour"),
        ("2021-01-01T10:00:00Z", "2021-01-03T10:59:59Z", "hour"),  # 48 whole hours
        ("2021-01-01T10:00:00Z", "2021-01-03T11:00:00Z", "day"),
        ("2021-01-01", "2021-02-10", "day"),  # 40 whole days and 23:59:59
        ("2021-01-01", "2021-02-11", "week"),
        ("2021-01-01", "2021-12-31", "week"),
        ("2021-01-01", "2022-01-06", "week"),  # 52 whole weeks and 6 days
        ("2021-01-01", "2022-01-07", "month"),
    ],
)
def test_what_time_means_goes_by_whole_hours_days_and_weeks(first: str, last: str, interval: str) -> None:
    period = resolve((first, last), zone=ZoneInfo("Etc/UTC"), now=datetime(2026, 6, 17, tzinfo=UTC))

    assert dialect.automatic_time(period) == f"time:{interval}"


def test_shape_errors_come_together() -> None:
    assert refusal(metrics=["a"], dimensions=["b"]).split("\n") == [
        '#/metrics/0: Invalid metric "a"',
        '#/dimensions/0: Invalid dimension "b"',
    ]


def test_missing_keys_are_named() -> None:
    assert refusal(metrics=..., date_range=...).startswith("#: Required properties metrics, date_range")


def test_values_are_printed_as_the_vendor_prints_them() -> None:
    assert inspected(["a", 1, None, True, {"k": 1.5}, 'q"']) == '["a", 1, nil, true, %{"k" => 1.5}, "q\\""]'


@pytest.mark.parametrize(
    ("money", "long", "short"),
    [
        (Money(100.3, "USD"), "$100.30", "$100.3"),
        (Money(1234.5, "EUR"), "€1,234.50", "€1.2K"),
        (Money(0, "USD"), "$0.00", "$0.0"),
        (Money(2_500_000, "GBP"), "£2,500,000.00", "£2.5M"),
    ],
)
def test_revenue_has_a_long_and_a_short_text(money: Money, long: str, short: str) -> None:
    assert revenue(money) == {"currency": money.currency, "long": long, "short": short, "value": money.amount}


def test_revenue_without_a_currency_is_null() -> None:
    assert revenue(None) is None
