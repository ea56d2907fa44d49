"""The budget of one credential: a token for each call, now, in turn, or a refusal that says when."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.outbound import deadline
from gateway.outbound.budget.bucket import LEASE_SECONDS, Bucket, Rate, filled, full, refused, seconds_until, taken
from gateway.outbound.budget.priority import LEVELS, current
from gateway.outbound.budget.queue import MOST_WAITERS, Queue, Waiter
from gateway.outbound.budget.store import BudgetStore
from models.errors import RateLimited

LONGEST_WAIT_SECONDS = 30.0


class Budget:
    """Counts the calls of one credential. `rate` None: no limit is known, and only the vendor's refusals are heeded.

    `now` is seconds of the epoch, because buckets outlive the process.
    """

    def __init__(
        self,
        credential: str,
        rate: Rate | None,
        store: BudgetStore,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        most_waiters: int = MOST_WAITERS,
        backend: str | None = None,
    ) -> None:
        self._credential, self._rate, self._store, self._backend = credential, rate, store, backend
        self._now, self._sleep = now, sleep
        self._line = Queue(most_waiters)
        self._leased, self._lapses = 0, 0.0
        self._seen: Bucket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def level(self) -> float:
        """The share of the burst that is left, as far as this process knows."""
        seen, now = self._seen, self._now()
        if seen is None:
            return 1.0
        if now < seen.closed:
            return 0.0
        if self._rate is None:
            return 1.0
        return min(1.0, (max(0.0, filled(seen, self._rate, now).level) + self._ready(now)) / self._rate.burst)

    @property
    def waiting(self) -> int:
        return len(self._line)

    def _ready(self, now: float) -> int:
        closed = self._seen is not None and now < self._seen.closed
        return self._leased if now < self._lapses and not closed else 0

    async def spend(self, tenant: str) -> None:
        """Take one token, at the priority of the context. Raises RateLimited when none comes in time."""
        now = self._now()
        priority = current()
        seen = self._seen or await self._recalled(now)
        if self._rate is None:
            if seen.closed > now:
                raise self._refusal(seen.closed - now)
            return
        if priority in LEVELS and self.level < LEVELS[priority]:
            raise self._refusal(self._wait(now, LEVELS[priority] * self._rate.burst - self._ready(now)))
        if not len(self._line) and self._ready(now):
            self._leased -= 1
            return
        expected = self._wait(now, 1.0 + self._line.ahead_of(priority) - self._ready(now))
        left = deadline.remaining()
        if expected > min(LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS if left is None else left):
            raise self._refusal(expected)
        await self._in_turn(Waiter(tenant, priority), left)

    async def _recalled(self, now: float) -> Bucket:
        """What is known from before this process, so that its first call knows of a vendor's refusal."""
        new = Bucket(0.0, now) if self._rate is None else full(self._rate, now)

        def step(bucket: Bucket | None) -> tuple[Bucket, Bucket]:
            kept = bucket or new
            return kept, kept

        self._seen = await self._store.change(self._credential, step)
        return self._seen

    async def _in_turn(self, waiter: Waiter, seconds: float | None) -> None:
        leaving = self._line.join(waiter)
        if leaving is not None:
            leaving.turn.set_exception(self._refusal(self._wait(self._now(), 1.0 + len(self._line))))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        try:
            async with asyncio.timeout(seconds):
                await waiter.turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if waiter.turn.done() and not waiter.turn.cancelled() and waiter.turn.exception() is None:
                self.give_back()  # its turn came in the same moment
            if isinstance(error, asyncio.CancelledError):
                raise
            raise self._refusal(self._wait(self._now(), 1.0 + len(self._line))) from None
        finally:
            self._line.leave(waiter)

    async def _serve(self) -> None:
        """Hand out tokens in turn while anybody waits."""
        while len(self._line):
            if not self._ready(self._now()):
                try:
                    await self._lease()
                except Exception as error:
                    self._fail(error)  # whoever waits learns that the store is broken
                    return
            if not self._ready(now := self._now()):
                await self._sleep(max(0.005, self._wait(now, 1.0)))
                continue
            if (waiter := self._line.next()) is not None:
                self._leased -= 1
                waiter.turn.set_result(None)

    def _fail(self, error: Exception) -> None:
        while (waiter := self._line.next()) is not None:
            waiter.turn.set_exception(error)

    async def _lease(self) -> None:
        rate, now = self._rate, self._now()
        if rate is None:
            return
        want = max(rate.lease, min(len(self._line), int(rate.burst)))

        def step(bucket: Bucket | None) -> tuple[Bucket, tuple[Bucket, int]]:
            after, count = taken(bucket, rate, want, now)
            return after, (after, count)

        self._seen, self._leased = await self._store.change(self._credential, step)
        self._lapses = now + LEASE_SECONDS

    def give_back(self) -> None:
        """Return a token that was taken and not spent."""
        if self._rate is not None:
            self._leased += 1

    async def refused(self, retry_after: float | None) -> None:
        """The vendor said 429: stop, and go on more slowly."""
        rate, now = self._rate, self._now()

        def step(bucket: Bucket | None) -> tuple[Bucket, Bucket]:
            after = refused(bucket, rate, now, retry_after)
            return after, after

        self._leased = 0
        self._seen = await self._store.change(self._credential, step)

    def _wait(self, now: float, tokens: float) -> float:
        """Seconds until so many tokens are there, as far as this process knows."""
        if self._rate is None or self._seen is None:
            return 0.0
        return seconds_until(self._seen, self._rate, tokens, now)

    def _refusal(self, seconds: float) -> RateLimited:
        return RateLimited(retry_after=max(1.0, round(seconds, 1)), backend=self._backend)

    async def close(self) -> None:
        """Refuse whoever still waits."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        self._fail(self._refusal(1.0))
