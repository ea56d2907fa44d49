"""Calls that only one backend has: found in its own list, checked by its own models, audited when they write."""

from typing import Any

from pydantic import BaseModel, ValidationError

from adapters.base import VendorCall
from adapters.protocols import PassesThrough
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.manage.sites import Sites
from gateway.outbound.backends import Backends
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.errors import InvalidRequest, NotFound, Problem
from models.validation import problems_of


class Passthrough:
    """The way to what the canonical model does not hold."""

    def __init__(self, backends: Backends, sites: Sites, audit: AuditTrail) -> None:
        self._backends, self._sites, self._audit = backends, sites, audit

    async def listed(self, record: SiteRecord) -> tuple[VendorCall, ...]:
        """The calls that the site's backend offers."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        return adapter.vendor_calls if isinstance(adapter, PassesThrough) else ()

    async def call(
        self, caller: Caller, record: SiteRecord, backend: str, name: str, method: str, *, query: Any, body: Any
    ) -> Any:
        """The backend's answer. Raises NotFound for a call that the site's backend does not have, InvalidRequest."""
        adapter = await self._backends.adapter(record.tenant, record.connection)
        if not isinstance(adapter, PassesThrough) or adapter.can.backend != backend:
            raise NotFound(f"the site is not served by {backend[:60]}, or {backend[:60]} has no calls of its own")
        found = next((c for c in adapter.vendor_calls if c.name == name and c.method == method), None)
        if found is None:
            names = ", ".join(f"{c.method} {c.name}" for c in adapter.vendor_calls)
            raise NotFound(f"{backend} has no call {method} {name[:60]}; it has {names}")
        caller.require(KeyScope.MANAGE_SITES if found.writes else KeyScope.READ)
        problems: list[Problem] = []
        read_query = _read(found.query, query, "query", problems)
        read_body = _read(found.body, body, "body", problems)
        if problems:
            raise InvalidRequest(problems)
        if not found.writes:
            return await adapter.call_vendor(record.site, found, read_query, read_body)
        note = Note(record.site.id, after={"query": query, "body": body})
        async with self._audit.writing(caller, f"vendor.{backend}.{name}", note):
            answer = await adapter.call_vendor(record.site, found, read_query, read_body)
        await self._sites.bump(record)
        return answer


def _read(model: type[BaseModel] | None, value: Any, where: str, problems: list[Problem]) -> BaseModel | None:
    if model is None:
        if value:
            problems.append(Problem(where, "this call takes none"))
        return None
    try:
        return model.model_validate(value if value is not None else {})
    except ValidationError as error:
        problems += problems_of(error, where)
        return None
