"""Goals of Umami's websites.

Umami stores no goals, only reports on one (2026-05), so definitions are kept in the gateway's ledger and evaluated
through filters: an event goal counts events of its name, a page goal page views of its path.
"""

from adapters.base import Ledger
from adapters.umami.wire import BACKEND
from models.errors import UnknownGoal, UnsupportedQuery
from models.goal import Goal, GoalDraft, GoalKind
from models.site import Site

KIND = "umami.goal"
LONGEST_EVENT = 50
"""Umami answers 400 to a longer name of an event, so a goal on one is never reached (3.1.0, 2026-11, contract 4)."""


class Goals:
    """Definitions of goals by site."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        """In the order in which they were made."""
        found = [Goal.model_validate(value) for _, value in await self._ledger.list(KIND, f"{site.id}/")]
        return tuple(sorted(found, key=lambda goal: int(goal.id)))

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        if draft.kind is GoalKind.SCROLL or draft.custom_props or draft.currency:
            raise UnsupportedQuery(
                ["Umami can count a goal by an event's name or a page's path, not by properties, scrolling or revenue"],
                backend=BACKEND,
            )
        if len(draft.event_name or "") > LONGEST_EVENT:
            raise UnsupportedQuery([f"Umami keeps {LONGEST_EVENT} characters of an event's name"], backend=BACKEND)
        for goal in await self.list_goals(site):
            if goal.identity == draft.identity:
                return goal
        number = str(await self._ledger.next_id(KIND))
        made = Goal(**{**draft.model_dump(), "id": number, "display_name": draft.shown_as})
        await self._ledger.put(KIND, f"{site.id}/{number}", made.model_dump(mode="json"))
        return made

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        if not goal_id.isdecimal() or not await self._ledger.delete(KIND, f"{site.id}/{goal_id}"):
            raise UnknownGoal(backend=BACKEND)

    async def forget(self, site: Site) -> None:
        """Remove the goals of a site that is gone."""
        for key, _ in await self._ledger.list(KIND, f"{site.id}/"):
            await self._ledger.delete(KIND, key)
