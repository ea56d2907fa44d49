"""One connection to a Sparklytics server: who we are, one call, its error or its decoded answer."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import SecretStr

from adapters.base import Context, Reply, Request
from adapters.http import path_of, shaped
from adapters.sparklytics.options import SparklyticsCredential, SparklyticsOptions
from adapters.sparklytics.wire import BACKEND, Wrapped, check
from models.errors import RejectedCredentials, Unintelligible
from models.site import Site

Body = TypeVar("Body")
Params = tuple[tuple[str, str], ...]
COOKIE = "set-cookie"


class SparklyticsClient:
    """Calls with a key, or with the cookie of a session that is opened when the first call needs it."""

    def __init__(self, options: SparklyticsOptions, credential: SparklyticsCredential | None, context: Context) -> None:
        self.options, self.context = options, context
        self._credential = credential or SparklyticsCredential()
        self._cookie = ""

    async def call(
        self, method: str, path: str, shape: type[Body], params: Params = (), json: Any = None
    ) -> Wrapped[Body]:
        """The answer's `data` and `pagination`. Raises the errors of `wire.check`, and Unintelligible."""
        return shaped(await self.send(method, path, params, json), Wrapped[shape], backend=BACKEND)  # type: ignore[valid-type]

    async def send(self, method: str, path: str, params: Params = (), json: Any = None) -> Reply:
        """A reply with a status of 2xx; a session that has ended is opened once more."""
        reply = await self._once(method, path, params, json)
        if reply.status == 401 and self._cookie:
            self._cookie = ""
            reply = await self._once(method, path, params, json)
        check(reply, self.context.now())
        return reply

    async def _once(self, method: str, path: str, params: Params, json: Any) -> Reply:
        headers = await self._who()
        idempotent = method in ("GET", "PUT", "DELETE")
        return await self.context.transport.send(
            Request(method, path, params, headers, json=json, idempotent=idempotent)
        )

    async def _who(self) -> Mapping[str, str]:
        key, password = self._credential.api_key, self._credential.password
        if key is not None:
            return {"authorization": f"Bearer {key.get_secret_value()}"}
        if password is None:
            return {}
        self._cookie = self._cookie or await self._login(password)
        return {"cookie": self._cookie}

    async def _login(self, password: SecretStr) -> str:
        request = Request("POST", "/api/auth/login", json={"password": password.get_secret_value()}, idempotent=False)
        reply = await self.context.transport.send(request)
        if reply.status == 401:
            raise RejectedCredentials(backend=BACKEND)
        check(reply, self.context.now())
        cookie = reply.headers.get(COOKIE, "").partition(";")[0]
        if "=" not in cookie:
            raise Unintelligible("The login answered no cookie", backend=BACKEND)
        return cookie


def below(site: Site | str, *segments: str) -> str:
    """A path below a website, escaped."""
    return path_of("api", "websites", site if isinstance(site, str) else site.ref, *segments)
