"""Segments: saved filters of a site."""

from starlette.responses import Response

from gateway.http.endpoint import Ask
from gateway.http.schema.sites import SegmentDraft, SegmentList, SegmentPatch, SegmentView
from gateway.http.server.body import answer, nothing


async def list_segments(ask: Ask) -> Response:
    found = await ask.services.segments.listed(await ask.site())
    return answer(SegmentList(segments=[SegmentView.of(s) for s in found]))


async def create_segment(ask: Ask) -> Response:
    draft, record = await ask.model(SegmentDraft), await ask.site()
    return answer(
        SegmentView.of(await ask.services.segments.create(ask.caller, record, draft.name, draft.filters)), 201
    )


async def get_segment(ask: Ask) -> Response:
    return answer(SegmentView.of(await ask.services.segments.get(await ask.site(), ask.path("segment"))))


async def change_segment(ask: Ask) -> Response:
    patch, record = await ask.model(SegmentPatch), await ask.site()
    changed = await ask.services.segments.change(ask.caller, record, ask.path("segment"), patch.name, patch.filters)
    return answer(SegmentView.of(changed))


async def delete_segment(ask: Ask) -> Response:
    await ask.services.segments.delete(ask.caller, await ask.site(), ask.path("segment"))
    return nothing()
