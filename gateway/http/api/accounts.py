"""Tenants, keys and the audit log."""

from dataclasses import replace

from starlette.responses import Response

from gateway.http.body import answer, nothing
from gateway.http.endpoint import Ask
from gateway.http.schema.accounts import (
    AuditEntry,
    AuditList,
    KeyDraft,
    KeyList,
    KeyView,
    NewKey,
    TenantDraft,
    TenantList,
    TenantView,
)
from gateway.http.schema.base import PageParams, cursor
from models.errors import InvalidRequest, NotAllowed, Problem, UnknownSite

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
            problems.append(Problem(f"sites[{i}]", "there is no such site"))
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


async def list_audit(ask: Ask) -> Response:
    page = ask.query(PageParams)
    if page.after and not page.after.isdigit():
        raise InvalidRequest([Problem("cursor", "is not a cursor of this listing")])
    found = await ask.services.recorder.listed(ask.caller, int(page.after or NEWEST), page.limit + 1)
    shown = found[: page.limit]
    following = cursor(str(shown[-1].id)) if len(found) > page.limit else None
    return answer(AuditList(audit=[AuditEntry.of(row) for row in shown], next=following))
