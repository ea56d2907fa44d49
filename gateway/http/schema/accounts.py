"""Tenants, keys, connections, the audit log."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from gateway.catalog.audit import AuditRow
from gateway.catalog.connections import ConnectionRecord
from gateway.catalog.keys import KeyRecord
from gateway.catalog.usage import Quotas
from gateway.http.schema.base import Given, Told
from gateway.tenancy import KeyScope, Tenant


class TenantDraft(Given):
    name: str = Field(min_length=1, max_length=200)
    slug: str = Field(pattern="^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")


class TenantView(Told):
    id: str
    slug: str
    name: str

    @classmethod
    def of(cls, tenant: Tenant) -> "TenantView":
        return cls(id=tenant.id, slug=tenant.slug, name=tenant.name)


class TenantList(Told):
    tenants: list[TenantView]
    next: str | None


def _of_these_times(moment: datetime) -> datetime:
    """Raises ValueError for times whose UTC form leaves the calendar."""
    if not 1970 <= moment.year <= 9000:
        raise ValueError("must be between the years 1970 and 9000")
    return moment


class KeyDraft(Given):
    """`sites` limits the key to ids or domains; `tenant` is for platform administrators."""

    name: str = Field(min_length=1, max_length=200)
    scopes: list[KeyScope] = Field(min_length=1, max_length=len(KeyScope))
    sites: list[str] | None = Field(default=None, min_length=1, max_length=1000)
    tenant: str | None = Field(default=None, max_length=100)
    expires_at: Annotated[AwareDatetime, AfterValidator(_of_these_times)] | None = None


class KeyView(Told):
    """`prefix` is the public part of the key."""

    id: str
    name: str
    prefix: str
    tenant: str
    scopes: list[KeyScope]
    sites: list[str] | None
    platform: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, record: KeyRecord) -> "KeyView":
        return cls.model_validate({name: getattr(record, name) for name in cls.model_fields})


class NewKey(KeyView):
    """The only answer that ever shows the key."""

    key: str


class KeyList(Told):
    keys: list[KeyView]
    next: str | None


class RotateParams(Given):
    """The old key goes on working for `grace_seconds`, at most a week; 0 ends it at once."""

    grace_seconds: int = Field(default=0, ge=0, le=604_800)


Quota = Annotated[int | None, Field(ge=0, le=10**15)]


class QuotasDraft(Given):
    """What a tenant may use at most; null or absent for no limit. Months and hours are those of UTC."""

    sites: Quota = None
    events_per_month: Quota = None
    api_calls_per_hour: Quota = None


class QuotasView(Told):
    tenant: str
    sites: int | None
    events_per_month: int | None
    api_calls_per_hour: int | None

    @classmethod
    def of(cls, tenant: str, quotas: Quotas) -> "QuotasView":
        return cls(tenant=tenant, **asdict(quotas))


Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class UsageParams(Given):
    """Months in UTC, both inclusive; without them, the present one."""

    format: Literal["json", "csv"] = "json"
    first: Month | None = None
    last: Month | None = None


class UsageLine(Told):
    """`site` is empty for calls about no single site; `domain` is empty for sites that are gone."""

    tenant: str
    site: str
    domain: str
    month: str
    events: int
    api_calls: int
    vendor_calls: int


class UsageReport(Told):
    usage: list[UsageLine]


class ConnectionDraft(Given):
    """`options` and `credential` are the backend's own; GET /v1/capabilities names the backends."""

    name: str = Field(default="", max_length=200)
    backend: str = Field(max_length=60)
    options: dict[str, Any] = Field(default_factory=dict)
    credential: dict[str, Any] | None = Field(default=None, description="Write-only")


class ConnectionChange(Given):
    """What is absent stays; other options with another address wipe the credential unless it comes along."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    options: dict[str, Any] | None = None
    credential: dict[str, Any] | None = Field(default=None, description="Write-only")


class ConnectionView(Told):
    id: str
    name: str
    backend: str
    edition: str
    options: dict[str, Any]
    has_credential: bool
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def of(cls, record: ConnectionRecord, edition: str) -> "ConnectionView":
        return cls(
            id=record.id,
            name=record.name,
            backend=record.backend,
            edition=edition,
            options=dict(record.options),
            has_credential=record.credential is not None,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


class ConnectionList(Told):
    connections: list[ConnectionView]
    next: str | None


class CheckView(Told):
    """What the backend let us do when we tried."""

    ok: bool
    account: str
    operations: dict[str, bool]
    reasons: list[str]


class AuditEntry(Told):
    """`before` and `after` are SHA-256 digests. `outcome` is `unknown` where a backend's answer was lost."""

    id: int
    at: str
    key: str
    action: str
    object: str
    before: str | None
    after: str | None
    outcome: str

    @classmethod
    def of(cls, row: AuditRow) -> "AuditEntry":
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class AuditList(Told):
    audit: list[AuditEntry]
    next: str | None
