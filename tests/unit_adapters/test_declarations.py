"""Every edition says something of every word, so that a new word is a question to each of them and no promise."""

import json
import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from adapters.registry import editions
from models.capability import Capabilities
from tests.planted_words import ROOT, WORDS, declarations


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize("kind", WORDS)
def test_a_new_word_fails_every_declaration_and_is_named(kind: str) -> None:
    done = run("tests.planted_words", kind)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == set(declarations())
    told = [re.search(rf"(\S+): undeclared: {kind} {WORDS[kind]} ", error) for error in found.values()]
    assert None not in told, found
    named = {match[1] for match in told if match}
    assert named <= {can.name for can in editions()} | {"pagecount"}
    assert {name.partition("/")[0] for name in named} == {can.backend for can in editions()} | {"pagecount"}


def test_without_a_new_word_every_declaration_is_whole() -> None:
    done = run("tests.planted_words")

    assert set(json.loads(done.stdout).values()) == {""}, done.stdout


@pytest.mark.parametrize("can", editions(), ids=lambda can: can.name)
def test_an_edition_that_forgets_a_word_is_told_which(can: Capabilities) -> None:
    for kind, said in can.tables.items():
        for word in said:
            silent = {**dict(can), f"{kind}s": {w: cell for w, cell in said.items() if w != word}}
            with pytest.raises(ValidationError) as refusal:
                Capabilities.model_validate(silent)
            assert f"{can.name}: undeclared: {kind} {word} " in str(refusal.value)


def test_a_new_word_that_no_backend_knows_is_refused_with_its_reason_before_any_call() -> None:
    """The contract suite itself, with a metric and a dimension more."""
    done = run(
        "pytest", "-q", "-p", "tests.planted_words", "-p", "no:cacheprovider", "tests/contract/test_cells.py",
        "-k", f"{WORDS['metric']} or {WORDS['dimension']}", "-rp",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    test = "PASSED tests/contract/test_cells.py::test_any_other_cell_is_refused_with_its_reason_before_any_call"
    for can in editions():
        assert f"{test}[{can.name}-metrics-{WORDS['metric']}]" in done.stdout
        assert f"{test}[{can.name}-dimensions-{WORDS['dimension']}]" in done.stdout
