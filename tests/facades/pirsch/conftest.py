"""One gateway for a module; a site of their own for tests that write."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.facades.pirsch.served import Client, gateway

NUMBERS = count(1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The demo week; nothing is written to it."""
    with gateway(tmp_path_factory.mktemp("gateway")) as client:
        yield client


@pytest.fixture
def empty(demo: Client) -> Client:
    """A site without events, for one test alone."""
    return demo.another_site(f"site-{next(NUMBERS)}.example.com")
