"""Goals and custom properties of local sites."""

from adapters.base import Context
from adapters.local.manage.sites import Locks
from adapters.local.sql.checks import NO_NUL
from models.errors import InvalidRequest, Problem, UnknownGoal
from models.goal import Goal, GoalDraft
from models.site import Site

MAX_GOALS, MAX_PROPS, MAX_PROP_LENGTH = 1000, 300, 300
GOALS, PROPS = "goals", "props"


class Goals:
    """ListsGoals, CreatesGoals, DeletesGoals and ManagesProps."""

    context: Context
    locks: Locks

    async def list_goals(self, site: Site) -> tuple[Goal, ...]:
        """All goals, oldest first."""
        return tuple(Goal(**value) for _, value in await self.context.ledger.list(GOALS, f"{site.id}/"))

    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        """The goal of the draft's identity as it is, or a new one. Raises InvalidRequest (path, money, name, count)."""
        if "\0" in (draft.page_path or ""):
            raise InvalidRequest([Problem("page_path", NO_NUL)])
        async with self.locks[site.id]:
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
            number = await self.context.ledger.next_id(GOALS)
            goal = Goal(id=str(number), **draft.model_dump() | {"display_name": draft.shown_as})
            await self.context.ledger.put(GOALS, f"{site.id}/{number:012d}", goal.model_dump(mode="json"))
            return goal

    async def delete_goal(self, site: Site, goal_id: str) -> None:
        """Raises UnknownGoal."""
        known = goal_id.isdecimal() and len(goal_id) <= 12
        if not known or not await self.context.ledger.delete(GOALS, f"{site.id}/{int(goal_id):012d}"):
            raise UnknownGoal(f"no goal {goal_id[:20]!r} on this site")

    async def list_custom_props(self, site: Site) -> tuple[str, ...]:
        """Names, in the order they were allowed."""
        found = [value for _, value in await self.context.ledger.list(PROPS, f"{site.id}/")]
        return tuple(value["name"] for value in sorted(found, key=lambda value: value["number"]))

    async def put_custom_prop(self, site: Site, name: str) -> None:
        """Raises InvalidRequest on an empty or overlong name, or when the site has too many."""
        if not name.strip() or len(name) > MAX_PROP_LENGTH:
            raise InvalidRequest([Problem("property", f"must have 1 to {MAX_PROP_LENGTH} characters")])
        async with self.locks[site.id]:
            names = await self.list_custom_props(site)
            if name in names:
                return
            if len(names) >= MAX_PROPS:
                raise InvalidRequest([Problem("property", f"at most {MAX_PROPS} custom properties per site")])
            number = await self.context.ledger.next_id(PROPS)
            await self.context.ledger.put(PROPS, f"{site.id}/{name}", {"name": name, "number": number})

    async def delete_custom_prop(self, site: Site, name: str) -> None:
        """Idempotent: an unknown property is gone already."""
        await self.context.ledger.delete(PROPS, f"{site.id}/{name}")
