"""How Pirsch answers a resolved query, decided once: what is asked, at what cost, why it is inexact or refused. Pure.

A plan rests on what was looked up before: goals, and the values that patterns are held against. Before that, `draft`
plans for a sample of each kind of goal. Without goals and patterns nothing is looked up, and the draft is the plan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from adapters.pirsch.translate.filters import Lookups, goals_named, of_goal, select
from adapters.pirsch.translate.objections import NEEDS, WALK, declared_refusals, needs, objections, why_walk
from adapters.pirsch.translate.question import (
    CallLimits,
    Question,
    Shape,
    TopRows,
    besides,
    calls_of,
    exact_duration_calls,
    question,
)
from adapters.pirsch.translate.selection import Selection, combined
from adapters.pirsch.translate.statistics import Fields, Span, refuse, span_of
from adapters.pirsch.vocabulary import Field
from models.errors import UnsupportedQuery
from models.filters import Comparison
from models.goal import Goal
from models.query import Direction, ResolvedQuery
from models.result import Foreseen, PlanKind, Reason
from models.site import Site
from models.vocabulary import Dimension, Metric, dimension_of

D, F, M = Dimension, Field, Metric
SAMPLES = (
    Goal(id="1", event_name="any event", currency="EUR", display_name="?"),
    Goal(id="2", page_path="/any", display_name="?"),
)
"""Stand for the site's goals, whose kinds are not known before they were read."""
ESTIMATED = Reason(
    "definition_differs",
    "visit_duration: estimated from rounded daily averages; extra.pirsch.session_walk reads every visit",
)


@dataclass(frozen=True, slots=True)
class Part:
    """One table of an answer: the rows of the query or of one goal, its totals, or what rates are shares of."""

    question: Question
    calls: int = 1
    goal: str | None = None
    less: tuple[Question, ...] = ()
    """What is subtracted: visits that did what the query asks not to have done."""
    visits_calls: int = 0
    """In so many calls the visits themselves may be read for an exact visit_duration; beyond that it is estimated."""
    exits: Question | None = None
    """The list that gives exit_rate its other number."""
    reasons: tuple[Reason, ...] = ()
    """ESTIMATED among them does not hold where the visits could be read."""

    @property
    def walked(self) -> bool:
        return self.question.shape is Shape.SESSION_WALK


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is asked for one query, or why it is not. `calls` is the most it takes, lookups included."""

    query: ResolvedQuery
    parts: tuple[Part, ...] = ()
    totals: Part | None = None
    everybody: tuple[Part, ...] = ()
    """Whom percentages are of."""
    without_goal: tuple[Part, ...] = ()
    """Whom rates are of: everybody without the goal filter, and the same by group."""
    calls: int = 0
    filter_reasons: tuple[Reason, ...] = ()
    reasons: tuple[Reason, ...] = ()
    """What is announced: those of the filters and of all parts."""
    unlisted: tuple[Dimension, ...] = ()
    """Dimensions whose values have to be looked up."""
    refusals: tuple[str, ...] = ()

    @property
    def foreseen(self) -> Foreseen:
        if self.refusals:
            return Foreseen(refusals=self.refusals)
        return Foreseen(PlanKind.NATIVE if self.calls == 1 else PlanKind.FAN_OUT, self.calls, self.reasons)


def draft(site: Site, query: ResolvedQuery, limits: CallLimits) -> Plan:
    """The plan before anything is asked.

    Of samples it is the dearer, with the reasons common to both, and refused only where both are.
    """
    if not asks_goals(query):
        return plan(site, query, limits, Lookups())
    sampled = [plan(site, query, limits, Lookups((goal,), sampled=True)) for goal in SAMPLES]
    possible = [p for p in sampled if not p.refusals] or sampled[:1]
    dearest = max(possible, key=lambda p: p.calls)
    return replace(dearest, reasons=tuple(r for r in possible[0].reasons if all(r in p.reasons for p in possible)))


def asks_goals(query: ResolvedQuery) -> bool:
    return D.GOAL in query.names


def plan(site: Site, query: ResolvedQuery, limits: CallLimits, known: Lookups) -> Plan:
    """The plan for what is known. Its refusals say every reason against the first part that is refused."""
    if refusals := declared_refusals(query):
        return Plan(query, refusals=refusals)
    try:
        return _Planner(query, span_of(site, query), limits, known).plan()
    except UnsupportedQuery as refused:
        return Plan(query, refusals=refused.reasons)


@dataclass(frozen=True, slots=True)
class _Planner:
    """What all parts of one plan have in common. Raises UnsupportedQuery."""

    query: ResolvedQuery
    span: Span
    limits: CallLimits
    known: Lookups

    def plan(self) -> Plan:
        query = self.query
        selection = select(query.filters, self.known)
        dimensions = tuple(d for d in query.dimensions if d != D.GOAL)
        if D.GOAL in query.dimensions:
            parts = [self.part(combined(selection, of_goal(g)), dimensions, g.shown_as) for g in self.goals_asked()]
        else:
            parts = [self.part(selection, dimensions)]
        totals = self.part(selection, ()) if query.include.totals and query.dimensions else None
        announced = [reason for part in (*parts, *((totals,) if totals else ())) for reason in part.reasons]
        return Plan(
            query,
            tuple(parts),
            totals,
            tuple(self.everybody(selection, parts)),
            tuple(self.without_goal(dimensions)),
            self.most_calls(parts[0]) if parts else 0,
            selection.reasons,
            tuple(dict.fromkeys((*announced, *selection.reasons))),
            tuple(dict.fromkeys(D(leaf.dimension) for leaf in selection.unlisted)),
        )

    def goals_asked(self) -> tuple[Goal, ...]:
        """The goals of the rows: all of the site, or those the filters name."""
        named = [f for f in self.query.filters if isinstance(f, Comparison) and f.dimension == D.GOAL]
        return tuple(g for g in self.known.goals if all(g in goals_named(leaf, self.known) for leaf in named))

    def part(self, selection: Selection, dimensions: tuple[str, ...], goal: str | None = None) -> Part:
        """A selection by dimensions, with every reason where it cannot be counted truly."""
        query, fields = self.query, needs(self.query.metrics, selection)
        why = why_walk(query, selection, dimensions, fields)
        walk = bool(why) or bool(query.extra.get("pirsch", {}).get(WALK))
        if against := objections(self.span, query, selection, dimensions, fields, walk=walk, why=why):
            raise refuse(*against)
        exits = self.exits(selection) if M.EXIT_RATE in query.metrics else None
        if walk:
            twice = Reason("definition_differs", "visits with several matching events are read once")
            reasons = (twice,) if selection.multiplied else ()
            return Part(self.walk(selection, dimensions), self.limits.session_walk, goal, exits=exits, reasons=reasons)
        asked = self.question(selection, dimensions, fields, self.top())
        calls = calls_of(asked, query, self.limits)
        if selection.without or query.include.total_rows or dimensions != query.dimensions:
            asked = asked.of_all_rows()
        less = tuple(self.question(combined(selection, w), dimensions, fields) for w in selection.without)
        visits = exact_duration_calls(dimensions, selection, fields)
        return Part(asked, calls, goal, less, visits, exits, tuple(self.reasons(dimensions)))

    def question(
        self, selection: Selection, dimensions: tuple[str, ...], fields: Fields, top: TopRows | None = None
    ) -> Question:
        return question(self.span, selection, dimensions, fields, self.limits.fan_out, top)

    def walk(self, selection: Selection, dimensions: tuple[str, ...]) -> Question:
        at_most = self.limits.session_walk
        return Question(Shape.SESSION_WALK, self.span, selection, dimensions, frozenset(), at_most)

    def top(self) -> TopRows | None:
        """The rows shown, of an order by one field descending and then the dimensions ascending; None for others."""
        query = self.query
        if not query.order_by:
            return None
        first, *rest = query.order_by
        if first.direction is not Direction.DESC or first.by in query.dimensions:
            return None
        if [(o.by, o.direction) for o in rest] != [(d, Direction.ASC) for d in query.dimensions]:
            return None
        fields = NEEDS.get(Metric(first.by), ())
        return TopRows(fields[0], query.offset + query.limit) if len(fields) == 1 else None

    def reasons(self, dimensions: tuple[str, ...]) -> Iterator[Reason]:
        """Why grouped numbers will not be exact, where the declaration cannot say it."""
        query = self.query
        if M.VISIT_DURATION in query.metrics:
            yield ESTIMATED
        if M.BOUNCE_RATE in query.metrics and D.PAGE in dimensions:
            viewed = "bounce_rate by page: of visits that viewed it, not that entered there"
            yield Reason("definition_differs", viewed)
        if query.relative == "realtime":
            yield Reason("definition_differs", "realtime: visits active in the last five minutes count whole")
        if dimensions in ((D.BROWSER_VERSION,), (D.OS_VERSION,)):
            yield Reason("summed_visitors", f"{dimensions[0]}: visitors of several programs are summed")
        first, last = (moment.astimezone(query.period.zone) for moment in (query.period.first, query.period.last))
        if {D.TIME_HOUR, D.TIME_MINUTE} & set(dimensions) and first.utcoffset() != last.utcoffset():
            yield Reason("repeated_hour", "a clock change lies in the range: Pirsch joins the repeated hour")

    def exits(self, selection: Selection) -> Question:
        """Page views of the pages visits ended on, or visits that ended on the pages, in one more list."""
        by_page = D.PAGE in self.query.dimensions
        field, dimension = (F.VISITS, D.EXIT_PAGE) if by_page else (F.VIEWS, D.PAGE)
        bare = tuple(p for p in selection.params if p[0] not in ("exit_path", "path", "pattern"))
        return self.question(replace(selection, params=bare), (dimension,), frozenset({field}))

    def everybody(self, selection: Selection, parts: Sequence[Part]) -> Iterator[Part]:
        """Percentages are of the same period and our own filters; never the vendor's unfiltered ones.

        (`relative_visitors`: 2026-07-10, contract section 9.)
        """
        if M.PERCENTAGE in self.query.metrics:
            walked = all(part.walked for part in parts)
            yield Part(self.walk(selection, ()) if walked else self.question(selection, (), frozenset({F.VISITORS})))

    def without_goal(self, dimensions: tuple[str, ...]) -> Iterator[Part]:
        """Of rates too, and `cr` is not: goals and properties at the top level are left out, other filters kept."""
        wanted, visitors = set(self.query.metrics), frozenset({F.VISITORS})
        if not wanted & {M.CONVERSION_RATE, M.GROUP_CONVERSION_RATE}:
            return
        left_out = (D.GOAL, D.PROP)
        filters = [
            f for f in self.query.filters if not (isinstance(f, Comparison) and dimension_of(f.dimension) in left_out)
        ]
        base = select(filters, self.known)
        totals = self.query.include.totals and M.GROUP_CONVERSION_RATE in wanted
        if M.CONVERSION_RATE in wanted or totals or not dimensions:
            yield Part(self.question(base, (), visitors))
        if M.GROUP_CONVERSION_RATE in wanted and dimensions:
            yield Part(self.question(base, dimensions, visitors))

    def most_calls(self, part: Part) -> int:
        """The most calls; a query by goal may take all that is allowed, as often as the site has goals."""
        most = self.limits.session_walk if part.walked else self.limits.fan_out
        if D.GOAL in self.query.dimensions:
            return most
        twice = 2 if part.question.selection.without else 1
        return min(most, part.calls * twice + part.visits_calls + besides(self.query, part.question, part.calls))
