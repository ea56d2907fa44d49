"""The local adapter: an event store of our own, each part in a file of its own."""

from typing import cast

from adapters.base import Check, Context
from adapters.local.capabilities import LOCAL
from adapters.local.client import StoreClient
from adapters.local.collection import Collection
from adapters.local.engine import Engine, NotRunning
from adapters.local.history import History
from adapters.local.maintenance import Maintenance
from adapters.local.management import Management
from adapters.local.options import LocalOptions
from adapters.local.read.funnels import Funnels
from adapters.local.read.tables import Tables
from adapters.local.read.values import Values
from adapters.local.read.visits import Visits
from adapters.local.reports import Reports
from adapters.local.store.imported import imports_of


class LocalAdapter(Reports, Funnels, Visits, Values, Tables, Collection, History, Maintenance, Management):
    """`start` opens the engine; `close` drains it. What needs it raises BackendError before and after."""

    can = LOCAL

    def __init__(self, options: LocalOptions, context: Context) -> None:
        super().__init__(context)
        self._options = options
        self._stop()

    def _stop(self) -> None:
        self.engine, self.client = cast(Engine, NotRunning()), cast(StoreClient, NotRunning())

    async def start(self) -> None:
        """Raises ConfigurationError, Unreachable, OSError."""
        context = self.context
        self.engine = await Engine.open(self._options, context, self.rules_of)
        self.client = StoreClient(
            self.engine.store.reads,
            self.list_goals,
            lambda site: imports_of(context.ledger, site),
            context.now,
            self.engine.geo.attribution,
            self.engine.writer.barrier,
        )

    async def close(self) -> None:
        engine, client = self.engine, self.client
        self._stop()
        if isinstance(engine, Engine):
            await engine.close()
        if isinstance(client, StoreClient):
            client.patterns.close()

    async def check(self) -> Check:
        await self.engine.store.query("SELECT 1")
        failing = self.engine.writer.failing
        return Check(ok=not failing, account="local", reasons=(failing,) if failing else ())
