"""From a request to its caller: a Bearer key in the one Authorization header, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request

from gateway.catalog.keys import PREFIX
from gateway.http.server.limits import admit_key
from gateway.http.server.visitor import client_of
from gateway.services import Services
from gateway.tenancy import Caller
from models.errors import NotAuthenticated, QuotaExceeded, TooManyRequests

TENANT_HEADER = "tallyway-tenant"
KEY_PARAMETERS = frozenset({"key", "api_key", "apikey", "access_token", "authorization"})
"""Query parameters that people put keys into; addresses end up in logs, so these are refused."""
LONGEST_KEY = 256


async def authenticate(request: Request, services: Services) -> Caller:
    """Who asks, admitted and counted.

    Raises NotAuthenticated, NotAllowed, TooManyRequests, QuotaExceeded.
    """
    key = bearer_key(request)
    with counted_guesses(services, f"{client_of(request.scope, services.settings).name} {key[:PREFIX]}"):
        caller = await services.keyring.caller(key, request.headers.get(TENANT_HEADER))
    await admit(request.scope["state"], services, caller)
    return caller


@contextmanager
def counted_guesses(services: Services, name: str) -> Iterator[None]:
    """Around every comparison with a secret: what fails is counted under the name, and too much is not even tried.

    Raises TooManyRequests.
    """
    try:
        services.guesses.check(name)
    except TooManyRequests:
        services.prometheus.refused("guesses")
        raise
    try:
        yield
    except NotAuthenticated:
        services.guesses.note(name)
        raise


async def admit(state: dict[str, Any], services: Services, caller: Caller) -> None:
    """Let a known caller in and put the request on its bill. Raises TooManyRequests, QuotaExceeded."""
    admit_key(caller, services)
    try:
        await services.meter.admit_call(caller.tenant.id)
    except QuotaExceeded as error:
        services.prometheus.refused(error.quota)
        raise
    state["billed"] = caller.tenant.id


def bearer_key(request: Request) -> str:
    """The presented key. Raises NotAuthenticated, without repeating what was presented."""
    if KEY_PARAMETERS & request.query_params.keys():
        raise NotAuthenticated("a key is taken from the Authorization header only, never from the address")
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise NotAuthenticated("there is more than one Authorization header")
    parts = headers[0].split() if headers else []
    if len(parts) != 2 or parts[0].lower() != "bearer" or len(parts[1]) > LONGEST_KEY:
        raise NotAuthenticated("send the API key as `Authorization: Bearer tw_...`")
    return parts[1]
