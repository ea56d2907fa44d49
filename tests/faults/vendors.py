"""Each vendor's adapter over its twin on a real socket, behind a proxy that breaks things."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from adapters.base import Adapter, Backend, Context
from adapters.http import Timeouts, open_transport
from adapters.pirsch import BACKEND as PIRSCH
from adapters.pirsch.options import PirschCredential
from adapters.plausible import BACKEND as PLAUSIBLE
from adapters.plausible.options import PlausibleCredential
from adapters.protocols import Reads
from adapters.sparklytics import BACKEND as SPARKLYTICS
from adapters.sparklytics.options import SparklyticsCredential
from adapters.umami import BACKEND as UMAMI
from adapters.umami.options import UmamiCredential
from fixtures.twins import pirsch, plausible, sparklytics, umami
from fixtures.twins.pirsch_model import already_counted
from gateway.outbound.backends import GOOD, Standing
from gateway.outbound.budget import MemoryBudgets
from gateway.outbound.courier import Clocks, Courier, Couriers
from gateway.tenancy import SiteRecord
from models.capability import Limits
from models.query import ResolvedQuery, read_query
from models.site import Site
from tests.contract.ledger import MemoryLedger
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.unit_gateway.clock import Clock
from tests.unit_gateway.tables import NOW

LOOPBACK = ip_network("127.0.0.0/8")
CAP = 1_000_000
TIMEOUTS = Timeouts(connect=0.3, pool=0.3, total=0.3)
QUERY = {"metrics": ["visitors"], "date_range": ["2026-06-01", "2026-06-07"]}


@dataclass(frozen=True)
class Twin:
    """A vendor's stand-in, ready to be served."""

    app: Any
    credential: BaseModel
    site: Site


def plausible_twin() -> Twin:
    store = plausible.demo_store(key="fault-key", now=NOW)
    store.hourly_limit = 1_000_000  # thousands of faults in a minute are not what its limit is for
    credential = PlausibleCredential(api_key=SecretStr("fault-key"))
    return Twin(plausible.plausible_twin(store), credential, Site(id="demo", domain="demo.example.com"))


def pirsch_twin() -> Twin:
    app = pirsch.create_app(clock=lambda: NOW)
    twin = app.state.pirsch
    ref = next(iter(twin.stores))
    events = (plausible.EVENTS / "demo-site.jsonl").read_text("utf-8").splitlines()
    twin.stores[ref] = already_counted([json.loads(line) for line in events])
    client, secret = pirsch.USER_CLIENT
    credential = PirschCredential.model_validate({"client_id": client, "client_secret": secret})
    return Twin(app, credential, Site(id="demo", domain="demo.example.com", external_id=ref))


def sparklytics_twin() -> Twin:
    store, website = sparklytics.demo_store(now=NOW)
    credential = SparklyticsCredential(api_key=SecretStr(store.key))
    site = Site(id="demo", domain=website.domain, external_id=website.id)
    return Twin(sparklytics.sparklytics_twin(store), credential, site)


def umami_twin() -> Twin:
    store, website = umami.demo_store(now=NOW, geo=True)
    credential = UmamiCredential(api_key=SecretStr(store.api_key))
    return Twin(umami.umami_twin(store), credential, Site(id="demo", domain=website.domain, external_id=website.id))


VENDORS: dict[str, tuple[Backend, Callable[[], Twin]]] = {
    "plausible": (PLAUSIBLE, plausible_twin),
    "pirsch": (PIRSCH, pirsch_twin),
    "sparklytics": (SPARKLYTICS, sparklytics_twin),
    "umami": (UMAMI, umami_twin),
}


@dataclass
class Rig:
    """An open adapter, the proxy it calls through, and what its courier keeps count in."""

    backend: Backend
    adapter: Reads
    site: Site
    proxy: FaultProxy
    courier: Courier
    couriers: Couriers
    clock: Clock = field(default_factory=Clock)

    def query(self, **changes: Any) -> ResolvedQuery:
        return read_query(QUERY | changes).resolved(zone=self.site.timezone, now=self.clock())

    async def read(self) -> Any:
        return await self.adapter.read(self.site, self.query())

    @property
    def record(self) -> SiteRecord:
        return SiteRecord(self.site, "t1", "c1", self.backend.name)

    async def opened(self, tenant: str, connection: str) -> Adapter:
        assert isinstance(self.adapter, Adapter)
        return self.adapter

    def standing(self, tenant: str, connection: str) -> Standing:
        return GOOD


class Backends:
    """The rig as the read path knows it."""

    def __init__(self, rig: Rig) -> None:
        self.adapter, self.standing = rig.opened, rig.standing


@asynccontextmanager
async def rig(name: str, twin: Twin, url: str) -> AsyncIterator[Rig]:
    """The vendor's adapter through courier and proxy to its served twin. The clock is the tests'."""
    backend, clock = VENDORS[name][0], Clock()
    couriers = Couriers(MemoryBudgets(), pepper=b"p", clocks=Clocks(clock, clock.timestamp), jitter=lambda _: 0.01)
    async with fault_proxy(url) as proxy:
        transport = open_transport(
            proxy.url, allow_http=True, allow_private=[LOOPBACK], timeouts=TIMEOUTS, max_bytes=CAP, backend=name
        )
        courier = couriers.open(
            transport, tenant="t1", base_url=proxy.url, credential=b"c", backend=name, limits=Limits()
        )
        options = backend.options.model_validate({"base_url": proxy.url})
        adapter = backend.open(options, twin.credential, Context(courier, MemoryLedger(), clock, Path()))
        await adapter.start()
        assert isinstance(adapter, Reads)
        try:
            yield Rig(backend, adapter, twin.site, proxy, courier, couriers, clock)
        finally:
            await adapter.close()
