"""Declarations: silence and unexplained refusals do not pass."""

import pytest
from pydantic import ValidationError

from models.capability import (
    KINDS,
    NATIVE,
    Capabilities,
    Conflict,
    Feature,
    Level,
    Operation,
    Support,
    cells,
    declarable,
    never,
)
from models.vocabulary import Dimension, Metric, Operator


def declared(**changes: object) -> Capabilities:
    table: dict[str, object] = {
        "backend": "example",
        "title": "Example",
        "metrics": dict.fromkeys(Metric, NATIVE),
        "dimensions": dict.fromkeys(declarable(Dimension), NATIVE),
        "operators": dict.fromkeys(Operator, NATIVE),
        "operations": dict.fromkeys(Operation, NATIVE),
        "features": dict.fromkeys(Feature, NATIVE),
        "max_dimensions": 2,
    }
    return Capabilities.model_validate(table | changes)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_an_error(kind: str) -> None:
    said = declared().tables[kind]
    forgotten = next(iter(said))
    rest = {word: cell for word, cell in said.items() if word != forgotten}

    with pytest.raises(ValidationError, match=f"example: undeclared: {kind} {forgotten}"):
        declared(**{f"{kind}s": rest})


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


def test_a_key_of_a_table_names_one_word_or_several() -> None:
    table = cells(Metric, {"visits visitors": NATIVE, "scroll_depth": never("not measured")})

    assert table == {Metric.VISITORS: NATIVE, Metric.VISITS: NATIVE, Metric.SCROLL_DEPTH: never("not measured")}
    assert list(table) == [Metric.VISITORS, Metric.VISITS, Metric.SCROLL_DEPTH], "in the model's order"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"visitors vistis": NATIVE}, "vistis"),
        ({"visitors visits": NATIVE, "visits": never("no")}, "visits"),
        ({"visits visits": NATIVE}, "visits"),
    ],
)
def test_a_word_that_is_none_or_named_twice_is_an_error(table: dict[str, Support], named: str) -> None:
    with pytest.raises(ValueError, match=f"no such metric, or named twice: {named}$"):
        cells(Metric, table)


def test_what_the_gateway_answers_itself_is_not_declared() -> None:
    with pytest.raises(ValueError, match="no such dimension, or named twice: segment"):
        cells(Dimension, {"page segment": NATIVE})


def test_an_operator_that_is_not_native_is_on_no_dimension() -> None:
    can = declared(operators=dict.fromkeys(Operator, NATIVE) | {Operator.MATCHES: never("no regular expressions")})

    assert Operator.MATCHES not in can.operators_on(Dimension.PAGE)
    assert Operator.IS in can.operators_on(Dimension.PAGE)
