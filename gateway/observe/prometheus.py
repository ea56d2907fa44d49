"""What /metrics tells: requests, calls to backends, events. Plain additions on the way, families only when scraped.

Labels are route patterns, names of backends and reasons; never a site, a tenant, an address or anything a caller wrote.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets, in seconds."""
ELSEWHERE = "(none)"
"""The route of a request that met none."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Durations:
    """A histogram of seconds."""

    total: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.buckets[bisect_left(BOUNDS, seconds)] += 1

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus wants it: each bucket with all below it."""
        bounds, sums, seen = [*map(str, BOUNDS), "+Inf"], [], 0
        for bound, count in zip(bounds, self.buckets, strict=True):
            seen += count
            sums.append((bound, float(seen)))
        return sums


class PrometheusMetrics(Collector):
    """Counted since the process began."""

    def __init__(self) -> None:
        self._requests: defaultdict[tuple[str, str, int], Durations] = defaultdict(Durations)
        self._vendor: defaultdict[tuple[str, str], Durations] = defaultdict(Durations)
        self._events: defaultdict[str, int] = defaultdict(int)
        self._refused: defaultdict[str, int] = defaultdict(int)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(self)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request that was answered; `route` is the pattern that it met."""
        self.durations(method, route, status).add(seconds)

    def durations(self, method: str, route: str, status: int) -> Durations:
        """Where such requests are counted, for whoever answers many of them."""
        return self._requests[method if method in METHODS else "OTHER", route, status]

    def vendor_call(self, backend: str, outcome: str, seconds: float) -> None:
        """A request to a backend; `outcome` is the class of its status, or the code of an error."""
        self._vendor[backend, outcome].add(seconds)

    def events(self, outcome: str, count: int = 1) -> None:
        """Events that were accepted, or dropped for a reason."""
        self._events[outcome] += count

    def refused(self, why: str) -> None:
        """A request that a limit of ours turned away."""
        self._refused[why] += 1

    def describe(self) -> list[Metric]:
        """Nothing to say before collecting; keeps registering from collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families of this moment."""
        yield self._histogram(
            "tallyway_request_seconds", "Requests by route", ("method", "route", "status"), self._requests
        )
        yield self._histogram("tallyway_vendor_call_seconds", "Calls to backends", ("backend", "outcome"), self._vendor)
        for name, text, label, counted in (
            ("tallyway_events", "Events by outcome", "outcome", self._events),
            ("tallyway_refused", "Requests turned away by a limit", "limit", self._refused),
        ):
            family = CounterMetricFamily(name, text, labels=(label,))
            for value, count in list(counted.items()):
                family.add_metric([value], count)
            yield family

    def _histogram(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...],
        found: dict[tuple[str, str, int], Durations] | dict[tuple[str, str], Durations],
    ) -> HistogramMetricFamily:
        family = HistogramMetricFamily(name, text, labels=labels)
        for values, durations in list(found.items()):
            family.add_metric([str(v) for v in values], durations.cumulative(), durations.total)
        return family

    def text(self) -> bytes:
        """The exposition for a scraper."""
        return generate_latest(self.registry)
