"""What checks the product shares no code with it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PRODUCT = {"models", "adapters", "gateway"}
MODULES = sorted(module for module in FIXTURES.rglob("*.py") if module.name != "demo.py")
"""All but the demo's stage, which plays the product and checks nothing."""


def imported(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES, ids=[str(module.relative_to(FIXTURES)) for module in MODULES])
def test_a_fixture_module_imports_nothing_of_the_product(module: Path) -> None:
    assert not imported(module) & PRODUCT
