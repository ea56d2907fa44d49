"""Combinations of metrics, dimensions and filters that the vendor's v2 refuses; the first broken rule speaks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters.plausible.vocabulary import METRICS_READ, PROPS
from gateway.http.facades.plausible.filters import leaves
from gateway.http.facades.plausible.wording import refused
from models.filters import Comparison
from models.query import Query
from models.vocabulary import Dimension, Metric

SESSION_METRICS = ("bounce_rate", "visit_duration", "views_per_visit")
EVENT_METRICS = ("pageviews", "events", "scroll_depth", "time_on_page")
SESSION_ONLY = ("visit:entry_page", "visit:exit_page", "visit:entry_page_hostname", "visit:exit_page_hostname")
RATE_WITHOUT_GOAL = "Metric `{}` can only be queried with event:goal filters or dimensions."

Rule = Callable[[Mapping[str, Any]], Iterator[str]]


def refuse_broken(body: Mapping[str, Any]) -> None:
    """Raises Refused with the text of the first broken rule."""
    for rule in _RULES:
        if (text := next(rule(body), None)) is not None:
            raise refused(text)


def refuse_rates_without_goals(query: Query) -> None:
    """The same rule once segments have been replaced by their filters. Raises Refused."""
    rate = next((m for m in query.metrics if m in (Metric.CONVERSION_RATE, Metric.GROUP_CONVERSION_RATE)), None)
    filtered = {part.dimension for part in query.filters if isinstance(part, Comparison)}
    if rate is not None and Dimension.GOAL not in filtered.union(query.dimensions):
        raise refused(RATE_WITHOUT_GOAL.format(rate))


def _ordered_by_asked(body: Mapping[str, Any]) -> Iterator[str]:
    asked = (*body["metrics"], *(body.get("dimensions") or []))
    for name, direction in body.get("order_by") or []:
        if name not in asked or name == "event:goal":
            shown_as = f":{name}" if name in METRICS_READ else f'"{name}"'
            yield f"Invalid order_by entry '{{{shown_as}, :{direction}}}'. Entry is not a queried metric or dimension."


def _labels_need_time(body: Mapping[str, Any]) -> Iterator[str]:
    timed = any(d.startswith("time") for d in body.get("dimensions") or [])
    if (body.get("include") or {}).get("time_labels") and not timed:
        yield "Invalid include.time_labels: requires a time dimension."


def _rates_need_goals(body: Mapping[str, Any]) -> Iterator[str]:
    rates = [m for m in body["metrics"] if m in ("conversion_rate", "group_conversion_rate")]
    filtered = list(leaves(body.get("filters") or [], behaviour=False))
    at_the_top = {part[1] for depth, part in filtered if depth == 0}
    if rates and not at_the_top & {"event:goal", "segment"} and "event:goal" not in (body.get("dimensions") or []):
        yield RATE_WITHOUT_GOAL.format(rates[0])
    if rates and any(depth > 0 and part[1].startswith(PROPS) for depth, part in filtered):
        yield (
            "Invalid filters. When `conversion_rate` or `group_conversion_rate` metrics are used, "
            "custom property filters can only be used on top level."
        )


def _pages_need_pages(body: Mapping[str, Any]) -> Iterator[str]:
    if "event:page" in (body.get("dimensions") or []):
        return
    about = leaves(body.get("filters") or [], behaviour=False)
    depths = [depth for depth, part in about if part[1] == "event:page"]
    for metric, fits in (("scroll_depth", 0 in depths), ("time_on_page", bool(depths))):
        if metric in body["metrics"] and not fits:
            yield f"Metric `{metric}` can only be queried with event:page filters or dimensions."


def _views_per_visit(body: Mapping[str, Any]) -> Iterator[str]:
    if "views_per_visit" not in body["metrics"]:
        return
    about = leaves(body.get("filters") or [], behaviour=False)
    if any(part[1] == "event:page" for _, part in about):
        yield "Metric `views_per_visit` cannot be queried with a filter on `event:page`."
    if any(not d.startswith("time") for d in body.get("dimensions") or []):
        yield "Metric `views_per_visit` cannot be queried with non-time dimensions."


def _sessions_and_events(body: Mapping[str, Any]) -> Iterator[str]:
    dimensions = body.get("dimensions") or []
    session_metrics = [m for m in body["metrics"] if m in SESSION_METRICS]
    event_dimensions = [d for d in dimensions if d.startswith("event:")]
    if (
        session_metrics
        and event_dimensions
        and set(event_dimensions) not in ({"event:page"}, {"event:page", "event:hostname"})
    ):
        yield (
            f"Session metric(s) {_ticked(session_metrics)} cannot be queried along with "
            f"event dimension(s) {_ticked(event_dimensions)}"
        )
    event_metrics = [m for m in body["metrics"] if m in EVENT_METRICS]
    session_dimensions = [d for d in dimensions if d in SESSION_ONLY]
    if event_metrics and session_dimensions:
        yield (
            f"Event metric(s) {_ticked(event_metrics)} cannot be queried along with "
            f"session dimension(s) {_ticked(session_dimensions)}"
        )


def _ticked(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_RULES: tuple[Rule, ...] = (
    _ordered_by_asked,
    _labels_need_time,
    _rates_need_goals,
    _pages_need_pages,
    _views_per_visit,
    _sessions_and_events,
)
