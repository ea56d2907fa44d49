"""Segments: saved filters of a site, and their replacement in queries by the trees they stand for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.catalog import Catalog
from gateway.catalog import segments as rows
from gateway.catalog.audit_trail import AuditTrail, Note
from gateway.catalog.segments import SegmentRecord
from gateway.manage.sites import Sites
from gateway.tenancy import Caller, KeyScope, SiteRecord, Tenant
from models.errors import InvalidRequest, NotFound, Problem
from models.filters import And, Comparison, Filter, HasDone, Not, Or, dimensions_in, read_filters
from models.vocabulary import Dimension


class Segments:
    """Keeps segments in the catalog, whatever backend serves the site."""

    def __init__(self, catalog: Catalog, sites: Sites, audit: AuditTrail, now: Callable[[], datetime]) -> None:
        self._catalog, self._sites, self._audit, self._now = catalog, sites, audit, now

    async def listed(self, record: SiteRecord) -> tuple[SegmentRecord, ...]:
        """By name."""
        return await self._catalog.run(rows.listed, Tenant(record.tenant), record.site.id)

    async def get(self, record: SiteRecord, segment_id: str) -> SegmentRecord:
        """Raises NotFound."""
        return await self._catalog.run(rows.get, Tenant(record.tenant), record.site.id, segment_id)

    async def create(self, caller: Caller, record: SiteRecord, name: str, filters: list[Any]) -> SegmentRecord:
        """Raises InvalidRequest with every problem of the filters, AlreadyExists."""
        caller.require(KeyScope.MANAGE_SITES)
        _checked(filters)
        noting = self._audit.noting(caller, "segment.create", lambda made: Note(made.id, after=_public(made)))
        return await noting.run(rows.create, caller.tenant, record.site.id, name, filters, self._now())

    async def change(
        self, caller: Caller, record: SiteRecord, segment_id: str, name: str | None, filters: list[Any] | None
    ) -> SegmentRecord:
        """Change what is given. Raises InvalidRequest, NotFound, AlreadyExists."""
        caller.require(KeyScope.MANAGE_SITES)
        if filters is not None:
            _checked(filters)
        before = _public(await self.get(record, segment_id))
        noting = self._audit.noting(
            caller, "segment.change", lambda changed: Note(segment_id, before, _public(changed))
        )
        changed = await noting.run(rows.change, caller.tenant, record.site.id, segment_id, name, filters)
        await self._sites.bump(record)
        return changed

    async def delete(self, caller: Caller, record: SiteRecord, segment_id: str) -> None:
        """Raises NotFound."""
        caller.require(KeyScope.MANAGE_SITES)
        before = _public(await self.get(record, segment_id))
        noting = self._audit.noting(caller, "segment.delete", Note(segment_id, before))
        await noting.run(rows.delete, caller.tenant, record.site.id, segment_id)

    async def expand(self, tenant: Tenant, record: SiteRecord, filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
        """The filters with every segment replaced by its tree. Raises InvalidRequest for unknown segments.

        At the top, each filter of a segment becomes one of the query: what counts differently there (goals that rates
        divide by, pages that visits entered on) must not depend on whether a filter was saved.
        """
        if Dimension.SEGMENT not in dimensions_in(filters):
            return filters
        known = {s.id: s for s in await self._catalog.run(rows.listed, tenant, record.site.id)}
        return tuple(part for f in filters for part in _at_the_top(f, known))


def _public(segment: SegmentRecord) -> dict[str, Any]:
    """What is digested of a segment."""
    return {"name": segment.name, "filters": segment.filters}


def _checked(filters: list[Any]) -> tuple[Filter, ...]:
    """The filters of a segment; a segment cannot stand in a segment, so no tree is endless."""
    read, problems = read_filters(filters)
    if not problems and not read:
        problems = [Problem("filters", "name at least one filter")]
    if not problems and Dimension.SEGMENT in dimensions_in(read):
        problems = [Problem("filters", "a segment cannot hold another segment")]
    if problems:
        raise InvalidRequest(problems)
    return read


def _at_the_top(node: Filter, known: dict[str, SegmentRecord]) -> tuple[Filter, ...]:
    expanded = _expanded(node, known)
    saved = isinstance(node, Comparison) and node.dimension == Dimension.SEGMENT
    return expanded.parts if saved and isinstance(expanded, And) else (expanded,)


def _expanded(node: Filter, known: dict[str, SegmentRecord]) -> Filter:
    match node:
        case Comparison(dimension=Dimension.SEGMENT, values=values):
            return _either([_tree(value, known) for value in values])
        case Comparison():
            return node
        case And(parts):
            return And(tuple(_expanded(p, known) for p in parts))
        case Or(parts):
            return Or(tuple(_expanded(p, known) for p in parts))
        case Not(part) | HasDone(part):
            return replace(node, part=_expanded(part, known))


def _tree(segment_id: str, known: dict[str, SegmentRecord]) -> Filter:
    if segment_id not in known:
        raise InvalidRequest([Problem("filters", f"the site has no segment {segment_id[:60]!r}", tuple(known))])
    try:
        parts = _checked(known[segment_id].filters)
    except InvalidRequest as error:  # written by a version that knew other words
        raise NotFound(f"the segment {segment_id} can no longer be read: {error.detail}") from error
    return parts[0] if len(parts) == 1 else And(parts)


def _either(parts: Sequence[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))
