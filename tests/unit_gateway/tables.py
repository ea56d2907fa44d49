"""A backend for tests of the read path: it answers from a table and writes down what it was asked."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from adapters.base import Adapter, Check
from gateway.outbound.backends import GOOD, Standing
from gateway.tenancy import SiteRecord, Tenant
from models.capability import NATIVE, Capabilities, Feature, Operation, declarable
from models.errors import GatewayError
from models.filters import Comparison, Filter
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, Row
from models.site import Site
from models.vocabulary import Dimension, Metric, Operator

NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)
TENANT = Tenant("t1")


def declared(**changes: Any) -> Capabilities:
    table: dict[str, Any] = {
        "backend": "table",
        "title": "Table",
        "metrics": dict.fromkeys(Metric, NATIVE),
        "dimensions": dict.fromkeys(declarable(Dimension), NATIVE),
        "operators": dict.fromkeys(Operator, NATIVE),
        "operations": dict.fromkeys(Operation, NATIVE),
        "features": dict.fromkeys(Feature, NATIVE),
        "max_dimensions": 2,
    }
    return Capabilities(**(table | changes))


@dataclass
class TableBackend:
    """Answers `(site id, dimensions, values of is-filters, first date)` from `answers`; an error there is raised."""

    answers: Mapping[tuple[Any, ...], Sequence[Row] | GatewayError]
    can: Capabilities = field(default_factory=declared)
    asked: list[ResolvedQuery] = field(default_factory=list)
    delay: asyncio.Event | None = None
    totals: Row | None = None

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def check(self) -> Check:
        return Check(ok=True)

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return Foreseen()

    async def stats_start(self, site: Site) -> date | None:
        return date(2026, 1, 1)

    async def realtime(self, site: Site) -> int:
        return 3

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        self.asked.append(query)
        if self.delay is not None:
            await self.delay.wait()
        chosen = tuple(f.values[0] for f in query.filters if isinstance(f, Comparison))
        found = self.answers[(site.id, query.dimensions, chosen, query.period.first_date.isoformat())]
        if isinstance(found, GatewayError):
            raise found
        return Answer(rows=tuple(found[query.offset : query.offset + query.limit]), totals=self.totals)


@dataclass
class OneBackend:
    """Every connection leads to the same backend."""

    backend: Adapter

    async def adapter(self, tenant: str, connection: str) -> Adapter:
        return self.backend

    def standing(self, tenant: str, connection: str) -> Standing:
        return GOOD


async def unchanged(_tenant: Tenant, _record: SiteRecord, filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    return filters


def record(name: str, zone: str = "Etc/UTC") -> SiteRecord:
    return SiteRecord(Site(id=name, domain=f"{name}.example.com", timezone=zone), "t1", "c1", "table")
