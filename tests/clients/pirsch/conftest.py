"""Where node or the SDK is missing, these tests are skipped in one line; where they must run, they fail."""

import os
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def missing() -> str | None:
    """What these tests lack here and how to get it."""
    if shutil.which("node") is None:
        return "no node here (apt-get install nodejs)"
    if not (HERE / "node_modules" / "pirsch-sdk").exists():
        return "the npm module is not installed (make clients)"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """In one place, so that pytest folds the skips to one line."""
    if HERE in item.path.parents and (lack := missing()):
        if os.environ.get("TALLYWAY_REQUIRE_CLIENTS") == "1":
            pytest.fail(f"client tests are required here, but {lack}", pytrace=False)
        pytest.skip(f"client tests: {lack}")
