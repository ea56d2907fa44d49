"""What a failing server means, for every backend that calls one: each fault is one typed error, with its wait."""

import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from models.capability import Capabilities
from models.errors import (
    GatewayError,
    MissingAtBackend,
    RateLimited,
    RefusedByBackend,
    RejectedCredentials,
    TimedOut,
    Unintelligible,
    Unreachable,
)
from tests.contract.harness import NOW, ask, editions, prover, resolved

Answer = Callable[[httpx2.Request], httpx2.Response]
PLANTED = "planted-vendor-prose"


def status(code: int, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(code, json={"error": PLANTED}, headers=names)


def body(content: bytes, media: str = "application/json") -> Answer:
    return lambda request: httpx2.Response(200, content=content, headers={"content-type": media})


def fault(kind: type[httpx2.RequestError]) -> Answer:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise kind(PLANTED)

    return fail


FAULTS: dict[str, tuple[Answer, type[GatewayError]]] = {
    "401": (status(401), RejectedCredentials),
    "402": (status(402), RefusedByBackend),
    "403": (status(403), RejectedCredentials),
    "404": (status(404), MissingAtBackend),
    "400": (status(400), RefusedByBackend),
    "429": (status(429), RateLimited),
    "500": (status(500), Unreachable),
    "503": (status(503), Unreachable),
    "504": (status(504), TimedOut),
    "redirect": (status(302, location="http://169.254.169.254/"), Unintelligible),
    "timeout": (fault(httpx2.ReadTimeout), TimedOut),
    "refused": (fault(httpx2.ConnectError), Unreachable),
    "cut off": (fault(httpx2.RemoteProtocolError), Unintelligible),
    "html": (body(b"<html>login</html>", "text/html"), Unintelligible),
    "truncated": (body(b'{"results": [{"dim'), Unintelligible),
    "empty": (body(b""), Unintelligible),
    "error in 200": (body(json.dumps({"error": PLANTED}).encode()), Unintelligible),
    "other shape": (body(b"[1, 2, 3]"), Unintelligible),
    "texts for numbers": (
        body(b'{"results": [{"dimensions": [], "metrics": ["7"], "visitors": "7"}], "meta": {}}'),
        Unintelligible,
    ),
}

EDITIONS = editions()


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("can", EDITIONS, ids=lambda can: can.name)
async def test_a_fault_is_one_typed_error(can: Capabilities, name: str) -> None:
    harness = prover(can)
    answer, usual = FAULTS[name]
    opening = harness.open_over(can, answer)
    if opening is None:
        pytest.skip("this backend calls nobody")
    async with opening as opened:
        with pytest.raises(GatewayError) as caught:
            await ask(opened, resolved({"metrics": ["visitors"]}, opened.site))
    assert type(caught.value) is harness.errors.get(name, usual)
    assert caught.value.backend == can.backend
    assert PLANTED not in str(caught.value)


WAITS = {
    "seconds": ("30", 30.0),
    "date": (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120.0),
    "none": ("", None),
}


@pytest.mark.parametrize("form", WAITS)
@pytest.mark.parametrize("can", EDITIONS, ids=lambda can: can.name)
async def test_a_rate_limit_carries_the_wait_it_names(can: Capabilities, form: str) -> None:
    header, seconds = WAITS[form]
    opening = prover(can).open_over(can, status(429, retry_after=header))
    if opening is None:
        pytest.skip("this backend calls nobody")
    async with opening as opened:
        with pytest.raises(RateLimited) as caught:
            await ask(opened, resolved({"metrics": ["visitors"]}, opened.site))
    assert caught.value.retry_after == seconds
