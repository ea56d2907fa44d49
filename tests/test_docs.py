"""The docs say what the code says: generated pages are current, words are explained, links lead somewhere."""

import ast
import re
from pathlib import Path

import pytest

from adapters.registry import editions
from gateway.http.server.errors import errors_markdown
from gateway.operate.capability_table import capabilities_markdown
from gateway.operate.settings_reference import configuration_markdown
from models.vocabulary import METRICS, Dimension, Metric

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
NAMED = re.compile(r"(?<![\w/.`-])`?((?:gateway|adapters|models|tests|fixtures|bench|docs|tools)/[\w./<>*{}?-]*[\w/])")
"""Paths from the root of the repository."""
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(
    ("page", "made"),
    [
        ("capabilities.md", capabilities_markdown(editions())),
        ("configuration.md", configuration_markdown()),
        ("errors.md", errors_markdown()),
    ],
)
def test_a_generated_page_is_current(page: str, made: str) -> None:
    assert (DOCS / page).read_text(encoding="utf-8") == made, "run `make docs`"


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_explained_with_its_facts(metric: Metric) -> None:
    text = (DOCS / "canonical-model.md").read_text(encoding="utf-8")
    facts = METRICS[metric]

    assert f"| `{metric}` | {facts.unit} | {'yes' if facts.additive else 'no'} | " in text


def test_every_dimension_is_explained() -> None:
    text = (DOCS / "canonical-model.md").read_text(encoding="utf-8")

    assert [d for d in Dimension if f"`{d}`" not in text and f"`{d}:<name>`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = [match[1] for match in LINK.finditer(page.read_text(encoding="utf-8"))]

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    """Whole paths of ours; the changelog tells of files that went."""
    if page.name == "CHANGELOG.md":
        pytest.skip("history")
    named = {path for path in NAMED.findall(page.read_text(encoding="utf-8")) if not {"<", "*", "{", "?"} & set(path)}

    assert sorted(path for path in named if not (ROOT / path.rstrip("/")).exists()) == []


def test_architecture_tells_of_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text[text.index("## The rooms of `gateway/`") : text.index("## The rooms of an adapter")]
    told = {
        name for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`([\w./]+)`", row)
    }
    inside = [path for path in (ROOT / "gateway").iterdir() if not path.name.startswith(("_", "py.typed"))]

    assert told == {f"{path.name}/" if path.is_dir() else path.name for path in inside}
    assert len(told) <= 16


def test_every_room_says_what_it_holds() -> None:
    rooms = {path.parent for package in ("models", "adapters", "gateway") for path in (ROOT / package).rglob("*.py")}

    silent = [room for room in rooms if not (room / "__init__.py").exists() or not _docstring(room / "__init__.py")]
    assert sorted(str(room.relative_to(ROOT)) for room in silent) == []


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_decisions_are_a_page_each() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))

    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8").lower()
        assert {"context", "decision", "consequences"} <= set(re.findall(r"\w+", text)), page.name
        assert len(text.splitlines()) <= 90, page.name
