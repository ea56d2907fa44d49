"""A machine of users, writers and a failing backend against the cache: never older than the policy allows, never across
tenants or generations, at most one flight per key."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.outbound.backends import Standing
from gateway.read.cache import ResultCache
from gateway.read.cache.policy import policy_of, stepped
from gateway.read.cache.serving import WITHOUT_ASKING
from gateway.tenancy import SiteRecord
from models.errors import Unreachable
from models.query import ResolvedQuery, read_query
from models.result import Answer, Freshness
from tests.unit_gateway.clock import Clock
from tests.unit_gateway.tables import record

RANGES = ("realtime", "day", "yesterday", "closed")
CLOSED_DAY = ["2026-06-10", "2026-06-10"]
TENANTS = ("t1", "t2")
LEVELS = st.sampled_from([1.0, 1.0, 0.3, 0.0])
PAUSES = st.sampled_from([0, 1, 5, 30, 310, 3_700, 22_000, 90_000, 700_000])
Subject = tuple[str, int, int]


class CacheMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.cache = ResultCache(max_bytes=200_000, now=self.clock, flight_seconds=3600)
        self.generations = dict.fromkeys(TENANTS, 0)
        self.credentials = dict.fromkeys(TENANTS, 0)
        self.down = False
        self.landed: asyncio.Event = asyncio.Event()
        self.landed.set()
        self.flying: dict[Any, int] = {}
        self.most_flying = 0
        self.asked: list[asyncio.Task[None]] = []

    def subject(self, tenant: str) -> Subject:
        return tenant, self.generations[tenant], self.credentials[tenant]

    def query(self, name: str) -> ResolvedQuery:
        body = {"metrics": ["visitors"], "date_range": CLOSED_DAY if name == "closed" else name}
        return read_query(body).resolved(zone="Etc/UTC", now=stepped(self.clock(), name))

    async def fetch(self, subject: Subject, query: ResolvedQuery) -> Answer:
        flight = (subject, query.period.key(), query.relative)
        self.flying[flight] = self.flying.get(flight, 0) + 1
        self.most_flying = max(self.most_flying, self.flying[flight])
        try:
            await self.landed.wait()
            if self.down:
                raise Unreachable
            tenant, generation, credential = subject
            return Answer(rows=((f"{tenant}/{generation}/{credential}", int(self.clock().timestamp())),))
        finally:
            self.flying[flight] -= 1

    async def ask(self, tenant: str, name: str, level: float) -> None:
        subject, query = self.subject(tenant), self.query(name)
        site: SiteRecord = replace(record("a"), tenant=tenant, generation=subject[1])
        standing = Standing(generation=subject[2], level=level)
        try:
            served = await self.cache.answer(site, query, lambda: self.fetch(subject, query), standing)
        except Unreachable:
            assert self.down
            return
        label, stamp = served.value.rows[0]
        assert label == f"{subject[0]}/{subject[1]}/{subject[2]}"
        assert isinstance(stamp, int)
        given = datetime.fromtimestamp(stamp, self.clock().tzinfo)
        policy = policy_of(replace(query, now=given))
        age = self.clock() - served.as_of
        match served.freshness:
            case Freshness.MISS:
                assert age <= timedelta(seconds=1)
            case Freshness.HIT:
                assert age < policy.fresh_for(level)
            case Freshness.STALE:
                assert served.stale is not None
                most = policy.revalidate if served.stale in WITHOUT_ASKING else policy.on_error
                assert age < most

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    @rule(names=st.lists(st.sampled_from(RANGES), min_size=1, max_size=3), level=LEVELS, seconds=PAUSES)
    def everybody_reads(self, names: list[str], level: float, seconds: int) -> None:
        if seconds:
            self.settle()
            self.clock.pass_(seconds=seconds)

        async def started() -> None:
            for name in names:
                self.asked += [asyncio.ensure_future(self.ask(tenant, name, level)) for tenant in TENANTS]
            for _ in range(5):
                await asyncio.sleep(0)

        self.run(started())

    @rule()
    def backend_hangs(self) -> None:
        self.landed.clear()

    @rule(down=st.booleans())
    def backend_turns(self, down: bool) -> None:
        self.settle()
        self.down = down

    @rule(tenant=st.sampled_from(TENANTS), credential=st.booleans())
    def something_is_changed(self, tenant: str, credential: bool) -> None:
        changed = self.credentials if credential else self.generations
        changed[tenant] += 1

    @rule(which=st.integers(0, 10))
    def a_client_leaves(self, which: int) -> None:
        if which < len(self.asked):
            self.asked[which].cancel()
            self.run(asyncio.sleep(0))

    def settle(self) -> None:
        """Let whoever waits be answered; a failed check of theirs is raised here."""

        async def landed() -> None:
            self.landed.set()
            done = await asyncio.gather(*self.asked, return_exceptions=True)
            self.asked.clear()
            for _ in range(10):
                await asyncio.sleep(0)
            for result in done:
                if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                    raise result

        self.run(landed())

    @invariant()
    def one_flight_for_each_key(self) -> None:
        assert self.most_flying <= 1

    @invariant()
    def within_the_bound(self) -> None:
        assert self.cache.bytes <= 200_000

    def teardown(self) -> None:
        self.settle()
        assert self.cache.flights == 0
        self.loop.close()


CacheMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestCacheMachine = CacheMachine.TestCase
