"""What translating queries has in common at several vendors: filters joined by and, and shapes of questions. Pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from models.filters import And, Comparison, Filter, Or
from models.query import ResolvedQuery
from models.vocabulary import Dimension, Interval, Metric, interval_of


def flat(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """The same filters with `and`s of the top level, and `or`s of one part, taken apart."""
    found: list[Filter] = []
    for part in filters:
        match part:
            case And(parts):
                found += flat(parts)
            case Or((single,)):
                found += flat((single,))
            case _:
                found.append(part)
    return tuple(found)


def joined_by_and(filters: Sequence[Filter]) -> tuple[Comparison, ...]:
    """The comparisons among them; a vendor that can say nothing else refuses the rest in its declaration."""
    return tuple(part for part in flat(filters) if isinstance(part, Comparison))


def filtered_twice(leaves: Sequence[Comparison], title: str) -> Iterator[str]:
    """Reasons against several filters on one dimension, for vendors that take one."""
    names = [leaf.dimension for leaf in leaves]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"{name}: {title} takes one filter on each dimension"


class Shape(StrEnum):
    """Which calls answer a query, where each kind of number has a call of its own."""

    TOTALS = "totals"
    REALTIME = "realtime"
    SERIES = "series"
    BUCKETS = "buckets"
    BREAKDOWN = "breakdown"
    NAMES = "names"
    GOALS = "goals"


def shape_for(query: ResolvedQuery, *, of_goals: bool, is_series: Callable[[Interval], bool]) -> Shape:
    """`of_goals`: it filters on a goal. `is_series`: one call gives its numbers for every bucket of an interval."""
    grouped = query.dimensions[0] if query.dimensions else ""
    if query.relative == "realtime":
        return Shape.REALTIME
    if grouped == Dimension.GOAL or of_goals:
        return Shape.GOALS
    if grouped == Dimension.EVENT:
        return Shape.NAMES
    interval = interval_of(grouped)
    if interval is None:
        return Shape.BREAKDOWN if grouped else Shape.TOTALS
    return Shape.SERIES if is_series(interval) else Shape.BUCKETS


def against_shape(query: ResolvedQuery, shape: Shape, goal_only: frozenset[Metric], buckets: int) -> Iterator[str]:
    """Reasons against a query of a shape; `buckets` is how many calls it takes where each bucket takes one."""
    metrics = set(query.metrics)
    if shape is Shape.REALTIME and (metrics != {Metric.VISITORS} or query.dimensions or query.filters):
        yield "realtime: only the number of visitors is known"
    if metrics & goal_only and shape is not Shape.GOALS:
        yield f"{', '.join(sorted(metrics & goal_only))}: name a goal, or group by goal"
    if buckets > MOST_BUCKETS:
        yield f"this takes a call for each bucket, at most {MOST_BUCKETS}; ask for fewer or longer ones"


MOST_BUCKETS = 24


def moment(text: str | None) -> datetime | None:
    """A time as vendors write it, in UTC; None when unreadable.

    RFC 3339, or a database's `2026-03-01 10:00:00` (Sparklytics, source of 2026-04-12, trap 8).
    """
    try:
        found = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
