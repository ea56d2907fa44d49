"""Looking after the installation itself."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from gateway.operate import backup
from gateway.http.endpoint import Ask
from gateway.catalog.audit_trail import Note


async def backup(ask: Ask) -> Response:
    """The first piece is waited for, so that a refusal is still a proper answer."""
    services = ask.services
    await services.recorder.note(ask.caller, "backup.create", Note("installation"))
    content = backup.backup(services.connections, services.catalog, services.settings.data)
    first = await anext(content)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in content:
            yield piece

    headers = {"content-disposition": 'attachment; filename="tallyway-backup.tar"', "cache-control": "no-store"}
    return StreamingResponse(whole(), media_type=backup.MEDIA_TYPE, headers=headers)
