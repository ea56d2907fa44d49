"""Goals, custom properties, guests, shared links and settings of local sites, kept in the ledger the gateway lends."""

import asyncio
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.base import Ledger
from adapters.local.sql.checks import NO_NUL
from models.errors import InvalidRequest, NotFound, Problem, UnknownGoal
from models.goal import Goal, GoalDraft
from models.link import LinkState, SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, GuestStatus, Membership, Role
from models.settings import SiteSettings
from models.site import Site

MAX_GOALS, MAX_PROPS, MAX_PROP_LENGTH = 1000, 300, 300
GOALS, PROPS, GUESTS, LINKS, SETTINGS = "goals", "props", "guests", "links", "settings"
SLUGS, INVITATIONS, PERSONAL = "link_slugs", "invitations", "personal_links"
UNLOCKED_FOR = timedelta(days=1)


ZONE = "timezone"


def settings_of(document: Mapping[str, Any]) -> SiteSettings:
    """The settings in a document of the ledger, which also holds the site's zone."""
    return SiteSettings(**{name: value for name, value in document.items() if name != ZONE})


class Management:
    """What a site's owner sets up. Find-or-create calls are atomic within the process that serves the local backend."""

    def __init__(self, ledger: Ledger, *, now: Callable[[], datetime], public_url: str = "") -> None:
        self._ledger, self._now, self._public_url = ledger, now, public_url
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    # Goals

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        """All goals, oldest first."""
        return tuple(Goal(**value) for _, value in await self._ledger.list(GOALS, f"{site.id}/"))

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        """The goal of the draft's identity as it is, or a new one. Raises InvalidRequest (path, money, name, count)."""
        if "\0" in (draft.page_path or ""):
            raise InvalidRequest([Problem("page_path", NO_NUL)])
        async with self._locks[site.id]:
            goals = await self.list_goals(site)
            found = next((g for g in goals if g.identity == draft.identity), None)
            if found is not None and draft.currency in (None, found.currency):
                return found
            same_event = [g for g in goals if g.event_name and g.event_name == draft.event_name]
            if any(g.currency != draft.currency for g in same_event):
                used = next(g.currency for g in same_event if g.currency != draft.currency)
                reason = f"this event already has a goal with currency {used or 'none'}"
                raise InvalidRequest([Problem("currency", reason, (used,) if used else ())])
            if any(g.display_name == draft.shown_as for g in goals):
                raise InvalidRequest([Problem("display_name", "another goal of the site has this name")])
            if len(goals) >= MAX_GOALS:
                raise InvalidRequest([Problem("goals", f"at most {MAX_GOALS} goals per site")])
            number = await self._ledger.next_id(GOALS)
            goal = Goal(id=str(number), **draft.model_dump() | {"display_name": draft.shown_as})
            await self._ledger.put(GOALS, f"{site.id}/{number:012d}", goal.model_dump(mode="json"))
            return goal

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        """Raises UnknownGoal."""
        known = goal_id.isdecimal() and len(goal_id) <= 12
        if not known or not await self._ledger.delete(GOALS, f"{site.id}/{int(goal_id):012d}"):
            raise UnknownGoal(f"no goal {goal_id[:20]!r} on this site")

    # Custom properties

    async def list_custom_props(self, site: Site) -> tuple[str, ...]:
        """Names, in the order they were allowed."""
        found = [value for _, value in await self._ledger.list(PROPS, f"{site.id}/")]
        return tuple(value["name"] for value in sorted(found, key=lambda value: value["number"]))

    async def put_custom_prop(self, site: Site, name: str) -> None:
        """Raises InvalidRequest on an empty or overlong name, or when the site has too many."""
        if not name.strip() or len(name) > MAX_PROP_LENGTH:
            raise InvalidRequest([Problem("property", f"must have 1 to {MAX_PROP_LENGTH} characters")])
        async with self._locks[site.id]:
            names = await self.list_custom_props(site)
            if name in names:
                return
            if len(names) >= MAX_PROPS:
                raise InvalidRequest([Problem("property", f"at most {MAX_PROPS} custom properties per site")])
            number = await self._ledger.next_id(PROPS)
            await self._ledger.put(PROPS, f"{site.id}/{name}", {"name": name, "number": number})

    async def delete_custom_prop(self, site: Site, name: str) -> None:
        """Idempotent: an unknown property is gone already."""
        await self._ledger.delete(PROPS, f"{site.id}/{name}")

    # Guests

    async def list_guests(self, site: Site) -> tuple[Guest, ...]:
        """Guests and open invitations, by address."""
        return tuple(self._guest(value) for _, value in await self._ledger.list(GUESTS, f"{site.id}/"))

    async def put_guest(self, site: Site, draft: GuestDraft) -> Guest:
        """The existing guest or invitation of the address, as it is, or a new invitation."""
        key = f"{site.id}/{draft.email.lower()}"
        async with self._locks[site.id]:
            found = await self._ledger.get(GUESTS, key)
            if found is None:
                token = secrets.token_urlsafe(32)
                found = {"email": draft.email, "role": str(draft.role), "status": "invited", "token": token}
                await self._ledger.put(INVITATIONS, _digest(token), {"guest": key, "site": site.id})
                await self._ledger.put(GUESTS, key, found)
        return self._guest(found)

    async def delete_guest(self, site: Site, email: str) -> None:
        """Idempotent; withdraws an open invitation."""
        key = f"{site.id}/{email.lower()}"
        found = await self._ledger.get(GUESTS, key)
        if found is not None:
            await self._ledger.delete(INVITATIONS, _digest(found.get("token") or ""))
            await self._ledger.delete(PERSONAL, found.get("personal") or "")
            await self._ledger.delete(GUESTS, key)

    async def find_invitation(self, token: str) -> Membership:
        """Raises NotFound when it was used, withdrawn or never was."""
        invitation = await self._ledger.get(INVITATIONS, _digest(token))
        found = await self._ledger.get(GUESTS, invitation["guest"]) if invitation else None
        if invitation is None or found is None:
            raise NotFound("this invitation does not exist or was used")
        return Membership(site=invitation["site"], guest=self._guest(found))

    async def accept_invitation(self, token: str) -> Membership:
        """Turn an invitation into a membership with a personal link, once. Raises NotFound."""
        invited = await self.find_invitation(token)
        key, personal = f"{invited.site}/{invited.guest.email.lower()}", secrets.token_urlsafe(24)
        if not await self._ledger.delete(INVITATIONS, _digest(token)):
            raise NotFound("this invitation was used")
        accepted = {
            "email": invited.guest.email,
            "role": str(invited.guest.role),
            "status": str(GuestStatus.ACCEPTED),
            "personal": _digest(personal),
        }
        await self._ledger.put(PERSONAL, _digest(personal), {"guest": key, "site": invited.site})
        await self._ledger.put(GUESTS, key, accepted)
        return Membership(site=invited.site, guest=self._guest(accepted), token=personal)

    def _guest(self, value: dict[str, str]) -> Guest:
        token = value.get("token")
        return Guest(
            email=value["email"],
            role=Role(value["role"]),
            status=GuestStatus(value["status"]),
            invitation_url=f"{self._public_url}/invitations/{token}" if token else None,
        )

    # Shared links

    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]:
        return tuple(self._link(site, value) for _, value in await self._ledger.list(LINKS, f"{site.id}/"))

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        """The link of that name, as it is, or a new one."""
        key = f"{site.id}/{draft.name}"
        async with self._locks[site.id]:
            found = await self._ledger.get(LINKS, key)
            if found is None:
                found = {
                    "id": f"link_{secrets.token_hex(8)}",
                    "name": draft.name,
                    "slug": secrets.token_urlsafe(16),
                    "password": await asyncio.to_thread(_hashed, draft.password) if draft.password else "",
                    "expires_at": draft.expires_at.isoformat() if draft.expires_at else None,
                }
                await self._ledger.put(SLUGS, found["slug"], {"link": key, "site": site.id})
                await self._ledger.put(LINKS, key, found)
        return self._link(site, found)

    async def delete_shared_link(self, site: Site, link_id: str) -> None:
        """Raises NotFound."""
        for key, value in await self._ledger.list(LINKS, f"{site.id}/"):
            if value["id"] == link_id:
                await self._ledger.delete(SLUGS, value["slug"])
                await self._ledger.delete(LINKS, key)
                return
        raise NotFound("no such shared link on this site")

    async def open_shared_link(self, site: Site, slug: str, opened: str = "") -> LinkState:
        """What a slug, or the token of a guest's personal link, opens now."""
        found = await self._shared(site, slug)
        if found is None:
            personal = await self._ledger.get(PERSONAL, _digest(slug))
            return LinkState.OPEN if personal and personal["site"] == site.id else LinkState.CLOSED
        if not found["password"] or self._is_unlocked(found, opened):
            return LinkState.OPEN
        return LinkState.LOCKED

    async def unlock_shared_link(self, site: Site, slug: str, password: str) -> str | None:
        """What opens the link for a day, made from the password's digest; None for a wrong password or a dead link."""
        found = await self._shared(site, slug)
        if found is None or not found["password"]:
            return None
        if not await asyncio.to_thread(_is_password, password, found["password"]):
            return None
        until = str(int((self._now() + UNLOCKED_FOR).timestamp()))
        return f"{until}.{_mark(found, until)}"

    def _is_unlocked(self, found: dict[str, str], opened: str) -> bool:
        until, _, mark = opened.partition(".")
        return (
            until.isdecimal()
            and int(until[:12]) > self._now().timestamp()
            and hmac.compare_digest(mark.encode(), _mark(found, until).encode())
        )

    async def _shared(self, site: Site, slug: str) -> dict[str, str] | None:
        """The link of a slug on this site that has not expired."""
        pointer = await self._ledger.get(SLUGS, slug)
        found = await self._ledger.get(LINKS, pointer["link"]) if pointer and pointer["site"] == site.id else None
        if found is None or (found["expires_at"] and datetime.fromisoformat(found["expires_at"]) <= self._now()):
            return None
        return found

    def _link(self, site: Site, value: dict[str, str]) -> SharedLink:
        return SharedLink(
            id=value["id"],
            name=value["name"],
            url=f"{self._public_url}/share/{site.domain}?auth={value['slug']}",
            has_password=bool(value["password"]),
            expires_at=datetime.fromisoformat(value["expires_at"]) if value["expires_at"] else None,
        )

    # Settings

    async def get_settings(self, site: Site) -> SiteSettings:
        return settings_of(await self._ledger.get(SETTINGS, site.id) or {})

    async def put_settings(self, site: Site, settings: SiteSettings) -> SiteSettings:
        await self._ledger.put(SETTINGS, site.id, settings.model_dump(mode="json") | {ZONE: site.timezone})
        return settings

    async def keep_zone(self, site: Site) -> None:
        """The site's zone beside its settings: what runs without being asked by anybody needs to know its days."""
        value = await self._ledger.get(SETTINGS, site.id)
        if value and value.get(ZONE) != site.timezone:
            await self._ledger.put(SETTINGS, site.id, value | {ZONE: site.timezone})

    async def forget(self, site: Site) -> None:
        """Delete everything set up for a site."""
        for kind in (GOALS, PROPS, GUESTS, LINKS):
            for key, value in await self._ledger.list(kind, f"{site.id}/"):
                if value.get("slug"):
                    await self._ledger.delete(SLUGS, value["slug"])
                if value.get("token"):
                    await self._ledger.delete(INVITATIONS, _digest(value["token"]))
                if value.get("personal"):
                    await self._ledger.delete(PERSONAL, value["personal"])
                await self._ledger.delete(kind, key)
        await self._ledger.delete(SETTINGS, site.id)


def _digest(token: str) -> str:
    """A token's lookup key: who reads the ledger's keys cannot accept invitations."""
    return hashlib.sha256(token.encode()).hexdigest()


def _mark(found: dict[str, str], until: str) -> str:
    """Proof that the link's password was given; worth nothing for another link, password or time."""
    return hmac.new(found["password"].encode(), f"{found['slug']}|{until}".encode(), hashlib.sha256).hexdigest()


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def _is_password(password: str, stored: str) -> bool:
    salt, _, wanted = stored.partition("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), wanted)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
