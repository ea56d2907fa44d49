"""Places have names, and names lead back to every place that bears them."""

import pytest

from adapters.local.enrich.names import codes_of, name_of


@pytest.mark.parametrize(
    ("kind", "code", "name"),
    [
        ("country", "EE", "Estonia"),
        ("region", "EE-37", "Harjumaa"),
        ("region", "GB-LND", "London"),
        ("region", "NO-99", "NO-99"),  # no such region any more
        ("city", "588409", "Tallinn"),
        ("city", "591632", "Kärdla"),
        ("city", "California", "California"),  # a source of places without ids gives names
    ],
)
def test_a_place_has_a_name(kind: str, code: str, name: str) -> None:
    assert name_of(kind, code) == name


def test_a_name_leads_to_every_place_of_that_name() -> None:
    assert {"2643743", "6058560"} <= set(codes_of("city", "London"))
    assert codes_of("region", "NO-99") == ("NO-99",)
