"""The model with words that it does not have, to see what happens on the day that somebody adds one.

`python -m tests.planted_words metric` adds a word of a kind and tells how each declaration fails to import. As a plugin
(`pytest -p tests.planted_words`) there is a new word of each kind, and every declaration says that the backend cannot.
"""

import ast
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "metric": "new_metric",
        "dimension": "new_dimension",
        "operator": "new_operator",
        "operation": "new_operation",
        "feature": "new_feature",
    }
)
FACTS = "MetricFacts(Unit.COUNT, Scope.EVENT, additive=True, relative=False, decimals=0, zero=0)"
REASON = "nobody has counted this before"


def plant(kinds: Sequence[str]) -> None:
    """Add a word of each kind to the source of the model, and load that, before anybody else loads the model."""
    for name in ("models.vocabulary", "models.capability"):
        if name in sys.modules:
            raise RuntimeError(f"{name} was loaded already")
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name)
        module = module_from_spec(spec)
        sys.modules[name] = module
        code = compile(_with_words(Path(spec.origin).read_text("utf-8"), kinds), spec.origin, "exec")
        exec(code, module.__dict__)  # noqa: S102 - it is the module's own source


def _with_words(source: str, kinds: Sequence[str]) -> ast.Module:
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.lower() in kinds:
            node.body += ast.parse(f"NEW = {WORDS[node.name.lower()]!r}").body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "METRICS" and "metric" in kinds:
            (table,) = (part for part in ast.walk(node) if isinstance(part, ast.Dict))
            table.keys.append(ast.parse("Metric.NEW", mode="eval").body)
            table.values.append(ast.parse(FACTS, mode="eval").body)
    return ast.fix_missing_locations(tree)


def declarations() -> tuple[str, ...]:
    """Every module that declares what a backend can, the example's included."""
    vendors = sorted(path.parent.name for path in ROOT.glob("adapters/*/capabilities.py"))
    return (*(f"adapters.{name}.capabilities" for name in vendors), "tallyway_pagecount")


def failures() -> dict[str, str]:
    """How importing each declaration fails; empty text where it does not."""
    found = {}
    for name in declarations():
        try:
            import_module(name)
            found[name] = ""
        except Exception as error:  # whatever it is, it is what somebody would see
            found[name] = str(error)
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    plant(tuple(WORDS))
    capability = import_module("models.capability")
    said = capability.cells

    def cells(words: Any, table: Mapping[str, Any]) -> Any:
        return said(words, {**table, WORDS[words.__name__.lower()]: capability.never(REASON)})

    vars(capability)["cells"] = cells


if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "example_adapter"))
    plant(sys.argv[1:])
    print(json.dumps(failures()))
