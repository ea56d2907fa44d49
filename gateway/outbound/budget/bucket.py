"""A vendor's request limit as a token bucket: pure arithmetic over a state that outlives the process.

The property it is built for: in no rolling hour more than the vendor's N. Nine tenths of N trickle in, a twentieth of N
is the most that lies ready, and a lease (tokens one process took in advance) lapses after a minute:

    spent in an hour <= burst + rate * (3600 + 60) = 0.05 N + 0.9 N * 61/60 = 0.965 N
"""

import math
from dataclasses import dataclass, replace

HOUR = 3600.0
TRICKLE, READY = 0.9, 0.05
LEASE_SECONDS = 60.0
LARGEST_LEASE = 10
LEAST_FACTOR = 1 / 16
RECOVERY = 1 / 16 / 60
"""Share of the full rate that comes back each second after a refusal: a sixteenth each minute."""
WITHOUT_ADVICE_SECONDS = 30.0
"""How long nothing is sent after a 429 that does not say when to come back."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Tokens per second and the most that lie ready."""

    per_second: float
    burst: float

    @property
    def lease(self) -> int:
        """Tokens taken in advance: half a minute's worth, so that what lapses unspent costs at most half the rate."""
        return max(1, min(LARGEST_LEASE, int(self.per_second * LEASE_SECONDS / 2)))


def rate_of(requests_per_hour: int | None, burst: int | None = None) -> Rate | None:
    """The rate we allow ourselves under a vendor's hourly limit; None where no limit is known."""
    if requests_per_hour is None:
        return None
    ready = max(1.0, READY * requests_per_hour)
    return Rate(TRICKLE * requests_per_hour / HOUR, ready if burst is None else max(1.0, min(ready, burst)))


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens at a moment (seconds of the epoch). `factor` is the learned share of the rate; nothing before `closed`."""

    level: float
    at: float
    factor: float = 1.0
    closed: float = 0.0


def full(rate: Rate, now: float) -> Bucket:
    return Bucket(rate.burst, now)


def filled(bucket: Bucket, rate: Rate, now: float) -> Bucket:
    """The bucket at a later moment. A clock that went backwards adds nothing."""
    passed = max(0.0, now - bucket.at)
    level = min(rate.burst, bucket.level + passed * rate.per_second * bucket.factor)
    return replace(bucket, level=level, at=now, factor=min(1.0, bucket.factor + passed * RECOVERY))


def taken(bucket: Bucket | None, rate: Rate, want: int, now: float) -> tuple[Bucket, int]:
    """The bucket after a lease of at most so many whole tokens, and how many they are. A new bucket is full."""
    bucket = full(rate, now) if bucket is None else filled(bucket, rate, now)
    if now < bucket.closed:
        return bucket, 0
    count = max(0, min(want, math.floor(bucket.level)))
    return replace(bucket, level=bucket.level - count), count


def refused(bucket: Bucket | None, rate: Rate | None, now: float, retry_after: float | None) -> Bucket:
    """The bucket after the vendor's 429: empty, half the rate, closed for as long as the vendor says."""
    if rate is None:
        before = bucket or Bucket(0.0, now)
        level = 0.0
    else:
        before = full(rate, now) if bucket is None else filled(bucket, rate, now)
        level = min(0.0, before.level)
    closed = max(before.closed, now + (WITHOUT_ADVICE_SECONDS if retry_after is None else retry_after))
    return Bucket(level, now, max(LEAST_FACTOR, before.factor / 2), closed)


def seconds_until(bucket: Bucket, rate: Rate, count: float, now: float) -> float:
    """Seconds until so many tokens are there."""
    lacking = count - filled(bucket, rate, now).level
    trickle = max(0.0, lacking) / (rate.per_second * bucket.factor)
    return max(trickle, bucket.closed - now, 0.0)
