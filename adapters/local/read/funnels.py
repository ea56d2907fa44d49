"""Funnels: how far visitors get within one visit. A step is an event; a later step may share its second."""

from collections.abc import Sequence

from adapters.local.client import StoreClient
from models.insight import FunnelStep
from models.query import ResolvedQuery
from models.site import Site

WITHIN = 7 * 24 * 3600
"""Seconds: longer than a visit lasts, so only the visit bounds a funnel."""


class Funnels:
    """ReadsFunnels."""

    client: StoreClient

    async def funnel(self, site: Site, query: ResolvedQuery, steps: Sequence[FunnelStep]) -> tuple[int, ...]:
        """Visitors at each step; one who gets further in another visit counts by the better one.

        Raises InvalidRequest.
        """
        conditions = await self.client.conditions(site, query, [f for step in steps for f in step.filters])
        flags = ", ".join(f"({conditions.one_event(step.filters)})" for step in steps)
        reached = f"SELECT visitor, windowFunnel({WITHIN})(time, {flags}) AS level"
        by_visit = f"{reached} FROM events WHERE {conditions.events()} GROUP BY visitor, session"
        counts = ", ".join(f"uniqExactIf(visitor, level >= {n})" for n in range(1, len(steps) + 1))
        (row,) = await self.client.rows(f"SELECT {counts} FROM ({by_visit})", conditions)
        return tuple(int(value) for value in row)
