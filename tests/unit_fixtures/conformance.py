"""The conformance cases and their runner, which lie beside the repository or where TALLYWAY_CONFORMANCE says."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TALLYWAY_CONFORMANCE", ROOT.parent / "shared" / "conformance"))


def load_runner() -> ModuleType | None:
    if not (FOLDER / "run.py").is_file():
        return None
    spec = importlib.util.spec_from_file_location("conformance_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUN = load_runner()


def absent(assertion: dict[str, Any], body: Any) -> bool:
    """A path that must be falsy and whose parent is not there: the runner calls it an error, Elixir a nil."""
    if assertion["op"] != "falsy":
        return False
    for step in assertion["path"]:
        if body is None:
            return True
        body = body.get(step) if isinstance(body, dict) else body
    return False
