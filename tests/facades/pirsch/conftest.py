"""One gateway for the module that reads; a fresh one for tests that write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.facades.pirsch.served import Client, gateway


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The demo week; nothing is written to it."""
    with gateway(tmp_path_factory.mktemp("gateway")) as client:
        yield client


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Client]:
    """The demo week, for one test alone."""
    with gateway(tmp_path) as client:
        yield client
