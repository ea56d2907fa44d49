"""Queries on names of places become queries on the codes a site has."""

from datetime import UTC, datetime

import pytest

from adapters.local.sql.places import by_code, labels
from models.filters import Comparison
from models.query import ResolvedQuery, read_query
from models.vocabulary import Operator

NAMES = {"city": {"2643743": "London", "6058560": "London", "588409": "Tallinn", "": ""}}


def query(*filters: list[object]) -> ResolvedQuery:
    body = {"metrics": ["visitors"], "dimensions": ["city_name"], "filters": list(filters)}
    return read_query(body).resolved(zone="Etc/UTC", now=datetime(2026, 6, 17, tzinfo=UTC))


@pytest.mark.parametrize(
    ("written", "operator", "codes"),
    [
        (["is", "city_name", ["London"]], Operator.IS, {"2643743", "6058560"}),
        (["is_not", "city_name", ["London"]], Operator.IS_NOT, {"2643743", "6058560"}),
        (["is", "city_name", ["london"], {"case_sensitive": False}], Operator.IS, {"2643743", "6058560"}),
        (["contains", "city_name", ["all"]], Operator.IS, {"588409"}),
        (["contains_not", "city_name", ["all"]], Operator.IS_NOT, {"588409"}),
        (["matches", "city_name", ["^T"]], Operator.IS, {"588409"}),
        (["wildcard", "city_name", ["L*n"]], Operator.IS, {"2643743", "6058560"}),
        (["is", "city_name", ["(not set)"]], Operator.IS, {"(not set)"}),
        (["is", "city_name", ["Atlantis"]], Operator.IS, {" "}),
    ],
)
def test_a_filter_on_names_selects_the_codes_that_bear_them(
    written: list[object], operator: Operator, codes: set[str]
) -> None:
    (found,) = by_code(query(written), NAMES).filters

    assert isinstance(found, Comparison)
    assert (found.operator, found.dimension, set(found.values)) == (operator, "city", codes)


def test_groups_stay_by_name() -> None:
    assert by_code(query(), NAMES).dimensions == ("city_name",)
    assert labels(NAMES)["city_name"]["588409"] == "Tallinn"
