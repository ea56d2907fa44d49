"""People: guests of a site, their invitations, and teams of a connection."""

from dataclasses import replace
from typing import Any

from adapters.protocols import HostsVisitors, ListsTeams, ManagesGuests
from gateway.access.rate_limit import UNLIMITED, RateLimit
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.manage.mail import Mailer
from gateway.outbound.backends import refused
from gateway.outbound.connections import Connections
from gateway.tenancy import Caller, KeyScope, SiteRecord, Tenant
from models.capability import Operation
from models.errors import NotFound
from models.people import Guest, GuestDraft, Membership, Team

INVITATION = """\
You are invited to look at the statistics of {domain}.

Open this link to accept:

{url}

If you did not expect this, do nothing.
"""
BY_INVITATION = "invitation"
"""Name in the audit log of somebody who has no key."""


class Guests:
    """Invites guests and takes invitations and memberships back."""

    def __init__(
        self, connections: Connections, audit: AuditTrail, mailer: Mailer, pace: RateLimit = UNLIMITED
    ) -> None:
        self._connections, self._audit, self._mailer, self._pace = connections, audit, mailer, pace

    async def _manager(self, record: SiteRecord) -> ManagesGuests:
        adapter = await self._connections.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ManagesGuests) or not adapter.can.allows(Operation.GUESTS):
            raise refused(adapter, Operation.GUESTS)
        return adapter

    async def listed(self, record: SiteRecord) -> tuple[Guest, ...]:
        return await (await self._manager(record)).list_guests(record.site)

    async def put(self, caller: Caller, record: SiteRecord, draft: GuestDraft, origin: str = "") -> Guest:
        """The membership or open invitation, or a new invitation: by mail where there is a server, else by its link.

        `origin` is where our pages are reached, for links that the settings do not make absolute.
        Raises UnsupportedQuery, TooManyRequests.
        """
        caller.require(KeyScope.MANAGE_SITES)
        manager = await self._manager(record)
        old = await _among(manager, record, draft.email)
        if old is None and not caller.platform:
            self._pace.take(record.tenant)
        note = Note(record.site.id, before=_public(old))
        async with self._audit.writing(caller, "guest.put", note) as change:
            guest = await manager.put_guest(record.site, draft)
            change.note = None if _public(guest) == _public(old) else replace(note, after=_public(guest))
        url = guest.invitation_url
        if url is None:
            return guest
        url = origin + url if url.startswith("/") else url
        mailed = old is None and await self._mailed(guest.email, record.site.domain, url)
        return guest.model_copy(update={"invitation_url": None if mailed else url})

    async def _mailed(self, email: str, domain: str, url: str) -> bool:
        text = INVITATION.format(domain=domain, url=url)
        return await self._mailer.send(email, f"Statistics of {domain}", text)

    async def delete(self, caller: Caller, record: SiteRecord, email: str) -> None:
        """Ends a membership or invitation; also when there was none."""
        caller.require(KeyScope.MANAGE_SITES)
        manager = await self._manager(record)
        old = await _among(manager, record, email)
        note = Note(record.site.id, before=_public(old) or {"email": email})
        async with self._audit.writing(caller, "guest.delete", note):
            await manager.delete_guest(record.site, email)

    async def invitation(self, token: str) -> Membership:
        """An open invitation to a site of our own store. Raises NotFound."""
        return await (await self._host()).find_invitation(token)

    async def accept(self, token: str, tenant: str) -> Membership:
        """Accept it for good; the answer holds the token of the personal link. Raises NotFound."""
        host, who = await self._host(), Caller(Tenant(tenant), BY_INVITATION)
        open_one = await host.find_invitation(token)
        note = Note(open_one.site, before=_public(open_one.guest))
        async with self._audit.writing(who, "guest.accept", note) as change:
            accepted = await host.accept_invitation(token)
            change.note = replace(note, after=_public(accepted.guest))
        return accepted

    async def _host(self) -> HostsVisitors:
        adapter = await self._connections.own_store()
        if not isinstance(adapter, HostsVisitors):
            raise NotFound("there are no invitations here")
        return adapter

    async def teams(self, caller: Caller, connection: str) -> tuple[Team, ...]:
        """Teams of the account behind a connection."""
        adapter = await self._connections.adapter(caller.tenant.id, connection)
        if not isinstance(adapter, ListsTeams) or not adapter.can.allows(Operation.TEAMS):
            raise refused(adapter, Operation.TEAMS)
        return await adapter.list_teams()


async def _among(manager: ManagesGuests, record: SiteRecord, email: str) -> Guest | None:
    """The guest of that address, if there is one."""
    found = await manager.list_guests(record.site)
    return next((guest for guest in found if guest.email.lower() == email.lower()), None)


def _public(guest: Guest | None) -> dict[str, Any] | None:
    """What is digested of a guest."""
    return None if guest is None else {"email": guest.email, "role": guest.role, "status": guest.status}
