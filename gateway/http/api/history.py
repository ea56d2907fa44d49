"""Events from servers, imports of history, exports."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from starlette.responses import Response, StreamingResponse

from gateway.http.endpoint import Ask
from gateway.http.schema.sites import (
    DropDay,
    DropList,
    DropParams,
    ExportParams,
    ImportList,
    ImportParams,
    ProblemParams,
)
from gateway.http.schema.stats import DroppedEvent, EventParams, EventsTaken
from gateway.http.server.body import answer, nothing
from models.errors import InvalidRequest, Problem
from models.job import JobStatus

LONGEST = timedelta(days=366)
NO_LETTER = re.compile("[^0-9A-Za-z-]")
"""What a domain has an underscore for in the name of an export."""


async def send_events(ask: Ask) -> Response:
    params, record = ask.query(EventParams), await ask.site()
    taken = await ask.services.ingest.send(record, await ask.json(), wait=params.wait)
    dropped = [DroppedEvent(index=i, reason=drop.reason, detail=drop.detail) for i, drop in taken.dropped]
    return answer(EventsTaken(accepted=taken.accepted, dropped=dropped), 202)


async def list_drops(ask: Ask) -> Response:
    params, record = ask.query(DropParams), await ask.site()
    last = _day("last", params.last) or ask.services.settings.clock().date()
    first = _day("first", params.first) or last - timedelta(days=6)
    if not timedelta(0) <= last - first <= LONGEST:
        raise InvalidRequest([Problem("first", f"must be at most {LONGEST.days} days before last")])
    found = await ask.services.ingest.drops(record, first, last)
    return answer(DropList(days=[DropDay(date=day.isoformat(), reasons=dict(r)) for day, r in sorted(found.items())]))


async def start_import(ask: Ask) -> Response:
    params, record = ask.query(ImportParams), await ask.site()
    job = await ask.services.history.start(
        ask.caller, record, params.format, ask.request.stream(), on_error=params.on_error, wait=params.wait
    )
    return answer(job, 200 if job.status in (JobStatus.COMPLETED, JobStatus.FAILED) else 202)


async def list_imports(ask: Ask) -> Response:
    return answer(ImportList(imports=list(await ask.services.history.listed(await ask.site()))))


async def get_import(ask: Ask) -> Response:
    return answer(await ask.services.history.get(await ask.site(), ask.path("job")))


async def list_import_problems(ask: Ask) -> Response:
    params, record = ask.query(ProblemParams), await ask.site()
    return answer(await ask.services.history.problems(record, ask.path("job"), params.offset, params.limit))


async def delete_import(ask: Ask) -> Response:
    await ask.services.history.delete(ask.caller, await ask.site(), ask.path("job"))
    return nothing()


async def export(ask: Ask) -> Response:
    params, record = ask.query(ExportParams), await ask.site()
    first, last = _day("first", params.first), _day("last", params.last)
    media, content = await ask.services.history.export(record, params.format, first, last)
    day = ask.services.settings.clock().astimezone(ZoneInfo(record.site.timezone))
    ending = "zip" if media == "application/zip" else params.format
    name = f"{NO_LETTER.sub('_', record.site.domain)}_{day:%Y%m%d}.{ending}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(content, media_type=media, headers=headers)


def _day(name: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest([Problem(name, "no such day")]) from error
