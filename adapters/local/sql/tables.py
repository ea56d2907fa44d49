"""Which table answers which part of a query (contracts: Plausible 7.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.local.sql.dimensions import ENTRY, HOSTNAME_ALSO, scope
from adapters.local.sql.filters import renamed, scopes_of, top_level
from models.filters import Filter
from models.goal import Goal
from models.vocabulary import METRICS, Dimension, Metric, Scope

OURS, BY_VISIT = "local", "visits_count_pageviews"
"""What `query.extra` may say to us: page views and events may be counted with their visits (contracts: Plausible 5)."""

SETTINGS = " SETTINGS do_not_merge_across_partitions_select_final = 1, distributed_product_mode = 'local'"
"""A state and what takes it back have the same start, so they meet within one partition; FINAL is then almost free.
On a cluster, the events of a visit and the visit lie on one shard, so looking one up in the other stays there."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one table is asked: metrics by groups under filters. `goals` are those the filters let through.

    `by_visit` lets visits count page views and events too, with the visit they belong to.
    """

    metrics: tuple[Metric, ...]
    dimensions: tuple[str, ...]
    filters: tuple[Filter, ...]
    goals: tuple[Goal, ...]
    by_visit: bool = False

    def about(self, names: Mapping[str, str]) -> "Ask":
        """The same question about other dimensions, in groups and filters alike."""
        return replace(
            self,
            dimensions=tuple(names.get(d, d) for d in self.dimensions),
            filters=tuple(renamed(f, names) for f in self.filters),
        )


@dataclass(frozen=True, slots=True)
class Halves:
    """The two tables' shares; None where a table is not asked."""

    events: Ask | None
    visits: Ask | None


def halves(ask: Ask) -> Halves:
    """Deal the metrics to the tables. `exit_rate` needs both in its own way and is left out here.

    Metrics that either table knows follow the events table where both are asked, so visitors may differ by what is
    asked beside them.
    """
    by_scope = {s: tuple(m for m in ask.metrics if _scope(m, ask) is s) for s in Scope}
    events, visits, either = (by_scope[s] for s in (Scope.EVENT, Scope.VISIT, Scope.EITHER))
    if not (events or visits or either):
        return Halves(None, None)
    grouped = frozenset(scope(d) for d in ask.dimensions)
    named = grouped | scopes_of(ask.filters)
    for_events = bool(events) or Scope.EVENT in grouped
    for_visits = bool(visits) or Scope.VISIT in grouped
    if not for_events and (for_visits or Scope.EVENT not in named or Scope.VISIT in named):
        return Halves(None, _of_visits(ask, visits + either))
    if not for_visits:
        return Halves(replace(ask, metrics=events + either), None)
    to_events = events + either
    return Halves(replace(ask, metrics=to_events) if to_events else None, _of_visits(ask, visits) if visits else None)


def _scope(metric: Metric, ask: Ask) -> Scope | None:
    """The table that alone can give a metric. Visitors, visits and the rates made of them come from either."""
    if metric is Metric.EXIT_RATE:
        return None
    if ask.by_visit and metric in (Metric.PAGEVIEWS, Metric.EVENTS):
        return Scope.EITHER
    return METRICS[metric].scope


def _of_visits(ask: Ask, metrics: tuple[Metric, ...]) -> Ask:
    """Visits grouped by page are grouped, and filtered, by the page they entered on; by hostname only if grouped by it.

    A hostname filter beside a group by page alone keeps visits with any event there, as the vendor does.
    """
    asked = replace(ask, metrics=metrics)
    if Dimension.PAGE not in ask.dimensions:
        return asked
    return asked.about({name: entry for name, entry in ENTRY.items() if name in ask.dimensions})


def with_hostnames(filters: tuple[Filter, ...], dimensions: Sequence[str]) -> tuple[Filter, ...]:
    """The filters, and hostname filters repeated for the visit's entry or exit hostname where groups need that."""
    hosts = top_level(filters, Dimension.HOSTNAME)
    also = dict.fromkeys(HOSTNAME_ALSO[d] for d in dimensions if d in HOSTNAME_ALSO)
    return (*filters, *(replace(host, dimension=name) for name in also for host in hosts))
