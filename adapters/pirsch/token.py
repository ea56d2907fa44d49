"""The bearer of each call: an access key as it is, or an OAuth token, fetched, kept and renewed in one flight."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.base import Request, Transport
from adapters.http import check_status, json_of
from adapters.pirsch.options import PirschCredential
from adapters.pirsch.wire import BACKEND, moment
from models.errors import RejectedCredentials, Unintelligible

EARLY = timedelta(seconds=60)
"""A token is renewed this long before it expires, so that it does not expire on its way."""


class Bearer:
    """Hands out the bearer. Concurrent calls share one renewal."""

    def __init__(self, transport: Transport, credential: PirschCredential, now: Callable[[], datetime]) -> None:
        self._transport, self._credential, self._now = transport, credential, now
        self._lock = asyncio.Lock()
        self._token, self._expires = "", now()

    @property
    def write_only(self) -> bool:
        return self._credential.access_key is not None

    async def get(self) -> str:
        """A bearer that holds for a while. Raises RejectedCredentials and what the transport raises."""
        if self._credential.access_key is not None:
            return self._credential.access_key.get_secret_value()
        async with self._lock:
            if self._now() >= self._expires - EARLY:
                await self._renew()
            return self._token

    async def renewed(self, refused: str) -> str:
        """Another bearer after one was refused with 401; renewed only if nobody did meanwhile."""
        if self._credential.access_key is not None:
            raise RejectedCredentials(backend=BACKEND)
        async with self._lock:
            if self._token == refused:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        secret = self._credential.client_secret
        body = {"client_id": self._credential.client_id, "client_secret": secret.get_secret_value() if secret else ""}
        reply = await self._transport.send(Request("POST", "/api/v1/token", json=body))
        check_status(reply, {400: RejectedCredentials, 404: RejectedCredentials}, now=self._now(), backend=BACKEND)
        found = json_of(reply, backend=BACKEND)
        try:
            self._token, self._expires = str(found["access_token"]), moment(found["expires_at"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unintelligible("the token has no expiry that can be read", backend=BACKEND) from error
