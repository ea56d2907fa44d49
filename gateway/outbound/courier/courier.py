"""The careful way to a vendor: a transport that counts, waits its turn, stops at an open circuit, and tries again.

Per try: open circuit? -> a token of the budget -> a place in the bulkhead -> send. What the reply says about vendor and
credential is noted: 5xx and faults for the breaker, 429 for the budget, 401 and 403 for the credential.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import stamina

from adapters.base import Reply, Request, Transport
from adapters.http import retry_after
from gateway.outbound import deadline
from gateway.outbound.breaker import Breaker
from gateway.outbound.budget import Budget
from gateway.outbound.bulkhead import Bulkhead
from gateway.outbound.courier.retries import (
    ATTEMPTS,
    MOST_SECONDS,
    STATUSES,
    Retries,
    RetryBudget,
    WorthRetrying,
    jittered,
)
from models.errors import GatewayError, RejectedCredentials, TimedOut, Unintelligible, Unreachable

WITHOUT_DEADLINE_SECONDS = 30.0
SLOW_SECONDS = 5.0
"""A call that is given up after this long counts as a failure of the vendor, not as a change of mind."""
CONFIRMED_SECONDS = 300.0
"""After a check found the credential good, refusals start no new one for so long."""


@dataclass(slots=True)
class Account:
    """What is shared by every connection with the same host and credential. `name` is a digest, never the secret."""

    name: str
    host: str
    breaker: Breaker
    budget: Budget
    retries: RetryBudget = field(default_factory=RetryBudget)
    rejected: bool = False
    """The vendor does not take the credential: nothing is sent until it is changed or checked again."""
    confirmed_until: float = 0.0
    users: int = 0


@dataclass(frozen=True, slots=True)
class Clocks:
    """`now` is UTC; `monotonic` seconds that never jump. Both are real even when the service's own clock is frozen."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic


REAL = Clocks()


class Courier:
    """A Transport around a transport, for one tenant's connection."""

    def __init__(
        self,
        transport: Transport,
        account: Account,
        tenant: str,
        bulkhead: Bulkhead,
        *,
        clocks: Clocks = REAL,
        jitter: Callable[[int], float] = jittered,
        released: Callable[[Account], None] = lambda _: None,
        backend: str | None = None,
    ) -> None:
        self._transport, self.account, self._tenant, self._bulkhead = transport, account, tenant, bulkhead
        self._clocks, self._jitter, self._released, self._backend = clocks, jitter, released, backend
        self._confirm: Callable[[], Awaitable[bool]] | None = None
        self._confirming: asyncio.Task[None] | None = None

    def confirm_with(self, still_good: Callable[[], Awaitable[bool]]) -> None:
        """How to find out whether a refusal is about the credential or about one site. Without it, the first counts."""
        self._confirm = still_good

    async def send(self, request: Request) -> Reply:
        """One call, tried up to three times where that does no harm.

        Raises what the transport raises, RateLimited from the budget, RejectedCredentials, Overloaded.
        """
        if self.account.rejected:
            raise RejectedCredentials(backend=self._backend)
        if deadline.remaining() is not None:
            return await self._carefully(request)
        async with deadline.within(WITHOUT_DEADLINE_SECONDS):
            return await self._carefully(request)

    async def _carefully(self, request: Request) -> Reply:
        with Retries(self.account.retries, jitter=self._jitter) as again:
            try:
                return await self._first(request, again)
            except WorthRetrying as found:
                return found.reply

    async def _first(self, request: Request, again: Retries) -> Reply:
        """The first try, and the others where it failed and may be repeated.

        Setting up the library takes 30 us, so it is left to calls that fail; it is handed the first failure again.
        """
        try:
            return await self._try(request)
        except (WorthRetrying, GatewayError) as error:
            if not request.idempotent:
                raise
            failed: Exception | None = error
        async for attempt in stamina.retry_context(on=again, attempts=ATTEMPTS, timeout=None):
            with attempt:
                if failed is not None:
                    known, failed = failed, None
                    raise known
                return await self._try(request)
        raise AssertionError("stamina ends with a result or an error")

    async def _try(self, request: Request) -> Reply:
        account = self.account
        account.breaker.check()
        await account.budget.spend(self._tenant)
        sent = False
        try:
            async with self._bulkhead.slot(account.name, account.host):
                call = account.breaker.admit()
                sent = True
                reply = await self._observed(request, call)
        finally:
            if not sent:
                account.budget.give_back()
        return await self._judged(request, reply)

    async def _observed(self, request: Request, call: int) -> Reply:
        """Send, and tell the breaker how the call went."""
        breaker, began = self.account.breaker, self._clocks.monotonic()
        try:
            reply = await self._transport.send(request)
        except (Unreachable, TimedOut, Unintelligible):
            breaker.failed(call)
            raise
        except BaseException:
            (breaker.failed if self._clocks.monotonic() - began >= SLOW_SECONDS else breaker.abandoned)(call)
            raise
        (breaker.failed if reply.status >= 500 else breaker.succeeded)(call)
        return reply

    async def _judged(self, request: Request, reply: Reply) -> Reply:
        match reply.status:
            case 401 | 403:
                self._doubt()
            case 429:
                after = retry_after(reply, self._clocks.now())
                await self.account.budget.refused(after)
                if request.idempotent and after is not None and after <= MOST_SECONDS:
                    raise WorthRetrying(reply, after)
            case status if request.idempotent and status in STATUSES:
                raise WorthRetrying(reply, retry_after(reply, self._clocks.now()))
        return reply

    def _doubt(self) -> None:
        """A refusal may be about one site only; ask the backend itself, once, before giving the credential up."""
        if self._confirm is None:
            self.account.rejected = True
        elif self._confirming is None and self._clocks.monotonic() >= self.account.confirmed_until:
            self._confirming = asyncio.create_task(self._find_out(self._confirm))

    async def _find_out(self, still_good: Callable[[], Awaitable[bool]]) -> None:
        try:
            self.account.rejected = not await still_good()
        except RejectedCredentials:
            self.account.rejected = True
        except GatewayError:
            return  # it says nothing about the credential
        finally:
            self._confirming = None
        if not self.account.rejected:
            self.account.confirmed_until = self._clocks.monotonic() + CONFIRMED_SECONDS

    def forgive(self) -> None:
        """Try a rejected credential again: somebody says that it should work now."""
        self.account.rejected = False

    async def close(self) -> None:
        if self._confirming is not None:
            self._confirming.cancel()
            await asyncio.gather(self._confirming, return_exceptions=True)
        await self._transport.close()
        self._released(self.account)
