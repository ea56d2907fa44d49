"""`GET /api/v1/stats/...`: parameters as canonical queries, and canonical answers as the vendor's bodies.

Texts and shapes: contracts, Plausible section 5; seed 001. Two silent habits of the vendor are not copied, because they
would answer another question than the one asked: a list after `!=` excludes its values (there it selects them), and a
filter that cannot be read is refused (there it is dropped; source of 2026-07-20, contract 5).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from adapters.plausible.vocabulary import METRICS_READ, PROPS, canonical_dimension
from gateway.http.facades.plausible import filters as trees
from gateway.http.facades.plausible.query import SKIP_WARNINGS
from gateway.http.facades.plausible.wording import refused
from gateway.http.server.body import decoded
from models.filters import Comparison, Filter
from models.period import EARLIEST, LATEST, add_months, problem_with
from models.period import Comparison as Compared
from models.query import Compare, Direction, Include, Order, Query
from models.result import Answer, Value
from models.rounding import half_away
from models.vocabulary import NOT_SET, Dimension, Metric, Operator

DOCS = "https://plausible.io/docs/stats-api#"
METRICS = (
    "visitors", "pageviews", "events", "visits", "bounce_rate", "visit_duration", "views_per_visit", "conversion_rate",
    "time_on_page",
)  # fmt: skip
PERIODS = ("day", "7d", "30d", "month", "6mo", "12mo", "custom")
SESSION_METRICS = ("visits", "bounce_rate", "visit_duration", "views_per_visit")
"""Refused beside goals, event names and properties; v2 lets visits be counted there (2026-07, contract 5 and 7.4)."""
INTERVALS = {"day": Dimension.TIME_DAY, "date": Dimension.TIME_DAY, "month": Dimension.TIME_MONTH}
DEFAULT_INTERVALS = {"day": Dimension.TIME_HOUR, "6mo": Dimension.TIME_MONTH, "12mo": Dimension.TIME_MONTH}
NO_BLANKS = ("visit:country", "visit:region", "visit:city", "visit:entry_page", "visit:exit_page", "visit:utm_")
BESIDE = {"visit:browser_version": "visit:browser", "visit:os_version": "visit:os"}
EMPTY: Mapping[str, Value] = {
    "visit_duration": None,
    "time_on_page": None,
    "views_per_visit": 0.0,
    "conversion_rate": 0.0,
}
MAX_LIMIT, DEFAULT_LIMIT = 1000, 100
MAX_OFFSET = 1_000_000
CONDITION = re.compile(r"\s*([^=!]+?)\s*(==|!=)\s*(.*?)\s*", re.DOTALL)
BAR = re.compile(r"(?<!\\)\|")
NO_DATE = "Please specify a valid date in ISO-8601 format."
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
"""The one spelling of a date that the vendor reads; ISO 8601 has more."""

KNOWN_COUNTRY = Comparison(Operator.IS_NOT, str(Dimension.COUNTRY), ("ZZ",))
"""ZZ is what senders write where they know no country."""
VISITS_COUNT_PAGEVIEWS = "visits_count_pageviews"
"""Breakdowns by what a visit has count its page views with the visit, as the vendor's v1 API does: where a backend
takes this of a query's `extra`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request: the canonical query and the metric names it was asked with."""

    query: Query
    metrics: tuple[str, ...]
    property: str = ""


def aggregate(given: Mapping[str, str], now: datetime) -> Asked:
    """Raises Refused with the vendor's text."""
    span, (written, filters), metrics = _range(given, now), _filters(given), _metrics(given)
    _check(metrics, written, "")
    compare = Compare(Compared.PREVIOUS_PERIOD) if given.get("compare") == "previous_period" else None
    query = Query(
        metrics=tuple(METRICS_READ[m] for m in metrics),
        date_range=span,
        filters=filters,
        compare=compare,
        include=_include(given),
    )
    return Asked(query, metrics)


def timeseries(given: Mapping[str, str], now: datetime) -> Asked:
    """Raises Refused with the vendor's text. `conversion_rate` is that of each bucket."""
    span, time = _range(given, now), _interval(given)
    (written, filters), metrics = _filters(given), _metrics(given)
    _check(metrics, written, "")
    query = Query(
        metrics=tuple(_grouped(m) for m in metrics),
        date_range=span,
        dimensions=(str(time),),
        filters=filters,
        include=Include(imports=_include(given).imports, time_labels=True),
        limit=10_000,
    )
    return Asked(query, metrics)


def breakdown(given: Mapping[str, str], now: datetime) -> Asked:
    """Raises Refused with the vendor's text. Rows without a value are left out where the vendor leaves them out.

    Time on page orders nothing (2026-07, contract 5): asked alone, it brings the visitors to order by, and they are not
    shown.
    """
    span, name = _range(given, now), _property(given)
    (written, filters), metrics = _filters(given), _metrics(given)
    _check(metrics, written, name)
    limit, offset = _paging(given)
    own_rate = name == "event:goal" or name.startswith(PROPS)
    asked = tuple(METRICS_READ[m] if own_rate else _grouped(m) for m in metrics)
    dimensions = tuple(trees.canonical_name(n) for n in (name, BESIDE.get(name)) if n)
    if name.startswith(NO_BLANKS):
        filters = (*filters, Comparison(Operator.IS_NOT, dimensions[0], (NOT_SET,)))
    first = next((m for m in asked if m is not Metric.TIME_ON_PAGE), Metric.VISITORS)
    query = Query(
        metrics=asked if first in asked else (*asked, first),
        date_range=span,
        dimensions=dimensions,
        filters=filters,
        order_by=(Order(str(first), Direction.DESC), *(Order(d, Direction.ASC) for d in dimensions)),
        limit=limit,
        offset=offset,
        include=_include(given),
    )
    return Asked(query, metrics, name)


def _grouped(metric: str) -> Metric:
    return Metric.GROUP_CONVERSION_RATE if metric == "conversion_rate" else METRICS_READ[metric]


def _metrics(given: Mapping[str, str]) -> tuple[str, ...]:
    metrics = tuple((given.get("metrics") or "visitors").split(","))
    for name in metrics:
        if name not in METRICS:
            raise refused(
                f"The metric `{name}` is not recognized. Find valid metrics from the documentation: {DOCS}metrics"
            )
    if len(set(metrics)) < len(metrics):
        raise refused("Metrics cannot be queried multiple times.")
    return metrics


def _property(given: Mapping[str, str]) -> str:
    name, where = given.get("property"), f"for the breakdown endpoint: {DOCS}properties"
    if not name:
        raise refused(
            "The `property` parameter is required. Please provide at least one property to show a breakdown by."
        )
    if name == "event:hostname":
        raise refused(
            "Property 'event:hostname' is currently not supported for breakdowns.  "
            f"Please provide a valid property {where}"
        )
    if not _is_property(name):
        raise refused(f"Invalid property '{name}'. Please provide a valid property {where}")
    return name


def _is_property(name: str) -> bool:
    return not name.startswith("time") and canonical_dimension(name) is not None


def _range(given: Mapping[str, str], now: datetime) -> tuple[str, str]:
    """First and last day. The day a period is seen from defaults to today in UTC, whatever the site's zone.

    (Source of 2026-07-20, contract 5; v2 takes the site's day.)
    """
    period = given.get("period") or "30d"
    if period not in PERIODS:
        raise refused(
            f"Error parsing `period` parameter: invalid period `{period}`. "
            f"Please find accepted values in our docs: {DOCS}time-periods"
        )
    if period == "custom":
        return _custom(given.get("date"))
    try:
        day = _date(given["date"]) if given.get("date") else now.astimezone(UTC).date()
    except ValueError as error:
        raise refused(f"Error parsing `date` parameter: {error}. {NO_DATE}") from None
    return _written(*_days(period, day), f"Error parsing `date` parameter: invalid_date. {NO_DATE}")


def _written(first: date, last: date, otherwise: str) -> tuple[str, str]:
    """The days as texts. Raises Refused where they lie outside the years that are counted."""
    span = first.isoformat(), last.isoformat()
    if problem_with(span) is not None:
        raise refused(otherwise)
    return span


def _date(text: str) -> date:
    """Raises ValueError with the vendor's word for what is wrong."""
    if not DAY.fullmatch(text):
        raise ValueError("invalid_format")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("invalid_date") from None
    if not EARLIEST <= day <= LATEST:
        raise ValueError("invalid_date")
    return day


def _days(period: str, day: date) -> tuple[date, date]:
    """`7d` and `30d` end the day before; months end before the day's month (2026-07, contract 1.2 and 5)."""
    month, one = day.replace(day=1), timedelta(days=1)
    if period == "day":
        return day, day
    if period == "month":
        return month, add_months(month, 1) - one
    if period.endswith("mo"):
        return add_months(month, -int(period.removesuffix("mo"))), month - one
    return day - int(period.removesuffix("d")) * one, day - one


def _custom(text: str | None) -> tuple[str, str]:
    if not text:
        raise refused(f"The `date` parameter is required when using a custom period. See {DOCS}time-periods")
    try:
        first, last = sorted(_date(part.strip()) for part in text.split(","))
    except ValueError:
        raise refused(
            "Invalid format for `date` parameter. When using a custom period, please include two ISO-8601 formatted "
            f"dates joined by a comma. See {DOCS}time-periods"
        ) from None
    return first.isoformat(), last.isoformat()


def _interval(given: Mapping[str, str]) -> Dimension:
    text = given.get("interval")
    if not text:
        return DEFAULT_INTERVALS.get(given.get("period") or "30d", Dimension.TIME_DAY)
    if text not in INTERVALS:
        raise refused(
            f"Error parsing `interval` parameter: invalid interval `{text}`. Valid intervals are `day`, `month`"
        )
    return INTERVALS[text]


def _paging(given: Mapping[str, str]) -> tuple[int, int]:
    limit, page = given.get("limit") or str(DEFAULT_LIMIT), given.get("page") or "1"
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LIMIT:
        raise refused(f"Please provide limit as a number between 1 and {MAX_LIMIT}.")
    if not page.isdecimal() or int(page) < 1:
        raise refused("Please provide page as a number from 1.")
    if int(page) * int(limit) > MAX_OFFSET:
        raise refused(f"Please provide page and limit within the first {MAX_OFFSET:,} rows.")
    return int(limit), (int(page) - 1) * int(limit)


def _include(given: Mapping[str, str]) -> Include:
    return Include(imports=given.get("with_imported") == "true")


def _filters(given: Mapping[str, str]) -> tuple[list[Any], tuple[Filter, ...]]:
    """The JSON form, or the old one: `dim==a|b;dim!=c`, `*` as a wildcard, `\\|` for a bar. As written, and as read."""
    text = (given.get("filters") or "").strip()
    if text.startswith("["):
        try:
            written = decoded(text)
        except orjson.JSONDecodeError:
            raise refused("Invalid filters. The JSON could not be read.") from None
        trees.refuse_deep(written)
    else:
        written = [_condition(part) for part in text.split(";") if part.strip()]
    for _, leaf in trees.leaves(written) if trees.is_tree(written) else ():
        if leaf[1] != "segment" and not _is_property(leaf[1]):
            raise refused(
                f"Invalid filter property '{leaf[1]}'. Please provide a valid filter property: {DOCS}properties"
            )
    return written, trees.read(written)


def _condition(part: str) -> list[Any]:
    found = CONDITION.fullmatch(part)
    if found is None:
        raise refused(f"Invalid filter '{part}'. Please write it as property==value or property!=value.")
    name, sign, text = found.groups()
    values = [value.strip().replace(r"\|", "|") for value in BAR.split(text)]
    negated = sign == "!="
    if name != "event:goal" and any("*" in value for value in values):
        return ["matches_wildcard_not" if negated else "matches_wildcard", name, values]
    return ["is_not" if negated else "is", name, values]


def _check(metrics: Sequence[str], written: list[Any], grouped_by: str) -> None:
    """What the vendor refuses about metrics of pages, visits and goals; the first one refused speaks."""
    filtered = [leaf[1] for _, leaf in trees.leaves(written)]
    paged = any(leaf[1] == "event:page" for _, leaf in trees.leaves(written, behaviour=False))
    for metric in metrics:
        for text in (
            _of_pages(metric, filtered, grouped_by, paged=paged),
            _of_visits(metric, filtered, grouped_by),
            _of_goals(metric, filtered, grouped_by),
        ):
            if text:
                raise refused(text)


def _of_pages(metric: str, filtered: Sequence[str], grouped_by: str, *, paged: bool) -> str:
    """A page inside has_done is no page filter: it takes no page view of the visit away."""
    if metric == "views_per_visit":
        if paged:
            return f"Metric `{metric}` cannot be queried with a filter on `event:page`."
        return f"Metric `{metric}` has no breakdown." if grouped_by else ""
    if metric != "time_on_page":
        return ""
    for name in ("event:goal", "event:name"):
        if name in filtered:
            return f"Metric `{metric}` does not go with a filter on `{name}`."
    if grouped_by not in ("", "event:page"):
        return f"Metric `{metric}` can be broken down by `event:page` only."
    if grouped_by or paged:
        return ""
    return f"Metric `{metric}` needs a filter on `event:page`, or a breakdown by it."


def _of_visits(metric: str, filtered: Sequence[str], grouped_by: str) -> str:
    if metric not in SESSION_METRICS:
        return ""
    if _speaks_of_events(grouped_by):
        return f"Session metric `{metric}` cannot be queried for breakdown by `{grouped_by}`."
    found = next(filter(_speaks_of_events, filtered), None)
    return f"Session metric `{metric}` cannot be queried when using a filter on `{found}`." if found else ""


def _of_goals(metric: str, filtered: Sequence[str], grouped_by: str) -> str:
    if metric != "conversion_rate" or "event:goal" in (grouped_by, *filtered):
        return ""
    return f"Metric `{metric}` can only be queried in a goal breakdown or with a goal filter"


def _speaks_of_events(name: str) -> bool:
    return name in ("event:name", "event:goal") or name.startswith(PROPS)


def write_aggregate(asked: Asked, answer: Answer, before: Answer | None) -> dict[str, Any]:
    """`{"results": {metric: {"value"[, "comparison_value", "change"]}}[, "warning"]}`."""
    now = dict(zip(asked.metrics, answer.rows[0], strict=True))
    results: dict[str, Any] = {metric: {"value": now[metric]} for metric in asked.metrics}
    if before is not None:
        then = dict(zip(asked.metrics, before.rows[0], strict=True))
        for metric, entry in results.items():
            entry["comparison_value"] = then[metric]
            entry["change"] = change(metric, then[metric], now[metric])
    return {"results": results} | _warning(answer)


def write_timeseries(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Every bucket has a row; those without traffic have zeros."""
    found: dict[Value, Sequence[Value]] = {row[0]: row[1:] for row in answer.rows}
    empty: Sequence[Value] = tuple(EMPTY.get(metric, 0) for metric in asked.metrics)
    rows: list[dict[str, Value]] = [
        {"date": label, **dict(zip(asked.metrics, found.get(label, empty), strict=True))}
        for label in answer.time_labels or ()
    ]
    return {"results": rows} | _warning(answer)


def write_breakdown(asked: Asked, answer: Answer) -> dict[str, Any]:
    """`{"results": [{<property without prefix>: value, metric: ...}]}`; versions name their browser or system too."""
    beside = BESIDE.get(asked.property)
    width = 2 if beside else 1
    rows = []
    for row in answer.rows:
        shown: dict[str, Any] = {_short(asked.property): trees.shown(asked.query.dimensions[0], row[0])}
        if beside:
            shown[_short(beside)] = row[1]
        rows.append(shown | dict(zip(asked.metrics, row[width:], strict=False)))
    return {"results": rows} | _warning(answer)


def _short(name: str) -> str:
    return name.removeprefix(PROPS) if name.startswith(PROPS) else name.partition(":")[2]


def _warning(answer: Answer) -> dict[str, str]:
    skipped = answer.imports.skipped if answer.imports else None
    return {"warning": SKIP_WARNINGS[skipped]} if skipped in SKIP_WARNINGS else {}


def change(metric: str, then: Value, now: Value) -> float | int | None:
    """Whole percent; points for the bounce rate (null from zero) and, with a decimal, for the conversion rate.

    From nothing to something is 100 (2026-07, contract 5).
    """
    if not isinstance(then, int | float) or not isinstance(now, int | float):
        return None
    if metric == "bounce_rate":
        return None if then == 0 else now - then
    if metric == "conversion_rate":
        return float(half_away(now - then, 1))
    if then == 0:
        return 0 if now == 0 else 100
    return int(half_away((now - then) / then * 100))
