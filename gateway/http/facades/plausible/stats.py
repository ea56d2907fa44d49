"""The stats endpoints: `/api/v2/query` and `/api/v1/stats/...` over whatever backend serves the site."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from adapters.registry import backends
from gateway.http.endpoint import Ask
from gateway.http.facades.plausible import query as v2
from gateway.http.facades.plausible import schema, stats_v1
from gateway.http.facades.plausible.dialect import PlausibleAsk
from gateway.http.facades.plausible.query_rules import refuse_rates_without_goals
from gateway.http.facades.plausible.wording import refused, unknown_goal, unknown_goal_v1
from gateway.http.server.body import answer as respond
from gateway.read.stats import SiteOutcome
from gateway.tenancy import SiteRecord
from models.errors import InvalidRequest, UnsupportedQuery
from models.filters import comparisons
from models.period import buckets, resolve
from models.query import Query, ResolvedQuery
from models.result import Answer
from models.vocabulary import DIMENSION_SCOPES, Dimension, Operator, Scope, dimension_of, interval_of


async def query(ask: PlausibleAsk) -> Any:
    """`POST /api/v2/query`."""
    body = ask.given.get("_json", ask.given)
    if not isinstance(body, dict):
        v2.read(body)
    if ask.given.get("site_id") and not ask.text("site_id"):
        v2.read(body)  # a site id that is no text is the schema's matter
    record = await ask.named_site()
    asked = v2.read(body)
    meant = await _with_segments(ask, record, asked.query)
    await _goals_exist(ask, record, meant, unknown_goal)
    refuse_rates_without_goals(meant)
    now = ask.services.settings.clock()
    settled = asked.settled(await _automatic_time(ask, record, asked.query))
    if asked.trimmed or settled.date_range == "day":
        settled = _trimmed(settled, record, now)
    resolved, found, _ = await _ask(ask, record, settled)
    return v2.write(asked, *_until_now(resolved, found))


async def query_schema(ask: PlausibleAsk) -> Any:
    """`GET /api/docs/query/schema.json`."""
    return schema.QUERY


async def _automatic_time(ask: PlausibleAsk, record: SiteRecord, asked: Query) -> str:
    if v2.AUTOMATIC not in asked.dimensions:
        return ""
    return v2.automatic_time(await ask.services.stats.period(ask.caller.tenant, record, asked))


def _trimmed(asked: Query, record: SiteRecord, now: datetime) -> Query:
    """`month` and `year` cut after today (`trim_relative_date_range`), `day` at this moment (contract 7.10).

    Other backends than our own store are asked for the whole day: some know no part of one, nothing of the rest has
    happened yet, and a range that ends at another second each time would keep no answer.
    """
    if asked.date_range not in ("month", "year", "day"):
        return asked
    period = resolve(asked.date_range, zone=ZoneInfo(record.site.timezone), now=now)
    today = now.astimezone(period.zone).date()
    if asked.date_range != "day":
        return replace(asked, date_range=(period.first_date.isoformat(), min(period.last_date, today).isoformat()))
    if not record.built_in:
        return asked
    cut = period.until(now)
    return replace(asked, date_range=(cut.first.isoformat(), cut.last.isoformat()))


def _until_now(query: ResolvedQuery, answer: Answer) -> tuple[ResolvedQuery, Answer]:
    """The question and the answer about a whole `day`, written up to the moment it was asked at."""
    if query.relative != "day":
        return query, answer
    cut = replace(query, period=query.period.until(query.now))
    interval = interval_of(query.time_dimension) if query.time_dimension else None
    if answer.time_labels is None or interval is None:
        return cut, answer
    return cut, replace(answer, time_labels=tuple(buckets(cut.period, interval)))


async def aggregate(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/stats/aggregate`."""
    record, asked = await _v1(ask, stats_v1.aggregate)
    _, found, before = await _ask(ask, record, asked.query)
    return stats_v1.write_aggregate(asked, found, before)


async def timeseries(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/stats/timeseries`."""
    record, asked = await _v1(ask, stats_v1.timeseries)
    _, found, _ = await _ask(ask, record, asked.query)
    return stats_v1.write_timeseries(asked, found)


async def breakdown(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/stats/breakdown`."""
    record, asked = await _v1(ask, stats_v1.breakdown)
    _, found, _ = await _ask(ask, record, _counted_like_v1(record, asked.query))
    return stats_v1.write_breakdown(asked, found)


async def realtime(ask: PlausibleAsk) -> Response:
    """`GET /api/v1/stats/realtime/visitors`: a bare number."""
    record = await ask.named_site()
    return respond(await ask.services.stats.realtime(ask.caller.tenant, record))


async def health(ask: Ask) -> Response:
    """`GET /api/health`, without a key: probes of the vendor's clients want each part to be `ok`."""
    failing = await ask.services.failing()
    store = "error" if failing else "ok"
    parts = {"clickhouse": store, "postgres": "ok", "sessions": store, "sites_cache": "ok"}
    return respond(parts, 500 if failing else 200)


def _counted_like_v1(record: SiteRecord, asked: Query) -> Query:
    """The question as v1 means it, to a backend that can count page views with their visits.

    Such a one also holds countries that nobody knows, which v1 leaves out. Every other backend keeps its own way.
    """
    backend = backends().get(record.backend)
    if backend is None or stats_v1.VISITS_COUNT_PAGEVIEWS not in backend.extra:
        return asked
    if Dimension.COUNTRY in asked.dimensions:
        asked = replace(asked, filters=(*asked.filters, stats_v1.KNOWN_COUNTRY))
    names = {*asked.dimensions, *(c.dimension for f in asked.filters for c in comparisons(f))}
    about_events = any(DIMENSION_SCOPES[found] is Scope.EVENT for n in names if (found := dimension_of(n)))
    if about_events:
        return asked
    return replace(asked, extra={record.backend: {stats_v1.VISITS_COUNT_PAGEVIEWS: True}})


Read = Callable[[Mapping[str, str], datetime], stats_v1.Asked]


async def _v1(ask: PlausibleAsk, read: Read) -> tuple[SiteRecord, stats_v1.Asked]:
    record = await ask.named_site()
    given = {name: value if isinstance(value, str) else "" for name, value in ask.given.items()}
    asked = read(given, ask.services.settings.clock())
    await _goals_exist(ask, record, await _with_segments(ask, record, asked.query), unknown_goal_v1)
    return record, asked


async def _with_segments(ask: PlausibleAsk, record: SiteRecord, asked: Query) -> Query:
    """The question with the filters that its segments stand for, for rules to see. Raises Refused for unknown ones."""
    try:
        filters = await ask.services.segments.expand(ask.caller.tenant, record, asked.filters)
    except InvalidRequest:
        raise refused("Invalid filters. The site has no such segment.") from None
    return replace(asked, filters=filters)


async def _goals_exist(ask: PlausibleAsk, record: SiteRecord, asked: Query, said: Callable[[str], str]) -> None:
    """Raises Refused for a filter on a goal the site does not have, where the backend tells its goals."""
    about = [
        leaf
        for part in asked.filters
        for leaf in comparisons(part)
        if leaf.dimension == Dimension.GOAL and leaf.operator is Operator.IS
    ]
    if not about:
        return
    try:
        known = {goal.display_name for goal in await ask.services.goals.listed(record)}
    except UnsupportedQuery:
        return
    folded = {name.lower() for name in known}
    for leaf in about:
        for name in leaf.values:
            if not (name in known if leaf.case_sensitive else name.lower() in folded):
                raise refused(said(name))


async def _ask(ask: PlausibleAsk, record: SiteRecord, asked: Query) -> tuple[ResolvedQuery, Answer, Answer | None]:
    """The resolved question, its answer, and the compared one. Raises UnsupportedQuery and the backend's errors."""
    found = await ask.services.stats.ask(ask.caller.tenant, [record], asked)
    outcome: SiteOutcome = found.outcomes[0]
    if outcome.answer is None or outcome.query is None:
        raise outcome.error or ValueError("an outcome has an answer or an error")
    ask.reasons.extend(outcome.answer.provenance.reasons)
    return outcome.query, outcome.answer.answer, outcome.answer.comparison
