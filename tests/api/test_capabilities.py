"""What backends can answer, and what proves it, is told by the service as the declarations say."""

from adapters.registry import backends
from tests.api.conftest import Api


def test_every_native_cell_is_told_with_its_evidence(owner: Api) -> None:
    told = {backend["name"]: backend for backend in owner.ok("GET", "/v1/capabilities")["backends"]}
    assert told.keys() == backends().keys()
    for backend in backends().values():
        proofs = told[backend.name]["evidence"]
        assert proofs.keys() == backend.editions.keys()
        for edition, can in backend.editions.items():
            native = {f"operation {o}" for o, cell in can.operations.items() if cell.is_native}
            assert native == {cell for cell in proofs[edition] if cell.startswith("operation ")}
    assert told["local"]["evidence"][""]["metric visitors"] == "live"
    assert told["plausible"]["evidence"]["cloud"]["metric visitors"] == "documented"
    assert told["plausible"]["evidence"]["ce-v1"]["metric events"] == "twin"
