"""From a request to its caller: a Bearer key in the one Authorization header, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest
from typing import Any

from starlette.requests import Request

from gateway.access.clients import TokenEnded
from gateway.catalog.keys import PREFIX, digest_of
from gateway.http.server.limits import admit_key
from gateway.http.server.visitor import client_of
from gateway.services import Services
from gateway.tenancy import Caller
from models.errors import NotAuthenticated, QuotaExceeded, TooManyRequests

TENANT_HEADER = "tallyway-tenant"
KEY_PARAMETERS = frozenset({"key", "api_key", "apikey", "access_token", "authorization"})
"""Query parameters that people put keys into; addresses end up in logs, so these are refused."""
LONGEST_KEY = 256


async def key_holder(request: Request, services: Services) -> Caller:
    """Who presents one of our keys. Raises NotAuthenticated, NotAllowed, TooManyRequests."""
    key = bearer_key(request)
    with counted_guesses(request, services, key[:PREFIX]):
        return await services.keyring.caller(key, request.headers.get(TENANT_HEADER))


async def scraper(request: Request, services: Services) -> Caller | None:
    """Who asks for metrics: None for whoever holds their token, else the holder of a key. Raises as `key_holder`."""
    token = services.settings.metrics_token
    with counted_guesses(request, services, "metrics"):
        if token is not None:
            presented, right = (digest_of(text) for text in (bearer_key(request), token.get_secret_value()))
            if compare_digest(presented, right):
                return None
        return await key_holder(request, services)


@contextmanager
def counted_guesses(request: Request, services: Services, secret: str, *, bars: bool = True) -> Iterator[None]:
    """Around every comparison with a secret: what fails is counted, by the address and the secret's name.

    Too much is not even tried, unless `bars` is false: then what is right is taken all the same. A token that has
    ended is no guess. Raises TooManyRequests.
    """
    name = f"{client_of(request.scope, services.settings).name} {secret}"
    if bars:
        _refuse_guessing(services, name)
    try:
        yield
    except TokenEnded:
        raise
    except NotAuthenticated:
        if not bars:
            _refuse_guessing(services, name)
        services.guesses.note(name)
        raise


def _refuse_guessing(services: Services, name: str) -> None:
    try:
        services.guesses.check(name)
    except TooManyRequests:
        services.prometheus.refused("guesses")
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
