"""Canonical query -> parameters of Plausible's stats v1, and its answers -> canonical rows (contract section 5). Pure.

Both ages of the API are understood: that of 2021 (bare aggregate, floats, `(Direct / None)`; seed 001,
fixtures/plausible/sample_v1_aggregate_2021.json and sample_v1_breakdown_2021.json) and that of 2026-07.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from adapters.plausible.translate import label, number
from adapters.plausible.vocabulary import EARLY_DIRECT, METRICS, PROPS, vendor_dimension
from adapters.plausible.wire import Aggregate, AggregateValue, Rows
from adapters.rows import arranged, names_of, page, zero_filled
from adapters.translate import joined_by_and
from models.errors import Unintelligible
from models.filters import Comparison
from models.query import ResolvedQuery
from models.result import Row
from models.vocabulary import DIRECT, Dimension, Metric, Operator

Params = tuple[tuple[str, str], ...]

MOST_ROWS = 1000
FIRST_YEAR = date(2019, 1, 1)
"""Plausible started in 2019; no statistics are older, imported ones aside."""
RATES = {Metric.CONVERSION_RATE: "conversion_rate", Metric.GROUP_CONVERSION_RATE: "conversion_rate"}
INTERVALS = {str(Dimension.TIME_DAY): "day", str(Dimension.TIME_MONTH): "month"}


# Query -> parameters


def names(metrics: Iterable[Metric]) -> tuple[str, ...]:
    """v1's metric names, each once; it has one word for both conversion rates (2026-07, contract 5)."""
    return tuple(dict.fromkeys(_name(m) for m in metrics))


def _name(metric: Metric) -> str:
    return RATES.get(metric) or METRICS[metric]


def params_of(site: str, query: ResolvedQuery, metrics: Sequence[str]) -> Params:
    """Parameters that every endpoint takes."""
    found = {"site_id": site, **_period(query), "metrics": ",".join(metrics)}
    if query.filters:
        found["filters"] = filters_of(query)
    if query.include.imports:
        found["with_imported"] = "true"
    return tuple(found.items())


def _period(query: ResolvedQuery) -> dict[str, str]:
    """Whole days; hours exist for `day` only, where they are the default interval."""
    first, last = query.period.first_date.isoformat(), query.period.last_date.isoformat()
    if query.time_dimension == Dimension.TIME_HOUR:
        return {"period": "day", "date": first}
    return {"period": "custom", "date": f"{first},{last}"}


def timeseries_params(site: str, query: ResolvedQuery) -> Params:
    """Always with visitors: a bucket without any is not part of a canonical answer."""
    interval = INTERVALS.get(query.time_dimension or "")
    found = params_of(site, query, series_metrics(query.metrics))
    return (*found, ("interval", interval)) if interval else found


def series_metrics(metrics: Iterable[Metric]) -> tuple[str, ...]:
    asked = names(metrics)
    return asked if "visitors" in asked else (*asked, "visitors")


def breakdown_pages(query: ResolvedQuery) -> tuple[int, range]:
    """Page size and pages that cover the asked rows; a page starts at multiples of its size only."""
    if query.offset % query.limit == 0:
        number_of = query.offset // query.limit + 1
        return query.limit, range(number_of, number_of + 1)
    return MOST_ROWS, range(query.offset // MOST_ROWS + 1, (query.offset + query.limit - 1) // MOST_ROWS + 2)


def breakdown_params(site: str, query: ResolvedQuery, size: int, number_of: int) -> Params:
    found = params_of(site, query, names(query.metrics))
    return (
        *found,
        ("property", vendor_dimension(query.dimensions[0])),
        ("limit", str(size)),
        ("page", str(number_of)),
    )


def filters_of(query: ResolvedQuery) -> str:
    """The old form, `dim==a|b;dim!=c`, which every server reads."""
    return ";".join(part for leaf in joined_by_and(query.filters) for part in _conditions(leaf))


def _conditions(leaf: Comparison) -> list[str]:
    """A negated list goes as one condition for each value: after `!=` Plausible reads a list as `is`.

    (Source of 2026-07-20, contract 5.)
    """
    name = vendor_dimension(leaf.dimension)
    values = [v.replace("|", r"\|") for value in leaf.values for v in _spellings(leaf, value)]
    if leaf.operator in (Operator.IS, Operator.WILDCARD):
        return [f"{name}=={'|'.join(values)}"]
    return [f"{name}!={value}" for value in values]


def _spellings(leaf: Comparison, value: str) -> tuple[str, ...]:
    sources = (Dimension.SOURCE, Dimension.REFERRER)
    return (DIRECT, EARLY_DIRECT) if value == DIRECT and leaf.dimension in sources else (value,)


# Answers -> rows


def aggregate_row(query: ResolvedQuery, body: Aggregate) -> Row:
    """The one row of an aggregate, from today's body or the bare one of seed 001."""
    results = body.get("results", body)
    try:
        values = msgspec.convert(results, dict[str, AggregateValue])
        return tuple(number(m, values[_name(m)].value) for m in query.metrics)
    except (msgspec.ValidationError, KeyError) as error:
        raise Unintelligible(
            "The backend's aggregate has another shape than documented", backend="plausible"
        ) from error


def series_rows(query: ResolvedQuery, body: Rows) -> tuple[Row, ...]:
    """Rows of the buckets with activity, arranged as asked; all buckets when they are to be filled."""
    rows = [_row(query, entry, "date") for entry in body.results if _is_active(entry)]
    filled = zero_filled(rows, query) if query.include.zero_fill else rows
    return page(arranged(filled, names_of(query), query.order_by), query)


def _is_active(entry: Mapping[str, Any]) -> bool:
    return any(value for name, value in entry.items() if name != "date")


def breakdown_rows(query: ResolvedQuery, bodies: Sequence[Rows], size: int, first_page: int) -> tuple[Row, ...]:
    """The asked rows out of the pages that were read, in Plausible's order (first metric, then value)."""
    dimension = query.dimensions[0]
    column = vendor_dimension(dimension)
    column = column.removeprefix(PROPS) if column.startswith(PROPS) else column.rpartition(":")[2]
    rows = [_row(query, entry, column) for body in bodies for entry in body.results]
    start = query.offset - (first_page - 1) * size
    return tuple(rows[start : start + query.limit])


def _row(query: ResolvedQuery, entry: Mapping[str, Any], column: str) -> Row:
    try:
        value = label(query, query.dimensions[0], entry[column])
        return (DIRECT if value == EARLY_DIRECT else value, *(number(m, entry[_name(m)]) for m in query.metrics))
    except KeyError as error:
        raise Unintelligible(
            "The backend's rows have other columns than were asked for", backend="plausible"
        ) from error
