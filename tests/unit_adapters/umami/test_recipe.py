"""What docs/adding-an-adapter.md says of the tree is true of it."""

import re
from pathlib import Path

import pytest

from tests.unit_adapters.test_composition import VENDORS

ROOT = Path(__file__).parents[3]
RECIPE = (ROOT / "docs" / "adding-an-adapter.md").read_text("utf-8")


def test_the_files_it_names_are_those_of_an_adapter() -> None:
    named = re.findall(r"^\| `(\w+)\.py` \|", RECIPE, re.MULTILINE)
    assert sorted(named) == sorted(VENDORS | {"__init__", "vendor"})
    for vendor in ("sparklytics", "umami"):
        assert all((ROOT / "adapters" / vendor / f"{name}.py").is_file() for name in named)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:adapters|tests|fixtures|models)/[\w./-]+)`", RECIPE))))
def test_the_places_it_names_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_no_file_of_the_gateway_names_the_vendors_it_describes() -> None:
    """The proof that adding them changed nothing there: facades speak of their vendor, and nobody else does."""
    found = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "gateway").rglob("*.py")
        if "facades" not in file.parts
        and re.search(r"\bumami\b|\bsparklytics\b", file.read_text("utf-8"), re.IGNORECASE)
    ]
    assert found == []
