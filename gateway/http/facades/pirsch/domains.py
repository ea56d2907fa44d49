"""Domains: the object of a site, and the calls that make, change and delete it (contracts: Pirsch 6)."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway.http.facades.pirsch.dialect import Call
from gateway.http.facades.pirsch.documents import written
from gateway.http.facades.pirsch.wording import invalid
from gateway.tenancy import SiteRecord
from models.errors import AlreadyExists
from models.period import is_zone
from models.site import SiteChange, SiteDraft

MANY = 10_000
NOT_A_SLUG = re.compile(r"[^a-z0-9-]+")


async def list_domains(call: Call) -> Any:
    """`GET /domain`: an array, of one for the client of a site."""
    found = await visible(call)
    given = call.given
    for name, fits in FITS.items():
        if text := given.first(name):
            found = tuple(r for r in found if fits(r, text))
    return [await domain_view(call, record) for record in found]


async def visible(call: Call) -> Sequence[SiteRecord]:
    """The sites that the client sees; calls that name a thing by its id alone look through them."""
    return (await call.services.sites.listed(call.caller, limit=MANY)).sites


def subdomain(record: SiteRecord) -> str:
    """Dashboards have no address of their own here: a name made from the domain."""
    return NOT_A_SLUG.sub("-", record.site.domain.lower()).strip("-")


FITS: Mapping[str, Callable[[SiteRecord, str], bool]] = MappingProxyType(
    {
        "id": lambda record, text: record.site.id == text,
        "subdomain": lambda record, text: subdomain(record) == text,
        "domain": lambda record, text: record.site.domain == text,
        "search": lambda record, text: text.lower() in record.site.domain.lower(),
    }
)


async def domain_view(call: Call, record: SiteRecord) -> dict[str, Any]:
    """The domain object. What has no meaning here is null, false or empty."""
    site = record.site
    made = written(site.created_at)
    nothing = dict.fromkeys(
        ("organization_id", "google_user_id", "google_user_email", "gsc_domain", "new_owner", "statistics_start",
         "theme_id", "custom_domain")
    )  # fmt: skip
    return {
        "id": site.id,
        "def_time": made,
        "mod_time": made,
        "user_id": call.caller.tenant.id,
        **nothing,
        "hostname": site.domain,
        "subdomain": subdomain(record),
        "identification_code": await call.services.clients.code_of(record),
        "public": False,
        "timezone": site.timezone,
        "group_by_title": False,
        "active_visitors_seconds": 600,
        "disable_scripts": False,
        "imported_statistics": False,
        "metadata": {},
        "theme": {},
        "user_role": "Owner",
        "settings": {},
        "theme_settings": {},
        "display_name": site.name,
        "subscription_active": True,
    }


async def create_domain(call: Call) -> Any:
    """`POST /domain`: for clients of all sites. The subdomain must be there, and means nothing here."""
    fields = await call.fields()
    hostname, zone = _text(fields, "hostname"), _text(fields, "timezone")
    _text(fields, "subdomain")
    if not is_zone(zone):
        raise invalid("timezone", "is no time zone")
    name = fields.get("display_name")
    draft = SiteDraft(domain=hostname[:253], timezone=zone, name=name if isinstance(name, str) else "")
    try:
        record = await call.services.site_changes.create(call.caller, draft)
    except AlreadyExists:
        raise invalid("hostname", "is taken") from None
    return await domain_view(call, record)


async def renew_code(call: Call) -> Any:
    """`PUT /domain`: another identification code."""
    record = await call.site_of((await call.fields()).get("id"))
    return {"identification_code": await call.services.clients.renew_code(call.caller, record)}


async def delete_domain(call: Call) -> Any:
    """`DELETE /domain?id=`: with its statistics."""
    await call.services.site_changes.delete(call.caller, await call.site())
    return {}


async def rename(call: Call) -> Any:
    """`POST /domain/hostname`."""
    fields = await call.fields()
    return await _changed(call, fields, SiteChange(domain=_text(fields, "hostname")))


async def change_zone(call: Call) -> Any:
    """`POST /domain/timezone`."""
    fields = await call.fields()
    return await _changed(call, fields, SiteChange(timezone=_text(fields, "timezone")))


async def change_name(call: Call) -> Any:
    """`POST /domain/name`."""
    fields = await call.fields()
    return await _changed(call, fields, SiteChange(name=_text(fields, "name")))


async def _changed(call: Call, fields: dict[str, Any], change: SiteChange) -> Any:
    record = await call.site_of(fields.get("domain_id"))
    await call.services.site_changes.change(call.caller, record, change)
    return {}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(name, "is required")
    return value.strip()
