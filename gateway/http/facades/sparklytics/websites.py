"""Websites: create, list, get, update, delete, share (contracts: Sparklytics 4.1; seed 002)."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from adapters.domain import DomainError, clean_domain
from gateway.http.facades.sparklytics.dialect import Call, Refused, invalid
from gateway.http.server.body import answer, nothing, read_json
from gateway.http.server.origin import origin_of
from gateway.tenancy import KeyScope, SiteRecord
from models.link import SharedLinkDraft
from models.period import is_zone
from models.site import SiteChange, SiteDraft

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
MANY = 100_000
LINK = "Shared website"
"""The vendor has one link per website and no name for it; this is its name among ours."""


async def list_websites(call: Call) -> Response:
    """`GET /api/websites`, by id; a limit out of range is clamped."""
    given = call.request.query_params
    limit = _limit(given.get("limit", ""))
    found = sorted((await call.services.sites.listed(call.caller, limit=MANY)).sites, key=lambda r: r.site.id)
    rest = [r for r in found if r.site.id > given.get("cursor", "")]
    page, more = rest[:limit], len(rest) > limit
    paging = {
        "total": len(found),
        "limit": limit,
        "cursor": page[-1].site.id if more else None,
        "has_more": more,
    }
    return answer({"data": [await _listed(call, record) for record in page], "pagination": paging})


def _limit(text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isdecimal():
        return DEFAULT_LIMIT
    return 1 if text.startswith("-") else max(1, min(int(digits[:6]), MAX_LIMIT))


async def create_website(call: Call) -> Response:
    """`POST /api/websites`: 201."""
    given = await _body(call, required=("name", "domain"))
    draft = SiteDraft(domain=given["domain"], timezone=given.get("timezone", "UTC"), name=given["name"])
    record = await call.services.site_changes.create(call.caller, draft)
    site = record.site
    data = {
        "id": site.id,
        "tenant_id": None,
        "name": site.name,
        "domain": site.domain,
        "timezone": site.timezone,
        "tracking_snippet": _snippet(call, record),
        "created_at": _time(site.created_at),
    }
    return answer({"data": data}, 201)


async def get_website(call: Call) -> Response:
    """`GET /api/websites/{id}`."""
    record = await call.website()
    return answer({"data": await _listed(call, record) | {"tracking_snippet": _snippet(call, record)}})


async def update_website(call: Call) -> Response:
    """`PUT /api/websites/{id}`: only given fields change."""
    record = await call.website()
    given = await _body(call)
    change = SiteChange(name=given.get("name"), domain=given.get("domain"), timezone=given.get("timezone"))
    site = (await call.services.site_changes.change(call.caller, record, change)).site
    now = call.services.settings.clock()
    data = {"id": site.id, "name": site.name, "domain": site.domain, "timezone": site.timezone}
    return answer({"data": data | {"updated_at": _time(now)}})


async def delete_website(call: Call) -> Response:
    """`DELETE /api/websites/{id}`: 204."""
    await call.services.site_changes.delete(call.caller, await call.website())
    return nothing()


async def share_website(call: Call) -> Response:
    """`POST /api/websites/{id}/share`: idempotent, always 201."""
    record = await call.website()
    link = await call.services.links.put(call.caller, record, SharedLinkDraft(name=LINK))
    return answer({"data": {"share_id": link.id, "share_url": link.url}}, 201)


async def unshare_website(call: Call) -> Response:
    """`DELETE /api/websites/{id}/share`: 204, or 404 where there is none."""
    record = await call.website()
    found = next((link for link in await call.services.links.listed(record) if link.name == LINK), None)
    if found is None:
        raise Refused(404, "not_found", "Sharing is not enabled")
    await call.services.links.delete(call.caller, record, found.id)
    return nothing()


async def _body(call: Call, required: tuple[str, ...] = ()) -> dict[str, str]:
    """The fields of a website, each checked by the vendor's rules. Raises Refused."""
    value = read_json(await call.request.body())
    if not isinstance(value, dict):
        raise invalid("Request body must be an object")
    for name in required:
        if value.get(name) is None:
            raise invalid(f"{name} is required", name)
    given = {name: value[name] for name in ("name", "domain", "timezone") if value.get(name) is not None}
    for name, text in given.items():
        if not isinstance(text, str):
            raise invalid(f"{name} must be a string", name)
    if "name" in given and not given["name"].strip():
        raise invalid("Name must not be empty", "name")
    if "domain" in given:
        given["domain"] = _domain(given["domain"])
    if "timezone" in given and not is_zone(given["timezone"]):
        raise invalid("Invalid timezone", "timezone")
    return given


def _domain(text: str) -> str:
    try:
        return clean_domain(text)
    except DomainError as error:
        raise invalid(f"Invalid domain: {error}", "domain") from None


async def _listed(call: Call, record: SiteRecord) -> dict[str, Any]:
    site = record.site
    created: Any = _time(site.created_at)
    return {
        "id": site.id,
        "tenant_id": None,
        "name": site.name or site.domain,
        "domain": site.domain,
        "timezone": site.timezone,
        "share_id": await _share_id(call, record),
        "created_at": created,
        "updated_at": created,
    }


async def _share_id(call: Call, record: SiteRecord) -> str | None:
    """What opens the public page: told to those who may make it, as everywhere."""
    if not call.caller.may(KeyScope.MANAGE_SITES) or not await call.services.links.can_list(record):
        return None
    links = await call.services.links.listed(record)
    return next((link.id for link in links if link.name == LINK), None)


def _snippet(call: Call, record: SiteRecord) -> str:
    base = origin_of(call.request, call.services.settings)
    return f'<script defer src="{base}/sparklytics/s.js" data-website-id="{record.site.id}"></script>'


def _time(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
