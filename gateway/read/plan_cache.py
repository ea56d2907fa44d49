"""Plans remembered by the shape of the question, because working one out costs more than the rest of the read path."""

from cachetools import LRUCache

from gateway.read.planner import Native, Plan, plan
from models.capability import Capabilities
from models.query import ResolvedQuery
from models.result import Reason

REMEMBERED = 2_000


class PlanCache:
    """The planner, with a memory of the shapes that a declaration answers as they are.

    A shape is all that the planner's rules look at: not the dates, but how many days they are, and whether whole ones.
    Fan-outs and refusals carry the question itself, so they are worked out each time.
    """

    def __init__(self) -> None:
        self._native: LRUCache[object, tuple[Capabilities, tuple[Reason, ...]]] = LRUCache(REMEMBERED)

    def plan(self, query: ResolvedQuery, can: Capabilities, *, site_zone: str) -> Plan:
        """What `gateway.read.planner.plan` answers."""
        if query.extra:
            return plan(query, can, site_zone=site_zone)
        shape = (id(can), _shape(query), query.period.zone.key == site_zone)
        if (known := self._native.get(shape)) is not None:
            return Native(query, known[1])
        found = plan(query, can, site_zone=site_zone)
        if isinstance(found, Native):
            self._native[shape] = can, found.reasons  # the declaration is held, so that its id stays its own
        return found


def _shape(query: ResolvedQuery) -> tuple[object, ...]:
    period = query.period
    return (
        query.metrics,
        query.dimensions,
        query.filters,
        query.order_by,
        query.limit,
        query.include,
        period.days,
        period.whole_days,
        query.relative == "realtime",
    )
