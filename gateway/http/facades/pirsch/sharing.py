"""Access links, members and invitations. People have no ids here: those shown are made from their addresses."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.documents import EPOCH, named_id, written
from gateway.http.facades.pirsch.domains import domain_view, visible
from gateway.http.facades.pirsch.wording import invalid, refused
from gateway.tenancy import SiteRecord
from models.errors import NotFound
from models.link import SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, GuestStatus, Role

ROLES = MappingProxyType({Role.VIEWER: "Viewer", Role.EDITOR: "Admin"})


def _link(record: SiteRecord, link: SharedLink) -> dict[str, Any]:
    code = parse_qs(urlsplit(link.url).query)
    return {
        "id": link.id,
        "def_time": EPOCH,
        "mod_time": EPOCH,
        "domain_id": record.site.id,
        "code": next((values[0] for values in code.values()), link.url),
        "url": link.url,
        "description": link.name,
        "valid_until": written(link.expires_at) or None,
    }


async def list_links(ask: PirschAsk) -> Any:
    """`GET /domain/link?domain_id=`."""
    record = await ask.named_site("domain_id")
    return [_link(record, link) for link in await ask.services.links.listed(record)]


async def create_link(ask: PirschAsk) -> Any:
    """`POST /domain/link`; two links of one description are one here."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("domain_id"))
    try:
        draft = SharedLinkDraft(name=fields.get("description") or "", expires_at=fields.get("valid_until") or None)
    except ValidationError as error:
        raise refused(*(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())) from None
    return _link(record, await ask.services.links.put(ask.caller, record, draft))


async def delete_link(ask: PirschAsk) -> Any:
    """`DELETE /domain/link?id=`."""
    wanted = ask.given.required("id")
    for record in await visible(ask):
        if wanted in {link.id for link in await ask.services.links.listed(record)}:
            await ask.services.links.delete(ask.caller, record, wanted)
            return {}
    raise NotFound("there is no such access link")


def _member(record: SiteRecord, guest: Guest) -> dict[str, Any]:
    user = named_id("user", guest.email)
    return {
        "id": named_id(record.site.id, guest.email),
        "def_time": EPOCH,
        "mod_time": EPOCH,
        "user_id": user,
        "domain_id": record.site.id,
        "organization_id": None,
        "role": ROLES[guest.role],
        "user": {"id": user, "email": guest.email, "full_name": "", "picture": None},
    }


async def list_members(ask: PirschAsk) -> Any:
    """`GET /member?id=`: those who accepted."""
    record = await ask.named_site()
    guests = await ask.services.guests.listed(record)
    return [_member(record, guest) for guest in guests if guest.status is GuestStatus.ACCEPTED]


async def invite(ask: PirschAsk) -> Any:
    """`POST /member`: several addresses, always as viewers."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("id"))
    emails = fields.get("emails")
    if not isinstance(emails, list) or not emails:
        raise invalid("emails", "must be a list of addresses")
    try:
        drafts = [GuestDraft(email=email, role=Role.VIEWER) for email in emails]
    except ValidationError:
        raise invalid("emails", "must be addresses") from None
    for draft in drafts:
        await ask.services.guests.put(ask.caller, record, draft)
    return {}


async def delete_member(ask: PirschAsk) -> Any:
    """`DELETE /member?id=`."""
    return await _let_go(ask, ask.given.required("id"), await visible(ask))


async def list_invitations(ask: PirschAsk) -> Any:
    """`GET /invitation?domain_id=`: those who did not accept yet."""
    record = await ask.named_site("domain_id")
    domain = await domain_view(ask, record)
    guests = await ask.services.guests.listed(record)
    return [
        {
            "id": named_id(record.site.id, guest.email),
            "def_time": EPOCH,
            "mod_time": EPOCH,
            "domain_id": record.site.id,
            "organization_id": None,
            "email": guest.email,
            "domain": domain,
            "organization": None,
        }
        for guest in guests
        if guest.status is GuestStatus.INVITED
    ]


async def delete_invitation(ask: PirschAsk) -> Any:
    """`DELETE /invitation`, with a body where others have a query (2026-07, contract 7, row 15)."""
    fields = await ask.fields()
    given = fields.get("domain_id")
    sites = [await ask.site_of(given)] if given else await visible(ask)
    return await _let_go(ask, str(fields.get("id", "")), sites)


async def _let_go(ask: PirschAsk, wanted: str, sites: Sequence[SiteRecord]) -> Any:
    for record in sites:
        for guest in await ask.services.guests.listed(record):
            if named_id(record.site.id, guest.email) == wanted:
                await ask.services.guests.delete(ask.caller, record, guest.email)
                return {}
    raise NotFound("there is no such member or invitation")
