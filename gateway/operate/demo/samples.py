"""The sample sites: one of our own store, one of a second tenant that the first one reaches as a Plausible server."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from gateway.operate.demo.traffic import generate

DAYS = 30
GOALS: tuple[Mapping[str, Any], ...] = (
    MappingProxyType({"event_name": "Signup"}),
    MappingProxyType({"event_name": "Purchase", "currency": "EUR"}),
    MappingProxyType({"page_path": "/pricing"}),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A site with about so many visits a day; the seed makes its traffic its own."""

    domain: str
    visits_per_day: int
    seed: int

    def history(self, today: date) -> Iterator[bytes]:
        """NDJSON lines of the month before today."""
        for event in generate(DAYS, self.visits_per_day, self.seed, today - timedelta(days=DAYS)):
            yield json.dumps(event | {"hostname": self.domain}).encode() + b"\n"


OWN = Sample("shop.example.com", 300, 7)
OTHER = Sample("blog.example.com", 60, 11)


def as_plausible(base: str, key: str) -> dict[str, Any]:
    """The body of `POST /v1/connections` that reaches a tenant's sites through our own Plausible-shaped API."""
    return {
        "name": "Plausible (this service, a second tenant)",
        "backend": "plausible",
        "options": {"base_url": f"{base}/plausible", "requests_per_hour": 1_000_000},
        "credential": {"api_key": key},
    }
