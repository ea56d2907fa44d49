"""Authorised calls to Pirsch: bearer, one renewal on 401, errors, JSON; and plans carried out call by call."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from adapters.base import Reply, Request, Transport
from adapters.http import check_status, json_of
from adapters.pirsch.token import BACKEND, Bearer, refuse_write_only
from adapters.pirsch.translate.statistics import Script, StatisticsCall, refuse
from models.errors import BackendError, RefusedByBackend, Unintelligible

T = TypeVar("T")
CONCURRENT_CALLS = 4
STATUSES: Mapping[int, type[BackendError]] = {400: RefusedByBackend, 403: RefusedByBackend, 409: RefusedByBackend}
"""403 is a scope or a plan, not a wrong key: the token was good."""


@dataclass(slots=True)
class Spent:
    """Calls made for one answer."""

    calls: int = 0


@dataclass(frozen=True, slots=True)
class Client:
    """Everything that is sent to Pirsch goes through here."""

    transport: Transport
    bearer: Bearer
    now: Callable[[], datetime]
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT_CALLS))

    async def send(self, request: Request, *, writes_traffic: bool = False) -> Reply:
        """The reply to a request; what is wrong with it is raised. An access key may only send traffic."""
        if self.bearer.write_only and not writes_traffic:
            raise refuse_write_only()
        async with self.gate:
            token = await self.bearer.get()
            reply = await self.transport.send(_with(request, token))
            if reply.status == 401:
                reply = await self.transport.send(_with(request, await self.bearer.renewed(token)))
        check_status(reply, STATUSES, now=self.now(), backend=BACKEND)
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
        if self.bearer.write_only:
            raise refuse_write_only()
        token = await self.bearer.get()
        request = Request(method, f"/api/v1/{path}", json=body, idempotent=False)
        reply = await self.transport.send(_with(request, token))
        if reply.status == 401:
            reply = await self.transport.send(_with(request, await self.bearer.renewed(token)))
        if reply.status != 400:
            check_status(reply, STATUSES, now=self.now(), backend=BACKEND)
        return reply

    async def run(self, script: Script[T], *, at_most: int, spent: Spent) -> T:
        """Carry out a plan, its calls side by side. Raises UnsupportedQuery beyond the announced calls."""
        replies: list[Any] | None = None
        try:
            while True:
                calls = next(script) if replies is None else script.send(replies)
                spent.calls += len(calls)
                if spent.calls > at_most:
                    raise refuse(f"the question needs more than {at_most} calls to Pirsch; ask for less")
                replies = await self._all(calls)
        except StopIteration as ended:
            value: T = ended.value
            return value
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise Unintelligible("Pirsch's answer is not of the documented shape", backend=BACKEND) from error

    async def _all(self, calls: tuple[StatisticsCall, ...]) -> list[Any]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._asked(call)) for call in calls]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _asked(self, call: StatisticsCall) -> Any:
        reply = await self.send(Request("GET", f"/api/v1/{call.path}", params=call.params))
        return json_of(reply, backend=BACKEND)


def _with(request: Request, token: str) -> Request:
    return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})
