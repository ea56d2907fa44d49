"""When a failed call is tried again: only what does no harm twice, not often, and never past the deadline."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from adapters.base import Reply
from gateway.outbound import deadline
from models.errors import CircuitOpen, TimedOut, Unintelligible, Unreachable

ATTEMPTS = 3
SHARE, LEAST = 0.2, 3
"""Retries under way: a fifth of the calls under way, at least three (Envoy's rule), lest they double an outage."""
LEAST_SECONDS, MOST_SECONDS = 0.2, 2.0
STATUSES = frozenset({500, 502, 503, 504})


class WorthRetrying(Exception):
    """A reply that another try may better; `after` is the vendor's own advice in seconds."""

    def __init__(self, reply: Reply, after: float | None) -> None:
        super().__init__(f"status {reply.status}")
        self.reply, self.after = reply, after


def jittered(attempt: int) -> float:
    """Seconds before the next try: full jitter under a doubling bound."""
    return random.uniform(LEAST_SECONDS, min(MOST_SECONDS, 0.5 * 2**attempt))  # noqa: S311 - spreads load, hides nothing


@dataclass(slots=True)
class RetryBudget:
    """Calls and retries under way for one credential."""

    calls: int = 0
    retries: int = 0

    def allows(self) -> bool:
        return self.retries < max(LEAST, SHARE * self.calls)


class Retries:
    """Decides for one call; used as stamina's hook, which takes the seconds to wait or False."""

    def __init__(self, budget: RetryBudget, *, jitter: Callable[[int], float] = jittered) -> None:
        self._budget, self._jitter = budget, jitter
        self._attempt, self._retrying, self._unreadable = 0, False, 0

    def __enter__(self) -> "Retries":
        self._budget.calls += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.calls -= 1
        self._settle()

    def _settle(self) -> None:
        if self._retrying:
            self._budget.retries -= 1
            self._retrying = False

    def __call__(self, error: Exception) -> bool | float:
        """Seconds until the next try, or False."""
        self._settle()
        self._attempt += 1
        wait = self._wait(error)
        left = deadline.remaining()
        if (
            self._attempt >= ATTEMPTS
            or wait is None
            or (left is not None and wait >= left)
            or not self._budget.allows()
        ):
            return False
        self._budget.retries += 1
        self._retrying = True
        return wait

    def _wait(self, error: Exception) -> float | None:
        match error:
            case CircuitOpen():
                return None
            case WorthRetrying(after=after) if after is not None:
                return after
            case Unintelligible():
                self._unreadable += 1
                return self._jitter(self._attempt) if self._unreadable == 1 else None
            case WorthRetrying() | Unreachable() | TimedOut():
                return self._jitter(self._attempt)
            case _:
                return None
