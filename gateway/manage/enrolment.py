"""Set up connections: check options and credential, seal the credential, keep the record, note who did it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from adapters.base import Backend
from adapters.registry import backends
from gateway.catalog import Catalog
from gateway.catalog import connections as rows
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.catalog.connections import ConnectionRecord
from gateway.catalog.vault import Vault
from gateway.outbound.connections import Connections
from gateway.tenancy import Caller, KeyScope
from models.errors import ConfigurationError, Conflict, InvalidRequest, Problem
from models.validation import problems_of

VetAddress = Callable[[str], None]
"""Raises ConfigurationError when a base URL is not allowed."""


class Enrolment:
    """Creates, changes and deletes connections of a tenant; needs the admin scope."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        vault: Vault,
        connections: Connections,
        audit: AuditTrail,
        vet: VetAddress,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._vault, self._connections = catalog, vault, connections
        self._audit, self._vet, self._now = audit, vet, now

    async def create(
        self, caller: Caller, *, name: str, backend: str, options: Mapping[str, Any], credential: Any
    ) -> ConnectionRecord:
        """A new connection. Raises InvalidRequest with every problem of options and credential."""
        caller.require(KeyScope.ADMIN)
        found = backends().get(backend)
        if found is None or found.own_store is not None:
            names = tuple(known.name for known in backends().values() if known.own_store is None)
            raise InvalidRequest([Problem("backend", "no such backend to connect to", names)])
        draft = ConnectionRecord(rows.new_connection_id(), caller.tenant.id, name, backend, {}, None, 1, None, None)
        record = self._completed(draft, found, options, credential, may_lack=False)
        noting = self._audit.noting(caller, "connection.create", lambda made: Note(made.id, after=public(made)))
        return await noting.run(rows.create, caller.tenant, record, self._now())

    async def change(
        self, caller: Caller, connection: str, *, name: str | None, options: Mapping[str, Any] | None, credential: Any
    ) -> ConnectionRecord:
        """Change what is given. A credential belongs to an address: another address without a new one wipes it."""
        caller.require(KeyScope.ADMIN)
        old = await self._own(caller, connection)
        backend, old_options, old_credential = self._connections.read(old)
        chosen = dict(old.options) if options is None else options
        draft = replace(old, name=name or old.name, version=old.version + 1)
        record = self._completed(draft, backend, chosen, credential, may_lack=True)
        moved = backend.base_url_of(backend.options.model_validate(record.options)) != backend.base_url_of(old_options)
        if credential is None and old_credential is not None and not moved:
            record = replace(record, credential=self._seal(record, old_credential))
        noting = self._audit.noting(
            caller, "connection.change", lambda changed: Note(changed.id, public(old), public(changed))
        )
        changed = await noting.run(rows.replace, caller.tenant, record, self._now())
        await self._connections.drop(caller.tenant.id, connection)
        return changed

    async def delete(self, caller: Caller, connection: str) -> None:
        """Raises UnknownConnection, and Conflict while sites use it."""
        caller.require(KeyScope.ADMIN)
        old = await self._own(caller, connection)
        noting = self._audit.noting(caller, "connection.delete", Note(connection, before=public(old)))
        await noting.run(rows.delete, caller.tenant, connection)
        await self._connections.drop(caller.tenant.id, connection)

    async def _own(self, caller: Caller, connection: str) -> ConnectionRecord:
        if self._connections.is_built_in(connection):
            raise Conflict("the local connection belongs to the installation; its settings are the operator's")
        return await self._connections.get(caller.tenant, connection)

    def _completed(
        self, draft: ConnectionRecord, backend: Backend, options: Mapping[str, Any], credential: Any, *, may_lack: bool
    ) -> ConnectionRecord:
        """A record with checked options and a sealed credential; all problems of both at once."""
        problems: list[Problem] = []
        read_options = _read(backend.options, options, "options", problems)
        read_credential = self._credential(backend, credential, may_lack=may_lack, problems=problems)
        if read_options is not None and (base_url := backend.base_url_of(read_options)):
            try:
                self._vet(base_url)
            except ConfigurationError as error:
                problems.append(Problem("options.base_url", error.detail))
        if problems or read_options is None:
            raise InvalidRequest(problems)
        record = replace(draft, options=read_options.model_dump(mode="json", exclude_defaults=True), credential=None)
        return record if read_credential is None else replace(record, credential=self._seal(record, read_credential))

    def _credential(
        self, backend: Backend, credential: Any, *, may_lack: bool, problems: list[Problem]
    ) -> BaseModel | None:
        if backend.credential is None:
            if credential is not None:
                problems.append(Problem("credential", "this backend takes no credential"))
            return None
        if credential is None and may_lack:
            return None
        return _read(backend.credential, {} if credential is None else credential, "credential", problems)

    def _seal(self, record: ConnectionRecord, credential: BaseModel) -> bytes:
        """The credential with its secrets in the clear goes from here into the vault and nowhere else."""
        clear = orjson.dumps(credential.model_dump(), default=lambda secret: secret.get_secret_value())
        return self._vault.seal(clear, record.tenant, record.id, str(record.version))


def _read(model: type[BaseModel], value: Any, where: str, problems: list[Problem]) -> BaseModel | None:
    """A validated value, or None after its problems were added; values are not repeated, they may be secrets."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems += problems_of(error, where)
        return None


def public(record: ConnectionRecord) -> dict[str, Any]:
    """What may be shown and digested of a connection."""
    return {"name": record.name, "backend": record.backend, "options": dict(record.options), "version": record.version}
