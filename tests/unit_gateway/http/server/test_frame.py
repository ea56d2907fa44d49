"""What surrounds a request: an answer when the code fails, the Host header, the id."""

import json

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.server.access_log import AccessLog
from gateway.http.server.frame import Frame


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the password is hunter2")


async def working(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("fine")(scope, receive, send)


async def asked(app: ASGIApp, host: str = "stats.example.com", *, https: bool = False) -> httpx2.Response:
    framed = Frame(app, access=AccessLog(), hosts=("stats.example.com", "[::1]"), https=https)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=framed), base_url="http://x") as client:
        return await client.get("/v1/sites", headers={"Host": host})


async def test_code_that_fails_is_answered_with_an_id_and_no_detail() -> None:
    answer = await asked(broken)
    document = json.loads(answer.content)
    assert (answer.status_code, document["code"]) == (500, "internal_error")
    assert document["request_id"] == answer.headers["x-request-id"]
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("host", ["stats.example.com", "stats.example.com:8000", "[::1]:8000", "[::1]"])
async def test_a_known_host_is_answered_with_and_without_its_port(host: str) -> None:
    assert (await asked(working, host)).text == "fine"


async def test_an_unknown_host_is_refused() -> None:
    answer = await asked(working, "evil.example.com")
    assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")


@pytest.mark.parametrize("https", [True, False])
async def test_transport_security_is_promised_only_where_the_service_is_reached_by_tls(https: bool) -> None:
    answer = await asked(working, https=https)
    assert ("strict-transport-security" in answer.headers) is https
