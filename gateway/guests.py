"""People: guests of a site, and teams of a connection."""

from adapters.base import ListsTeams, ManagesGuests
from gateway.abilities import Backends, refused
from gateway.record import Recorder
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.capability import Operation
from models.people import Guest, GuestDraft, Team


class Guests:
    """Invites guests and takes invitations and memberships back."""

    def __init__(self, backends: Backends, recorder: Recorder) -> None:
        self._backends, self._recorder = backends, recorder

    async def _manager(self, record: SiteRecord) -> ManagesGuests:
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, ManagesGuests) or not adapter.can.allows(Operation.GUESTS):
            raise refused(adapter, Operation.GUESTS)
        return adapter

    async def listed(self, record: SiteRecord) -> tuple[Guest, ...]:
        return await (await self._manager(record)).list_guests(record.site)

    async def put(self, caller: Caller, record: SiteRecord, draft: GuestDraft) -> Guest:
        """The membership or open invitation, or a new invitation."""
        caller.require(KeyScope.MANAGE_SITES)
        guest = await (await self._manager(record)).put_guest(record.site, draft)
        await self._recorder.note(caller, "guest.put", record.site.id, after={"role": guest.role, "email": guest.email})
        return guest

    async def delete(self, caller: Caller, record: SiteRecord, email: str) -> None:
        """Ends a membership or invitation; also when there was none."""
        caller.require(KeyScope.MANAGE_SITES)
        await (await self._manager(record)).delete_guest(record.site, email)
        await self._recorder.note(caller, "guest.delete", record.site.id, before={"email": email})

    async def teams(self, caller: Caller, connection: str) -> tuple[Team, ...]:
        """Teams of the account behind a connection."""
        adapter = await self._backends.adapter(caller.tenant.id, connection)
        if not isinstance(adapter, ListsTeams) or not adapter.can.allows(Operation.TEAMS):
            raise refused(adapter, Operation.TEAMS)
        return await adapter.list_teams()
