"""Websites, shared pages and teams of Umami (contract section 2)."""

from typing import Any

from adapters.base import Check
from adapters.management import check_by_listing, checked_domain, is_taken
from adapters.umami.client import UmamiClient
from adapters.umami.goals import Goals
from adapters.umami.wire import BACKEND, Paged, Share, Website
from adapters.umami.wire import Team as WireTeam
from models.errors import AlreadyExists, InvalidRequest, MissingAtBackend, NotFound, Problem, UnsupportedQuery
from models.goal import Goal, GoalDraft
from models.link import SharedLink, SharedLinkDraft
from models.people import Team
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

SHOWN = {"overview": True, "events": True}
"""What a shared page shows."""


class Management:
    """The protocols of sites, goals, links and teams."""

    client: UmamiClient
    goals: Goals

    async def check(self) -> Check:
        return await check_by_listing(self)

    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage:
        """The cursor is `<page>.<size>`, as a page of Umami means nothing without its size.

        Websites of a team are among them only for the team's owner (3.1.0, 2026-11, contract 1).
        """
        number, size = _place(cursor) if cursor else (1, limit)
        params = (("page", str(number)), ("pageSize", str(size)), ("includeTeams", "true"))
        page = await self.client.call("GET", self.client.path("websites"), Paged[Website], params)
        following = f"{number + 1}.{size}" if number * size < page.count else None
        return RemotePage(sites=tuple(_site(w) for w in page.data), next=following)

    async def get_site(self, ref: str) -> RemoteSite:
        shape: Any = Website | None
        found = await self.client.call("GET", self.client.below(ref), shape)
        if found is None:
            raise MissingAtBackend(backend=BACKEND)
        return _site(found)

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        """Umami keeps no time zone: it goes back as it came, for the gateway to keep.

        (3.1.0, 2026-05; fixtures/umami/website_create.json.)
        """
        domain = checked_domain(draft.domain)
        if await is_taken(self, domain):  # Umami takes a second website of one domain (3.1.0, 2026-05)
            raise AlreadyExists(f"there is a website for {domain} already", backend=BACKEND)
        team = draft.team or self.client.options.team_id
        body = {"name": draft.name.strip() or domain, "domain": domain} | ({"teamId": team} if team else {})
        made = await self.client.call("POST", self.client.path("websites"), Website, json=body)
        return _site(made).model_copy(update={"timezone": draft.timezone})

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        body = {"name": change.name} if change.name is not None else {}
        if change.domain is not None:
            body["domain"] = checked_domain(change.domain)
        if body:
            changed = _site(await self.client.call("POST", self.client.below(site), Website, json=body))
        else:
            changed = await self.get_site(site.ref)
        return changed.model_copy(update={"timezone": change.timezone or site.timezone})

    async def delete_site(self, site: Site) -> None:
        await self.client.send("DELETE", self.client.below(site))
        await self.goals.forget(site)

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        return await self.goals.list_goals(site)

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        return await self.goals.create_goal(site, draft)

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        await self.goals.delete_goal(site, goal_id)

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        if draft.password is not None or draft.expires_at is not None:
            raise UnsupportedQuery(["shared pages of Umami have no password and never expire"], backend=BACKEND)
        for link in await self.list_shared_links(site):
            if link.name == draft.name:
                return link
        body = {"name": draft.name, "parameters": SHOWN}
        made = await self.client.call("POST", self.client.below(site, "shares"), Share, json=body)
        return self._link(made, draft.name)

    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]:
        params = (("pageSize", "100"),)
        found = await self.client.call("GET", self.client.below(site, "shares"), Paged[Share], params)
        return tuple(self._link(share, share.name or share.slug) for share in found.data)

    def _link(self, share: Share, name: str) -> SharedLink:
        return SharedLink(id=share.id, name=name, url=f"{self.client.options.share_base}/share/{share.slug}")

    async def delete_shared_link(self, site: Site, link_id: str) -> None:
        # Deleting a share that is gone is a 500 there (3.1.0, 2026-11, contract 2), so the list is asked first.
        if all(link.id != link_id for link in await self.list_shared_links(site)):
            raise NotFound("there is no such link", backend=BACKEND)
        await self.client.send("DELETE", self.client.path("share", "id", link_id))

    async def list_teams(self) -> tuple[Team, ...]:
        params = (("pageSize", "100"),)
        found = await self.client.call("GET", self.client.path("teams"), Paged[WireTeam], params)
        return tuple(Team(id=team.id, name=team.name) for team in found.data)


def _site(website: Website) -> RemoteSite:
    # A domain is kept as it was typed, and may be empty (3.1.0, 2026-11, contract 1).
    return RemoteSite(ref=website.id, domain=website.domain or website.name, name=website.name)


def _place(cursor: str) -> tuple[int, int]:
    number, _, size = cursor.partition(".")
    if not (number.isdecimal() and size.isdecimal() and int(number) and int(size)):
        raise InvalidRequest([Problem("cursor", "is not one that was given out")])
    return int(number), int(size)
