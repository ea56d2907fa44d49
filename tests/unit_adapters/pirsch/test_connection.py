"""The bearer of calls: one token for concurrent calls, renewed early or once after a 401; access keys; errors."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.pirsch.options import PirschCredential
from fixtures.twins.pirsch import ACCESS_KEY, Client
from models.errors import (
    RateLimited,
    RefusedByBackend,
    RejectedCredentials,
    Unintelligible,
    UnsupportedQuery,
)
from models.event import Event, Received
from tests.unit_adapters.pirsch.wiring import NOW, Bench, Clock, Connect


def tokens(bench: Bench) -> int:
    return bench.twin.calls.count(("POST", "token"))


async def test_concurrent_calls_share_one_token(bench: Bench) -> None:
    await asyncio.gather(*(bench.ask(metrics=["visitors"]) for _ in range(8)))
    assert tokens(bench) == 1


async def test_a_token_is_renewed_shortly_before_it_expires(bench: Bench, clock: Clock) -> None:
    await bench.ask(metrics=["visitors"])
    clock.now = NOW + timedelta(minutes=58)
    await bench.ask(metrics=["visitors"])
    assert tokens(bench) == 1
    clock.now = NOW + timedelta(minutes=59, seconds=30)
    await bench.ask(metrics=["visitors"])
    assert tokens(bench) == 2


async def test_a_refused_token_is_renewed_once_for_all(bench: Bench) -> None:
    await bench.ask(metrics=["visitors"])
    bench.twin.tokens.clear()  # revoked at the vendor
    await asyncio.gather(*(bench.ask(metrics=["visitors"]) for _ in range(4)))
    assert tokens(bench) == 2


async def test_a_second_401_is_a_rejected_credential(bench: Bench) -> None:
    refused = (401, {"content-type": "application/json"}, b'{"error": ["no"]}')
    await bench.ask(metrics=["visitors"])
    bench.twin.fail += [refused, (200, {"content-type": "application/json"}, token("t2")), refused]
    with pytest.raises(RejectedCredentials):
        await bench.ask(metrics=["visitors"])


def token(name: str) -> bytes:
    return f'{{"access_token": "{name}", "expires_at": "2026-06-17T13:00:00.903607271Z"}}'.encode()


async def test_a_wrong_secret_is_a_rejected_credential(connect: Connect, bench: Bench) -> None:
    adapter = connect(secret="x" * 64)
    with pytest.raises(RejectedCredentials):
        await adapter.read(bench.site, bench.query(metrics=["visitors"]))
    check = await adapter.check()
    assert not check.ok
    assert check.reasons


async def test_an_access_key_sends_and_reads_nothing(connect: Connect, bench: Bench) -> None:
    adapter = connect(access_key=ACCESS_KEY)
    pageview = Event(name="pageview", time=NOW, url="https://demo.example.com/")
    assert await adapter.collect(bench.site, [pageview], Received(ip="203.0.113.1", user_agent="Firefox")) == (None,)
    assert bench.twin.calls == [("POST", "hit")]
    with pytest.raises(UnsupportedQuery, match="access key"):
        await adapter.read(bench.site, bench.query(metrics=["visitors"]))
    with pytest.raises(RefusedByBackend):
        await adapter.list_sites()
    assert bench.twin.calls == [("POST", "hit")]
    check = await adapter.check()
    assert [o for o, works in check.operations.items() if works] == ["record_events", "backdate_events"]


async def test_a_missing_scope_is_a_refusal_and_no_rejected_key(bench: Bench) -> None:
    client_id = next(iter(bench.twin.clients))
    bench.twin.clients[client_id] = Client(bench.twin.clients[client_id].secret, None, {"domains": "r"})
    with pytest.raises(RefusedByBackend):
        await bench.ask(metrics=["visitors"])


async def test_a_rate_limit_carries_its_wait(bench: Bench) -> None:
    await bench.ask(metrics=["visitors"])
    bench.twin.fail.append((429, {"retry-after": "17", "content-type": "application/json"}, b"{}"))
    with pytest.raises(RateLimited) as limited:
        await bench.ask(metrics=["visitors"])
    assert limited.value.retry_after == 17


@pytest.mark.parametrize(
    "body", [b"[1, 2]", b"{}", b"", b'{"visitors": "7", "views": 1, "sessions": 1, "bounces": 0}', b"null"]
)
async def test_another_shape_is_unintelligible(bench: Bench, body: bytes) -> None:
    await bench.ask(metrics=["visitors"])
    bench.twin.fail.append((200, {"content-type": "application/json"}, body))
    with pytest.raises(Unintelligible):
        await bench.ask(metrics=["visitors"])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"client_id": "c"},
        {"client_secret": "s"},
        {"client_id": "c", "client_secret": "s", "access_key": "pa_k"},
    ],
)
def test_a_credential_is_a_client_or_a_key(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give either"):
        PirschCredential.model_validate(given)


def test_secrets_are_not_shown() -> None:
    credential = PirschCredential.model_validate({"client_id": "c", "client_secret": "planted"})
    assert "planted" not in repr(credential)
