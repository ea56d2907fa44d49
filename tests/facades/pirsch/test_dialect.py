"""Reading Pirsch's query strings: parameters, ranges, filters, path patterns (contracts: Pirsch 2, 8, 12). Pure."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.http.dialect import Refused
from gateway.http.facades.pirsch import hits, patterns
from gateway.http.facades.pirsch.filters import event_filters, filters_of
from gateway.http.facades.pirsch.options import written
from gateway.http.facades.pirsch.parameters import Parameters, span_of
from models.filters import to_list

NOW = datetime(2026, 6, 8, 12, 0, tzinfo=UTC)


def given(*pairs: tuple[str, str]) -> Parameters:
    return Parameters.of(pairs)


def trees(*pairs: tuple[str, str]) -> list[Any]:
    return [to_list(f) for f in filters_of(given(*pairs))]


CI = {"case_sensitive": False}


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([("path", "/a"), ("path", "/b")], [["is", "page", ["/a", "/b"]]]),
        ([("path", "!/a"), ("path", "!/b")], [["is_not", "page", ["/a", "/b"]]]),
        ([("path", "~A"), ("path", "~b")], [["contains", "page", ["A", "b"], CI]]),
        ([("path", "^a")], [["contains_not", "page", ["a"], CI]]),
        # As at Pirsch: what is wanted is one group of alternatives, negated contains included.
        (
            [("path", "^a"), ("path", "^b")],
            [["or", [["contains_not", "page", ["a"], CI], ["contains_not", "page", ["b"], CI]]]],
        ),
        (
            [("path", "!/x"), ("path", "/a"), ("path", "~b")],
            [["is_not", "page", ["/x"]], ["or", [["is", "page", ["/a"]], ["contains", "page", ["b"], CI]]]],
        ),
        ([("country", "de")], [["is", "country", ["DE"]]]),
        ([("country", "^de,us")], [["is_not", "country", ["DE", "US"]]]),
        ([("language", "~en,de")], [["is", "language", ["en", "de"]]]),
        ([("referrer_name", "null")], [["is", "source", ["Direct / None"]]]),
        ([("utm_source", "!null")], [["is_not", "utm_source", ["(not set)"]]]),
        ([("platform", "mobile")], [["is", "device", ["Mobile", "Tablet"]]]),
        ([("pattern", "^/a"), ("pattern", "!b$")], [["matches_not", "page", ["b$"]], ["matches", "page", ["^/a"]]]),
        ([("pattern", "^/a"), ("path", "/b")], [["is", "page", ["/b"]]]),
        ([("tag", "author")], [["is_not", "prop:author", ["(none)"]]]),
        ([("tag", "!author")], [["is", "prop:author", ["(none)"]]]),
        ([("tag_author", "~jo")], [["contains", "prop:author", ["jo"], CI]]),
        ([("event", "Sale")], [["has_done", ["is", "event", ["Sale"]]]]),
        (
            [("event", "Sale"), ("meta_a", "1"), ("event_meta_key", "b")],
            [["has_done", ["and", [
                ["is", "event", ["Sale"]], ["is_not", "prop:b", ["(none)"]], ["is", "prop:a", ["1"]],
            ]]]],
        ),
        # Page views are no events to Pirsch.
        (
            [("event", "!Sale")],
            [["has_done", ["and", [["is_not", "event", ["Sale"]], ["is_not", "event", ["pageview"]]]]]],
        ),
    ],
)  # fmt: skip
def test_filters_in_canonical_words(pairs: list[tuple[str, str]], wanted: list[Any]) -> None:
    assert trees(*pairs) == wanted


def test_filters_on_events_can_be_left_to_the_caller() -> None:
    asked = given(("event", "Sale"), ("path", "/a"))
    assert [to_list(f) for f in filters_of(asked, event=False)] == [["is", "page", ["/a"]]]
    assert [to_list(f) for f in event_filters(asked)] == [["is", "event", ["Sale"]]]


@pytest.mark.parametrize(
    ("name", "value"), [("country", "deu"), ("country", "1a"), ("platform", "tv"), ("platform", "^mobile")]
)
def test_values_that_mean_nothing_are_refused(name: str, value: str) -> None:
    with pytest.raises(Refused):
        filters_of(given((name, value)))


def test_names_with_brackets_are_plain_names() -> None:
    asked = given(("path[]", "/a"), ("path[1]", "/b"), ("path", "/c"), ("limit", ""))
    assert asked.all("path") == ("/a", "/b", "/c")
    assert (asked.limit, asked.offset) == (100, 0)
    assert given(("limit", "500")).limit == 100


@pytest.mark.parametrize(
    ("pairs", "spec"),
    [
        ([("from", "2026-06-01"), ("to", "2026-06-07")], ("2026-06-01", "2026-06-07")),
        ([("from", "2026-06-07T00:00:00Z"), ("to", "2026-06-01")], ("2026-06-01", "2026-06-07")),
        ([("start", "600")], ("2026-06-08T11:50:00+00:00", "2026-06-08T12:00:00+00:00")),
        ([("start", "9999")], ("2026-06-08T11:00:00+00:00", "2026-06-08T12:00:00+00:00")),
        (
            [("from", "2026-06-01"), ("to", "2026-06-01"), ("from_time", "11:00"), ("tz", "Europe/Berlin")],
            ("2026-06-01T09:00:00+00:00", "2026-06-01T21:59:59+00:00"),
        ),
    ],
)
def test_ranges(pairs: list[tuple[str, str]], spec: tuple[str, str]) -> None:
    assert span_of(given(*pairs), "Etc/UTC", NOW).spec == spec


@pytest.mark.parametrize(
    "pairs",
    [
        [("from", "2026-06-01")],
        [("from", "2026-13-01"), ("to", "2026-06-01")],
        [("from", "2026-06-01Tnoon"), ("to", "2026-06-01")],
        [("from", "1400-06-01"), ("to", "2026-06-01")],
        [("from", "2026-06-01"), ("to", "2026-06-01"), ("from_time", "25:00")],
    ],
)
def test_ranges_that_are_none(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused):
        span_of(given(*pairs), "Etc/UTC", NOW)


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2026-06-08", "2026-06-14", (date(2026, 6, 1), date(2026, 6, 7))),
        ("2026-06-08", "2026-06-08", (date(2026, 6, 1), date(2026, 6, 1))),
    ],
)
def test_growth_looks_back(first: str, last: str, before: tuple[date, date]) -> None:
    span = span_of(given(("from", first), ("to", last)), "Etc/UTC", NOW).before()
    assert (span.first, span.last) == before


@pytest.mark.parametrize(
    ("pattern", "expression"),
    [("/a", "(?i)^/a$"), ("/blog/*", "(?i)^/blog/[^/]*$"), ("/blog/**", "(?i)^/blog/.*$"), ("/a.b", r"(?i)^/a\.b$")],
)
def test_patterns_are_expressions(pattern: str, expression: str) -> None:
    assert patterns.expression(pattern) == expression


def test_patterns_go_to_goals_and_back() -> None:
    assert patterns.canonical("/blog/**/end") == "/blog/*/end"
    assert patterns.from_canonical("/blog/*/end") == "/blog/**/end"
    with pytest.raises(Refused):
        patterns.canonical("/blog/*")


@pytest.mark.parametrize(
    ("width", "name"),
    [(5120, "UHD 5K"), (1919, "HD"), (1920, "Full HD"), ("1024", "XL"), (414, "XS"), (0, None), ("wide", None)],
)
def test_screens_have_classes(width: object, name: str | None) -> None:
    assert hits.screen_class(width) == name


def test_cells_of_the_archive_start_no_formula() -> None:
    assert written([{"name": "=1+1", "tags": ["a", "b"], "inner": {"n": 1}}]) == "name,tags,inner.n\n'=1+1,a b,1\n"
    assert written([]) == ""
