"""Who a key belongs to: found by its prefix, compared by its digest, remembered for seconds."""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cachetools import TTLCache

from gateway.access.rate_limit import UNLIMITED, RateLimit
from gateway.catalog import Catalog
from gateway.catalog import keys as rows
from gateway.catalog import tenants as tenant_rows
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.catalog.keys import KeyRecord
from gateway.tenancy import DEFAULT_TENANT, Caller, KeyScope, Tenant
from models.errors import NotAllowed, NotAuthenticated

REMEMBERED = 10_000
USE_NOTED_EVERY = timedelta(minutes=1)
OPERATOR = "operator"
"""Name of the key that comes from the settings; it has no row."""
OPERATING = Caller(Tenant(DEFAULT_TENANT, DEFAULT_TENANT, "Default"), OPERATOR, platform=True)


class Keyring:
    """Authenticates keys and hands out new ones."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        audit: AuditTrail,
        now: Callable[[], datetime],
        operator_key: str | None,
        remembered_seconds: float,
        pace: RateLimit = UNLIMITED,
    ) -> None:
        self._pace = pace
        self._catalog, self._audit, self._now = catalog, audit, now
        self._operator = None if operator_key is None else hashlib.sha256(operator_key.encode()).digest()
        self.changes = 0
        """Grows when a key was changed by this process."""
        self._known: TTLCache[bytes, tuple[KeyRecord, Caller]] = TTLCache(REMEMBERED, remembered_seconds)

    async def caller(self, key: str, tenant_ref: str | None = None) -> Caller:
        """Who presents the key. Platform keys may name another tenant to act on.

        Raises NotAuthenticated for a key that is unknown, revoked or expired, NotAllowed for a tenant it cannot act on,
        NotFound for a tenant that is not there.
        """
        digest = rows.digest_of(key)
        if self._operator is not None and hmac.compare_digest(digest, self._operator):
            caller = OPERATING
        else:
            caller = await self._from_row(key, digest)
        if tenant_ref is None or tenant_ref in (caller.tenant.id, caller.tenant.slug):
            return caller
        if not caller.platform:
            raise NotAllowed("this key acts on its own tenant only")
        return replace(caller, tenant=await self._catalog.run(tenant_rows.get, tenant_ref))

    async def _from_row(self, key: str, digest: bytes) -> Caller:
        known = self._known.get(digest)
        if known is None:
            found = await self._catalog.run(rows.matching, key)
            if found is None:
                raise NotAuthenticated("this API key is not known")
            known = self._known[digest] = (found[0], _caller(*found))
            await self._note_use(found[0])
        record, caller = known
        if record.revoked_at is not None:
            raise NotAuthenticated("this API key was revoked")
        if record.expires_at is not None and record.expires_at <= self._now():
            raise NotAuthenticated("this API key has expired")
        return caller

    async def _note_use(self, record: KeyRecord) -> None:
        now = self._now()
        if record.last_used_at is None or now - record.last_used_at >= USE_NOTED_EVERY:
            await self._catalog.run(rows.used, record.id, now)

    async def create(
        self,
        caller: Caller,
        *,
        name: str,
        scopes: Iterable[KeyScope],
        sites: tuple[str, ...] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[KeyRecord, str]:
        """A new key of the caller's tenant, and its secret, this once. Raises NotAllowed, TooManyRequests."""
        caller.require(KeyScope.ADMIN)
        if not caller.platform:
            self._pace.take(caller.tenant.id)
        return await self._audit.noting(caller, "key.create", lambda made: created(made[0])).run(
            rows.create, caller.tenant, name=name, scopes=scopes, now=self._now(), sites=sites, expires_at=expires_at
        )

    async def listed(self, caller: Caller, after: str, limit: int) -> tuple[KeyRecord, ...]:
        caller.require(KeyScope.ADMIN)
        return await self._catalog.run(rows.listed, caller.tenant, after, limit)

    async def revoke(self, caller: Caller, key_id: str) -> KeyRecord:
        """The key stops working at once here, and within seconds in other processes. Raises NotFound."""
        caller.require(KeyScope.ADMIN)
        old = await self._reachable(caller, key_id)
        noting = self._audit.noting(caller, "key.revoke", Note(key_id, before=public(old)))
        revoked = await noting.run(rows.revoke, caller.tenant, key_id, self._now())
        self._known.clear()
        self.changes += 1
        return revoked

    async def rotate(self, caller: Caller, key_id: str, grace: timedelta) -> tuple[KeyRecord, str]:
        """A new key in the place of an old one, which works on for the grace. Raises NotFound, Conflict, NotAllowed."""
        caller.require(KeyScope.ADMIN)
        before, seconds = public(await self._reachable(caller, key_id)), grace.total_seconds()
        if not caller.platform:
            self._pace.take(caller.tenant.id)
        noting = self._audit.noting(
            caller,
            "key.rotate",
            lambda made: Note(key_id, before, public(made[0]) | {"key": made[0].id, "grace": seconds}),
        )
        now = self._now()
        made, key = await noting.run(rows.replaced, caller.tenant, key_id, now, now + grace)
        self._known.clear()
        self.changes += 1
        return made, key

    async def _reachable(self, caller: Caller, key_id: str) -> KeyRecord:
        """A key that the caller may end. Raises NotFound, NotAllowed."""
        found = await self._catalog.run(rows.get, caller.tenant, key_id)
        if found.platform and not caller.platform:
            raise NotAllowed("only a platform administrator may do this")
        return found

    async def tenants(self, caller: Caller, after: str, limit: int) -> tuple[Tenant, ...]:
        """Every tenant for a platform key, its own for any other."""
        if not caller.platform:
            return () if after >= caller.tenant.id else (caller.tenant,)
        return await self._catalog.run(tenant_rows.listed, after, limit)

    async def create_tenant(self, caller: Caller, name: str, slug: str) -> Tenant:
        """Raises NotAllowed unless the key stands above tenants, AlreadyExists."""
        if not caller.platform:
            raise NotAllowed("only a platform administrator creates tenants")
        noting = self._audit.noting(
            caller, "tenant.create", lambda made: Note(made.id, after={"name": name, "slug": slug}, tenant=made)
        )
        return await noting.run(tenant_rows.create, name, slug, self._now())

    async def tenant(self, ref: str) -> Tenant:
        """Raises NotFound."""
        return await self._catalog.run(tenant_rows.get, ref)


def public(record: KeyRecord) -> dict[str, Any]:
    """What is digested of a key."""
    return {
        "name": record.name,
        "scopes": list(record.scopes),
        "sites": None if record.sites is None else list(record.sites),
        "platform": record.platform,
        "expires_at": None if record.expires_at is None else record.expires_at.isoformat(),
    }


def created(made: KeyRecord) -> Note:
    """The row of a new key."""
    return Note(made.id, after=public(made))


def _caller(record: KeyRecord, tenant: Tenant) -> Caller:
    sites = None if record.sites is None else frozenset(record.sites)
    return Caller(tenant, record.id, frozenset(record.scopes), sites, record.platform)
