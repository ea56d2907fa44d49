"""Authorised calls to Pirsch: bearer, one renewal on 401, errors, JSON; and scripts carried out call by call."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from adapters.base import Context, Reply, Request
from adapters.http import check_status, json_of
from adapters.pirsch.options import PirschCredential
from adapters.pirsch.token import Bearer
from adapters.pirsch.translate.statistics import Script, StatisticsCall, refuse
from adapters.pirsch.wire import BACKEND, domains
from models.errors import BackendError, MissingAtBackend, RefusedByBackend, Unintelligible

T = TypeVar("T")
CONCURRENT_CALLS = 4
STATUSES: Mapping[int, type[BackendError]] = {400: RefusedByBackend, 403: RefusedByBackend, 409: RefusedByBackend}
"""403 is a scope or a plan, not a wrong key: the token was good (2026-07-10, contract section 3)."""
WRITE_ONLY = "an access key of Pirsch sends traffic and reads nothing; connect a client instead"


class PirschClient:
    """Everything that is sent to Pirsch goes through here."""

    def __init__(self, credential: PirschCredential, context: Context) -> None:
        self.context = context
        self.bearer = Bearer(context.transport, credential, context.now)
        self._gate = asyncio.Semaphore(CONCURRENT_CALLS)

    async def send(self, request: Request, *, writes_traffic: bool = False) -> Reply:
        """The reply to a request; what is wrong with it is raised. An access key may only send traffic."""
        reply = await self._reply(request, writes_traffic=writes_traffic)
        check_status(reply, STATUSES, now=self.context.now(), backend=BACKEND)
        return reply

    async def get(self, path: str, **params: str) -> Any:
        """The JSON of a GET below /api/v1."""
        reply = await self.send(Request("GET", f"/api/v1/{path}", params=tuple(params.items())))
        return json_of(reply, backend=BACKEND)

    async def call(self, method: str, path: str, *, idempotent: bool = False, **given: Any) -> Any:
        """The JSON of any other call; None for an empty body."""
        reply = await self.send(Request(method, f"/api/v1/{path}", idempotent=idempotent, **given))
        return json_of(reply, backend=BACKEND) if reply.body.strip() else None

    async def attempt(self, method: str, path: str, body: Any) -> Reply:
        """A write whose 400 the caller reads. Raises everything else that is wrong."""
        reply = await self._reply(Request(method, f"/api/v1/{path}", json=body, idempotent=False))
        if reply.status != 400:
            check_status(reply, STATUSES, now=self.context.now(), backend=BACKEND)
        return reply

    async def domain(self, ref: str) -> Mapping[str, Any]:
        """The vendor's dashboard. Raises MissingAtBackend."""
        for found in domains(await self.get("domain", id=ref)):
            if found["id"] == ref:
                return found
        raise MissingAtBackend(backend=BACKEND)

    async def run(self, script: Script[T], *, at_most: int) -> tuple[T, int]:
        """What a script ends in, and how many calls it took, side by side where it says so.

        Raises UnsupportedQuery beyond the announced calls.
        """
        replies, made = None, 0
        try:
            while True:
                calls = script.send(replies)
                made += len(calls)
                if made > at_most:
                    raise refuse(f"the question needs more than {at_most} calls to Pirsch; ask for less")
                replies = await self._all(calls)
        except StopIteration as ended:
            return ended.value, made
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise Unintelligible("Pirsch's answer is not of the documented shape", backend=BACKEND) from error

    async def _all(self, calls: tuple[StatisticsCall, ...]) -> list[Any]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.get_call(call)) for call in calls]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def get_call(self, call: StatisticsCall) -> Any:
        """The JSON of a statistics call."""
        reply = await self.send(Request("GET", f"/api/v1/{call.path}", params=call.params))
        return json_of(reply, backend=BACKEND)

    async def _reply(self, request: Request, *, writes_traffic: bool = False) -> Reply:
        if self.bearer.write_only and not writes_traffic:
            raise RefusedByBackend(WRITE_ONLY, backend=BACKEND)
        async with self._gate:
            token = await self.bearer.get()
            reply = await self.context.transport.send(_with(request, token))
            if reply.status == 401:
                reply = await self.context.transport.send(_with(request, await self.bearer.renewed(token)))
        return reply


def _with(request: Request, token: str) -> Request:
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})
