"""Calls to one Plausible account: the key, the meaning of statuses, and whose fault a 401 is."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from adapters.base import Context, Reply, Request
from adapters.http import check_status
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from models.errors import BackendError, MissingAtBackend, RefusedByBackend, RejectedCredentials

BACKEND = "plausible"

STATS: Mapping[int, type[BackendError]] = MappingProxyType(
    {401: RejectedCredentials, 402: RefusedByBackend, 403: RefusedByBackend, 404: RefusedByBackend}
)
"""Stats: 402 is a plan without the API or a locked site; a 404 is a server without this endpoint
(2026-07, contract 2)."""
SITES: Mapping[int, type[BackendError]] = MappingProxyType(
    {401: RejectedCredentials, 402: RefusedByBackend, 403: RefusedByBackend, 404: MissingAtBackend}
)

PROBE = Request("GET", "/api/v1/stats/realtime/visitors")
"""Without a site: a good key gets 400 (or 402), a bad one 401 (2026-07; fixtures/plausible/error_missing_site.json)."""


class PlausibleClient:
    """Sends with the key of one connection. Raises the errors of `models.errors` for every status but 2xx."""

    def __init__(self, options: PlausibleOptions, credential: PlausibleCredential, context: Context) -> None:
        self.options, self.context = options, context
        self._key = credential.api_key

    async def stats(self, request: Request) -> Reply:
        """A call to the stats API. Raises MissingAtBackend where the key is good but the site is not its own."""
        return await self._call(request, STATS)

    async def sites(self, request: Request) -> Reply:
        """A call to the Sites API."""
        return await self._call(request, SITES)

    async def try_out(self, request: Request) -> Reply:
        """A call with the key whose status is the answer."""
        return await self.context.transport.send(self._signed(request))

    async def unsigned(self, request: Request) -> Reply:
        """A call without the key: events are taken from anybody."""
        return await self.context.transport.send(request)

    def check(self, reply: Reply, table: Mapping[int, type[BackendError]] = STATS) -> None:
        check_status(reply, table, now=self.context.now(), backend=BACKEND)

    async def key_is_good(self) -> bool:
        """Whether the server knows the key. Raises when it cannot be told."""
        reply = await self.try_out(PROBE)
        if reply.status in (400, 402):
            return True
        if reply.status == 401:
            return False
        self.check(reply)
        return True

    async def _call(self, request: Request, table: Mapping[int, type[BackendError]]) -> Reply:
        reply = await self.try_out(request)
        # A good key and an unknown site: 401 as well (2026-07; fixtures/plausible/error_unknown_site.json).
        if reply.status == 401 and await self.key_is_good():
            raise MissingAtBackend("The backend does not know the site, or the key has no right to it", backend=BACKEND)
        self.check(reply, table)
        return reply

    def _signed(self, request: Request) -> Request:
        headers = {"authorization": f"Bearer {self._key.get_secret_value()}", "accept": "application/json"}
        return replace(request, headers={**headers, **request.headers})
