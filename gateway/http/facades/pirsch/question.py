"""Canonical questions in the name of one request: its site, its time, its filters; with exact counts of bounces.

Pirsch counts bounces, the canonical model has a rate in percent. Visits and rate together give the count back exactly
up to a hundred visits; beyond, the answer is marked approximate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.filters import filters_of
from gateway.http.facades.pirsch.parameters import Span, span_of
from gateway.tenancy import SiteRecord
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.query import MAX_LIMIT, Direction, Include, Order, Query
from models.result import Answer, ImportsSkipped, Reason, Value
from models.vocabulary import DIMENSION_SCOPES, Dimension, Metric, Operator, Scope, dimension_of

M, D = Metric, Dimension
ENTERED: Mapping[str, str] = MappingProxyType({str(D.PAGE): str(D.ENTRY_PAGE), str(D.HOSTNAME): str(D.ENTRY_HOSTNAME)})
"""A visit that bounced saw one page: it bounced on the page it entered."""
EXACT_VISITS = 100
FROM_PERCENT = Reason("bounces_from_percent", "bounces are counted back from a rate in whole percent")
Key = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What Pirsch counts for a group."""

    visitors: int = 0
    views: int = 0
    visits: int = 0
    bounces: int = 0

    @property
    def bounce_rate(self) -> float:
        return share(self.bounces, self.visits)


NOTHING = Counts()
LEFT_OUT = (ImportsSkipped.UNSUPPORTED_QUERY, ImportsSkipped.UNSUPPORTED_INTERVAL)
"""Imported history is part of an answer, as at Pirsch; where it cannot be, the header says so."""


def share(part: float, whole: float) -> float:
    """A rate from 0 to 1; 0 of nothing."""
    return part / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class Question:
    """One request's site, time and filters, and the way to ask about them."""

    ask: PirschAsk
    record: SiteRecord
    span: Span
    filters: tuple[Filter, ...]

    @classmethod
    async def about(cls, ask: PirschAsk, *, event: bool = True) -> "Question":
        """Read from the request. `event` False leaves filters on events to the caller. Raises Refused."""
        record = await ask.named_site()
        span = span_of(ask.given, record.site.timezone, ask.services.settings.clock())
        return cls(ask, record, span, filters_of(ask.given, event=event))

    def also(self, *filters: Filter) -> "Question":
        """With further filters."""
        return replace(self, filters=(*self.filters, *filters))

    def unfiltered(self) -> "Question":
        return replace(self, filters=())

    def over(self, span: Span) -> "Question":
        return replace(self, span=span)

    def query(self, metrics: tuple[Metric, ...] = (M.VISITORS,), dimensions: tuple[str, ...] = ()) -> Query:
        """The question as it stands, with the page of rows that the request asks for."""
        given = self.ask.given
        return Query(
            metrics=metrics,
            date_range=self.span.spec,
            dimensions=dimensions,
            filters=self.filters,
            timezone=self.span.zone.key,
            limit=given.limit,
            offset=given.offset,
            include=Include(imports=True),
        )

    async def answer(self, query: Query) -> Answer:
        """Raises UnsupportedQuery and the backend's errors; notes why an answer is not exact."""
        found = await self.ask.services.stats.ask(self.ask.caller.tenant, [self.record], query)
        outcome = found.outcomes[0]
        if outcome.answer is None:
            raise outcome.error or ValueError("an outcome has an answer or an error")
        self.ask.reasons.extend(outcome.answer.provenance.reasons)
        note = outcome.answer.answer.imports
        if note is not None and note.skipped in LEFT_OUT:
            self.ask.reasons.append(Reason(f"imports_{note.skipped}", "imported history is not part of the answer"))
        return outcome.answer.answer

    async def numbers(self, *metrics: Metric) -> tuple[float, ...]:
        """Metrics of the whole; what a backend has no number for counts as 0."""
        (row,) = (await self.answer(replace(self.query(metrics), limit=1, offset=0))).rows
        return tuple(number(value) for value in row)

    async def table(self, metrics: tuple[Metric, ...], *dimensions: str) -> dict[Key, tuple[float, ...]]:
        """Every row that one answer holds, by its group."""
        query = replace(self.query(metrics, dimensions), limit=MAX_LIMIT, offset=0)
        width = len(dimensions)
        return {row[:width]: tuple(number(v) for v in row[width:]) for row in (await self.answer(query)).rows}

    async def page(
        self, metrics: tuple[Metric, ...], dimensions: tuple[str, ...], order: Order | None = None
    ) -> list[tuple[Key, tuple[float, ...]]]:
        """The rows of the page that the request asks for: most of the first metric first unless `order` says else."""
        ascending = tuple(Order(name, Direction.ASC) for name in dimensions)
        wanted = order or Order(str(metrics[0]), Direction.DESC)
        query = replace(
            self.query(metrics, dimensions), order_by=(wanted, *(o for o in ascending if o.by != wanted.by))
        )
        width = len(dimensions)
        return [(row[:width], tuple(number(v) for v in row[width:])) for row in (await self.answer(query)).rows]

    async def total(self) -> Counts:
        """Visitors, views, visits and bounces of the whole."""
        if self._of_events():
            visitors, visits, views = await self.numbers(M.VISITORS, M.VISITS, M.PAGEVIEWS)
            _, bounces = self._bounced(await self._entered().numbers(M.VISITS, M.BOUNCE_RATE))
            return Counts(int(visitors), int(views), int(visits), bounces)
        visitors, views = await self.numbers(M.VISITORS, M.PAGEVIEWS)
        counted, bounces = self._bounced(await self.numbers(M.VISITS, M.BOUNCE_RATE))
        return Counts(int(visitors), int(views), counted, bounces)

    async def series(self, dimension: Dimension) -> dict[str, Counts]:
        """The same by time bucket; buckets where nothing happened are left out."""
        metrics = (M.VISITORS, M.PAGEVIEWS, *((M.VISITS,) if self._of_events() else ()))
        seen = await self.table(metrics, dimension)
        begun = await self._entered().table((M.VISITS, M.BOUNCE_RATE), dimension)
        return {str(key[0]): self._counts(seen.get(key, ()), begun.get(key, (0, 0))) for key in seen | begun}

    async def groups(self, dimensions: tuple[str, ...], order: Order | None = None) -> list[tuple[Key, Counts]]:
        """The same for the groups of the page that the request asks for."""
        of_events = self._of_events() or any(d in ENTERED for d in dimensions)
        metrics = (M.VISITORS, M.PAGEVIEWS, *((M.VISITS,) if of_events else ()))
        rows = await self.page(metrics, dimensions, order)
        begun = await self._begun(dimensions, [key for key, _ in rows])
        return [(key, self._counts(seen, begun.get(key, (0, 0)))) for key, seen in rows]

    async def _begun(self, dimensions: tuple[str, ...], keys: Sequence[Key]) -> dict[Key, tuple[float, ...]]:
        """Visits and bounce rate by group; titles belong to no visit, so they are asked one by one."""
        entered, metrics = tuple(ENTERED.get(d, d) for d in dimensions), (M.VISITS, M.BOUNCE_RATE)
        if not keys or D.TITLE not in dimensions:
            return await self._entered().table(metrics, *entered) if keys else {}
        at = dimensions.index(D.TITLE)
        others = tuple(d for d in entered if d != D.TITLE)
        found: dict[Key, tuple[float, ...]] = {}
        for title in dict.fromkeys(str(key[at]) for key in keys):
            titled = self._entered().also(Comparison(Operator.IS, str(D.TITLE), (title,)))
            for key, row in (await titled.table(metrics, *others)).items():
                found[(*key[:at], title, *key[at:])] = row
        return found

    def _counts(self, seen: Sequence[float], begun: Sequence[float]) -> Counts:
        """`seen` holds visitors, views and, where events are filtered or grouped, the visits they belong to."""
        visitors, views, *visits = seen or (0.0, 0.0)
        counted, bounces = self._bounced(begun)
        return Counts(int(visitors), int(views), int(visits[0]) if visits else counted, bounces)

    def _bounced(self, begun: Sequence[float]) -> tuple[int, int]:
        visits, percent = begun
        if visits > EXACT_VISITS and percent:
            self.ask.reasons.append(FROM_PERCENT)
        return int(visits), round(visits * percent / 100)

    def _of_events(self) -> bool:
        """Whether a filter speaks of single events, so that visits are those of the events that fit."""
        return any(_speaks_of_events(f) for f in self.filters)

    def _entered(self) -> "Question":
        """About the pages that visits entered on, in place of those they saw."""
        return replace(self, filters=tuple(_renamed(f) for f in self.filters))


def number(value: Value) -> float:
    """A metric's value as a number; 0 where the backend has none."""
    return float(value) if isinstance(value, int | float) else 0.0


def _speaks_of_events(node: Filter) -> bool:
    match node:
        case Comparison(dimension=name):
            found = dimension_of(name)
            return found is not None and DIMENSION_SCOPES[found] is Scope.EVENT
        case And(parts) | Or(parts):
            return any(_speaks_of_events(p) for p in parts)
        case Not(part):
            return _speaks_of_events(part)
        case HasDone():
            return False


def _renamed(node: Filter) -> Filter:
    match node:
        case Comparison(dimension=name):
            return replace(node, dimension=ENTERED.get(name, name))
        case And(parts):
            return And(tuple(map(_renamed, parts)))
        case Or(parts):
            return Or(tuple(map(_renamed, parts)))
        case Not(part):
            return Not(_renamed(part))
        case HasDone():
            return node
