"""`POST /api/event` at the facade's address: as everywhere here, and with the vendor's header for what is dropped."""

from starlette.responses import Response

from gateway.collect.payload import BadPayload
from gateway.http.endpoint import Ask
from gateway.http.server.body import answer
from gateway.http.trackers import CORS, counted, taken

DROPPED = "x-plausible-dropped"


async def track(ask: Ask) -> Response:
    """202 `ok`; dropped events are counted in `x-plausible-dropped` and explained in `x-tallyway-dropped`."""
    try:
        drops = await counted(ask)
    except BadPayload as error:
        return answer({"errors": error.errors}, 400, CORS)
    response = taken(drops)
    if dropped := sum(drop is not None for drop in drops):
        response.headers[DROPPED] = str(dropped)
    return response
