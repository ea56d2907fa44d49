"""Lay the outcomes of one or several sites out as one answer: rows by name, totals that may be added up, provenance."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from adapters.rows import arranged
from gateway.read.stats import TRUNCATED, MultiAnswer, SiteOutcome, meta_of
from models.period import buckets
from models.query import Query
from models.result import Answer, Money, Row, Value
from models.rounding import half_away
from models.vocabulary import METRICS, TIME_DIMENSIONS, Dimension, Metric, Unit, interval_of

SITE = str(Dimension.SITE)


def as_json(multi: MultiAnswer) -> dict[str, Any]:
    """`{"results", "totals"?, "comparison"?, "meta"}`; see docs/canonical-model.md for each part."""
    query, answered = multi.query, [o for o in multi.outcomes if o.answer is not None]
    several = len(multi.outcomes) > 1 or SITE in query.dimensions
    rows, names = _rows(query, answered, several)
    body: dict[str, Any] = {"results": [_named(row, names) for row in rows]}
    if query.include.totals:
        body["totals"] = _totals(query, multi, [_answer(o) for o in answered])
    if query.compare is not None:
        body["comparison"] = _compare(query, body, rows, names, answered)
    body["meta"] = _meta(multi, answered)
    return body


def _answer(outcome: SiteOutcome) -> Answer:
    if outcome.answer is None:
        raise ValueError("only outcomes with an answer are laid out")
    return outcome.answer.answer


def _columns(query: Query, several: bool) -> list[str]:
    """Names of a row's columns: the site first unless it was asked for elsewhere."""
    dimensions = list(query.dimensions)
    if several and SITE not in dimensions:
        dimensions.insert(0, SITE)
    return [*dimensions, *(str(m) for m in query.metrics)]


def _rows(query: Query, answered: Sequence[SiteOutcome], several: bool) -> tuple[list[Row], list[str]]:
    """All rows in order, cut to the asked page when they come from several sites."""
    names = _columns(query, several)
    if not several:
        return [row for o in answered for row in _answer(o).rows], names
    at = names.index(SITE)
    merged = [(*row[:at], o.record.site.domain, *row[at:]) for o in answered for row in _answer(o).rows]
    if len(answered) < 2:
        return merged, names
    order = query.order_by or (answered[0].query.order_by if answered[0].query else ())
    merged = arranged(merged, names, order) if order else merged
    return merged[query.offset : query.offset + query.limit], names


def _named(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: shown(value) for name, value in zip(names, row, strict=True)}


def shown(value: Value) -> Any:
    """A value as JSON: money as an object, everything else as it is."""
    return value.as_json() if isinstance(value, Money) else value


def _totals(query: Query, multi: MultiAnswer, answers: Sequence[Answer]) -> dict[str, Any] | None:
    """One site: its totals. Several: sums that are true, null for what cannot be added; nothing when partial."""
    if multi.partial or any(a.totals is None for a in answers):
        return None
    totals = [a.totals for a in answers if a.totals is not None]
    columns = zip(query.metrics, zip(*totals, strict=True), strict=True)
    if len(totals) == 1:
        return {str(metric): shown(values[0]) for metric, values in columns}
    return {str(metric): _sum(metric, values) for metric, values in columns}


def _sum(metric: Metric, values: Sequence[Value]) -> Any:
    facts = METRICS[metric]
    if not facts.additive or any(v is None for v in values):
        return None
    if facts.unit is Unit.MONEY:
        money = [v for v in values if isinstance(v, Money)]
        one_currency = len({m.currency for m in money}) == 1
        return Money(sum(m.amount for m in money), money[0].currency).as_json() if one_currency else None
    return sum(v for v in values if isinstance(v, int | float))


def _compare(
    query: Query, body: dict[str, Any], rows: Sequence[Row], names: Sequence[str], answered: Sequence[SiteOutcome]
) -> dict[str, Any]:
    """Put the compared values beside each result; say which period they are of."""
    width = len(names) - len(query.metrics)
    lookup: dict[tuple[Value, ...], Row] = {}
    cut = any(_is_cut(outcome) for outcome in answered)
    for outcome in answered:
        lookup |= _compared_rows(query, outcome, names)
    for row, result in zip(rows, body["results"], strict=True):
        before = lookup.get(row[:width])
        absent = tuple(None if cut else _nothing(m) for m in query.metrics)
        values = before[-len(query.metrics) :] if before else absent
        result["comparison"] = {str(m): shown(v) for m, v in zip(query.metrics, values, strict=True)}
        result["change"] = {
            str(m): change(m, now, then) for m, now, then in zip(query.metrics, row[width:], values, strict=True)
        }
    period = answered[0].query.period if answered and answered[0].query else None
    compared = query.comparison_period(period) if period else None
    if compared is None:
        return {"date_range": None}
    return {"date_range": [m.astimezone(compared.zone).isoformat() for m in (compared.first, compared.last)]}


def _compared_rows(query: Query, outcome: SiteOutcome, names: Sequence[str]) -> dict[tuple[Value, ...], Row]:
    """The compared rows of one site, by the dimensions of the row they stand beside."""
    answer = outcome.answer.comparison if outcome.answer else None
    if answer is None or outcome.query is None:
        return {}
    relabel = _relabel(query, outcome)
    several, at = SITE in names, names.index(SITE) if SITE in names else 0
    width = len(outcome.query.dimensions)
    found = {}
    for row in answer.rows:
        key: tuple[Value, ...] = tuple(
            relabel(n, v) for n, v in zip(outcome.query.dimensions, row[:width], strict=True)
        )
        found[(*key[:at], outcome.record.site.domain, *key[at:]) if several else key] = row
    return found


def _relabel(query: Query, outcome: SiteOutcome) -> Callable[[str, Value], Value]:
    """Time labels of the compared period become those of the main one: the first bucket beside the first, and so on."""
    asked = outcome.query
    time = asked.time_dimension if asked else None
    interval = interval_of(time) if time else None
    period = query.comparison_period(asked.period) if asked else None
    if interval is None or period is None or asked is None:
        return lambda _name, value: value
    labels = dict(zip(buckets(period, interval), buckets(asked.period, interval), strict=False))
    return lambda name, value: labels.get(str(value), value) if name in TIME_DIMENSIONS else value


def _is_cut(outcome: SiteOutcome) -> bool:
    """Whether compared rows may be missing, so that an absent one says nothing of its numbers."""
    answer = outcome.answer.comparison if outcome.answer else None
    return answer is not None and any(reason.code == TRUNCATED for reason in answer.reasons)


def _nothing(metric: Metric) -> Value:
    """What an absent row says of a metric: zero for counts, nothing for what only exists where something happened."""
    return 0 if METRICS[metric].unit is Unit.COUNT else None


def change(metric: Metric, now: Value, then: Value) -> float | int | None:
    """Change in whole percent; in points for metrics that are percentages. None where there is no before."""
    if isinstance(now, Money) and isinstance(then, Money):
        now, then = (now.amount, then.amount) if now.currency == then.currency else (None, None)
    if not isinstance(now, int | float) or not isinstance(then, int | float):
        return None
    if METRICS[metric].unit is Unit.PERCENT:
        return float(half_away(now - then, 1))
    if then == 0:
        return 0 if now == 0 else 100
    return int(half_away((now - then) / then * 100))


def _meta(multi: MultiAnswer, answered: Sequence[SiteOutcome]) -> dict[str, Any]:
    meta: dict[str, Any] = {"sites": [meta_of(o) for o in multi.outcomes], "partial": multi.partial}
    if answered and answered[0].query is not None:
        meta["query"] = answered[0].query.as_json()
    answers = [_answer(o) for o in answered]
    if multi.query.include.total_rows:
        counts = [a.total_rows for a in answers]
        meta["total_rows"] = None if multi.partial or None in counts else sum(c for c in counts if c is not None)
    if multi.query.include.time_labels and answers:
        meta["time_labels"] = _labels(a.time_labels for a in answers)
    if multi.query.include.imports:
        meta["imports"] = {
            o.record.site.domain: {"included": note.included, "skipped": note.skipped and str(note.skipped)}
            for o in answered
            if (note := _answer(o).imports) is not None
        }
    if warnings := [(o, w) for o in answered for w in _answer(o).warnings]:
        meta["warnings"] = [
            {"site": o.record.site.domain, "metric": str(w.metric), "code": w.code, "detail": w.detail}
            for o, w in warnings
        ]
    if credits := list(dict.fromkeys(credit for a in answers for credit in a.credits)):
        meta["credits"] = credits
    return meta


def _labels(several: Iterable[tuple[str, ...] | None]) -> list[str]:
    """All time labels of all sites, in order (sites in other zones may reach into another day)."""
    return sorted({label for labels in several if labels for label in labels})
