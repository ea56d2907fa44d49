"""Queries over one or several sites, plans, and the visitors of this moment."""

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from gateway.http.endpoint import Ask
from gateway.http.fast_path.query import request_key
from gateway.http.schema.stats import QueryParams, QueryPlan, RealtimeAnswer, SitePlan, SiteReason
from gateway.http.server.body import answer, json_bytes, read_json
from gateway.read import answers
from gateway.read.cache.responses import Currency, Finished, etag_of, good_until, matches
from gateway.read.stats import MultiAnswer
from gateway.tenancy import SiteRecord
from models.errors import InvalidRequest, Problem, UnknownSite
from models.filters import dimensions_in
from models.query import Query, read_query
from models.result import Foreseen, Freshness, Truth
from models.vocabulary import Dimension


async def post_query(ask: Ask) -> Response:
    return await _asked(ask, await ask.json(), await ask.request.body())


async def get_query(ask: Ask) -> Response:
    return await _asked(ask, read_json(ask.query(QueryParams).q.encode()), ask.request.scope["query_string"])


async def _asked(ask: Ask, body: Any, words: bytes) -> Response:
    """The answer; a hit is kept as it is sent."""
    sites, query = await _read(ask, body)
    found = await ask.services.stats.ask(ask.caller.tenant, sites, query)
    content = json_bytes(answers.as_json(found))
    now = ask.services.settings.clock()
    current = Currency.of([o.answer.provenance for o in found.outcomes if o.answer is not None], now)
    etag = etag_of(content)
    _keep(ask, body, words, content, etag, found, current)
    headers = {name.decode(): value.decode() for name, value in current.headers(etag)}
    given = ask.request.headers.get("if-none-match", "")
    if given and not found.partial and matches(given.encode("latin-1"), etag):
        return Response(status_code=304, headers=headers)
    if found.partial:
        return answer(answers.as_json(found))
    return Response(content, 200, headers, "application/json")


def _keep(
    ask: Ask, body: dict[str, Any], words: bytes, content: bytes, etag: bytes, found: MultiAnswer, current: Currency
) -> None:
    """Keep the bytes of a fresh answer about one site for who asks in the same words; saved filters may change."""
    outcome, ref = found.outcomes[0], body.get("site")
    if current.freshness is not Freshness.HIT or not isinstance(ref, str) or outcome.query is None:
        return
    if Dimension.SEGMENT in dimensions_in(found.query.filters):
        return
    now = ask.services.settings.clock()
    standing = ask.services.connections.standing(outcome.record.tenant, outcome.record.connection)
    finished = Finished(
        content,
        etag,
        ref,
        outcome.record,
        standing.generation,
        now - timedelta(seconds=current.age),
        good_until(outcome.query, now, current.fresh_for),
    )
    ask.services.cache.responses.keep(ask.caller.tenant.id, request_key(ask.request.method, words), finished)


async def plan_query(ask: Ask) -> Response:
    sites, query = await _read(ask, await ask.json())
    foreseen = await ask.services.stats.foresee(ask.caller.tenant, sites, query)
    return answer(QueryPlan(sites=[_plan(record, f) for record, f in zip(sites, foreseen, strict=True)]))


def _plan(record: SiteRecord, foreseen: Foreseen) -> SitePlan:
    possible = not foreseen.refusals
    truth = Truth.REFUSED if not possible else Truth.APPROXIMATE if foreseen.reasons else Truth.EXACT
    return SitePlan(
        site=record.site.domain,
        backend=record.backend,
        possible=possible,
        plan=str(foreseen.plan) if possible else None,
        calls=foreseen.calls if possible else None,
        accuracy=str(truth),
        reasons=[SiteReason(code=r.code, detail=r.detail) for r in foreseen.reasons],
        refusals=list(foreseen.refusals),
        nearest=foreseen.nearest,
    )


async def _read(ask: Ask, body: Any) -> tuple[tuple[SiteRecord, ...], Query]:
    """The sites and the query of a body. Raises InvalidRequest with the problems of both."""
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("body", "must be an object")])
    problems: list[Problem] = []
    sites: tuple[SiteRecord, ...] = ()
    query: Query | None = None
    try:
        query = read_query(body)
    except InvalidRequest as error:
        problems += error.problems
    try:
        sites = await _sites(ask, body)
    except InvalidRequest as error:
        problems += error.problems
    if problems or query is None:
        raise InvalidRequest(problems)
    return sites, query


async def _sites(ask: Ask, body: dict[str, Any]) -> tuple[SiteRecord, ...]:
    match body:
        case {"site": _, "sites": _}:
            raise InvalidRequest([Problem("sites", "give either site or sites")])
        case {"site": str(ref)}:
            try:
                return (await ask.services.sites.find(ask.caller, ref),)
            except UnknownSite as error:
                raise InvalidRequest([UnknownSite.problem("site", ref)]) from error
        case {"site": _}:
            raise InvalidRequest([Problem("site", "must be the id or domain of a site")])
        case {"sites": str(chosen)}:
            return await ask.services.sites.select(ask.caller, chosen, ask.services.settings.max_sites)
        case {"sites": [*refs]} if refs and all(isinstance(ref, str) for ref in refs):
            return await ask.services.sites.select(ask.caller, refs, ask.services.settings.max_sites)
        case {"sites": _}:
            raise InvalidRequest([Problem("sites", "must be `all`, a tag, or a list of sites", ("all", "[site, ...]"))])
        case _:
            raise InvalidRequest([Problem("site", "name a site, or several in sites")])


async def realtime(ask: Ask) -> Response:
    record = await ask.site()
    visitors = await ask.services.stats.realtime(ask.caller.tenant, record)
    return answer(RealtimeAnswer(site=record.site.domain, backend=record.backend, visitors=visitors))
