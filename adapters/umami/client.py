"""One connection to Umami: how it is reached, who we are, one call, its error or its decoded answer."""

from collections.abc import Mapping
from typing import Any, TypeVar

from adapters.base import Context, Reply, Request
from adapters.http import path_of, shaped
from adapters.umami.options import UmamiCredential, UmamiOptions
from adapters.umami.wire import BACKEND, Token, check
from models.site import Site

Body = TypeVar("Body")
Params = tuple[tuple[str, str], ...]


class UmamiClient:
    """Calls with a key, or with the token of a login that happens when the first call needs it."""

    def __init__(self, options: UmamiOptions, credential: UmamiCredential, context: Context) -> None:
        self.options, self.context = options, context
        self._credential, self._token = credential, ""

    def path(self, *segments: str) -> str:
        """The path of a call; the cloud's base URL holds the version in place of `/api` (read 2026-11, contract 1)."""
        return path_of(*segments) if self.options.edition == "cloud" else path_of("api", *segments)

    def below(self, site: Site | str, *segments: str) -> str:
        """A path below a website, escaped."""
        return self.path("websites", site if isinstance(site, str) else site.ref, *segments)

    async def call(self, method: str, path: str, shape: type[Body], params: Params = (), json: Any = None) -> Body:
        """The decoded answer. Raises what the status means, and Unintelligible."""
        return shaped(await self.send(method, path, params, json), shape, backend=BACKEND)

    async def send(self, method: str, path: str, params: Params = (), json: Any = None) -> Reply:
        """A reply with a status of 2xx; a login that has ended is repeated once."""
        reply = await self._once(method, path, params, json)
        if reply.status == 401 and self._token:
            self._token = ""
            reply = await self._once(method, path, params, json)
        check(reply, self.context.now())
        return reply

    async def _once(self, method: str, path: str, params: Params, json: Any) -> Reply:
        headers = await self._who()
        return await self.context.transport.send(
            Request(method, path, params, headers, json=json, idempotent=method in ("GET", "DELETE"))
        )

    async def _who(self) -> Mapping[str, str]:
        if self._credential.api_key is not None:
            return {"x-umami-api-key": self._credential.api_key.get_secret_value()}
        self._token = self._token or await self._login()
        return {"authorization": f"Bearer {self._token}"}

    async def _login(self) -> str:
        password = self._credential.password.get_secret_value() if self._credential.password else ""
        body = {"username": self._credential.username, "password": password}
        request = Request("POST", self.path("auth", "login"), json=body, idempotent=False)
        reply = await self.context.transport.send(request)
        check(reply, self.context.now())
        return shaped(reply, Token, backend=BACKEND).token
