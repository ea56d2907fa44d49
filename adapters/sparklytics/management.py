"""Websites, goals and the public link of a Sparklytics server (seed 002, contract sections 4.1 and 4.3)."""

from typing import Any

from adapters.base import Check
from adapters.http import path_of
from adapters.management import check_by_listing, checked_domain, is_taken
from adapters.sparklytics.client import SparklyticsClient, below
from adapters.sparklytics.wire import Goal as WireGoal
from adapters.sparklytics.wire import Share, Website
from models.errors import (
    AlreadyExists,
    InvalidRequest,
    MissingAtBackend,
    NotFound,
    Problem,
    UnknownGoal,
    UnsupportedQuery,
)
from models.goal import Goal, GoalDraft, GoalKind
from models.link import SharedLink, SharedLinkDraft
from models.period import is_zone
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft

WEBSITES = path_of("api", "websites")
LINKS = "sparklytics.link"
REVENUE_KEY = "revenue"
"""The property of an event that carries its amount, where a goal counts revenue."""


class Management:
    """ListsSites, CreatesSites, UpdatesSites, DeletesSites, the goals' and the links' protocols."""

    client: SparklyticsClient

    async def check(self) -> Check:
        return await check_by_listing(self)

    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage:
        params = (("limit", str(min(max(limit, 1), 100))), *((("cursor", cursor),) if cursor else ()))
        page = await self.client.call("GET", WEBSITES, list[Website], params)
        following = page.pagination.get("cursor") if page.pagination.get("has_more") else None
        return RemotePage(sites=tuple(_site(w) for w in page.data), next=following)

    async def get_site(self, ref: str) -> RemoteSite:
        return _site((await self.client.call("GET", below(ref), Website)).data)

    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        if draft.team is not None:
            raise InvalidRequest([Problem("team", "Sparklytics has no teams")])
        domain = checked_domain(draft.domain)
        if await is_taken(self, domain):  # whether Sparklytics itself minds is not documented (2026-04)
            raise AlreadyExists(f"there is a website for {domain} already", backend="sparklytics")
        # Sparklytics takes any text for a zone (source of 2026-04-12, contract 5, trap 8).
        body = {"name": draft.name.strip() or domain, "domain": domain, "timezone": _zone(draft.timezone)}
        return _site((await self.client.call("POST", WEBSITES, Website, json=body)).data)

    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite:
        body: dict[str, Any] = {}
        if change.domain is not None:
            body["domain"] = checked_domain(change.domain)
        if change.timezone is not None:
            body["timezone"] = _zone(change.timezone)
        if change.name is not None:
            body["name"] = _name(change.name)
        return _site((await self.client.call("PUT", below(site), Website, json=body)).data)

    async def delete_site(self, site: Site) -> None:
        """Removes the website with its events, sessions and goals."""
        await self.client.send("DELETE", below(site))
        await self.client.context.ledger.delete(LINKS, site.id)

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        found = (await self.client.call("GET", below(site, "goals"), list[WireGoal])).data
        return tuple(_goal(g) for g in found)

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        if draft.kind is GoalKind.SCROLL or draft.custom_props:
            raise UnsupportedQuery(["Sparklytics has goals on an event's name or a page's address only"])
        body = _goal_body(draft)
        identity = ("goal_type", "match_value", "match_operator")
        for goal in (await self.client.call("GET", below(site, "goals"), list[WireGoal])).data:
            if all(getattr(goal, name) == body[name] for name in identity):
                return _goal(goal)
        return _goal((await self.client.call("POST", below(site, "goals"), WireGoal, json=body)).data)

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        # DELETE answers 204 for ids that never were (source of 2026-04-12), so the list is asked first.
        if all(goal.id != goal_id for goal in await self.list_goals(site)):
            raise UnknownGoal(backend="sparklytics")
        await self.client.send("DELETE", below(site, "goals", goal_id))

    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        """Turns on the site's one public link. Its name is kept here, as Sparklytics has none.

        (Source of 2026-04-12, contract 4.1.)
        """
        if draft.password is not None or draft.expires_at is not None:
            raise UnsupportedQuery(["links of Sparklytics have no password and never expire"])
        named = await self._link_name(site)
        link = next(iter(await self.list_shared_links(site)), None)
        if link is not None and named not in ("", draft.name):
            raise AlreadyExists(f"Sparklytics has one link for a site, and it is named {named!r}")
        share = (await self.client.call("POST", below(site, "share"), Share)).data
        await self.client.context.ledger.put(LINKS, site.id, {"name": draft.name, "url": share.share_url})
        return SharedLink(id=share.share_id, name=draft.name, url=share.share_url)

    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]:
        found = (await self.client.call("GET", below(site), Website)).data
        if found.share_id is None:
            return ()
        kept = await self.client.context.ledger.get(LINKS, site.id) or {}
        url = str(kept.get("url") or f"/share/{found.share_id}")
        return (SharedLink(id=found.share_id, name=await self._link_name(site) or "Public", url=url),)

    async def _link_name(self, site: Site) -> str:
        kept = await self.client.context.ledger.get(LINKS, site.id)
        return str(kept["name"]) if kept else ""

    async def delete_shared_link(self, site: Site, link_id: str) -> None:
        if all(link.id != link_id for link in await self.list_shared_links(site)):
            raise NotFound("there is no such link", backend="sparklytics")
        try:
            await self.client.send("DELETE", below(site, "share"))
        except MissingAtBackend as error:
            raise NotFound("there is no such link", backend="sparklytics") from error
        await self.client.context.ledger.delete(LINKS, site.id)


def _site(website: Website) -> RemoteSite:
    zone = website.timezone if is_zone(website.timezone) else None
    return RemoteSite(ref=website.id, domain=website.domain, timezone=zone, name=website.name)


def _zone(name: str) -> str:
    if not is_zone(name):
        raise InvalidRequest([Problem("timezone", "no such IANA time zone")])
    return name


def _name(text: str) -> str:
    if not text.strip():  # Sparklytics takes an empty name (2026-11, contract 0)
        raise InvalidRequest([Problem("name", "must not be empty")])
    return text.strip()


def _goal_type(draft: GoalDraft) -> str:
    return "event" if draft.kind is GoalKind.EVENT else "page_view"


def _operator(draft: GoalDraft) -> str:
    """`equals`, or `contains` for a path that is one text between wildcards."""
    path = draft.page_path or ""
    if "*" not in path:
        return "equals"
    if "*" in path.strip("*") or not path.endswith("*"):
        raise UnsupportedQuery(["Sparklytics knows wildcards only at the end of a path"])
    return "contains"


def _goal_body(draft: GoalDraft) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": draft.shown_as[:100],
        "goal_type": _goal_type(draft),
        "match_value": draft.event_name or (draft.page_path or "").rstrip("*"),
        "match_operator": _operator(draft),
    }
    if draft.currency:
        body |= {"value_mode": "event_property", "value_property_key": REVENUE_KEY, "currency": draft.currency}
    return body


def _goal(goal: WireGoal) -> Goal:
    """`contains` becomes a wildcard behind the text: the nearest canonical form (contract 6.4, approximate)."""
    if goal.goal_type == "event":
        currency = goal.currency if goal.value_mode != "none" else None
        return Goal(id=goal.id, event_name=goal.match_value, display_name=goal.name, currency=currency)
    path = goal.match_value if goal.match_value.startswith("/") else f"/{goal.match_value}"
    path += "*" if goal.match_operator == "contains" else ""
    return Goal(id=goal.id, page_path=path, display_name=goal.name)
