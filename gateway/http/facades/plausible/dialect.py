"""How Plausible's API is spoken: a key of ours as the Bearer, parameters from address and body, `{"error": text}`."""

from dataclasses import dataclass, field, replace
from functools import partial

from starlette.requests import Request

from gateway.http.dialect import Dialect
from gateway.http.endpoint import Ask
from gateway.http.facades.plausible import wording
from gateway.http.facades.plausible.parameters import Parameters, parameters, text
from gateway.http.facades.plausible.wording import refused, worded
from gateway.http.server.auth import key_holder
from gateway.services import Services
from gateway.tenancy import Caller, SiteRecord


@dataclass(frozen=True, slots=True)
class PlausibleAsk(Ask):
    """A request by a known caller; `given` holds query string and body."""

    given: Parameters = field(default_factory=dict)

    def text(self, name: str) -> str:
        return text(self.given, name)

    async def named_site(self) -> SiteRecord:
        """The site of `site_id`. Raises Refused, UnknownSite."""
        ref = self.text("site_id")
        if not ref:
            raise refused(wording.MISSING_SITE)
        return await self.services.sites.find(self.caller, ref)


async def _identify(request: Request, services: Services) -> Caller:
    scheme, _, key = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise refused(wording.MISSING_KEY, 401)
    return await key_holder(request, services)


async def _read(request: Request, services: Services, caller: Caller | None) -> PlausibleAsk:
    return PlausibleAsk(request, services, caller, await parameters(request))


SITES = Dialect(_identify, _read, partial(worded, stats=False), refused(wording.FAILED, 500))
"""The Sites API."""
STATS = replace(SITES, word=partial(worded, stats=True))
"""The Stats API, which answers an unknown site like a wrong key."""
