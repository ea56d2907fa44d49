"""Websites: create, list, get, update, delete, share (contracts: Sparklytics 4.1; seed 002)."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from adapters.domain import DomainError, clean_domain
from gateway.http.endpoint import Ask
from gateway.http.facades.sparklytics.wording import invalid, refused
from gateway.http.server.body import answer, nothing
from gateway.tenancy import KeyScope, SiteRecord
from models.link import SharedLinkDraft
from models.period import is_zone
from models.site import SiteChange, SiteDraft

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
MANY = 100_000
LINK = "Shared website"
"""The vendor has one link per website and no name for it (2026-04, contract 4.1); this is its name among ours."""


async def list_websites(ask: Ask) -> Response:
    """`GET /api/websites`, by id; a limit out of range is clamped (source of 2026-04-12, contract 3)."""
    given = ask.request.query_params
    limit = _limit(given.get("limit", ""))
    found = sorted((await ask.services.sites.listed(ask.caller, limit=MANY)).sites, key=lambda r: r.site.id)
    rest = [r for r in found if r.site.id > given.get("cursor", "")]
    page, more = rest[:limit], len(rest) > limit
    paging = {
        "total": len(found),
        "limit": limit,
        "cursor": page[-1].site.id if more else None,
        "has_more": more,
    }
    return answer({"data": [await _listed(ask, record) for record in page], "pagination": paging})


def _limit(text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isdecimal():
        return DEFAULT_LIMIT
    return 1 if text.startswith("-") else max(1, min(int(digits[:6]), MAX_LIMIT))


async def create_website(ask: Ask) -> Response:
    """`POST /api/websites`: 201."""
    given = await _body(ask, required=("name", "domain"))
    draft = SiteDraft(domain=given["domain"], timezone=given.get("timezone", "UTC"), name=given["name"])
    record = await ask.services.site_changes.create(ask.caller, draft)
    site = record.site
    data = {
        "id": site.id,
        "tenant_id": None,
        "name": site.name,
        "domain": site.domain,
        "timezone": site.timezone,
        "tracking_snippet": _snippet(ask, record),
        "created_at": _time(site.created_at),
    }
    return answer({"data": data}, 201)


async def get_website(ask: Ask) -> Response:
    """`GET /api/websites/{id}`."""
    record = await _website(ask)
    return answer({"data": await _listed(ask, record) | {"tracking_snippet": _snippet(ask, record)}})


async def update_website(ask: Ask) -> Response:
    """`PUT /api/websites/{id}`: only given fields change."""
    record = await _website(ask)
    given = await _body(ask)
    change = SiteChange(name=given.get("name"), domain=given.get("domain"), timezone=given.get("timezone"))
    site = (await ask.services.site_changes.change(ask.caller, record, change)).site
    now = ask.services.settings.clock()
    data = {"id": site.id, "name": site.name, "domain": site.domain, "timezone": site.timezone}
    return answer({"data": data | {"updated_at": _time(now)}})


async def delete_website(ask: Ask) -> Response:
    """`DELETE /api/websites/{id}`: 204."""
    await ask.services.site_changes.delete(ask.caller, await _website(ask))
    return nothing()


async def share_website(ask: Ask) -> Response:
    """`POST /api/websites/{id}/share`: idempotent, always 201 (source of 2026-04-12, contract 4.1)."""
    record = await _website(ask)
    link = await ask.services.links.put(ask.caller, record, SharedLinkDraft(name=LINK))
    return answer({"data": {"share_id": link.id, "share_url": link.url}}, 201)


async def unshare_website(ask: Ask) -> Response:
    """`DELETE /api/websites/{id}/share`: 204, or 404 where there is none."""
    record = await _website(ask)
    found = next((link for link in await ask.services.links.listed(record) if link.name == LINK), None)
    if found is None:
        raise refused(404, "not_found", "Sharing is not enabled")
    await ask.services.links.delete(ask.caller, record, found.id)
    return nothing()


async def _website(ask: Ask) -> SiteRecord:
    """The site of the path. Raises UnknownSite."""
    return await ask.services.sites.find(ask.caller, ask.path("website"))


async def _body(ask: Ask, required: tuple[str, ...] = ()) -> dict[str, str]:
    """The fields of a website, each checked by the vendor's rules. Raises Refused."""
    value = await ask.json()
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


async def _listed(ask: Ask, record: SiteRecord) -> dict[str, Any]:
    site = record.site
    created: Any = _time(site.created_at)
    return {
        "id": site.id,
        "tenant_id": None,
        "name": site.name or site.domain,
        "domain": site.domain,
        "timezone": site.timezone,
        "share_id": await _share_id(ask, record),
        "created_at": created,
        "updated_at": created,
    }


async def _share_id(ask: Ask, record: SiteRecord) -> str | None:
    """What opens the public page: told to those who may make it, as everywhere."""
    if not ask.caller.may(KeyScope.MANAGE_SITES) or not await ask.services.links.can_list(record):
        return None
    links = await ask.services.links.listed(record)
    return next((link.id for link in links if link.name == LINK), None)


def _snippet(ask: Ask, record: SiteRecord) -> str:
    base = ask.origin
    return f'<script defer src="{base}/sparklytics/s.js" data-website-id="{record.site.id}"></script>'


def _time(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
