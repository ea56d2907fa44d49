"""Guests of local sites and their invitations."""

import hashlib
import secrets
from collections.abc import Mapping

from adapters.base import Context, Place
from adapters.local.manage.sites import Locks
from models.errors import NotFound
from models.people import Guest, GuestDraft, GuestStatus, Membership, Role
from models.site import Site

GUESTS, INVITATIONS, PERSONAL = "guests", "invitations", "personal_links"


class Guests:
    """ManagesGuests, and of HostsVisitors what is about invitations."""

    context: Context
    locks: Locks

    async def list_guests(self, site: Site) -> tuple[Guest, ...]:
        """Guests and open invitations, by address."""
        return tuple(self._guest(value) for _, value in await self.context.ledger.list(GUESTS, f"{site.id}/"))

    async def put_guest(self, site: Site, draft: GuestDraft) -> Guest:
        """The existing guest or invitation of the address, as it is, or a new invitation."""
        key = f"{site.id}/{draft.email.lower()}"
        async with self.locks[site.id]:
            found = await self.context.ledger.get(GUESTS, key)
            if found is None:
                token = secrets.token_urlsafe(32)
                found = {"email": draft.email, "role": str(draft.role), "status": "invited", "token": token}
                invitation = {"guest": key, "site": site.id}
                await self.context.ledger.change({(INVITATIONS, digest(token)): invitation, (GUESTS, key): found})
        return self._guest(found)

    async def delete_guest(self, site: Site, email: str) -> None:
        """Idempotent; withdraws an open invitation."""
        key = f"{site.id}/{email.lower()}"
        found = await self.context.ledger.get(GUESTS, key)
        if found is not None:
            await self.context.ledger.change({}, [(GUESTS, key), *opened_by(found)])

    async def find_invitation(self, token: str) -> Membership:
        """Raises NotFound when it was used, withdrawn or never was."""
        invitation = await self.context.ledger.get(INVITATIONS, digest(token))
        found = await self.context.ledger.get(GUESTS, invitation["guest"]) if invitation else None
        if invitation is None or found is None:
            raise NotFound("this invitation does not exist or was used")
        return Membership(site=invitation["site"], guest=self._guest(found))

    async def accept_invitation(self, token: str) -> Membership:
        """Turn an invitation into a membership with a personal link, once. Raises NotFound."""
        site = (await self.find_invitation(token)).site
        async with self.locks[site]:
            return await self._accepted(await self.find_invitation(token), token)

    async def _accepted(self, invited: Membership, token: str) -> Membership:
        key, personal = f"{invited.site}/{invited.guest.email.lower()}", secrets.token_urlsafe(24)
        accepted = {
            "email": invited.guest.email,
            "role": str(invited.guest.role),
            "status": str(GuestStatus.ACCEPTED),
            "personal": digest(personal),
        }
        link = {"guest": key, "site": invited.site}
        await self.context.ledger.change(
            {(PERSONAL, digest(personal)): link, (GUESTS, key): accepted}, [(INVITATIONS, digest(token))]
        )
        return Membership(site=invited.site, guest=self._guest(accepted), token=personal)

    def _guest(self, value: dict[str, str]) -> Guest:
        token = value.get("token")
        return Guest(
            email=value["email"],
            role=Role(value["role"]),
            status=GuestStatus(value["status"]),
            invitation_url=f"{self.context.public_url}/invitations/{token}" if token else None,
        )


def opened_by(guest: Mapping[str, str]) -> list[Place]:
    """Where the guest's invitation and personal link are looked up."""
    invitation = [(INVITATIONS, digest(guest["token"]))] if guest.get("token") else []
    return invitation + ([(PERSONAL, guest["personal"])] if guest.get("personal") else [])


def digest(token: str) -> str:
    """A token's lookup key: who reads the ledger's keys cannot accept invitations."""
    return hashlib.sha256(token.encode()).hexdigest()
