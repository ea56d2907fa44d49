"""The script that carries a plan out, from the site's goals to rows in order. Pure: it says what to ask."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.pirsch.translate import measure as m
from adapters.pirsch.translate.asking import Asking, Grouped
from adapters.pirsch.translate.call import Call, Script, Span, Tallies, pages, span_of
from adapters.pirsch.translate.groups import grouped, order_cut
from adapters.pirsch.translate.matching import chosen
from adapters.pirsch.translate.plan import Caps, Shape, asks_goals, exact_duration_calls, shape_of
from adapters.pirsch.translate.selection import Selection, combined, conjuncts, goals_named, of_goal, select
from adapters.pirsch.translate.walk import walk
from adapters.pirsch.vocabulary import LISTINGS, Field
from adapters.pirsch.wire import goals_of
from adapters.rows import arranged, names_of, page, time_labels
from models.errors import UnsupportedQuery
from models.event import PAGEVIEW
from models.filters import Comparison, Filter
from models.goal import Goal
from models.query import ResolvedQuery
from models.result import Answer, Reason, Row
from models.site import Site
from models.vocabulary import TIME_DIMENSIONS, Dimension, Metric, dimension_of

D, F, M = Dimension, Field, Metric


def script(site: Site, query: ResolvedQuery, caps: Caps) -> Script[Answer]:
    """Asks what the plan says and ends in the answer (its `calls` are the caller's to count)."""
    goals: tuple[Goal, ...] = ()
    if asks_goals(query):
        (reply,) = yield (Call("goal", (("id", site.ref),)),)
        goals = goals_of(reply)
    span = span_of(site, query)
    asker = _Asker(span, query, caps, goals)
    return (yield from asker.answer())


class _Asker:
    """One question on its way: what is known of it, and the steps of the script."""

    def __init__(self, span: Span, query: ResolvedQuery, caps: Caps, goals: Sequence[Goal]) -> None:
        self.span, self.query, self.caps, self.goals = span, query, caps, tuple(goals)
        self.reasons: list[Reason] = []

    def answer(self) -> Script[Answer]:
        selection = yield from self.listed_out(self.query.filters)
        rows: list[Row] = []
        if D.GOAL in self.query.dimensions:
            for goal in self.goals_asked():
                own = combined(selection, of_goal(goal))
                rows += yield from self.rows(own, goal.shown_as, everybody=selection)
        else:
            rows = yield from self.rows(selection, None)
        totals = None
        if self.query.include.totals and self.query.dimensions:
            bare = replace(self.query, dimensions=(), order_by=())
            (totals,) = yield from _Asker(self.span, bare, self.caps, self.goals).rows(selection, None)
        depth = len(self.query.dimensions)
        by_name = sorted(rows, key=lambda row: tuple(str(value) for value in row[:depth]))
        ordered = arranged(by_name, names_of(self.query), self.query.order_by)
        return Answer(
            rows=page(ordered, self.query),
            reasons=tuple(dict.fromkeys((*selection.reasons, *self.reasons))),
            totals=totals,
            total_rows=len(ordered) if self.query.include.total_rows else None,
            time_labels=time_labels(self.query) if self.query.include.time_labels else None,
        )

    def goals_asked(self) -> tuple[Goal, ...]:
        """The goals of the rows: all of the site, or those the filters name."""
        named = [f for f in self.query.filters if isinstance(f, Comparison) and f.dimension == D.GOAL]
        return tuple(g for g in self.goals if all(g in goals_named(leaf, self.goals) for leaf in named))

    def listed_out(self, filters: Sequence[Filter]) -> Script[Selection]:
        """The selection of filters, those by pattern turned into exact values after reading the values of the range."""
        selection, plain = select(filters, self.goals), tuple(conjuncts(filters))
        while selection.unlisted:
            leaf = selection.unlisted[0]
            exact = chosen(leaf, (yield from self.values(D(leaf.dimension))))
            plain = tuple(n for f in plain for n in ((f,) if f != leaf else (exact,) if exact is not None else ()))
            selection = select(plain, self.goals)
        return selection

    def values(self, dimension: Dimension) -> Script[list[str]]:
        """The values of a dimension in the range, as the vendor writes them."""
        if dimension is D.EVENT:
            path, key = "events", "name"
        else:
            path, key = LISTINGS[dimension].path, LISTINGS[dimension].keys[-1][1]
        rows = yield from pages(self.span.call(path), at_most=3, what=str(dimension))
        return [*([PAGEVIEW] if dimension is D.EVENT else ()), *(row[key] for row in rows)]

    def rows(self, selection: Selection, goal: str | None, *, everybody: Selection | None = None) -> Script[list[Row]]:
        """Rows of a selection; `everybody` is what percentages are of, where it is more than the selection."""
        shape = shape_of(self.span, self.query, selection, self.caps)
        self.reasons += shape.reasons
        dimensions = [d for d in self.query.dimensions if d != D.GOAL]
        found = yield from self.tallies(selection, shape, dimensions)
        context = yield from self.context(everybody or selection, shape)
        groups = yield from self.group_totals(shape, dimensions)
        yield from self.exits(selection, found)
        self.reasons += found.reasons
        rows = []
        for key, tally in found.tallies.items():
            if self.query.dimensions and not any(tally.values()) and not self.kept(dimensions):
                continue
            own = replace(context, group=(groups.get(key, {}).get(F.VISITORS) or 0))
            values = tuple(m.value(metric, tally, selection, own) for metric in self.query.metrics)
            named = iter(key)
            rows.append((*(goal if d == D.GOAL else next(named) for d in self.query.dimensions), *values))
        return rows

    def kept(self, dimensions: Sequence[str]) -> bool:
        """Whether empty buckets are rows."""
        return self.query.include.zero_fill and len(dimensions) == 1 and dimensions[0] in TIME_DIMENSIONS

    def tallies(self, selection: Selection, shape: Shape, dimensions: Sequence[str]) -> Script[Grouped]:
        if shape.walked:
            return (yield from walk(self.span, selection, dimensions, at_most=self.caps.walk, now=self.query.now))
        cut = None
        if len(dimensions) == len(self.query.dimensions) == 1 and not self.query.include.total_rows:
            cut = order_cut(self.query.order_by, self.query.dimensions, self.query.offset + self.query.limit)
        durations = yield from self.durations(selection, shape, dimensions)
        fields = shape.fields - {F.DURATION} if durations is not None else shape.fields
        asking = Asking(self.span, selection, fields, self.caps.calls, cut if not selection.without else None)
        if durations is not None and not fields:
            return Grouped({key: {F.DURATION: tally[F.DURATION]} for key, tally in durations.items()})
        found = yield from grouped(asking, dimensions)
        for key, tally in found.tallies.items() if durations is not None else ():
            tally[F.DURATION] = (durations or {}).get(key, {}).get(F.DURATION)
        for inner in selection.without:
            part = yield from grouped(replace(asking, selection=combined(selection, inner)), dimensions)
            found = Grouped({k: m.subtracted(t, part.tallies.get(k)) for k, t in found.tallies.items()}, found.reasons)
        return found

    def durations(self, selection: Selection, shape: Shape, dimensions: Sequence[str]) -> Script[Tallies | None]:
        """visit_duration read from the visits themselves where they are few; None where it has to be estimated."""
        at_most = exact_duration_calls(dimensions, selection, shape.fields)
        if not at_most:
            return None
        try:
            found = yield from walk(self.span, selection, dimensions, at_most=at_most, now=self.query.now)
        except UnsupportedQuery:
            return None
        self.reasons = [r for r in self.reasons if not r.detail.startswith(str(M.VISIT_DURATION))]
        self.reasons += found.reasons
        return found.tallies

    def context(self, selection: Selection, shape: Shape) -> Script[m.Context]:
        """The denominators of rates: same period, our own filters; never the vendor's unfiltered ones."""
        whole = without_goal = 0.0
        if M.PERCENTAGE in self.query.metrics:
            if shape.walked:
                everybody = yield from walk(
                    self.span, selection, (), at_most=self.caps.walk, now=self.query.now
                )  # fmt: skip
                whole = everybody.tallies[()].get(F.VISITORS) or 0
            else:
                parts = Grouped({(): (yield from m.measure(self.span, selection, frozenset({F.VISITORS})))})
                for inner in selection.without:
                    less = yield from m.measure(self.span, combined(selection, inner), frozenset({F.VISITORS}))
                    parts = Grouped({(): m.subtracted(parts.tallies[()], less)})
                whole = parts.tallies[()][F.VISITORS] or 0
        if M.CONVERSION_RATE in self.query.metrics:
            base = yield from self.listed_out(without_goals(self.query.filters))
            without_goal = (yield from m.measure(self.span, base, frozenset({F.VISITORS})))[F.VISITORS] or 0
        return m.Context(whole, without_goal)

    def group_totals(self, shape: Shape, dimensions: Sequence[str]) -> Script[Tallies]:
        """Visitors of each group without the goal."""
        if M.GROUP_CONVERSION_RATE not in self.query.metrics:
            return {}
        base = yield from self.listed_out(without_goals(self.query.filters))
        asking = Asking(self.span, base, frozenset({F.VISITORS}), self.caps.calls)
        return (yield from grouped(asking, dimensions)).tallies

    def exits(self, selection: Selection, found: Grouped) -> Script[None]:
        """Page views of the pages visits ended on, or visits that ended on the pages, in one more list."""
        if M.EXIT_RATE not in self.query.metrics:
            return
        by_page = D.PAGE in self.query.dimensions
        asked, other = (F.VISITS, D.EXIT_PAGE) if by_page else (F.VIEWS, D.PAGE)
        bare = tuple(p for p in selection.params if p[0] not in ("exit_path", "path", "pattern"))
        asking = Asking(self.span, replace(selection, params=bare), frozenset({asked}), self.caps.calls)
        counted = (yield from grouped(asking, (str(other),))).tallies
        for key, tally in found.tallies.items():
            tally[asked] = (counted.get(key) or {}).get(asked, 0 if by_page else None)


def without_goals(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """The filters of a rate's denominator: goals and properties at the top level are left out."""
    return tuple(
        f for f in filters if not (isinstance(f, Comparison) and dimension_of(f.dimension) in (D.GOAL, D.PROP))
    )
