"""How the work of a request is done: a read for as long as somebody waits for it, a write to its end, and once.

A read ends at the request's deadline and when the client leaves. A write is not cut off: at a vendor its outcome would
be unknown, and the client that left could not be told. It is bounded by the time that every single call to a vendor may
take, it is written into the audit log, and its answer is kept under its Idempotency-Key for whoever asks again.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.http.server.idempotency import HEADER, once
from gateway.outbound import deadline
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope


def only_reads(method: str, scope: object) -> bool:
    """Whether a request changes nothing: GET, and what the scope for reading allows by other methods (queries)."""
    return method in ("GET", "HEAD") or scope is KeyScope.READ


async def perform(
    request: Request,
    services: Services,
    caller: Caller | None,
    work: Callable[[], Awaitable[Response]],
    *,
    reads: bool,
    creates: bool,
    repeatable: bool = True,
) -> Response:
    """The answer of a handler. `creates` marks writes that honour Idempotency-Key; `repeatable` as `once` has it.

    Raises what the handler raises, TimedOut, InvalidRequest, IdempotencyConflict, ClientDisconnect.
    """
    if reads:
        return await _attended(request, services, work)
    if creates and caller is not None and HEADER in request.headers:
        return await once(request, services, caller, work, repeatable=repeatable)
    return await work()


async def _attended(request: Request, services: Services, work: Callable[[], Awaitable[Response]]) -> Response:
    seconds = deadline.asked_seconds(request.headers.get(deadline.HEADER), cap=services.settings.query_timeout)
    await request.body()  # what comes after it can only be that the client leaves
    try:
        async with deadline.within(seconds):
            return await deadline.unless_gone(request.receive, work())
    except deadline.ClientGone as error:
        raise ClientDisconnect from error
