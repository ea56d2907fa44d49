"""Clients of vendor-shaped APIs: credentials in the vendor's form, each one for a site or for all of a tenant's.

A client changes id and secret for a token that ends by itself. Tokens are sealed, not stored: any process can open
them, and a client that was deleted is refused whatever token it still holds.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cachetools import TTLCache

from gateway.access.rate_limit import UNLIMITED, RateLimit
from gateway.catalog import Catalog
from gateway.catalog import clients as rows
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.catalog.clients import CODE_LENGTH, KEY_MARK, ClientKind, ClientRecord
from gateway.catalog.vault import Vault
from gateway.tenancy import Caller, KeyScope, SiteRecord, Tenant
from models.errors import ConfigurationError, NotAuthenticated, NotFound

TOKEN_LASTS = timedelta(hours=1)
REMEMBERED = 10_000
LONGEST_TOKEN = 1024
SEALED_FOR = "client token"
USE_NOTED_EVERY = timedelta(minutes=1)
Found = tuple[ClientRecord, Tenant] | None


class TokenEnded(NotAuthenticated):
    """A token of ours whose hour is over: the client asks for another one, and guesses nothing."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a client sends as its Bearer from now on."""

    text: str
    expires_at: datetime


class Clients:
    """Hands out clients and finds out who presents a token, a key or a code."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        vault: Vault,
        audit: AuditTrail,
        now: Callable[[], datetime],
        remembered_seconds: float,
        pace: RateLimit = UNLIMITED,
    ) -> None:
        self._pace = pace
        self._catalog, self._vault, self._audit, self._now = catalog, vault, audit, now
        self._known: TTLCache[str, Found] = TTLCache(REMEMBERED, remembered_seconds)

    async def create(
        self,
        caller: Caller,
        record: SiteRecord | None,
        *,
        kind: ClientKind = ClientKind.OAUTH,
        scopes: Iterable[KeyScope] = (KeyScope.READ, KeyScope.INGEST),
        description: str = "",
    ) -> tuple[ClientRecord, str]:
        """A client of the site, or of all sites, and its secret, this once.

        Raises NotAllowed: a client cannot do what its maker may not; TooManyRequests.
        """
        wanted = (KeyScope.INGEST,) if kind is ClientKind.KEY else tuple(scopes)
        for scope in (KeyScope.MANAGE_SITES, *wanted):
            caller.require(scope)
        if record is None:
            caller.require(KeyScope.ADMIN)
            caller.require_whole()
        if not caller.platform:
            self._pace.take(caller.tenant.id)
        site = None if record is None else record.site.id
        noting = self._audit.noting(caller, "client.create", lambda made: Note(made[0].id, after=_public(made[0])))
        return await noting.run(
            rows.create,
            caller.tenant,
            site=site,
            kind=kind,
            scopes=wanted,
            description=description,
            now=self._now(),
        )

    async def listed(self, caller: Caller, record: SiteRecord | None) -> tuple[ClientRecord, ...]:
        """Without secrets."""
        caller.require(KeyScope.MANAGE_SITES)
        return await self._catalog.run(rows.listed, caller.tenant, None if record is None else record.site.id)

    async def describe(self, caller: Caller, client_id: str, description: str) -> ClientRecord:
        """Raises NotFound."""
        before = _public(await self._within_reach(caller, client_id))
        noting = self._audit.noting(caller, "client.change", lambda changed: Note(client_id, before, _public(changed)))
        return await noting.run(rows.describe, caller.tenant, client_id, description)

    async def delete(self, caller: Caller, client_id: str) -> None:
        """Its tokens stop working at once here, within seconds in other processes. Raises NotFound."""
        note = Note(client_id, before=_public(await self._within_reach(caller, client_id)))
        await self._audit.noting(caller, "client.delete", note).run(rows.delete, caller.tenant, client_id)
        self._known.clear()

    async def _within_reach(self, caller: Caller, client_id: str) -> ClientRecord:
        """Raises NotFound, NotAllowed."""
        caller.require(KeyScope.MANAGE_SITES)
        found = await self._catalog.run(rows.get, caller.tenant, client_id)
        if found.site is None:
            caller.require(KeyScope.ADMIN)
            caller.require_whole()
        elif not caller.sees(found.site):
            raise NotFound("there is no such client")
        return found

    async def token(self, client_id: str, secret: str) -> Token:
        """Raises NotAuthenticated."""
        found = await self._catalog.run(rows.with_secret, client_id, secret)
        if found is None:
            raise NotAuthenticated("client id or secret is wrong")
        now = self._now()
        expires = now.replace(microsecond=0) + TOKEN_LASTS
        sealed = self._vault.seal(f"{found[0].id} {int(expires.timestamp())}".encode(), SEALED_FOR)
        return Token(urlsafe_b64encode(sealed).decode().rstrip("="), expires)

    async def _note_use(self, record: ClientRecord, now: datetime) -> None:
        if record.last_used_at is None or now - record.last_used_at >= USE_NOTED_EVERY:
            await self._catalog.run(rows.used, record.id, now)

    async def caller(self, bearer: str) -> Caller:
        """Who presents a token or a key. Raises NotAuthenticated, TokenEnded."""
        found = await (self._of_key(bearer) if bearer.startswith(KEY_MARK) else self._of_token(bearer))
        if found is None:
            raise NotAuthenticated("the access token is not valid")
        record, tenant = found
        sites = None if record.site is None else frozenset({record.site})
        return Caller(tenant, record.id, frozenset(record.scopes), sites)

    async def _of_key(self, key: str) -> Found:
        return await self._remembered(rows.digest_of(key).hex(), lambda: self._catalog.run(rows.with_key, key))

    async def _of_token(self, token: str) -> Found:
        client_id, expires = self._opened(token)
        if client_id and expires <= self._now().timestamp():
            raise TokenEnded("the access token has ended")
        if not client_id:
            return None
        return await self._remembered(client_id, lambda: self._catalog.run(rows.by_id, client_id))

    async def _remembered(self, name: str, look: Callable[[], Awaitable[Found]]) -> Found:
        """What was found a moment ago, or is found now; strangers are remembered too."""
        try:
            return self._known[name]
        except KeyError:
            found = self._known[name] = await look()
        if found is not None:
            await self._note_use(found[0], self._now())
        return found

    def _opened(self, token: str) -> tuple[str, int]:
        """Client id and expiry of a token of ours; nobody and the past for any other text."""
        if len(token) > LONGEST_TOKEN:
            return "", 0
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            client_id, _, expires = self._vault.open(sealed, SEALED_FOR).decode().partition(" ")
        except (NotBase64, ValueError, ConfigurationError):
            return "", 0
        return client_id, int(expires)

    async def site_of_code(self, code: str) -> tuple[Tenant, str] | None:
        """Tenant and site id that a public code stands for."""
        if len(code) > CODE_LENGTH:
            return None
        found = await self._remembered(f"code {code}", lambda: self._catalog.run(rows.by_id, code))
        if found is None or found[0].kind is not ClientKind.CODE or found[0].site is None:
            return None
        return found[1], found[0].site

    async def code_of(self, record: SiteRecord) -> str:
        """The site's public code."""
        return await self._catalog.run(rows.code_of, Tenant(record.tenant), record.site.id, self._now())

    async def renew_code(self, caller: Caller, record: SiteRecord) -> str:
        """A new public code; pages that carry the old one are no longer counted."""
        caller.require(KeyScope.MANAGE_SITES)
        before = await self.code_of(record)
        noting = self._audit.noting(caller, "client.renew_code", lambda code: Note(record.site.id, before, code))
        code = await noting.run(rows.renew_code, caller.tenant, record.site.id, self._now())
        self._known.clear()
        return code


def _public(record: ClientRecord) -> dict[str, Any]:
    """What is digested of a client."""
    return {
        "site": record.site,
        "kind": record.kind,
        "scopes": list(record.scopes),
        "description": record.description,
    }
