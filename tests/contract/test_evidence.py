"""The suite itself: a cell that is declared native without being so cannot pass."""

from pathlib import Path

import pytest

from adapters.protocols import PROTOCOLS
from models.capability import NATIVE, Operation
from models.vocabulary import Metric
from tests.contract import cases
from tests.contract.harness import NoEvidence, editions, prover
from tests.contract.harness import Opened as Site
from tests.contract.test_cells import cells, prove
from tests.contract.test_operations import CASES as OPERATION_CASES


class Planted:
    """An adapter under a declaration that promises more than it can."""

    def __init__(self, adapter: object, **changes: object) -> None:
        self._adapter = adapter
        self.can = adapter.can.model_copy(update=changes)  # type: ignore[attr-defined] # every adapter has one

    def __getattr__(self, name: str) -> object:
        return getattr(self._adapter, name)


async def test_a_metric_planted_as_native_fails(tmp_path: Path) -> None:
    can = next(can for can in editions() if not can.metrics[Metric.EXIT_RATE].is_native)
    async with prover(can).open(can, tmp_path) as opened:
        planted = Planted(opened.adapter, metrics={**can.metrics, Metric.EXIT_RATE: NATIVE})
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any failure but a pass will do
            await prove(Site(planted, opened.site, opened.calls), "exit_rate", cases.METRICS[Metric.EXIT_RATE])  # type: ignore[arg-type] # it quacks
    assert not isinstance(caught.value, NoEvidence)


async def test_a_native_cell_that_no_question_proves_fails(tmp_path: Path) -> None:
    can = editions()[0]
    async with prover(can).open(can, tmp_path) as opened:
        with pytest.raises(NoEvidence):
            await prove(opened, "a_word_of_tomorrow", None)


def test_an_edition_without_a_harness_has_no_evidence() -> None:
    stranger = editions()[0].model_copy(update={"backend": "stranger"})
    with pytest.raises(NoEvidence):
        prover(stranger)


@pytest.mark.parametrize("can", editions(), ids=lambda can: can.name)
def test_every_cell_has_a_question(can: object) -> None:
    assert [str(name) for _, name, _, case in cells(can) if case is None] == []  # type: ignore[arg-type] # a declaration


def test_every_operation_has_a_question() -> None:
    assert set(OPERATION_CASES) == set(Operation) >= set(PROTOCOLS)
