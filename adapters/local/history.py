"""Imports and exports of local sites. Imports run as jobs of the engine."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path

from adapters.local.engine import Engine
from adapters.local.exports.formats import MEDIA_TYPES, exported
from adapters.local.exports.span import Span
from models.errors import UnknownSite
from models.job import ImportJob, OnError, ProblemPage
from models.site import Site


class History:
    """ImportsHistory, ReportsProblems and ExportsHistory."""

    engine: Engine
    import_formats: tuple[str, ...] = ("ndjson", "plausible")
    export_formats: Mapping[str, str] = MEDIA_TYPES

    async def start_import(self, site: Site, format: str, source: Path, on_error: OnError = OnError.SKIP) -> ImportJob:
        """Moves the file. Raises InvalidRequest, UnknownSite when the site was deleted, perhaps during the upload."""
        await self._require(site)
        job = await self.engine.imports.start_import(site, format, source, on_error)
        try:
            await self._require(site)
        except UnknownSite:  # the deletion may have looked for its imports before this one was there
            await self.engine.imports.forget_site(site.id)
            raise
        return job

    async def _require(self, site: Site) -> None:
        if await self.engine.rules_of(site) is None:
            raise UnknownSite

    async def list_imports(self, site: Site) -> tuple[ImportJob, ...]:
        return await self.engine.imports.list_imports(site)

    async def get_import(self, site: Site, job_id: str, *, wait: bool = False) -> ImportJob:
        """Raises NotFound."""
        return await self.engine.imports.get_import(site, job_id, wait=wait)

    async def import_problems(self, site: Site, job_id: str, offset: int, limit: int) -> ProblemPage:
        """Raises NotFound, InvalidRequest."""
        return await self.engine.imports.problems_of(site, job_id, offset, limit)

    async def delete_import(self, site: Site, job_id: str) -> None:
        """Raises NotFound."""
        await self.engine.imports.delete_import(site, job_id)

    async def export(
        self, site: Site, format: str, first: date | None = None, last: date | None = None
    ) -> AsyncIterator[bytes]:
        """Native events, or their daily aggregates, of days in the site's zone. Raises InvalidRequest."""
        await self.engine.writer.flush()
        async for piece in exported(self.engine.store, format, Span(site, first, last), self.engine.folder):
            yield piece
