"""Calls that only the site's own backend has."""

from starlette.responses import Response

from gateway.http.endpoint import Ask
from gateway.http.schema.sites import VendorCallList, VendorCallView
from gateway.http.server.body import answer, read_json


async def list_vendor_calls(ask: Ask) -> Response:
    record = await ask.site()
    calls = [
        VendorCallView(name=c.name, method=c.method, title=c.title, writes=c.writes, see=c.see)
        for c in await ask.services.passthrough.listed(record)
    ]
    return answer(VendorCallList(backend=record.backend, calls=calls))


async def call_vendor(ask: Ask) -> Response:
    body = await ask.request.body()
    found = await ask.services.passthrough.call(
        ask.caller,
        await ask.site(),
        ask.path("backend"),
        ask.path("call"),
        ask.request.method,
        query=dict(ask.request.query_params),
        body=read_json(body) if body else None,
    )
    if isinstance(found, bytes):
        headers = {"content-disposition": "attachment", "cache-control": "no-store"}
        return Response(found, headers=headers, media_type="application/octet-stream")
    return answer(found)
