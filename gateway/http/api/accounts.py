"""Tenants, their keys, quotas and usage, and the audit log."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, astuple, replace
from datetime import timedelta
from io import StringIO

from starlette.responses import Response

from gateway.catalog.audit_trail import Note
from gateway.catalog.usage import COLUMNS, Quotas, UsageRow, month_of
from gateway.http.endpoint import Ask
from gateway.http.schema.accounts import (
    AuditEntry,
    AuditList,
    KeyDraft,
    KeyList,
    KeyView,
    NewKey,
    QuotasDraft,
    QuotasView,
    RotateParams,
    TenantDraft,
    TenantList,
    TenantView,
    UsageLine,
    UsageParams,
    UsageReport,
)
from gateway.http.schema.base import PageParams, cursor
from gateway.http.server.auth import TENANT_HEADER
from gateway.http.server.body import answer, nothing
from gateway.tenancy import Tenant
from models.errors import InvalidRequest, NotAllowed, NotFound, Problem, UnknownSite

NEWEST = 2**62


async def list_tenants(ask: Ask) -> Response:
    page = ask.query(PageParams)
    found = await ask.services.keyring.tenants(ask.caller, page.after, page.limit + 1)
    shown = found[: page.limit]
    following = cursor(shown[-1].id) if len(found) > page.limit else None
    return answer(TenantList(tenants=[TenantView.of(t) for t in shown], next=following))


async def create_tenant(ask: Ask) -> Response:
    draft = await ask.model(TenantDraft)
    return answer(TenantView.of(await ask.services.keyring.create_tenant(ask.caller, draft.name, draft.slug)), 201)


async def list_keys(ask: Ask) -> Response:
    page = ask.query(PageParams)
    found = await ask.services.keyring.listed(ask.caller, page.after, page.limit + 1)
    shown = found[: page.limit]
    following = cursor(shown[-1].id) if len(found) > page.limit else None
    return answer(KeyList(keys=[KeyView.of(k) for k in shown], next=following))


async def create_key(ask: Ask) -> Response:
    draft = await ask.model(KeyDraft)
    caller = ask.caller
    if draft.tenant is not None and draft.tenant not in (caller.tenant.id, caller.tenant.slug):
        if not caller.platform:
            raise NotAllowed("this key makes keys of its own tenant only")
        caller = replace(caller, tenant=await ask.services.keyring.tenant(draft.tenant))
    sites, problems = [], []
    for i, ref in enumerate(draft.sites or ()):
        try:
            sites.append((await ask.services.sites.find(caller, ref)).site.id)
        except UnknownSite:
            problems.append(UnknownSite.problem(f"sites[{i}]", ref))
    if problems:
        raise InvalidRequest(problems)
    made, key = await ask.services.keyring.create(
        caller,
        name=draft.name,
        scopes=frozenset(draft.scopes),
        sites=None if draft.sites is None else tuple(dict.fromkeys(sites)),
        expires_at=draft.expires_at,
    )
    return answer(NewKey(key=key, **KeyView.of(made).model_dump()), 201)


async def revoke_key(ask: Ask) -> Response:
    await ask.services.keyring.revoke(ask.caller, ask.path("key"))
    return nothing()


async def rotate_key(ask: Ask) -> Response:
    grace = timedelta(seconds=ask.query(RotateParams).grace_seconds)
    made, key = await ask.services.keyring.rotate(ask.caller, ask.path("key"), grace)
    return answer(NewKey(key=key, **KeyView.of(made).model_dump()), 201)


async def get_quotas(ask: Ask) -> Response:
    """A tenant's own, or anyone's for the platform; another's is not there."""
    ref, own = ask.path("tenant"), ask.caller.tenant
    if ref not in (own.id, own.slug) and not ask.caller.platform:
        raise NotFound("there is no such tenant")
    tenant = await ask.services.keyring.tenant(ref)
    return answer(QuotasView.of(tenant.id, await ask.services.meter.quotas(tenant)))


async def put_quotas(ask: Ask) -> Response:
    draft = await ask.model(QuotasDraft)
    new = Quotas(draft.sites, draft.events_per_month, draft.api_calls_per_hour)

    def noted(found: tuple[Tenant, Quotas]) -> Note:
        return Note(found[0].id, before=asdict(found[1]), after=asdict(new), tenant=found[0])

    noting = ask.services.audit.noting(ask.caller, "quotas.put", noted)
    tenant, _ = await ask.services.meter.set_quotas(noting, ask.path("tenant"), new)
    return answer(QuotasView.of(tenant.id, new))


async def usage(ask: Ask) -> Response:
    """The tenant's own; all tenants for a platform key that names none."""
    params, now = ask.query(UsageParams), month_of(ask.services.settings.clock())
    first, last = params.first or params.last or now, params.last or now
    if first > last:
        raise InvalidRequest([Problem("first", f"is after the last month, {last}")])
    everybody = ask.caller.platform and TENANT_HEADER not in ask.request.headers
    found = await ask.services.meter.usage(None if everybody else ask.caller.tenant, first, last)
    if params.format == "csv":
        return Response(_csv(found), media_type="text/csv", headers={"cache-control": "no-store"})
    return answer(UsageReport(usage=[UsageLine.model_validate(asdict(row)) for row in found]))


def _csv(found: Sequence[UsageRow]) -> str:
    text = StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows(astuple(row) for row in found)
    return text.getvalue()


async def list_audit(ask: Ask) -> Response:
    page = ask.query(PageParams)
    if page.after and not page.after.isdigit():
        raise InvalidRequest([Problem("cursor", "is not a cursor of this listing")])
    found = await ask.services.audit.listed(ask.caller, int(page.after or NEWEST), page.limit + 1)
    shown = found[: page.limit]
    following = cursor(str(shown[-1].id)) if len(found) > page.limit else None
    return answer(AuditList(audit=[AuditEntry.of(row) for row in shown], next=following))
