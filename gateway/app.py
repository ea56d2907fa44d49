"""The composition root: settings in, a ready application out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_network
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import start_http_server
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from adapters.address import read_base_url
from adapters.base import Transport
from adapters.http import Timeouts, open_transport
from adapters.registry import own_store
from gateway.access.clients import Clients
from gateway.access.keyring import Keyring
from gateway.access.metering import Meter
from gateway.access.rate_limit import RateLimit
from gateway.catalog import Catalog, sealed
from gateway.catalog.audit_trail import AuditTrail
from gateway.catalog.vault import KEY_FILE, Vault, key_in, keys_from, read_keys
from gateway.collect.ingest import Ingest
from gateway.http import facades
from gateway.http.application import application
from gateway.http.fast_path.query import CHECKED_SECONDS
from gateway.http.server.origin import without_redirects_to_hosts
from gateway.manage.discovery import Discovery
from gateway.manage.enrolment import Enrolment
from gateway.manage.goals import Goals
from gateway.manage.guests import Guests
from gateway.manage.history import History
from gateway.manage.links import Links
from gateway.manage.mail import Mailer
from gateway.manage.passthrough import Passthrough
from gateway.manage.props import Props
from gateway.manage.rules import Rules
from gateway.manage.segments import Segments
from gateway.manage.site_changes import SiteChanges
from gateway.manage.sites import Sites
from gateway.manage.teams import Teams
from gateway.observe import log as logging
from gateway.observe import tracing
from gateway.observe.prometheus import PrometheusMetrics
from gateway.outbound.connections import Connections, Surroundings
from gateway.outbound.instrumented import InstrumentedTransport
from gateway.read.cache import ResultCache
from gateway.read.insights import Insights
from gateway.read.stats import Stats
from gateway.services import Services
from gateway.settings import Settings
from models.errors import ConfigurationError

log = structlog.get_logger()


def create_app(settings: Settings, more: Sequence[BaseRoute] = ()) -> Starlette:
    """The application. Opens the catalog now and the local store, if it is used, when the server starts.

    `more` routes come after ours.

    Raises ConfigurationError when the settings cannot be used.
    """
    logging.set_up(settings.log_level, settings.log_format)
    services = build(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(services.close)
            _watched(settings, services, stack)
            if has_events(settings):
                await services.connections.own_store()
            await services.history.resume()
            flushing = asyncio.create_task(services.meter.run())
            stack.callback(flushing.cancel)
            log.info("ready", data=str(settings.data))
            yield
        log.info("closed")

    whole = application(services, lifespan, [*facades.routes(services), *more], facades.TRACKING)
    without_redirects_to_hosts(whole.router)
    return whole


def has_events(settings: Settings) -> bool:
    """Whether the local store was ever used. A gateway in front of vendors only does without its engine and memory."""
    return settings.events is not None or (settings.data / own_store().folder).exists()


def _watched(settings: Settings, services: Services, stack: AsyncExitStack) -> None:
    """PrometheusMetrics on a port of their own, and traces, where the operator wants them."""
    if settings.metrics_port:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, services.prometheus.registry)
        stack.push_async_callback(asyncio.to_thread, _stopped, server, thread)
    if settings.otel_endpoint:
        stack.push_async_callback(asyncio.to_thread, tracing.stop, tracing.set_up(settings.otel_endpoint))


def _stopped(server: WSGIServer, thread: Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()


def build(settings: Settings) -> Services:
    """Every service, wired by hand: what depends on what can be read here."""
    settings.data.mkdir(parents=True, exist_ok=True)
    now, catalog = settings.clock, Catalog(settings.data)
    vault = open_vault(settings, catalog)
    audit = AuditTrail(catalog, now)
    prometheus, meter = PrometheusMetrics(), Meter(catalog, now)
    connections = Connections(catalog, vault, _surroundings(settings, meter, prometheus))
    cache = ResultCache(max_bytes=settings.cache_bytes, now=now)
    sites = Sites(catalog)
    changes = SiteChanges(sites=sites, catalog=catalog, connections=connections, audit=audit, meter=meter, now=now)
    segments = Segments(catalog, sites, audit, now)
    allow_private = [ip_network(n) for n in settings.allow_private_networks]
    vet = partial(_vet, allow_http=settings.allow_http, allow_private=allow_private)
    pace = partial(RateLimit, settings.creation_rate_limit)
    return Services(
        settings=settings,
        catalog=catalog,
        vault=vault,
        keyring=_keyring(settings, catalog, audit, pace("new keys")),
        clients=_clients(settings, catalog, vault, audit, pace("new clients")),
        audit=audit,
        meter=meter,
        prometheus=prometheus,
        guesses=RateLimit(settings.auth_failure_limit, "failed attempts with this key"),
        key_rate=RateLimit(settings.key_rate_limit, "requests with this key"),
        address_rate=RateLimit(settings.address_rate_limit, "requests from this address"),
        event_rate=RateLimit(settings.event_rate_limit, "events from this address"),
        connections=connections,
        enrolment=Enrolment(catalog=catalog, vault=vault, connections=connections, audit=audit, vet=vet, now=now),
        sites=sites,
        site_changes=changes,
        discovery=Discovery(catalog=catalog, connections=connections, cache=cache, changes=changes),
        stats=Stats(backends=connections, cache=cache, expand=segments.expand, now=now),
        insights=Insights(connections, segments.expand, now),
        cache=cache,
        goals=Goals(connections, sites, audit, cache),
        links=Links(connections, audit, pace("shared links")),
        guests=Guests(connections, audit, Mailer(settings.smtp_url, settings.mail_from), pace("invitations")),
        teams=Teams(catalog, audit, now),
        props=Props(connections, sites, audit),
        rules=Rules(connections, audit),
        segments=segments,
        ingest=Ingest(connections, sites, meter, prometheus, now),
        history=History(
            connections, sites, audit, meter, settings.data / "spool", settings.import_body_limit, pace("imports")
        ),
        passthrough=Passthrough(connections, sites, audit),
    )


def _keyring(settings: Settings, catalog: Catalog, audit: AuditTrail, pace: RateLimit) -> Keyring:
    return Keyring(
        catalog=catalog,
        audit=audit,
        now=settings.clock,
        operator_key=settings.admin_key.get_secret_value() if settings.admin_key else None,
        remembered_seconds=max(0.0, settings.key_cache_seconds - CHECKED_SECONDS),
        pace=pace,
    )


def _clients(settings: Settings, catalog: Catalog, vault: Vault, audit: AuditTrail, pace: RateLimit) -> Clients:
    return Clients(
        catalog=catalog,
        vault=vault,
        audit=audit,
        now=settings.clock,
        remembered_seconds=settings.key_cache_seconds,
        pace=pace,
    )


def open_vault(settings: Settings, catalog: Catalog) -> Vault:
    """The vault over the operator's keys, or over the key file of an embedded installation.

    Raises ConfigurationError; also where a new key file would stand beside secrets that it does not open.
    """
    if settings.vault_key is not None and settings.vault_key_command is not None:
        raise ConfigurationError("TALLYWAY_VAULT_KEY and TALLYWAY_VAULT_KEY_COMMAND are both set; use one")
    if settings.vault_key_command is not None:
        return Vault(keys_from(settings.vault_key_command))
    if settings.vault_key is not None:
        return Vault(read_keys(settings.vault_key.get_secret_value()))
    if not (settings.data / KEY_FILE).exists() and catalog.run_now(sealed.records):
        raise ConfigurationError(
            f"{settings.data} holds secrets, but not the {KEY_FILE} that they were sealed with: put it back, or set "
            "TALLYWAY_VAULT_KEY"
        )
    key, is_new = key_in(settings.data)
    if is_new:
        log.warning("vault key generated", file=str(settings.data / KEY_FILE), advice="set TALLYWAY_VAULT_KEY")
    return Vault([key])


def _surroundings(settings: Settings, meter: Meter, prometheus: PrometheusMetrics) -> Surroundings:
    allow_private = [ip_network(n) for n in settings.allow_private_networks]

    def transport(base_url: str, backend: str) -> Transport:
        return open_transport(
            base_url,
            allow_http=settings.allow_http,
            allow_private=allow_private,
            timeouts=Timeouts(total=settings.vendor_timeout),
            max_bytes=settings.vendor_body_limit,
            backend=backend,
        )

    def measured(base_url: str, backend: str, tenant: str) -> Transport:
        return InstrumentedTransport(transport(base_url, backend), backend, tenant, meter, prometheus)

    return Surroundings(measured, settings.clock, settings.data, settings.public_url, _local_options(settings))


def _local_options(settings: Settings) -> dict[str, Any]:
    return {
        "events": settings.events.get_secret_value() if settings.events else "",
        "geo_mmdb": settings.geo_mmdb,
        "geo_attribution": settings.geo_attribution,
        "backlog_bytes": settings.event_backlog_bytes,
    }


def _vet(base_url: str, *, allow_http: bool, allow_private: Any) -> None:
    """Raises ConfigurationError for a base URL that the operator does not allow."""
    read_base_url(base_url, allow_http=allow_http, allow_private=allow_private)
