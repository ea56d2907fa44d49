"""A gateway in front of vendors only: nobody without a key makes it start the event store, which costs 300 MB."""

from pathlib import Path

import httpx2
import pytest
from starlette.routing import Route

from gateway.app import create_app
from gateway.http.openapi import PARAMETER
from gateway.settings import Settings


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_request_without_a_key_starts_the_event_store(tmp_path: Path, method: str) -> None:
    app = create_app(Settings(data=tmp_path, log_level="error"))
    asking = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://x")
    payload = b'{"n":"pageview","u":"https://a.example/","d":"a.example","website_id":"a.example","type":"pageview"}'
    async with app.router.lifespan_context(app), asking:
        for route in app.routes:
            assert isinstance(route, Route)
            if method in (route.methods or ()):
                path = PARAMETER.sub("nothing", route.path)
                content = payload if method == "POST" else b""
                answer = await asking.request(method, path, content=content)
                assert answer.status_code < 500, path
                assert not (tmp_path / "local").exists(), path
        if method == "GET":
            health = await asking.get("/sparklytics/health")
            assert (health.status_code, health.json()["status"]) == (200, "ok")
            assert (await asking.get("/plausible/api/health")).json()["clickhouse"] == "ok"
