"""A store that falls behind, as trackers see it: 503 until there is room again, and nothing acknowledged is lost."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from fixtures.twins.serve import serve_in_thread
from gateway.app import build
from gateway.http import facades
from gateway.http.application import application
from gateway.services import Services
from gateway.settings import read_settings
from models.errors import ConfigurationError
from tests.serving import ADMIN_KEY

BOUND = 1 << 20
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
LONG = {f"p{n}": "x" * 1900 for n in range(20)}
"""Properties that fill a journal quickly: some 38 KB an event."""


class Gateway:
    """A gateway in this process, whose store can be held up."""

    def __init__(self, services: Services) -> None:
        self.services, self.base = services, ""
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        yield
        await self.services.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Done where the gateway runs."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def flush(self) -> None:
        adapter: Any = await self.services.connections.own_store()
        await adapter.flush()

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Nothing is stored meanwhile, as with a store that does not answer."""
        holding = self.run(self._hold())
        try:
            yield
        finally:
            self.run(holding.aclose())

    async def _hold(self) -> Any:
        async def hold() -> AsyncIterator[None]:
            adapter: Any = await self.services.connections.own_store()
            async with adapter.engine.writer.paused(changing=False):
                yield

        holding = hold()
        await anext(holding)
        return holding

    def admin(self, method: str, path: str, body: Any) -> Any:
        answer = httpx2.request(
            method, self.base + path, json=body, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def track(self, number: int) -> httpx2.Response:
        body = {"n": "pageview", "u": f"https://full.example.com/{number}", "d": "full.example.com", "p": LONG}
        headers = {"User-Agent": BROWSER, "X-Forwarded-For": "198.51.100.9", "Content-Type": "text/plain"}
        return httpx2.post(f"{self.base}/api/event", content=json.dumps(body), headers=headers, timeout=30)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    settings = read_settings(
        {"TALLYWAY_DATA": str(tmp_path), "TALLYWAY_ADMIN_KEY": ADMIN_KEY, "TALLYWAY_LOG_LEVEL": "error"}
    )
    # smaller than an operator may choose: the file that is written to counts until the next one is begun
    made = Gateway(build(settings.model_copy(update={"event_backlog_bytes": BOUND})))
    app = application(made.services, made.lifespan, facades.routes(made.services))
    with serve_in_thread(app) as made.base:
        made.admin("POST", "/v1/sites", {"domain": "full.example.com"})
        yield made


def test_trackers_are_told_to_come_again_when_the_journal_is_full(gateway: Gateway) -> None:
    assert gateway.track(0).status_code == 202
    taken = 1
    with gateway.held_up():
        while (answer := gateway.track(taken)).status_code == 202:
            taken += 1
            assert taken < 2 * BOUND / 38_000, "the bound has no effect"
        assert (answer.status_code, int(answer.headers["retry-after"])) == (503, 5)
        assert answer.json()["code"] == "overloaded"
        assert answer.json()["retryable"] is True
        assert gateway.track(taken).status_code == 503
    assert taken > BOUND / 2 / 38_000
    gateway.run(gateway.flush())
    asked = {"site": "full.example.com", "metrics": ["pageviews"], "date_range": "day"}
    assert gateway.admin("POST", "/v1/query", asked)["results"] == [{"pageviews": taken}]


def test_a_batch_that_is_refused_left_nothing_behind(gateway: Gateway) -> None:
    """Its client sends all of it again: what had been taken of it would count twice."""
    site = gateway.admin("POST", "/v1/sites", {"domain": "batches.example.com"})["id"]
    view = {
        "website_id": site,
        "type": "pageview",
        "url": "https://batches.example.com/",
        "event_data": {"x": "x" * 1500},
    }

    def collected() -> int:
        headers = {"User-Agent": BROWSER, "X-Forwarded-For": "198.51.100.9"}
        batch = [view] * 50
        return httpx2.post(
            f"{gateway.base}/sparklytics/api/collect", json=batch, headers=headers, timeout=30
        ).status_code

    taken = 0
    with gateway.held_up():
        while collected() == 202:
            taken += 50
    gateway.run(gateway.flush())
    asked = {"site": "batches.example.com", "metrics": ["pageviews"], "date_range": "day"}
    assert taken
    assert gateway.admin("POST", "/v1/query", asked)["results"] == [{"pageviews": taken}]


def test_a_bound_that_the_files_of_the_journal_could_reach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="EVENT_BACKLOG_BYTES"):
        read_settings({"TALLYWAY_DATA": str(tmp_path), "TALLYWAY_EVENT_BACKLOG_BYTES": str(64 * 2**20)})
