"""Domains: the object of a site, and the calls that make, change and delete it (contracts: Pirsch 6)."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.documents import written
from gateway.http.facades.pirsch.wording import invalid
from gateway.tenancy import SiteRecord
from models.errors import AlreadyExists
from models.period import is_zone
from models.site import SiteChange, SiteDraft

MANY = 10_000
NOT_A_SLUG = re.compile(r"[^a-z0-9-]+")


async def list_domains(ask: PirschAsk) -> Any:
    """`GET /domain`: an array, of one for the client of a site.

    The documents print an object; every client reads an array (2026-07, contract 7, row 13).
    """
    found = await visible(ask)
    given = ask.given
    for name, fits in FITS.items():
        if text := given.first(name):
            found = tuple(r for r in found if fits(r, text))
    return [await domain_view(ask, record) for record in found]


async def visible(ask: PirschAsk) -> Sequence[SiteRecord]:
    """The sites that the client sees; calls that name a thing by its id alone look through them."""
    return (await ask.services.sites.listed(ask.caller, limit=MANY)).sites


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


async def domain_view(ask: PirschAsk, record: SiteRecord) -> dict[str, Any]:
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
        "user_id": ask.caller.tenant.id,
        **nothing,
        "hostname": site.domain,
        "subdomain": subdomain(record),
        "identification_code": await ask.services.clients.code_of(record),
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


async def create_domain(ask: PirschAsk) -> Any:
    """`POST /domain`: for clients of all sites. The subdomain must be there, and means nothing here."""
    fields = await ask.fields()
    hostname, zone = _text(fields, "hostname"), _text(fields, "timezone")
    _text(fields, "subdomain")
    if not is_zone(zone):
        raise invalid("timezone", "is no time zone")
    name = fields.get("display_name")
    draft = SiteDraft(domain=hostname[:253], timezone=zone, name=name if isinstance(name, str) else "")
    try:
        record = await ask.services.site_changes.create(ask.caller, draft)
    except AlreadyExists:
        raise invalid("hostname", "is taken") from None
    return await domain_view(ask, record)


async def renew_code(ask: PirschAsk) -> Any:
    """`PUT /domain` changes nothing but makes another identification code (2026-07, contract 6)."""
    record = await ask.site_of((await ask.fields()).get("id"))
    return {"identification_code": await ask.services.clients.renew_code(ask.caller, record)}


async def delete_domain(ask: PirschAsk) -> Any:
    """`DELETE /domain?id=`: with its statistics."""
    await ask.services.site_changes.delete(ask.caller, await ask.named_site())
    return {}


async def rename(ask: PirschAsk) -> Any:
    """`POST /domain/hostname`."""
    fields = await ask.fields()
    return await _changed(ask, fields, SiteChange(domain=_text(fields, "hostname")))


async def change_zone(ask: PirschAsk) -> Any:
    """`POST /domain/timezone`."""
    fields = await ask.fields()
    return await _changed(ask, fields, SiteChange(timezone=_text(fields, "timezone")))


async def change_name(ask: PirschAsk) -> Any:
    """`POST /domain/name`."""
    fields = await ask.fields()
    return await _changed(ask, fields, SiteChange(name=_text(fields, "name")))


async def _changed(ask: PirschAsk, fields: dict[str, Any], change: SiteChange) -> Any:
    record = await ask.site_of(fields.get("domain_id"))
    await ask.services.site_changes.change(ask.caller, record, change)
    return {}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(name, "is required")
    return value.strip()
