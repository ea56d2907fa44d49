"""What a declaration lets through as a filter, the backend takes: each native dimension with each of its operators."""

from pathlib import Path

import pytest

from models.capability import Capabilities
from models.errors import UnsupportedQuery
from models.vocabulary import TIME_DIMENSIONS, Dimension
from tests.contract.harness import ask, editions, prover, resolved

VALUES = {Dimension.GOAL: "Purchase", Dimension.COUNTRY: "DE", Dimension.REGION: "DE-BE", Dimension.CITY: "2950159"}
"""A value of each dimension whose values are of a kind; others take any text."""


@pytest.mark.parametrize("can", editions(), ids=lambda can: can.name)
async def test_every_declared_filter_is_answered_or_refused_with_a_reason(can: Capabilities, tmp_path: Path) -> None:
    filtered = [d for d, cell in can.dimensions.items() if cell.is_native and d not in TIME_DIMENSIONS]
    answered: set[Dimension] = set()
    async with prover(can).open(can, tmp_path) as opened:
        for dimension in filtered:
            name = "prop:plan" if dimension is Dimension.PROP else str(dimension)
            for operator in sorted(can.operators_on(dimension)):
                leaf = [str(operator), name, [VALUES.get(dimension, "Desktop")]]
                metric = "conversions" if dimension is Dimension.GOAL else "visitors"
                try:
                    await ask(opened, resolved({"metrics": [metric], "filters": [leaf]}, opened.site))
                except UnsupportedQuery:
                    continue
                answered.add(dimension)
    filterable = {d for d in filtered if can.operators_on(d)}
    assert filterable - answered <= {Dimension.PROP}, "a property may need its event beside it"
