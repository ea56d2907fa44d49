"""Our own rate limits: a token bucket for each name, in memory, for so many names at most."""

import time
from collections import OrderedDict
from collections.abc import Callable

from models.errors import TooManyRequests

NAMES = 50_000
MINUTE = 60.0


class RateLimit:
    """So many a minute for each name, and as many at once; 0 for no limit. Each process counts for itself."""

    def __init__(self, per_minute: int, what: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most, self._what, self._monotonic = float(per_minute), what, monotonic
        self.limits = per_minute > 0
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def quiet(self) -> bool:
        """Whether nothing was noted of anybody."""
        return not self._levels

    def _level(self, name: str, now: float) -> float:
        """What is left for a name."""
        held = self._levels.get(name)
        return self._most if held is None else min(self._most, held[0] + (now - held[1]) * self._most / MINUTE)

    def check(self, name: str) -> None:
        """Raises TooManyRequests when nothing is left; takes nothing."""
        if self.limits and (level := self._level(name, self._monotonic())) < 1:
            raise self._refusal(level)

    def take(self, name: str) -> None:
        """One of the name's. Raises TooManyRequests."""
        if not self.limits:
            return
        now = self._monotonic()
        level = self._level(name, now)
        if level < 1:
            raise self._refusal(level)
        self._keep(name, level - 1, now)

    def give_back(self, name: str) -> None:
        """One that was taken, and is to be taken again."""
        if self.limits:
            now = self._monotonic()
            self._keep(name, min(self._most, self._level(name, now) + 1), now)

    def note(self, name: str) -> None:
        """One happened, allowed or not."""
        if self.limits:
            now = self._monotonic()
            self._keep(name, max(0.0, self._level(name, now) - 1), now)

    def _keep(self, name: str, level: float, now: float) -> None:
        self._levels[name] = level, now
        self._levels.move_to_end(name)
        if len(self._levels) > NAMES:
            self._levels.popitem(last=False)  # who was seen longest ago has most likely all of it back

    def _refusal(self, level: float) -> TooManyRequests:
        return TooManyRequests(
            f"too many {self._what}; at most {self._most:.0f} a minute",
            retry_after=max(1.0, (1 - level) * MINUTE / self._most),
        )


UNLIMITED = RateLimit(0, "")
"""For whoever needs a throttle and no limit."""
