"""What the statistics page shows, asked of whatever backend serves the site. What a backend refuses says why."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from gateway.read.stats import SiteOutcome
from gateway.services import Services
from gateway.tenancy import SiteRecord, Tenant
from models.errors import BackendError, GatewayError, InvalidRequest, Overloaded, UnsupportedQuery
from models.filters import Comparison, Filter
from models.period import Period, RangeSpec, buckets, problem_with
from models.query import Query
from models.result import Row, Value
from models.vocabulary import METRICS, Dimension, Interval, Metric, Operator, Unit

PERIODS = (
    ("day", "Today"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("month", "This month"),
    ("12mo", "12 months"),
    ("all", "All time"),
)
FALLBACK = "30d"
TOTALS = (Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.BOUNCE_RATE, Metric.VISIT_DURATION)
LABELS = {
    Metric.VISITORS: "Visitors",
    Metric.VISITS: "Visits",
    Metric.PAGEVIEWS: "Page views",
    Metric.BOUNCE_RATE: "Bounce rate",
    Metric.VISIT_DURATION: "Visit duration",
    Metric.CONVERSIONS: "Conversions",
    Metric.CONVERSION_RATE: "Rate",
}
TABLES = (
    ("Pages", "Page", (Dimension.PAGE,), (Metric.VISITORS, Metric.PAGEVIEWS)),
    ("Sources", "Source", (Dimension.SOURCE,), (Metric.VISITORS,)),
    ("Countries", "Country", (Dimension.COUNTRY_NAME, Dimension.COUNTRY), (Metric.VISITORS,)),
    ("Devices", "Device", (Dimension.DEVICE,), (Metric.VISITORS,)),
    ("Goals", "Goal", (Dimension.GOAL,), (Metric.VISITORS, Metric.CONVERSIONS, Metric.CONVERSION_RATE)),
)
"""Title, heading, dimensions in order of preference (the first one that the backend has), metrics."""
ROWS = 10
LONGEST_DAILY = 92
UNREACHABLE = "The backend of this site does not answer at the moment."


@dataclass(frozen=True, slots=True)
class Selection:
    """Which days of which page."""

    dates: RangeSpec
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """A total, or why there is none. `about` says why it is not exact."""

    label: str
    value: str = ""
    about: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table; `share` is its part of the longest bar, in percent."""

    label: str
    values: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heading: str
    columns: tuple[str, ...] = ()
    rows: tuple[TableRow, ...] = ()
    about: str = ""
    refusal: str = ""
    credits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page. `credits` are what the licences of data behind it ask to be shown."""

    dates: str
    totals: tuple[Total, ...]
    series: Table
    tables: tuple[Table, ...]
    present: int | None
    credits: tuple[str, ...] = ()


def selected(period: str, first: str, last: str, path: str) -> Selection:
    """A named period or two dates, and perhaps one page; what cannot be read is left out."""
    operator = Operator.WILDCARD if "*" in path else Operator.IS
    filters = (Comparison(operator, str(Dimension.PAGE), (path,)),) if path else ()
    if first and last and problem_with((first, last)) is None:
        return Selection((first, last), filters)
    return Selection(period if period in dict(PERIODS) else FALLBACK, filters)


class _Panels:
    """The parts of the page, each asked for by itself."""

    def __init__(self, services: Services, record: SiteRecord, selection: Selection) -> None:
        self._services, self._record, self._selection = services, record, selection

    async def ask(self, metrics: Sequence[Metric], dimensions: Sequence[str] = ()) -> SiteOutcome:
        query = Query(
            metrics=tuple(metrics), date_range=self._selection.dates, dimensions=tuple(dimensions),
            filters=self._selection.filters, limit=1000 if _timed(dimensions) else ROWS,
        )  # fmt: skip
        found = await self._services.stats.ask(Tenant(self._record.tenant), [self._record], query)
        return found.outcomes[0]

    async def totals(self) -> tuple[Total, ...]:
        """All at once; one by one where the backend does not have all of them."""
        try:
            return _totals(await self.ask(TOTALS), TOTALS)
        except UnsupportedQuery:
            return tuple([await self._one(metric) for metric in TOTALS])
        except (BackendError, Overloaded) as error:
            return tuple(Total(LABELS[m], refusal=said(error)) for m in TOTALS)

    async def _one(self, metric: Metric) -> Total:
        try:
            return _totals(await self.ask([metric]), [metric])[0]
        except (UnsupportedQuery, InvalidRequest, BackendError, Overloaded) as error:
            return Total(LABELS[metric], refusal=said(error))

    async def series(self) -> Table:
        """Visitors over time, every hour, day or month of the period."""
        interval = Interval.MONTH if self._selection.dates == "all" else Interval.DAY
        interval = Interval.HOUR if self._selection.dates == "day" else interval
        if self._selection.dates == "12mo" or _is_long(self._selection.dates):
            interval = Interval.MONTH
        try:
            outcome = await self.ask([Metric.VISITORS], [f"time:{interval}"])
        except (UnsupportedQuery, InvalidRequest, BackendError, Overloaded) as error:
            return Table("Visitors over time", interval.capitalize(), refusal=said(error))
        rows = {str(row[0]): row[1] for row in _rows(outcome)}
        period = _period(outcome)
        labels = buckets(period, interval) if period else tuple(rows)
        counted: list[Row] = [(label, rows.get(label, 0)) for label in labels]
        return _table("Visitors over time", interval.capitalize(), [Metric.VISITORS], counted, _about(outcome))

    async def table(
        self, title: str, heading: str, dimensions: Sequence[Dimension], metrics: Sequence[Metric]
    ) -> Table:
        refusal = ""
        for dimension in dimensions:
            try:
                outcome = await self.ask(metrics, [str(dimension)])
            except (UnsupportedQuery, InvalidRequest, BackendError, Overloaded) as error:
                refusal = said(error)
                continue
            found = _table(title, heading, metrics, _rows(outcome), _about(outcome))
            return replace(found, credits=outcome.answer.answer.credits if outcome.answer else ())
        return Table(title, heading, refusal=refusal)

    async def present(self) -> int | None:
        """Visitors of the last five minutes, where the backend has that number."""
        try:
            return await self._services.stats.realtime(Tenant(self._record.tenant), self._record)
        except (UnsupportedQuery, BackendError, Overloaded):
            return None


async def overview(services: Services, record: SiteRecord, selection: Selection) -> Overview:
    """Everything on the page; its parts are asked side by side and fail one by one."""
    panels = _Panels(services, record, selection)
    (totals, series, present), tables = await asyncio.gather(
        asyncio.gather(panels.totals(), panels.series(), panels.present()),
        asyncio.gather(*(panels.table(*table) for table in TABLES)),
    )
    first, last = (row.label[:10] for row in (series.rows[0], series.rows[-1])) if series.rows else ("", "")
    dates = " to ".join(selection.dates) if not isinstance(selection.dates, str) else f"{first} to {last}".strip(" to")
    credits = tuple(dict.fromkeys(credit for table in tables for credit in table.credits))
    return Overview(dates, totals, series, tuple(tables), present, credits)


def said(error: GatewayError) -> str:
    """Why there is no number, for readers of the page."""
    if isinstance(error, UnsupportedQuery):
        return "; ".join(error.reasons)
    if isinstance(error, InvalidRequest):
        return "; ".join(problem.reason for problem in error.problems)
    return UNREACHABLE


def _timed(dimensions: Sequence[str]) -> bool:
    return any(name.startswith("time:") for name in dimensions)


def _is_long(dates: RangeSpec) -> bool:
    if isinstance(dates, str):
        return False
    first, last = (date.fromisoformat(day[:10]) for day in dates)
    return (last - first).days > LONGEST_DAILY


def _rows(outcome: SiteOutcome) -> tuple[Row, ...]:
    return outcome.answer.answer.rows if outcome.answer else ()


def _period(outcome: SiteOutcome) -> Period | None:
    return outcome.query.period if outcome.query else None


def _about(outcome: SiteOutcome) -> str:
    reasons = outcome.answer.provenance.reasons if outcome.answer else ()
    return "; ".join(dict.fromkeys(reason.detail for reason in reasons))


def _totals(outcome: SiteOutcome, metrics: Sequence[Metric]) -> tuple[Total, ...]:
    rows, about = _rows(outcome), _about(outcome)
    values: Row = rows[0] if rows else (None,) * len(metrics)
    return tuple(Total(LABELS[m], shown(m, v), about) for m, v in zip(metrics, values, strict=True))


def _table(title: str, heading: str, metrics: Sequence[Metric], rows: Sequence[Row], about: str) -> Table:
    longest = max((_size(row[1]) for row in rows), default=0.0) or 1.0
    shown_rows = tuple(
        TableRow(
            str(row[0] if row[0] not in (None, "") else "(not set)").removesuffix(":00"),
            tuple(shown(m, v) for m, v in zip(metrics, row[1:], strict=True)),
            round(100 * _size(row[1]) / longest, 1),
        )
        for row in rows
    )
    return Table(title, heading, tuple(LABELS[m] for m in metrics), shown_rows, about)


def _size(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def shown(metric: Metric, value: Value) -> str:
    """A metric for people: thousands apart, percent, minutes and seconds; a dash where there is no number."""
    if not isinstance(value, int | float):
        return "–"
    match METRICS[metric].unit:
        case Unit.PERCENT:
            return f"{value:g}%"
        case Unit.SECONDS:
            minutes, seconds = divmod(round(value), 60)
            return f"{minutes}m {seconds}s" if minutes else f"{seconds}s"
        case _:
            return f"{value:,}"
