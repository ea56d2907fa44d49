"""Sites, goals, shared links, guests, teams and exclusions at Pirsch (contract section 11)."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.base import Check
from adapters.http import json_of
from adapters.pirsch.client import WRITE_ONLY, PirschClient
from adapters.pirsch.wire import BACKEND, domains, goal_body, goal_of, goal_problem, goals_of, moment
from models.capability import Capabilities, Operation
from models.errors import (
    AlreadyExists,
    GatewayError,
    InvalidRequest,
    NotFound,
    Problem,
    RefusedByBackend,
    Unintelligible,
    UnknownGoal,
)
from models.goal import Goal, GoalDraft
from models.link import SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, GuestStatus, Role, Team
from models.settings import Exclusions, SiteSettings
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

SUBDOMAIN_TRIES = 20
IP = "ip"


def invalid(field: str, reason: str) -> InvalidRequest:
    return InvalidRequest([Problem(field, reason)])


class Sites:
    """Dashboards. Pirsch's key is an opaque id; a hostname may have several dashboards."""

    can: Capabilities
    client: PirschClient

    async def check(self) -> Check:
        """Try the credential. An access key cannot be tried without counting a hit, so it is believed."""
        native = [o for o in Operation if self.can.allows(o)]
        if self.client.bearer.write_only:
            writes = {Operation.COLLECT_EVENTS, Operation.BACKDATE_EVENTS}
            return Check(True, operations={o: o in writes for o in native}, reasons=(WRITE_ONLY,))
        try:
            page = await self.list_sites(None, 2)
        except GatewayError as error:
            return Check(False, operations=dict.fromkeys(native, False), reasons=(error.detail,))
        account = page.sites[0].domain if len(page.sites) == 1 else ""
        return Check(True, account=account, operations=dict.fromkeys(native, True))

    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage:
        """The vendor gives all at once; the cursor counts."""
        start = int(cursor) if cursor and cursor.isdigit() else 0
        found = [remote_site(d) for d in domains(await self.client.get("domain"))]
        end = start + limit
        return RemotePage(sites=tuple(found[start:end]), next=str(end) if end < len(found) else None)

    async def get_site(self, ref: str) -> RemoteSite:
        return remote_site(await self.client.domain(ref))

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        """Subdomains are mandatory and unique over all accounts: a taken one is tried again with a number."""
        taken = domains(await self.client.get("domain", search=draft.domain))
        if any(d["hostname"] == draft.domain for d in taken):
            raise AlreadyExists(f"Pirsch has a dashboard for {draft.domain} already", backend=BACKEND)
        body = {"hostname": draft.domain, "timezone": draft.timezone, "display_name": draft.name}
        body |= {"organization_id": draft.team} if draft.team else {}
        for attempt in range(1, SUBDOMAIN_TRIES + 1):
            sent = body | {"subdomain": slug(draft.domain, attempt)}
            reply = await self.client.attempt("POST", "domain", sent)
            if reply.status != 400:
                return remote_site(json_of(reply, backend=BACKEND))
            wrong = (json_of(reply, backend=BACKEND) or {}).get("validation") or {}
            if "subdomain" not in wrong:
                raise RefusedByBackend(f"Pirsch does not take {', '.join(wrong) or 'the site'}", backend=BACKEND)
        raise RefusedByBackend(f"no free subdomain after {SUBDOMAIN_TRIES} tries", backend=BACKEND)

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        calls = (("hostname", change.domain), ("timezone", change.timezone), ("name", change.name))
        for field, value in calls:
            if value is not None:
                body = {"domain_id": site.ref, field: value}
                await self.client.call("POST", f"domain/{field}", json=body, idempotent=True)
        return remote_site(await self.client.domain(site.ref))

    async def delete_site(self, site: Site) -> None:
        await self.client.call("DELETE", "domain", params=(("id", site.ref),))


def remote_site(domain: Mapping[str, Any]) -> RemoteSite:
    name = domain.get("display_name") or ""
    return RemoteSite(ref=domain["id"], domain=domain["hostname"], timezone=domain.get("timezone"), name=name)


def slug(domain: str, attempt: int) -> str:
    """A subdomain made of a domain: letters, digits and dashes; later attempts carry a number."""
    plain = re.sub(r"[^a-z0-9]+", "-", domain.lower()).strip("-")[:50].strip("-") or "site"
    return plain if attempt == 1 else f"{plain}-{attempt}"


class Goals:
    """Conversion goals. Statistics are read by our own patterns, so a goal here is a definition only."""

    client: PirschClient

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        return goals_of(await self.client.get("goal", id=site.ref))

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        if problem := goal_problem(draft):
            raise invalid("goal", problem)
        for goal in await self.list_goals(site):
            if goal.identity == draft.identity:
                return goal
        made = await self.client.call("POST", "goal", json=goal_body(site.ref, draft))
        goal_made = goal_of(made)
        if goal_made is None:
            raise Unintelligible("Pirsch's goal is not the one that was asked for", backend=BACKEND)
        return goal_made

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        """Only goals of the site: the vendor would delete any by its id (2026-07-10, contract section 11)."""
        found = [g for g in await self.client.get("goal", id=site.ref) or [] if g["id"] == goal_id]
        if not found:
            raise UnknownGoal
        await self.client.call("DELETE", "goal", params=(("id", goal_id),))


class SharedLinks:
    """Access links; the description is the name. No password, but an end."""

    client: PirschClient

    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]:
        subdomain = (await self.client.domain(site.ref))["subdomain"]
        return tuple(_link(row, subdomain) for row in await self.client.get("domain/link", domain_id=site.ref) or [])

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        if draft.password is not None:
            raise invalid("password", "Pirsch's access links have no password")
        ends = draft.expires_at.isoformat() if draft.expires_at else None
        for link in await self.list_shared_links(site):
            if link.name != draft.name:
                continue
            if link.expires_at == draft.expires_at:
                return link
            body = {"id": link.id, "description": draft.name, "valid_until": ends}
            await self.client.call("PUT", "domain/link", json=body, idempotent=True)
            return link.model_copy(update={"expires_at": draft.expires_at})
        body = {"domain_id": site.ref, "description": draft.name, "valid_until": ends}
        made = await self.client.call("POST", "domain/link", json=body)
        return _link(made, (await self.client.domain(site.ref))["subdomain"])

    async def delete_shared_link(self, site: Site, link_id: str) -> None:
        if all(link.id != link_id for link in await self.list_shared_links(site)):
            raise NotFound
        await self.client.call("DELETE", "domain/link", params=(("id", link_id),))


def _link(row: Mapping[str, Any], subdomain: str) -> SharedLink:
    ends = row.get("valid_until")
    return SharedLink(
        id=row["id"],
        name=row.get("description") or row["id"],
        url=f"https://{subdomain}.pirsch.io/?access={row['code']}",
        expires_at=moment(ends) if ends else None,
    )


class People:
    """Members and invitations of a dashboard, organizations as teams. Everybody is invited as a viewer."""

    client: PirschClient

    async def list_guests(self, site: Site) -> tuple[Guest, ...]:
        return (*(g for g, _ in await self._members(site)), *(g for g, _ in await self._invitations(site)))

    async def put_guest(self, site: Site, draft: GuestDraft) -> Guest:
        """An editor can only be made of somebody who has accepted; until then the answer says viewer."""
        for guest, member_id in await self._members(site):
            if _same(guest.email, draft.email):
                if guest.role is not draft.role:
                    role = "admin" if draft.role is Role.EDITOR else "viewer"
                    await self.client.call("PUT", "member", json={"id": member_id, "role": role}, idempotent=True)
                return guest.model_copy(update={"role": draft.role})
        for guest, _ in await self._invitations(site):
            if _same(guest.email, draft.email):
                return guest
        body = {"id": site.ref, "organization_id": None, "emails": [draft.email]}
        await self.client.call("POST", "member", json=body)
        return Guest(email=draft.email, role=Role.VIEWER)

    async def delete_guest(self, site: Site, email: str) -> None:
        for guest, member_id in await self._members(site):
            if _same(guest.email, email):
                await self.client.call("DELETE", "member", params=(("id", member_id),))
                return
        for guest, invitation_id in await self._invitations(site):
            if _same(guest.email, email):
                body = {"domain_id": site.ref, "organization_id": None, "id": invitation_id}
                await self.client.call("DELETE", "invitation", json=body)
                return
        raise NotFound

    async def _members(self, site: Site) -> list[tuple[Guest, str]]:
        """Owners are no guests."""
        rows = await self.client.get("member", id=site.ref) or []
        roles = {"viewer": Role.VIEWER, "admin": Role.EDITOR}
        return [
            (Guest(email=r["user"]["email"], role=roles[r["role"].lower()], status=GuestStatus.ACCEPTED), r["id"])
            for r in rows
            if r["role"].lower() in roles
        ]

    async def _invitations(self, site: Site) -> list[tuple[Guest, str]]:
        rows = await self.client.get("invitation", domain_id=site.ref) or []
        return [(Guest(email=r["email"], role=Role.VIEWER), r["id"]) for r in rows]

    async def list_teams(self) -> tuple[Team, ...]:
        return tuple(Team(id=o["id"], name=o["name"]) for o in await self.client.get("organization") or [])


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


class TrafficFilters:
    """Excluded addresses. The other kinds of the vendor's filters have no documented names and are left alone."""

    client: PirschClient

    async def get_settings(self, site: Site) -> SiteSettings:
        return SiteSettings(exclude=Exclusions(addresses=tuple(r["filter"] for r in await self._filters(site))))

    async def put_settings(self, site: Site, settings: SiteSettings) -> SiteSettings:
        """Creates and deletes what differs. Raises InvalidRequest on anything but addresses."""
        wanted = settings.exclude.addresses
        if settings != SiteSettings(exclude=Exclusions(addresses=wanted)):
            raise invalid("settings", "Pirsch documents filters of addresses only; set the others on its dashboard")
        rows = await self._filters(site)
        for row in rows:
            if row["filter"] not in wanted:
                await self.client.call("DELETE", "filter", params=(("id", row["id"]),))
        present = {r["filter"] for r in rows}
        for address in dict.fromkeys(a for a in wanted if a not in present):
            body = {"domain_id": site.ref, "type": IP, "description": "", "filter": address}
            await self.client.call("POST", "filter", json=body)
        return await self.get_settings(site)

    async def _filters(self, site: Site) -> list[Mapping[str, Any]]:
        return [r for r in await self.client.get("filter", domain_id=site.ref) or [] if r["type"] == IP]


class Management(Sites, Goals, SharedLinks, People, TrafficFilters):
    """The protocols of sites, goals, links, guests, teams and settings."""
