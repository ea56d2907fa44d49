"""How long an answer is true enough, by the range it is about (docs/decisions/0030)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.query import ResolvedQuery

SETTLING = timedelta(hours=48)
"""Vendors take late events and process days again, so a day is not final at its midnight."""
STEPS = {"realtime": 5, "24h": 60}
"""Ranges that move with every second, and the seconds their end is rounded down to."""
LOW = 0.5
MOST_STRETCHED = 12
"""An empty budget makes five minutes an hour."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Ages, counted from when the backend answered: fresh, then served while a new answer is fetched (`revalidate`),
    then served only when the backend fails (`on_error`). An `elastic` one stays fresh for longer as the credential's
    budget empties."""

    fresh: timedelta
    revalidate: timedelta
    on_error: timedelta
    elastic: bool = False

    def fresh_for(self, level: float = 1.0) -> timedelta:
        """The fresh age when this share of the budget is left."""
        return stretched(self.fresh, level) if self.elastic else self.fresh

    @property
    def kept(self) -> timedelta:
        return max(self.fresh, self.revalidate, self.on_error)


REALTIME = Policy(timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=60))
HOURLY = Policy(timedelta(seconds=60), timedelta(minutes=10), timedelta(hours=24))
TODAY = Policy(timedelta(minutes=5), timedelta(hours=6), timedelta(days=7), elastic=True)
SETTLED_SOON = Policy(timedelta(hours=1), timedelta(hours=24), timedelta(days=7))
CLOSED = Policy(timedelta(hours=24), timedelta(days=30), timedelta(days=90))
LISTS = Policy(timedelta(seconds=60), timedelta(minutes=10), timedelta(hours=24))
"""Sites and goals of a backend."""
UNKEPT = Policy(timedelta(0), timedelta(0), timedelta(0))
NEGATIVE_SECONDS = 30.0
"""How long a site that its backend does not know is not asked for again."""


def policy_of(query: ResolvedQuery) -> Policy:
    """The policy of an answer given at the query's `now`. It is kept with the answer: what was asked before a day ended
    does not become final when the day does."""
    if query.relative == "realtime":
        return REALTIME
    if query.period.last >= query.now:
        return HOURLY if query.time_dimension in ("time:hour", "time:minute") else TODAY
    return SETTLED_SOON if query.now - query.period.last < SETTLING else CLOSED


def stretched(fresh: timedelta, level: float) -> timedelta:
    """The lifetime under a budget's level: itself down to a half, then longer, twelvefold at nothing."""
    if level >= LOW:
        return fresh
    return fresh * (1 + (MOST_STRETCHED - 1) * (1 - max(0.0, level) / LOW))


def stepped(now: datetime, relative: str | None) -> datetime:
    """`now` as ranges that move with it see it, rounded down, so that equal questions of one moment have one key."""
    step = STEPS.get(relative or "")
    return now if step is None else datetime.fromtimestamp(now.timestamp() // step * step, now.tzinfo)
