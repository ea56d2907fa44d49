"""Metrics as sums that add up over tables (parts), and the formulas that make a number of them.

Formulas, rounding and what stands where there is no data: contracts, Plausible 7.5. `round` on floats is half to even.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from types import MappingProxyType

from models.vocabulary import Metric

M = Metric


@dataclass(frozen=True, slots=True)
class Part:
    """A sum: how the events table, the visits table and rows of imported history give it; empty where they do not.

    `{currency}` is the currency of the row, `{entered}` whether the visit entered on a filtered page.
    """

    events: str = ""
    visits: str = ""
    imported: str = ""
    money: bool = False
    engagement: bool = False


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "visitors": Part("uniqExact(visitor)", "uniqExact(visitor)", "visitors"),
        "visits": Part("uniqExact(session)", "sum(sign)", "visits"),
        "pageviews": Part("countIf(name = 'pageview')", "sum(sign * pageviews)", "pageviews"),
        "events": Part("countIf(name != 'engagement')", "sum(sign * events)", "events"),
        "engaged_ms": Part(
            "sumIf(engagement_ms, name = 'engagement')", imported="1000 * total_time_on_page", engagement=True
        ),
        "engaged_visits": Part(
            "uniqExactIf(session, name = 'engagement')", imported="total_time_on_page_visits", engagement=True
        ),
        "depth": Part(imported="total_scroll_depth", engagement=True),
        "depth_visits": Part(imported="total_scroll_depth_visits", engagement=True),
        "paid": Part("sumIf(revenue, currency = {currency})", money=True),
        "paid_events": Part("countIf(revenue IS NOT NULL AND currency = {currency})"),
        "bounces": Part(visits="sumIf(sign, is_bounce = 1 AND {entered})", imported="bounces"),
        "bounce_visits": Part(visits="sumIf(sign, {entered})", imported="whole_visits"),
        "seconds": Part(visits="sum(sign * duration)", imported="visit_duration"),
        "viewed": Part(visits="sum(sign * pageviews)", imported="pageviews"),
        "viewed_visits": Part(visits="sum(sign)", imported="visits"),
        "session_visits": Part(visits="sum(sign)", imported="whole_visits"),
        "exits": Part(visits="sum(sign)", imported="visits"),
        "exit_views": Part("countIf(name = 'pageview')", imported="pageviews"),
    }
)


@dataclass(frozen=True, slots=True)
class Formula:
    """The parts a metric needs and the expression over their sums.

    What stands in braces depends on the query. `{events}`: events, null beside scroll goals. `{whole}`, `{unfiltered}`,
    `{group}`: visitors of the whole query, of it without its goal, of the row's group without its goal. `{currency}`:
    the row's, empty without one.
    """

    parts: tuple[str, ...]
    sql: str

    @property
    def given(self) -> tuple[str, ...]:
        """What stands in braces."""
        return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.sql) if name))


FORMULAS: Mapping[Metric, Formula] = MappingProxyType(
    {
        M.VISITORS: Formula(("visitors",), "visitors"),
        M.VISITS: Formula(("visits",), "visits"),
        M.PAGEVIEWS: Formula(("pageviews",), "pageviews"),
        M.EVENTS: Formula(("events",), "{events}"),
        M.CONVERSIONS: Formula(("events",), "{events}"),
        M.VIEWS_PER_VISIT: Formula(
            ("viewed", "viewed_visits"), "if(viewed_visits = 0, 0., round(viewed / viewed_visits, 2))"
        ),
        M.BOUNCE_RATE: Formula(
            ("bounces", "bounce_visits"), "if(bounce_visits = 0, 0, toInt64(round(100 * bounces / bounce_visits)))"
        ),
        M.VISIT_DURATION: Formula(
            ("seconds", "session_visits"), "if(session_visits = 0, 0, toInt64(round(seconds / session_visits)))"
        ),
        M.TIME_ON_PAGE: Formula(
            ("engaged_ms", "engaged_visits"),
            "if(engaged_visits = 0, NULL, toInt64(round(engaged_ms / 1000 / engaged_visits)))",
        ),
        M.SCROLL_DEPTH: Formula(
            ("depth", "depth_visits"), "if(depth_visits = 0, NULL, toInt64(round(depth / depth_visits)))"
        ),
        M.PERCENTAGE: Formula(("visitors",), "if({whole} = 0, NULL, round(visitors / {whole} * 100, 2))"),
        M.CONVERSION_RATE: Formula(("visitors",), "if({unfiltered} = 0, 0., round(visitors / {unfiltered} * 100, 2))"),
        M.GROUP_CONVERSION_RATE: Formula(("visitors",), "if({group} = 0, 0., round(visitors / {group} * 100, 2))"),
        M.EXIT_RATE: Formula(("exits", "exit_views"), "if(exit_views = 0, NULL, round(exits / exit_views * 100, 1))"),
        M.TOTAL_REVENUE: Formula(("paid", "paid_events"), "if({currency} = '', NULL, paid)"),
        M.AVERAGE_REVENUE: Formula(
            ("paid", "paid_events"), "if({currency} = '', NULL, if(paid_events = 0, 0., paid / paid_events))"
        ),
    }
)

OF_ENGAGEMENT = frozenset(m for m, formula in FORMULAS.items() if any(PARTS[p].engagement for p in formula.parts))
"""Of a page, and read from engagement: asked for one of these, a query also counts people and visits that only engaged
(contracts: Plausible 7.5)."""


def parts_of(metrics: tuple[Metric, ...]) -> tuple[str, ...]:
    """The parts that metrics need, each once."""
    return tuple(dict.fromkeys(part for metric in metrics for part in FORMULAS[metric].parts))
