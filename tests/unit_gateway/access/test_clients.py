"""Clients of vendor-shaped APIs: tokens end, deletions hold in every process, codes name one site."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.access.clients import Clients, TokenEnded
from gateway.catalog import Catalog
from gateway.catalog import sites as rows
from gateway.catalog.audit_trail import AuditTrail
from gateway.catalog.clients import ClientKind
from gateway.catalog.vault import Vault
from gateway.tenancy import BUILT_IN, DEFAULT_TENANT, Caller, KeyScope, SiteRecord, Tenant
from models.errors import NotAllowed, NotAuthenticated
from models.site import Site

START = datetime(2026, 6, 8, 12, 0, tzinfo=UTC)
TENANT = Tenant(DEFAULT_TENANT)
OWNER = Caller(TENANT, "key_owner", frozenset({KeyScope.ADMIN}))
RECORD = SiteRecord(Site(id="site_1", domain="example.com"), DEFAULT_TENANT, BUILT_IN, "local")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path)
    opened.run_now(rows.create, TENANT, RECORD, START)
    yield opened
    opened.close()


def process(catalog: Catalog, clock: Clock, remembered_seconds: float = 0) -> Clients:
    """One process of an installation; all share catalog and vault key."""
    return Clients(
        catalog=catalog,
        vault=Vault([bytes(32)]),
        audit=AuditTrail(catalog, clock),
        now=clock,
        remembered_seconds=remembered_seconds,
    )


async def test_a_token_ends_after_an_hour(catalog: Catalog, clock: Clock) -> None:
    clients = process(catalog, clock)
    made, secret = await clients.create(OWNER, RECORD)
    token = await clients.token(made.id, secret)
    assert token.expires_at == START + timedelta(hours=1)
    clock.now = START + timedelta(minutes=59, seconds=59)
    assert (await clients.caller(token.text)).sites == frozenset({"site_1"})
    clock.now = START + timedelta(hours=1)
    with pytest.raises(NotAuthenticated):
        await clients.caller(token.text)


async def test_every_process_takes_the_token_until_the_client_is_deleted(catalog: Catalog, clock: Clock) -> None:
    one, other = process(catalog, clock), process(catalog, clock)
    made, secret = await one.create(OWNER, RECORD, scopes=(KeyScope.READ,))
    token = await one.token(made.id, secret)
    assert (await other.caller(token.text)).scopes == frozenset({KeyScope.READ})
    await one.delete(OWNER, made.id)
    with pytest.raises(NotAuthenticated):
        await other.caller(token.text)


async def test_a_look_up_is_remembered_for_a_while(catalog: Catalog, clock: Clock) -> None:
    clients = process(catalog, clock, remembered_seconds=5)
    _, key = await clients.create(OWNER, RECORD, kind=ClientKind.KEY)
    assert await clients.caller(key) == await clients.caller(key)
    with pytest.raises(NotAuthenticated):
        await clients.caller("pa_" + "x" * 45)


async def test_another_vault_key_opens_no_token(catalog: Catalog, clock: Clock) -> None:
    clients = process(catalog, clock)
    made, secret = await clients.create(OWNER, RECORD)
    token = await clients.token(made.id, secret)
    stranger = Clients(
        catalog=catalog,
        vault=Vault([b"\1" * 32]),
        audit=AuditTrail(catalog, clock),
        now=clock,
        remembered_seconds=0,
    )
    for text in (token.text, "", "x", "é", "A" * 5000, token.text[:-4]):
        with pytest.raises(NotAuthenticated):
            await stranger.caller(text)


async def test_a_code_names_one_site_and_is_no_client(catalog: Catalog, clock: Clock) -> None:
    clients = process(catalog, clock)
    code = await clients.code_of(RECORD)
    assert await clients.code_of(RECORD) == code
    found = await clients.site_of_code(code)
    assert found is not None
    assert (found[0].id, found[1]) == (DEFAULT_TENANT, "site_1")
    made, secret = await clients.create(OWNER, RECORD)
    assert await clients.site_of_code(made.id) is None
    with pytest.raises(NotAuthenticated):
        await clients.token(code, secret)


async def test_nobody_makes_a_client_that_may_more_than_himself(catalog: Catalog, clock: Clock) -> None:
    clients = process(catalog, clock)
    modest = Caller(TENANT, "key_modest", frozenset({KeyScope.MANAGE_SITES, KeyScope.READ}))
    with pytest.raises(NotAllowed):
        await clients.create(modest, RECORD, scopes=(KeyScope.INGEST,))
    with pytest.raises(NotAllowed):
        await clients.create(modest, RECORD, kind=ClientKind.KEY)
    with pytest.raises(NotAllowed):
        await clients.create(modest, None, scopes=(KeyScope.READ,))
    limited = Caller(TENANT, "key_limited", frozenset({KeyScope.ADMIN}), frozenset({"site_1"}))
    with pytest.raises(NotAllowed):
        await clients.create(limited, None)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_secrets_are_kept_as_digests(catalog: Catalog, clock: Clock, tmp_path: Path) -> None:
    clients = process(catalog, clock)
    _, secret = await clients.create(OWNER, RECORD)
    _, key = await clients.create(OWNER, RECORD, kind=ClientKind.KEY)
    kept = everything_in(tmp_path)
    assert secret.encode() not in kept
    assert key.encode() not in kept


async def test_a_code_that_is_too_long_to_be_one_is_neither_looked_up_nor_remembered(
    catalog: Catalog, clock: Clock
) -> None:
    clients = process(catalog, clock, remembered_seconds=5)
    assert await clients.site_of_code("c" * 900_000) is None
    assert not clients._known
    assert (await clients.site_of_code(await clients.code_of(RECORD))) is not None


async def test_a_token_that_has_ended_is_told_from_one_that_never_was(catalog: Catalog, clock: Clock) -> None:
    clients = process(catalog, clock)
    made, secret = await clients.create(OWNER, RECORD)
    token = await clients.token(made.id, secret)
    clock.now += timedelta(hours=2)
    with pytest.raises(TokenEnded):
        await clients.caller(token.text)
    with pytest.raises(NotAuthenticated) as caught:
        await clients.caller("no-token-of-ours")
    assert not isinstance(caught.value, TokenEnded)
