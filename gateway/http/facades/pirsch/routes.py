"""Every route of the facade, under `/pirsch/api/v1`, and the snippet's addresses for browsers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from starlette.routing import BaseRoute

from gateway.http import dialect
from gateway.http.endpoint import Access, Endpoint, Limit
from gateway.http.facades.pirsch import (
    behaviour,
    clients,
    collect,
    definitions,
    domains,
    imports,
    listings,
    moments,
    options,
    sharing,
    tokens,
    totals,
    traffic,
    views,
)
from gateway.http.facades.pirsch.dialect import PIRSCH, PirschAsk
from gateway.http.facades.pirsch.wording import refused
from gateway.services import Services
from gateway.tenancy import KeyScope

READ, INGEST, SITES, GOALS = KeyScope.READ, KeyScope.INGEST, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS
Handler = Callable[[PirschAsk], Awaitable[Any]]
PREFIX = "/pirsch/api/v1"
DOUBLED = "//api/v1"
"""What pirsch-sdk makes of its two funnel calls (2.9.1, 2026-11; fixtures/recorded/pirsch_sdk_requests.json)."""
STATISTICS, IMPORT = "/statistics", "/import/plausible"
BATCH_LIMIT = 10_000_000
"""Bytes of a batch: a thousand items with addresses, referrers, titles and tags of the greatest length."""

LISTS: Sequence[tuple[str, Handler]] = (
    *((name, listings.people(listing)) for name, listing in listings.PEOPLE.items()),
    *((name, listings.visits(listing)) for name, listing in listings.VISITS.items()),
    ("referrer", listings.referrer),
    ("page", listings.page),
    ("page/entry", listings.entry),
    ("page/exit", listings.exit_pages),
    ("event/page", listings.event_page),
    ("platform", listings.platform),
    ("total", totals.total),
    ("visitor", totals.visitor),
    ("hours", moments.hours),
    ("minutes", moments.minutes),
    ("weekdays", moments.weekdays),
    ("duration/session", totals.session_duration),
    ("duration/page", totals.page_duration),
    ("growth", totals.growth),
    ("active", moments.active),
    ("overview", moments.overview),
    ("events", behaviour.events),
    ("event/meta", behaviour.event_meta),
    ("event/list", behaviour.event_list),
    ("goals", behaviour.goals),
    ("tags", behaviour.tags),
    ("tag/details", behaviour.tag_details),
    ("funnel", behaviour.funnel),
    ("session/list", behaviour.session_list),
    ("session/details", behaviour.session_details),
    ("keywords", behaviour.keywords),
    *((f"options/{name}", options.options(dimension)) for name, dimension in options.OPTIONS.items()),
    ("options/tag/value", options.tag_values),
    ("options/metadata", options.metadata),
)

TAKING: Sequence[tuple[str, Handler]] = (
    ("/hit", collect.hit),
    ("/hit/batch", collect.hit_batch),
    ("/event", collect.event),
    ("/event/batch", collect.event_batch),
    ("/session", collect.session),
    ("/session/batch", collect.session_batch),
)

ROUTES: Sequence[tuple[str, str, Handler, KeyScope]] = (
    *(("POST", path, handler, INGEST) for path, handler in TAKING),
    *(("GET", f"{STATISTICS}/{name}", handler, READ) for name, handler in LISTS),
    ("GET", STATISTICS, options.archive, READ),
    ("DELETE", STATISTICS, traffic.delete_statistics, SITES),
    ("GET", "/domain", domains.list_domains, READ),
    ("POST", "/domain", domains.create_domain, SITES),
    ("PUT", "/domain", domains.renew_code, SITES),
    ("DELETE", "/domain", domains.delete_domain, SITES),
    ("POST", "/domain/hostname", domains.rename, SITES),
    ("POST", "/domain/timezone", domains.change_zone, SITES),
    ("POST", "/domain/name", domains.change_name, SITES),
    ("GET", "/import", imports.show, SITES),
    ("DELETE", "/import", imports.cancel, SITES),
    ("GET", "/domain/link", sharing.list_links, SITES),
    ("POST", "/domain/link", sharing.create_link, SITES),
    ("DELETE", "/domain/link", sharing.delete_link, SITES),
    ("GET", "/member", sharing.list_members, SITES),
    ("POST", "/member", sharing.invite, SITES),
    ("DELETE", "/member", sharing.delete_member, SITES),
    ("GET", "/invitation", sharing.list_invitations, SITES),
    ("DELETE", "/invitation", sharing.delete_invitation, SITES),
    ("GET", "/client", clients.list_clients, SITES),
    ("POST", "/client", clients.put_client, SITES),
    ("DELETE", "/client", clients.delete_client, SITES),
    ("GET", "/filter", traffic.list_filters, SITES),
    ("POST", "/filter", traffic.put_filter, SITES),
    ("DELETE", "/filter", traffic.delete_filter, SITES),
    ("GET", "/view", views.list_views, READ),
    ("POST", "/view", views.put_view, SITES),
    ("DELETE", "/view", views.delete_view, SITES),
    ("GET", "/goal", definitions.list_goals, READ),
    ("POST", "/goal", definitions.create_goal, GOALS),
    ("PUT", "/goal", definitions.update_goal, GOALS),
    ("DELETE", "/goal", definitions.delete_goal, GOALS),
    ("POST", "/goal/regex", definitions.test_expression, READ),
    ("GET", "/funnel", definitions.list_funnels, READ),
    ("POST", "/funnel", definitions.put_funnel, SITES),
    ("DELETE", "/funnel", definitions.delete_funnel, SITES),
)

SERVED = frozenset({(method, path) for method, path, _, _ in ROUTES} | {("POST", "/token"), ("POST", IMPORT)})
"""Every method and path below the prefix."""
METHODS = ("GET", "POST", "PUT", "DELETE")
LARGER: Mapping[str, Limit | int] = MappingProxyType(
    {
        "/hit": Limit.EVENT,
        "/event": Limit.EVENT,
        "/session": Limit.EVENT,
        "/hit/batch": BATCH_LIMIT,
        "/event/batch": BATCH_LIMIT,
        "/session/batch": BATCH_LIMIT,
        IMPORT: Limit.IMPORT,
    }
)
"""Bodies that may be larger than a question or a credential."""


async def unknown(ask: PirschAsk) -> Any:
    """Calls of Pirsch that have no meaning here."""
    raise refused("This service does not offer that call.", status=404)


def endpoint(method: str, path: str, handler: Handler, access: KeyScope | Access = READ) -> Endpoint[PirschAsk]:
    """One method of a path below the prefix.

    Pirsch's Go client takes nothing but 200 for an answer (2.5.0, 2026-07, contract 2).

    Writes honour Idempotency-Key, but for files, which are streamed and known by their content.
    """
    limit = LARGER.get(path, Limit.BODY)
    return Endpoint(method, PREFIX + path, handler, "", access, "", limit=limit, creates=path != IMPORT)


ENDPOINTS: Sequence[Endpoint[PirschAsk]] = (
    endpoint("POST", "/token", tokens.token, Access.OPEN),
    *(endpoint(*row) for row in ROUTES),
    endpoint("POST", IMPORT, imports.start, INGEST),
    endpoint("GET", f"{DOUBLED}/funnel", definitions.list_funnels),
    endpoint("GET", f"{DOUBLED}{STATISTICS}/funnel", behaviour.funnel),
    *(endpoint(method, "/{rest:path}", unknown) for method in METHODS),
)


def routes(services: Services) -> list[BaseRoute]:
    """The facade's routes; those of browsers speak as our own trackers do."""
    return [
        *dialect.routes(PIRSCH, services, ENDPOINTS),
        *dialect.routes(dialect.NATIVE, services, collect.browser_endpoints()),
    ]
