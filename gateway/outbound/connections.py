"""Connections to backends: opened once, shared by every request, closed with the service."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel

from adapters import asker
from adapters.base import Adapter, Backend, Check, Context, Reply, Request, Transport
from adapters.registry import backends, built_in
from gateway.catalog import Catalog
from gateway.catalog import connections as rows
from gateway.catalog.connections import ConnectionRecord
from gateway.catalog.documents import DocumentLedger
from gateway.catalog.vault import Vault
from gateway.outbound.backends import Standing
from gateway.outbound.budget.catalog_store import CatalogBudgets
from gateway.outbound.courier import Courier, Couriers
from gateway.tenancy import BUILT_IN, Tenant
from models.capability import Capabilities, Limits, Operation
from models.errors import BackendError, ConfigurationError, UnsupportedQuery

log = structlog.get_logger()

NOBODY = ""
"""Owner of the documents of the built-in connection, which all tenants share."""


class NoTransport:
    """The transport of a backend without an address: there is nobody to call."""

    async def send(self, request: Request) -> Reply:
        raise UnsupportedQuery([f"{request.method} {request.path}: this backend has no address to call"])

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What opening a connection takes. `transport` makes one for a base URL, the backend's name and the tenant;
    `local_options` are the operator's, for the connection that needs no row."""

    transport: Callable[[str, str, str], Transport]
    now: Callable[[], datetime]
    data: Path
    public_url: str
    local_options: Mapping[str, Any]


class Connections:
    """Opens adapters on demand. Safe for concurrent use: a connection is opened once however many ask."""

    def __init__(self, catalog: Catalog, vault: Vault, around: Surroundings) -> None:
        self._catalog, self._vault, self._around = catalog, vault, around
        self.changes = 0
        """Grows when a connection was opened, or closed because it was changed."""
        self._open: dict[tuple[str, str], asyncio.Task[Adapter]] = {}
        self._versions: dict[tuple[str, str], int] = {}
        self._couriers: Couriers | None = None
        self._sent: dict[tuple[str, str], Courier] = {}

    async def adapter(self, tenant: str, connection: str) -> Adapter:
        """The open adapter of a connection. Raises UnknownConnection, and BackendError when it cannot start."""
        asker.tenant.set(tenant)  # whoever is asked next can share its room fairly
        place = (NOBODY if self.is_built_in(connection) else tenant, connection)
        opening = self._open.get(place)
        if opening is not None and opening.done():
            if not opening.cancelled() and opening.exception() is None:
                return opening.result()
            opening = None
        if opening is None:
            opening = self._open[place] = asyncio.create_task(self._start(*place))
        return await asyncio.shield(opening)

    def generation(self, tenant: str, connection: str) -> int | None:
        """Of the credential of a connection that was opened and whose answers are kept; None of any other."""
        place = (tenant, connection)
        return self._versions.get(place) if place in self._sent else None

    @staticmethod
    def is_built_in(connection: str) -> bool:
        """Whether it is the connection to the store of our own, which exists from the start."""
        return connection == BUILT_IN

    async def own_store(self) -> Adapter:
        """The open adapter of the store of our own. Raises BackendError when it cannot start."""
        return await self.adapter(NOBODY, BUILT_IN)

    def own_store_is_open(self) -> bool:
        """Whether it was asked for before."""
        return (NOBODY, BUILT_IN) in self._open

    def standing(self, tenant: str, connection: str) -> Standing:
        """How things are with a connection that was opened; answers of our own store are not worth keeping."""
        courier = self._sent.get((tenant, connection))
        if courier is None:
            return Standing(generation=self._versions.get((tenant, connection), 0), kept=False)
        return Standing(self._versions[tenant, connection], courier.account.budget.level)

    async def _start(self, tenant: str, connection: str) -> Adapter:
        record = await self.get(Tenant(tenant), connection)
        self._versions[tenant, connection] = record.version
        self.changes += 1
        backend, options, credential = self.read(record)
        base_url = backend.base_url_of(options)
        courier = await self._courier(record, backend, options, base_url) if base_url else None
        context = Context(
            transport=courier or NoTransport(),
            ledger=DocumentLedger(self._catalog, tenant, connection),
            now=self._around.now,
            data_dir=self._around.data,
            public_url=self._around.public_url,
        )
        adapter = backend.open(options, credential, context)
        try:
            await adapter.start()
        except BaseException:
            await adapter.close()
            raise
        if courier is not None:
            courier.confirm_with(lambda: _still_good(adapter))
            self._sent[tenant, connection] = courier
        log.info("connection opened", connection=connection, backend=record.backend)
        return adapter

    async def _courier(self, record: ConnectionRecord, backend: Backend, options: BaseModel, base_url: str) -> Courier:
        """The careful transport to the backend's address, shared by credential in what it counts."""
        store = CatalogBudgets(self._catalog)
        pepper = await store.pepper(self._vault) if self._couriers is None else b""
        self._couriers = self._couriers or Couriers(store, pepper=pepper)
        return self._couriers.open(
            self._around.transport(base_url, record.backend, record.tenant),
            tenant=record.tenant,
            base_url=base_url,
            credential=self._secret(record),
            backend=record.backend,
            limits=_granted(backend.editions[backend.edition_of(options)].limits, options),
        )

    def _secret(self, record: ConnectionRecord) -> bytes:
        if record.credential is None:
            return b""
        return self._vault.open(record.credential, record.tenant, record.id, str(record.version))

    def read(self, record: ConnectionRecord) -> tuple[Backend, BaseModel, BaseModel | None]:
        """A record's backend with its options and its opened credential. Raises ConfigurationError."""
        backend = backends().get(record.backend)
        if backend is None:
            raise ConfigurationError(f"the backend {record.backend} is not installed")
        options = backend.options.model_validate(dict(record.options))
        if record.credential is None or backend.credential is None:
            return backend, options, None
        return backend, options, backend.credential.model_validate_json(self._secret(record))

    async def get(self, tenant: Tenant, connection: str) -> ConnectionRecord:
        """Raises UnknownConnection."""
        if self.is_built_in(connection):
            return self._built_in()
        return await self._catalog.run(rows.get, tenant, connection)

    def _built_in(self) -> ConnectionRecord:
        """The connection that exists from the start; the operator's settings are its options."""
        backend = built_in()
        known = backend.options.model_fields
        options = {k: v for k, v in self._around.local_options.items() if k in known and v not in (None, "")}
        return ConnectionRecord(BUILT_IN, NOBODY, "Local", backend.name, options, None, 1, None, None)

    async def listed(self, tenant: Tenant, after: str, limit: int) -> tuple[ConnectionRecord, ...]:
        """The built-in connection first, then the tenant's by id."""
        if after:
            return await self._catalog.run(rows.listed, tenant, "" if self.is_built_in(after) else after, limit)
        found = await self._catalog.run(rows.listed, tenant, "", limit - 1)
        return (self._built_in(), *found)

    def capabilities(self, record: ConnectionRecord) -> Capabilities:
        """What the connection's edition can do, without opening it."""
        backend, options, _ = self.read(record)
        return backend.editions[backend.edition_of(options)]

    async def check(self, tenant: Tenant, connection: str) -> Check:
        """Try the connection against its backend; a backend that fails is a finding, not an error."""
        try:
            adapter = await self.adapter(tenant.id, connection)
            if (courier := self._sent.get((tenant.id, connection))) is not None:
                courier.forgive()
            return await adapter.check()
        except (BackendError, ConfigurationError) as error:
            return Check(ok=False, reasons=(f"{error.code}: {error.detail}",))

    async def check_own_store(self) -> Check:
        """The same of the store of our own."""
        return await self.check(Tenant(NOBODY), BUILT_IN)

    async def drop(self, tenant: str, connection: str) -> None:
        """Close an adapter; the next request opens the connection anew."""
        self._sent.pop((tenant, connection), None)
        self.changes += 1
        opening = self._open.pop((tenant, connection), None)
        if opening is not None:
            await _closed(opening)

    async def close(self) -> None:
        """Close every adapter that was opened."""
        opened, self._open = list(self._open.values()), {}
        await asyncio.gather(*(_closed(opening) for opening in opened))


def _granted(limits: Limits, options: BaseModel) -> Limits:
    """The edition's limits with the calls an hour that the connection's options name."""
    granted: int | None = getattr(options, "requests_per_hour", None)
    return limits if granted is None else limits.model_copy(update={"requests_per_hour": granted})


async def _still_good(adapter: Adapter) -> bool:
    """Whether the credential is good for anything; what needs none does not count."""
    check = await adapter.check()
    return check.ok or any(
        may for operation, may in check.operations.items() if operation is not Operation.COLLECT_EVENTS
    )


async def _closed(opening: asyncio.Task[Adapter]) -> None:
    for adapter in await asyncio.gather(opening, return_exceptions=True):
        if not isinstance(adapter, BaseException):
            await adapter.close()
