"""What stands behind each native cell is what evidence.json says: no more, no less."""

import json
from pathlib import Path

import httpx2
import pytest

from adapters.registry import IN_TREE, backends
from models.capability import Operation
from tests.contract.evidence import ADAPTERS, answered_cells, of_backend, written
from tests.contract.exchanges import asks, exchanges

UNIT = Path(__file__).resolve().parents[1] / "unit_adapters"
QUESTIONS = [
    (b, name)
    for b in IN_TREE
    for name, told in exchanges(b).items()
    if "question" in told and told["response"]["body"] is not None  # an empty list proves no cell
]
OPERATIONS = [(b, name) for b in IN_TREE for name, told in exchanges(b).items() if "operation" in told]


@pytest.mark.parametrize("backend", IN_TREE)
async def test_the_evidence_on_file_is_what_the_fixtures_and_harnesses_give(backend: str) -> None:
    found = written(await of_backend(backend))
    assert (ADAPTERS / backend / "evidence.json").read_text("utf-8") == found, "run `make docs`"


@pytest.mark.parametrize(("backend", "name"), QUESTIONS)
async def test_a_documented_question_is_asked_and_read(backend: str, name: str) -> None:
    """By one edition at least, as the request that is documented; else the fixture proves nothing."""
    editions = backends()[backend].editions.values()
    assert any([await answered_cells(can, name) for can in editions])


@pytest.mark.parametrize(("backend", "name"), OPERATIONS)
def test_a_documented_operation_is_replayed_by_its_adapters_tests(backend: str, name: str) -> None:
    told = exchanges(backend)[name]
    assert told["operation"] in set(Operation)
    assert f'"{name}"' in (UNIT / backend / "test_exchanges.py").read_text("utf-8")
    assert told["response"]["status"] < 300


def test_another_request_than_the_documented_one_is_not_taken_for_it() -> None:
    told = exchanges("umami")["stats"]["request"]
    where = "https://umami.example" + told["path"].replace("<site>", "1")
    assert asks(httpx2.Request("GET", where, params=told["query"]), told)
    for changed in ({"startAt": "0"}, {"path": "eq./pricing"}):
        assert not asks(httpx2.Request("GET", where, params=told["query"] | changed), told)
    assert not asks(httpx2.Request("POST", where, params=told["query"]), told)
    assert not asks(httpx2.Request("GET", f"{where}/more", params=told["query"]), told)


def test_evidence_names_native_cells_of_every_edition() -> None:
    for backend in IN_TREE:
        on_file = json.loads((ADAPTERS / backend / "evidence.json").read_text("utf-8"))
        assert on_file.keys() == backends()[backend].editions.keys()
        for edition, can in backends()[backend].editions.items():
            native = {f"metric {m}" for m, cell in can.metrics.items() if cell.is_native}
            assert native == {cell for cell in on_file[edition] if cell.startswith("metric ")}
