"""One opened demo site for each edition and test file; tests that change it open their own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.contract.harness import Opened, editions, prover


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opened]:
    """The edition named by the (indirect) parameter."""
    can = next(can for can in editions() if can.name == request.param)
    async with prover(can).open(can, tmp_path_factory.mktemp(can.name.replace("/", "-"))) as found:
        yield found
