"""Looking after the installation itself."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from gateway.catalog.audit_trail import Note
from gateway.http.endpoint import Ask
from gateway.operate.backup import MEDIA_TYPE
from gateway.operate.backup import backup as backed_up


async def backup(ask: Ask) -> Response:
    """The first piece is waited for, so that a refusal is still a proper answer."""
    services = ask.services
    await services.audit.note(ask.caller, "backup.create", Note("installation"))
    content = backed_up(services.connections, services.catalog, services.settings.data)
    first = await anext(content)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in content:
            yield piece

    headers = {"content-disposition": 'attachment; filename="tallyway-backup.tar"', "cache-control": "no-store"}
    return StreamingResponse(whole(), media_type=MEDIA_TYPE, headers=headers)
