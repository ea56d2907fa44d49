"""The composition root: settings in, a ready application out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_network
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from adapters.address import read_base_url
from adapters.base import Transport
from adapters.http import Timeouts, open_transport
from gateway import log as logging
from gateway.cache import ResultCache
from gateway.catalog import Catalog
from gateway.clients import Clients
from gateway.connections import Connections, Surroundings
from gateway.enrolment import Enrolment
from gateway.goals import Goals
from gateway.guests import Guests
from gateway.history import History
from gateway.http import facades
from gateway.http.application import application
from gateway.ingest import Ingest
from gateway.insights import Insights
from gateway.keyring import Keyring
from gateway.links import Links
from gateway.passthrough import Passthrough
from gateway.props import Props
from gateway.record import Recorder
from gateway.rules import Rules
from gateway.segments import Segments
from gateway.services import Services
from gateway.settings import Settings
from gateway.sites import Sites
from gateway.stats import Stats
from gateway.tenancy import LOCAL_CONNECTION
from gateway.vault import Vault, key_in, read_keys

log = structlog.get_logger()


def create_app(settings: Settings, more: Sequence[BaseRoute] = ()) -> Starlette:
    """The application. Opens the catalog now and the local store when the server starts; closes both when it ends.

    `more` routes come after ours.

    Raises ConfigurationError when the settings cannot be used.
    """
    logging.set_up(settings.log_level, settings.log_format)
    services = build(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await services.connections.adapter("", LOCAL_CONNECTION)
        log.info("ready", data=str(settings.data))
        try:
            yield
        finally:
            await services.close()
            log.info("closed")

    return application(services, lifespan, [*facades.routes(services), *more])


def build(settings: Settings) -> Services:
    """Every service, wired by hand: what depends on what can be read here."""
    settings.data.mkdir(parents=True, exist_ok=True)
    now, catalog, vault = settings.clock, Catalog(settings.data), _vault(settings)
    recorder = Recorder(catalog, now)
    connections = Connections(catalog, vault, _surroundings(settings))
    sites = Sites(catalog=catalog, connections=connections, recorder=recorder, now=now)
    cache = ResultCache(max_bytes=settings.cache_bytes, now=now)
    segments = Segments(catalog, sites, recorder, now)
    allow_private = [ip_network(n) for n in settings.allow_private_networks]
    vet = partial(_vet, allow_http=settings.allow_http, allow_private=allow_private)
    return Services(
        settings=settings,
        catalog=catalog,
        vault=vault,
        keyring=Keyring(
            catalog=catalog,
            recorder=recorder,
            now=now,
            operator_key=settings.admin_key.get_secret_value() if settings.admin_key else None,
            remembered_seconds=settings.key_cache_seconds,
        ),
        clients=Clients(
            catalog=catalog, vault=vault, recorder=recorder, now=now, remembered_seconds=settings.key_cache_seconds
        ),
        recorder=recorder,
        connections=connections,
        enrolment=Enrolment(catalog=catalog, vault=vault, connections=connections, recorder=recorder, vet=vet, now=now),
        sites=sites,
        stats=Stats(backends=connections, cache=cache, expand=segments.expand, now=now),
        insights=Insights(connections, segments.expand, now),
        cache=cache,
        goals=Goals(connections, sites, recorder),
        links=Links(connections, recorder),
        guests=Guests(connections, recorder),
        props=Props(connections, sites, recorder),
        rules=Rules(connections, recorder),
        segments=segments,
        ingest=Ingest(connections, sites, now),
        history=History(connections, sites, recorder, settings.data / "spool", settings.import_body_limit),
        passthrough=Passthrough(connections, sites, recorder),
    )


def _vault(settings: Settings) -> Vault:
    """The vault over the operator's keys, or over the key file of an embedded installation."""
    if settings.vault_key is not None:
        return Vault(read_keys(settings.vault_key.get_secret_value()))
    key, is_new = key_in(settings.data)
    if is_new:
        log.warning("vault key generated", file=str(settings.data / "vault.key"), advice="set TALLYWAY_VAULT_KEY")
    return Vault([key])


def _surroundings(settings: Settings) -> Surroundings:
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

    return Surroundings(transport, settings.clock, settings.data, settings.public_url, _local_options(settings))


def _local_options(settings: Settings) -> dict[str, Any]:
    return {
        "events": settings.events.get_secret_value() if settings.events else "",
        "geo_mmdb": settings.geo_mmdb,
        "geo_attribution": settings.geo_attribution,
    }


def _vet(base_url: str, *, allow_http: bool, allow_private: Any) -> None:
    """Raises ConfigurationError for a base URL that the operator does not allow."""
    read_base_url(base_url, allow_http=allow_http, allow_private=allow_private)
