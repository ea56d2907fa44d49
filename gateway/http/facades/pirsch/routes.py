"""Every route of the facade, under `/pirsch/api/v1`, and the snippet's addresses for browsers."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

from starlette.routing import BaseRoute

from gateway.http.endpoint import Limit, resource
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
from gateway.http.facades.pirsch.dialect import Call, Handler, route
from gateway.http.facades.pirsch.wording import Refused
from gateway.services import Services
from gateway.settings import Settings
from gateway.tenancy import KeyScope

READ, INGEST, SITES, GOALS = KeyScope.READ, KeyScope.INGEST, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS
PREFIX = "/pirsch/api/v1"
DOUBLED = f"{PREFIX}//api/v1"
"""What the JavaScript SDK makes of its two funnel calls."""
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


def largest(settings: Settings, path: str) -> int:
    """The most bytes of a body that is sent to a path."""
    limit = LARGER.get(path, Limit.BODY)
    return limit if isinstance(limit, int) else int(getattr(settings, limit.value))


async def unknown(call: Call) -> Any:
    """Calls of Pirsch that have no meaning here."""
    raise Refused("This service does not offer that call.", status=404)


def routes(services: Services) -> list[BaseRoute]:
    """The facade's routes; those of clients and browsers are the common kind."""
    settings = services.settings
    most = settings.body_limit
    found: list[BaseRoute] = [tokens.token_route(services, f"{PREFIX}/token")]
    found += [
        route(services, method, PREFIX + path, handler, scope, limit=largest(settings, path))
        for method, path, handler, scope in ROUTES
    ]
    files = largest(settings, IMPORT)
    found.append(route(services, "POST", PREFIX + IMPORT, imports.start, INGEST, limit=files, streams=True))
    found += [
        route(services, "GET", DOUBLED + path, handler, READ, limit=most)
        for path, handler in (("/funnel", definitions.list_funnels), (f"{STATISTICS}/funnel", behaviour.funnel))
    ]
    found += [route(services, method, f"{PREFIX}/{{rest:path}}", unknown, READ, limit=most) for method in METHODS]
    open_ones = groupby(collect.browser_endpoints(), lambda e: e.path)
    found += [resource(path, tuple(group), services) for path, group in open_ones]
    return found
