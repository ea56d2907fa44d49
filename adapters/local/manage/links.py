"""Shared links of local sites, and what they open."""

import asyncio
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from adapters.base import Context
from adapters.local.manage.guests import PERSONAL, digest
from adapters.local.manage.sites import Locks
from models.errors import NotFound
from models.link import LinkState, SharedLink, SharedLinkDraft
from models.site import Site

LINKS, SLUGS = "links", "link_slugs"
UNLOCKED_FOR = timedelta(days=1)


class Links:
    """SharesLinks, ManagesLinks, and of HostsVisitors what is about links."""

    context: Context
    locks: Locks

    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]:
        return tuple(self._link(site, value) for _, value in await self.context.ledger.list(LINKS, f"{site.id}/"))

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        """The link of that name, as it is, or a new one."""
        key = f"{site.id}/{draft.name}"
        async with self.locks[site.id]:
            found = await self.context.ledger.get(LINKS, key)
            if found is None:
                found = {
                    "id": f"link_{secrets.token_hex(8)}",
                    "name": draft.name,
                    "slug": secrets.token_urlsafe(16),
                    "password": await asyncio.to_thread(_hashed, draft.password) if draft.password else "",
                    "expires_at": draft.expires_at.isoformat() if draft.expires_at else None,
                }
                pointer = {"link": key, "site": site.id}
                await self.context.ledger.change({(SLUGS, str(found["slug"])): pointer, (LINKS, key): found})
        return self._link(site, found)

    async def delete_shared_link(self, site: Site, link_id: str) -> None:
        """Raises NotFound."""
        for key, value in await self.context.ledger.list(LINKS, f"{site.id}/"):
            if value["id"] == link_id:
                await self.context.ledger.change({}, [(SLUGS, value["slug"]), (LINKS, key)])
                return
        raise NotFound("no such shared link on this site")

    async def open_shared_link(self, site: Site, slug: str, opened: str = "") -> LinkState:
        """What a slug, or the token of a guest's personal link, opens now."""
        found = await self._shared(site, slug)
        if found is None:
            personal = await self.context.ledger.get(PERSONAL, digest(slug))
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
        until = str(int((self.context.now() + UNLOCKED_FOR).timestamp()))
        return f"{until}.{_mark(found, until)}"

    def _is_unlocked(self, found: dict[str, str], opened: str) -> bool:
        until, _, mark = opened.partition(".")
        return (
            until.isdecimal()
            and int(until[:12]) > self.context.now().timestamp()
            and hmac.compare_digest(mark.encode(), _mark(found, until).encode())
        )

    async def _shared(self, site: Site, slug: str) -> dict[str, str] | None:
        """The link of a slug on this site that has not expired."""
        pointer = await self.context.ledger.get(SLUGS, slug)
        found = (
            await self.context.ledger.get(LINKS, pointer["link"]) if pointer and pointer["site"] == site.id else None
        )
        if found is None or (found["expires_at"] and datetime.fromisoformat(found["expires_at"]) <= self.context.now()):
            return None
        return found

    def _link(self, site: Site, value: dict[str, str]) -> SharedLink:
        return SharedLink(
            id=value["id"],
            name=value["name"],
            url=f"{self.context.public_url}/share/{site.domain}?auth={value['slug']}",
            has_password=bool(value["password"]),
            expires_at=datetime.fromisoformat(value["expires_at"]) if value["expires_at"] else None,
        )


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
