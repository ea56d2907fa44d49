"""A machine of processes that spend, die and start again over one store: never more than N in any rolling hour."""

import asyncio
from bisect import bisect_right
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.catalog import Catalog
from gateway.outbound.budget import Budget, BudgetStore, MemoryBudgets, Priority, prioritised, rate_of
from gateway.outbound.budget.catalog_store import CatalogBudgets
from models.errors import RateLimited
from tests.unit_gateway.clock import Clock

LIMITS = (60, 600)


class BucketMachine(RuleBasedStateMachine):
    """Two processes share each credential's row; a killed one forgets everything but the file."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.stores: list[BudgetStore] = self.open_stores()
        self.budgets = {(process, limit): self.opened(process, limit) for process in range(2) for limit in LIMITS}
        self.spent: dict[int, list[float]] = {limit: [] for limit in LIMITS}
        self.least_advice = 1.0

    def open_stores(self) -> list[BudgetStore]:
        return [MemoryBudgets()] * 2

    def reopen(self, process: int) -> None:
        """A store in memory stands for the file that survives."""

    def opened(self, process: int, limit: int) -> Budget:
        return Budget(
            f"c{limit}",
            rate_of(limit, 60),
            self.stores[process],
            now=self.clock.timestamp,
            sleep=self.clock.sleep,
        )

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(
        process=st.integers(0, 1),
        limit=st.sampled_from(LIMITS),
        calls=st.integers(1, 80),
        pause=st.sampled_from([0.0, 0.5, 6.0, 59.0]),
        priority=st.sampled_from(Priority),
    )
    def spend(self, process: int, limit: int, calls: int, pause: float, priority: Priority) -> None:
        async def all_of_them() -> None:
            budget = self.budgets[process, limit]
            for number in range(calls):
                try:
                    with prioritised(priority):
                        await budget.spend(f"t{number % 3}")
                    self.spent[limit].append(self.clock.timestamp())
                except RateLimited as error:
                    self.least_advice = min(self.least_advice, error.retry_after or 0.0)
                self.clock.pass_(seconds=pause)

        self.run(all_of_them())

    @rule(process=st.integers(0, 1))
    def kill_and_restart(self, process: int) -> None:
        self.reopen(process)
        for limit in LIMITS:
            self.budgets[process, limit] = self.opened(process, limit)

    @rule(process=st.integers(0, 1), limit=st.sampled_from(LIMITS), retry_after=st.sampled_from([None, 1.0, 600.0]))
    def vendor_refuses(self, process: int, limit: int, retry_after: float | None) -> None:
        self.run(self.budgets[process, limit].refused(retry_after))
        assert self.budgets[process, limit].level == 0

    @rule(seconds=st.sampled_from([1.0, 30.0, 600.0, 1800.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_(seconds=seconds)

    @invariant()
    def never_more_than_the_limit_in_any_hour(self) -> None:
        for limit, moments in self.spent.items():
            for first, moment in enumerate(moments):
                assert bisect_right(moments, moment + 3600) - first <= limit

    def teardown(self) -> None:
        assert self.least_advice > 0
        self.loop.close()


class CatalogBucketMachine(BucketMachine):
    """The same over the file."""

    def open_stores(self) -> list[BudgetStore]:
        self.directory = TemporaryDirectory()
        self.catalogs = [Catalog(Path(self.directory.name)) for _ in range(2)]
        return [CatalogBudgets(catalog) for catalog in self.catalogs]

    def reopen(self, process: int) -> None:
        self.catalogs[process].close()
        self.catalogs[process] = Catalog(Path(self.directory.name))
        self.stores[process] = CatalogBudgets(self.catalogs[process])

    def teardown(self) -> None:
        super().teardown()
        for catalog in self.catalogs:
            catalog.close()
        self.directory.cleanup()


BucketMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
CatalogBucketMachine.TestCase.settings = settings(max_examples=5, stateful_step_count=25, deadline=None)
TestBucketMachine = BucketMachine.TestCase
TestCatalogBucketMachine = CatalogBucketMachine.TestCase
