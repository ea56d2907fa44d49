"""How Pirsch's API is spoken: a client's token or access key as the Bearer, and errors of its own shape."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request

from gateway.catalog.clients import KEY_MARK
from gateway.catalog.keys import PREFIX
from gateway.http.dialect import Dialect
from gateway.http.endpoint import Ask
from gateway.http.facades.pirsch.parameters import Parameters
from gateway.http.facades.pirsch.wording import FAILED, NO_TOKEN, invalid, refused, worded
from gateway.http.server.auth import counted_guesses
from gateway.http.server.body import decoded
from gateway.services import Services
from gateway.tenancy import Caller, SiteRecord
from models.errors import NotAuthenticated


@dataclass(frozen=True, slots=True)
class PirschAsk(Ask):
    """A request by a known client; `given` holds the query string."""

    given: Parameters = field(default_factory=Parameters)

    async def named_site(self, name: str = "id") -> SiteRecord:
        """The site that a query parameter names. Raises Refused."""
        return await self.site_of(self.given.required(name))

    async def site_of(self, ref: Any) -> SiteRecord:
        """A site the client sees, by id. Raises Refused, UnknownSite."""
        if not isinstance(ref, str) or not ref:
            raise invalid("domain_id", "is required")
        return await self.services.sites.find(self.caller, ref)

    async def own_site(self) -> SiteRecord:
        """The one site of a client that takes events; clients of all sites name it in `id`. Raises Refused."""
        if self.caller.sites is not None and len(self.caller.sites) == 1:
            return await self.site_of(next(iter(self.caller.sites)))
        return await self.named_site()

    async def json(self) -> Any:
        """The body: JSON whatever its content type says; Go 2.5.0 sends none (2026-07, contract 2). Raises Refused."""
        try:
            return decoded(await self.request.body())
        except orjson.JSONDecodeError:
            raise refused("The request body is not valid JSON.") from None

    async def fields(self) -> dict[str, Any]:
        """The body as an object. Raises Refused."""
        value = await self.json()
        if not isinstance(value, dict):
            raise refused("The request body must be an object.")
        return value


async def _identify(request: Request, services: Services) -> Caller:
    """Who presents the token or access key. Raises NotAuthenticated, TooManyRequests.

    Failures are counted by address: tokens differ in every place, so that a part of one names no account to guess at.
    A token that is good is taken all the same, since many sites' servers share an address.
    """
    bearer = _bearer(request)
    is_key = bearer.startswith(KEY_MARK)
    with counted_guesses(request, services, bearer[:PREFIX] if is_key else "token", bars=is_key):
        return await services.clients.caller(bearer)


def _bearer(request: Request) -> str:
    """Raises NotAuthenticated; an empty bearer is how the clients ask for a token.

    (pirsch-sdk 2.9.1, 2026-11; fixtures/recorded/pirsch_sdk_requests.json.)
    """
    given: Sequence[str] = request.headers.getlist("authorization")
    parts = given[0].split() if len(given) == 1 else []
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise NotAuthenticated(NO_TOKEN)
    return parts[1]


async def _read(request: Request, services: Services, caller: Caller | None) -> PirschAsk:
    return PirschAsk(request, services, caller, Parameters.of(request.query_params.multi_items()))


PIRSCH = Dialect(_identify, _read, worded, refused(FAILED, status=500))
