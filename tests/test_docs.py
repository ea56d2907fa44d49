"""The docs say what the code says: generated pages are current, words are explained, links lead somewhere."""

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


def test_decisions_are_a_page_each() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))

    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8").lower()
        assert {"context", "decision", "consequences"} <= set(re.findall(r"\w+", text)), page.name
        assert len(text.splitlines()) <= 90, page.name
