"""Our own rate limits: a token bucket for each name, in memory, for so many names at most."""

import time
from collections.abc import Callable

from cachetools import LRUCache

from models.errors import TooManyRequests

NAMES = 50_000
MINUTE = 60.0


class Throttle:
    """So many a minute for each name, and as many at once; 0 for no limit. Each process counts for itself."""

    def __init__(self, per_minute: int, what: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most, self._what, self._monotonic = float(per_minute), what, monotonic
        self.limits = per_minute > 0
        self._levels: LRUCache[str, tuple[float, float]] = LRUCache(NAMES)

    @property
    def quiet(self) -> bool:
        """Whether nothing was noted of anybody."""
        return not self._levels

    def _level(self, name: str) -> tuple[float, float]:
        """What is left for a name, and when that was true."""
        now = self._monotonic()
        level, since = self._levels.get(name, (self._most, now))
        return min(self._most, level + (now - since) * self._most / MINUTE), now

    def check(self, name: str) -> None:
        """Raises TooManyRequests when nothing is left; takes nothing."""
        if not self.limits:
            return
        level, _ = self._level(name)
        if level < 1:
            raise TooManyRequests(
                f"too many {self._what}; at most {self._most:.0f} a minute",
                retry_after=max(1.0, (1 - level) * MINUTE / self._most),
            )

    def take(self, name: str) -> None:
        """One of the name's. Raises TooManyRequests."""
        if self.limits:
            self.check(name)
            self.note(name)

    def note(self, name: str) -> None:
        """One happened, allowed or not."""
        if self.limits:
            level, now = self._level(name)
            self._levels[name] = (max(0.0, level - 1), now)
