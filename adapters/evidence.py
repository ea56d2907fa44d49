"""What stands behind the cells of a declaration: `evidence.json` beside each adapter, written and kept by its tests."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from models.capability import Capabilities, Evidence


@cache
def _on_file(backend: str) -> Mapping[str, Mapping[str, Evidence]]:
    folder = files("adapters") / backend / "evidence.json"
    if not folder.is_file():
        return MappingProxyType({})
    found = json.loads(folder.read_text("utf-8"))
    return {edition: {cell: Evidence(value) for cell, value in table.items()} for edition, table in found.items()}


def evidence(can: Capabilities) -> Mapping[str, Evidence]:
    """Evidence of an edition's native cells, by `kind name` (`metric visitors`).

    Empty for an adapter from outside this tree, which has its evidence where it lives.
    """
    return _on_file(can.backend).get(can.edition, MappingProxyType({}))
