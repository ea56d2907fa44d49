"""Plausible's Sites API: sites, goals, shared links, guests, teams, custom properties (contract section 3)."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from adapters.base import Reply, Request
from adapters.http import path_of, shaped
from adapters.plausible import wire
from adapters.plausible.client import BACKEND, PlausibleClient
from models.errors import (
    AlreadyExists,
    MissingAtBackend,
    RefusedByBackend,
    Unintelligible,
    UnknownGoal,
    UnsupportedQuery,
)
from models.goal import Goal, GoalDraft, GoalKind
from models.link import SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, GuestStatus, Role, Team
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

Shape = TypeVar("Shape")


class Paged(Protocol):
    """A page of a list."""

    @property
    def meta(self) -> wire.Meta: ...


Page = TypeVar("Page", bound=Paged)

MOST_ROWS = 100
"""Plausible silently ignores a larger limit (2026-07, contract 3.4)."""
GOAL_FACTS = "plausible.goal"
"""Ledger kind: threshold and currency of goals, which Plausible takes but does not list (2026-07, contract 3.1;
fixtures/plausible/goals_list.json)."""


class Management:
    """The protocols of sites, goals, links, guests, teams and custom properties: everything below /api/v1/sites."""

    client: PlausibleClient

    # Sites

    async def list_sites(self, cursor: str | None = None, limit: int = MOST_ROWS) -> RemotePage:
        params = {"limit": str(min(limit, MOST_ROWS)), "after": cursor, "team_id": self.client.options.team_id}
        page = await self._get("/api/v1/sites", params, wire.Sites)
        return RemotePage(sites=tuple(_site(s) for s in page.sites), next=page.meta.after)

    async def get_site(self, ref: str) -> RemoteSite:
        reply = await self.client.sites(Request("GET", path_of("api", "v1", "sites", ref)))
        return _site(shaped(reply, wire.WireSite, backend=BACKEND))

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        """Plausible says 400 to a taken domain and to a wrong one alike; asking for the site tells them apart.

        (2026-07; fixtures/plausible/site_create_taken.json.)
        """
        body = _given(domain=draft.domain, timezone=draft.timezone, team_id=draft.team or self.client.options.team_id)
        request = Request("POST", "/api/v1/sites", json=body, idempotent=False)
        try:
            reply = await self.client.sites(request)
        except RefusedByBackend:
            if await self._is_taken(draft.domain):
                raise AlreadyExists("The domain is registered at Plausible already", backend=BACKEND) from None
            raise
        return _site(shaped(reply, wire.WireSite, backend=BACKEND))

    async def _is_taken(self, domain: str) -> bool:
        """Somebody's site answers 401 to a good key, one's own 200, nobody's 404 (2026-07, contract 2)."""
        reply = await self.client.try_out(Request("GET", path_of("api", "v1", "sites", domain)))
        return reply.status in (200, 401)

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        """Only the domain can change there; a name is kept by us."""
        if change.timezone is not None and change.timezone != site.timezone:
            raise UnsupportedQuery(["Plausible's API cannot change a site's time zone"], backend=BACKEND)
        if change.domain is None or change.domain == site.ref:
            return await self.get_site(site.ref)
        request = Request("PUT", path_of("api", "v1", "sites", site.ref), json={"domain": change.domain})
        return _site(shaped(await self.client.sites(request), wire.WireSite, backend=BACKEND))

    async def delete_site(self, site: Site) -> None:
        request = Request("DELETE", path_of("api", "v1", "sites", site.ref), idempotent=False)
        _expect_deleted(await self.client.sites(request))

    async def list_teams(self) -> tuple[Team, ...]:
        pages = await self._pages("/api/v1/sites/teams", {}, wire.Teams)
        return tuple(Team(id=t.id, name=t.name, api_available=t.api_available) for p in pages for t in p.teams)

    # Goals

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        pages = await self._pages("/api/v1/sites/goals", {"site_id": site.ref}, wire.Goals)
        facts = dict(await self.client.context.ledger.list(GOAL_FACTS, f"{site.id}/"))
        return tuple(_goal(g, facts.get(f"{site.id}/{g.id}", {})) for page in pages for g in page.goals)

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        """The existing goal comes back with its own name; threshold and currency are remembered by us.

        (2026-07, contract 3.5; fixtures/plausible/goal_found.json.)
        """
        body = _given(
            site_id=site.ref,
            # A scroll goal is made as `page`, though lists call it `scroll` (2026-07, contract 3.1).
            goal_type="event" if draft.kind is GoalKind.EVENT else "page",
            event_name=draft.event_name,
            page_path=draft.page_path,
            display_name=draft.display_name or None,
            custom_props=draft.custom_props or None,
            currency=draft.currency,
            scroll_threshold=draft.scroll_threshold,
        )
        reply = await self.client.sites(Request("PUT", "/api/v1/sites/goals", json=body))
        made = shaped(reply, wire.WireGoal, backend=BACKEND)
        facts = _given(scroll_threshold=draft.scroll_threshold, currency=draft.currency)
        if facts:
            await self.client.context.ledger.put(GOAL_FACTS, f"{site.id}/{made.id}", facts)
        return _goal(made, facts)

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        """The key must be the owner's (2026-07, contract 3.1)."""
        path = path_of("api", "v1", "sites", "goals", goal_id)
        try:
            reply = await self.client.sites(Request("DELETE", path, (("site_id", site.ref),), idempotent=False))
        except MissingAtBackend as error:
            raise UnknownGoal(backend=BACKEND) from error
        _expect_deleted(reply)
        await self.client.context.ledger.delete(GOAL_FACTS, f"{site.id}/{goal_id}")

    # Links, guests, properties

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        """The route of seed 001 (`/shared-links/:name`) is gone (2026-07, contract 1.1); seed 000 has this one too."""
        if draft.password or draft.expires_at:
            raise UnsupportedQuery(["Plausible's API gives links neither password nor expiry"], backend=BACKEND)
        body = {"site_id": site.ref, "name": draft.name}
        reply = await self.client.sites(Request("PUT", "/api/v1/sites/shared-links", json=body))
        link = shaped(reply, wire.WireLink, backend=BACKEND)
        return SharedLink(id=link.name, name=link.name, url=link.url)

    async def list_guests(self, site: Site) -> tuple[Guest, ...]:
        pages = await self._pages("/api/v1/sites/guests", {"site_id": site.ref}, wire.Guests)
        return tuple(_guest(g) for page in pages for g in page.guests)

    async def put_guest(self, site: Site, draft: GuestDraft) -> Guest:
        body = {"site_id": site.ref, "email": draft.email, "role": str(draft.role)}
        reply = await self.client.sites(Request("PUT", "/api/v1/sites/guests", json=body))
        return _guest(shaped(reply, wire.WireGuest, backend=BACKEND))

    async def delete_guest(self, site: Site, email: str) -> None:
        path = path_of("api", "v1", "sites", "guests", email)
        _expect_deleted(await self.client.sites(Request("DELETE", path, (("site_id", site.ref),))))

    async def list_custom_props(self, site: Site) -> tuple[str, ...]:
        found = await self._get("/api/v1/sites/custom-props", {"site_id": site.ref}, wire.Properties)
        return tuple(p.property for p in found.custom_properties)

    async def put_custom_prop(self, site: Site, name: str) -> None:
        body = {"site_id": site.ref, "property": name}
        reply = await self.client.sites(Request("PUT", "/api/v1/sites/custom-props", json=body))
        _expect(shaped(reply, wire.Created, backend=BACKEND).done)

    async def delete_custom_prop(self, site: Site, name: str) -> None:
        """A slash in the name is part of the path there, and read as part of the name (2026-07, contract 3.1)."""
        path = path_of("api", "v1", "sites", "custom-props", name)
        _expect_deleted(await self.client.sites(Request("DELETE", path, (("site_id", site.ref),))))

    # Calls

    async def _get(self, path: str, params: Mapping[str, str | None], shape: type[Shape]) -> Shape:
        given = tuple((name, value) for name, value in params.items() if value)
        return shaped(await self.client.sites(Request("GET", path, given)), shape, backend=BACKEND)

    async def _pages(self, path: str, params: Mapping[str, str | None], shape: type[Page]) -> list[Page]:
        """Every page of a list. Raises Unintelligible when a cursor comes back twice."""
        pages: list[Page] = []
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._get(path, {**params, "limit": str(MOST_ROWS), "after": cursor}, shape)
            pages.append(page)
            cursor = page.meta.after
            if cursor is None:
                return pages
            if cursor in seen:
                raise Unintelligible("The backend's list does not end", backend=BACKEND)
            seen.add(cursor)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _site(found: wire.WireSite) -> RemoteSite:
    return RemoteSite(ref=found.domain, domain=found.domain, timezone=found.timezone)


def _goal(found: wire.WireGoal, facts: Mapping[str, Any]) -> Goal:
    """A listed goal. A scroll goal made elsewhere has a threshold nobody tells; it reads as 0."""
    threshold = found.scroll_threshold if found.scroll_threshold is not None else facts.get("scroll_threshold")
    # A threshold of -1 is Plausible's word for "no scroll goal" (2026-07, contract 7.6).
    is_scroll = found.goal_type == "scroll" or (threshold is not None and threshold >= 0)
    name = found.display_name or found.event_name or f"Visit {found.page_path}"
    try:
        return Goal(
            id=str(found.id),
            event_name=found.event_name,
            page_path=found.page_path,
            display_name=name,
            scroll_threshold=max(threshold or 0, 0) if is_scroll and found.page_path else None,
            currency=(found.currency or facts.get("currency")) if found.event_name else None,
            custom_props=dict(found.custom_props),
        )
    except ValueError as error:
        raise Unintelligible("The backend's goal is neither an event nor a page", backend=BACKEND) from error


def _guest(found: wire.WireGuest) -> Guest:
    try:
        return Guest(email=found.email, role=Role(found.role), status=GuestStatus(found.status))
    except ValueError as error:
        raise Unintelligible("The backend's guest has an unknown role or status", backend=BACKEND) from error


def _expect_deleted(reply: Reply) -> None:
    _expect(shaped(reply, wire.Deleted, backend=BACKEND).done)


def _expect(done: bool) -> None:
    if not done:
        raise Unintelligible("The backend does not say that it did it", backend=BACKEND)
