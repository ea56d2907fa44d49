"""From a request to its caller: a Bearer key in the one Authorization header, and nowhere else."""

from starlette.requests import Request

from gateway.keyring import Keyring
from gateway.tenancy import Caller
from models.errors import NotAuthenticated

TENANT_HEADER = "tallyway-tenant"
KEY_PARAMETERS = frozenset({"key", "api_key", "apikey", "access_token", "authorization"})
"""Query parameters that people put keys into; addresses end up in logs, so these are refused."""
LONGEST_KEY = 256


async def authenticate(request: Request, keyring: Keyring) -> Caller:
    """Raises NotAuthenticated, NotAllowed."""
    return await keyring.caller(bearer_key(request), request.headers.get(TENANT_HEADER))


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
