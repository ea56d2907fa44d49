"""One gateway for the Sparklytics-shaped API."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import NOW, Api, new_owner
from tests.serving import Served, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("sparklytics"), NOW=NOW) as running:
        yield running


@pytest.fixture
def owner(served: Served) -> Api:
    """The administrator of a new tenant."""
    return new_owner(Api(served.base, served.key))
