"""Do a request once, however often it is sent with the same Idempotency-Key; answers are kept sealed for a day."""

import hashlib
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from gateway.catalog import idempotency as rows
from gateway.services import Services
from gateway.tenancy import Caller
from models.errors import InvalidRequest, Problem, leaves_outcome_unknown

HEADER = "idempotency-key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = "idempotency-replayed"


async def once(
    request: Request,
    services: Services,
    caller: Caller,
    work: Callable[[], Awaitable[Response]],
    *,
    repeatable: bool = True,
) -> Response:
    """The answer of the first request with this key, or of this one.

    `repeatable` work finds out by itself what became of an attempt whose answer was lost; other work is then not done
    again. Raises IdempotencyConflict, InvalidRequest.
    """
    given = request.headers[HEADER]
    if not KEY.fullmatch(given):
        raise InvalidRequest([Problem("Idempotency-Key", "must be 1 to 255 printable characters without blanks")])
    key = f"{caller.key} {given}"
    digest = _digest(request, await request.body())
    now = services.settings.clock()
    before = await services.catalog.run(rows.claim, caller.tenant, key, digest, now, repeatable)
    if before is not None:
        body = services.vault.open(before.answer, caller.tenant.id, key, "answer")
        return Response(body, before.status, {REPLAYED: "true", "cache-control": "no-store"}, "application/json")
    try:
        response = await work()
    except BaseException as error:
        in_doubt = not repeatable and leaves_outcome_unknown(error)
        await services.catalog.run(rows.doubt if in_doubt else rows.forget, caller.tenant, key)
        raise
    sealed = services.vault.seal(bytes(response.body), caller.tenant.id, key, "answer")
    await services.catalog.run(rows.keep, caller.tenant, key, rows.Remembered(response.status_code, sealed))
    return response


def _digest(request: Request, body: bytes) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + body).hexdigest()
