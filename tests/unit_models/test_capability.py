"""Declarations: silence and unexplained refusals do not pass."""

import pytest
from pydantic import ValidationError

from models.capability import (
    NATIVE,
    Capabilities,
    Conflict,
    Feature,
    Level,
    Operation,
    Support,
    approximate,
    cells,
    never,
)
from models.vocabulary import OURS, Dimension, Metric, Operator

DIMENSIONS = [d for d in Dimension if d not in OURS]


def declared(**changes: object) -> Capabilities:
    table: dict[str, object] = {
        "backend": "example",
        "title": "Example",
        "metrics": cells(NATIVE, Metric),
        "dimensions": cells(NATIVE, DIMENSIONS),
        "operators": cells(NATIVE, Operator),
        "operations": cells(NATIVE, Operation),
        "features": cells(NATIVE, Feature),
        "max_dimensions": 2,
    }
    return Capabilities.model_validate(table | changes)


@pytest.mark.parametrize("field", ["metrics", "dimensions", "operators", "operations", "features"])
def test_silence_is_an_error(field: str) -> None:
    table = dict(getattr(declared(), field))
    forgotten = next(iter(table))
    del table[forgotten]

    with pytest.raises(ValidationError, match=f"undeclared: {forgotten}"):
        declared(**{field: table})


@pytest.mark.parametrize("level", [Level.NEVER, Level.NOT_YET])
def test_a_refusal_needs_a_reason(level: Level) -> None:
    with pytest.raises(ValidationError, match="needs a reason"):
        Support(level=level, reason="  ")


def test_an_approximation_needs_a_reason() -> None:
    with pytest.raises(ValidationError, match="needs a reason"):
        Support(approximate="example.close_enough")


def test_a_conflict_needs_a_condition_and_a_reason() -> None:
    with pytest.raises(ValidationError, match="always apply"):
        Conflict(reason="never together")
    with pytest.raises(ValidationError, match="needs a reason"):
        Conflict(reason="", metrics=frozenset({Metric.VISITS}))


def test_a_restricted_filter_needs_a_reason() -> None:
    with pytest.raises(ValidationError, match="without a reason"):
        declared(filters={Dimension.PAGE: frozenset({Operator.IS})})


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        declared().metrics[Metric.VISITS] = never("no")  # type: ignore[index]


def test_a_table_is_the_default_but_for_what_is_said() -> None:
    table = cells(NATIVE, Metric, scroll_depth=never("not measured"), visits=approximate("x.y", "counted differently"))

    assert table[Metric.SCROLL_DEPTH].level is Level.NEVER
    assert table[Metric.VISITS].approximate == "x.y"
    assert table[Metric.VISITORS] is NATIVE


def test_an_operator_that_is_not_native_is_on_no_dimension() -> None:
    can = declared(operators=cells(NATIVE, Operator, matches=never("no regular expressions")))

    assert Operator.MATCHES not in can.operators_on(Dimension.PAGE)
    assert Operator.IS in can.operators_on(Dimension.PAGE)
