"""Serving: fresh, revalidated, in place of an error, collapsed, cancelled, refused."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.outbound import deadline
from gateway.outbound.backends import GOOD, Standing
from gateway.read.cache import ResultCache, Served
from gateway.read.cache.policy import CLOSED, HOURLY, REALTIME, SETTLED_SOON, TODAY, policy_of, stepped
from gateway.read.cache.serving import PAUSED, REVALIDATING, SPARING
from models.errors import GatewayError, MissingAtBackend, RateLimited, RejectedCredentials, TimedOut, Unreachable
from models.goal import Goal
from models.query import read_query
from models.result import Answer, Freshness
from tests.unit_gateway.clock import Clock
from tests.unit_gateway.tables import NOW, record

SITE = record("a")


@dataclass
class Backend:
    """Counts its calls and answers with their number, after `gate` where there is one."""

    calls: int = 0
    cancelled: int = 0
    error: GatewayError | None = None
    gate: asyncio.Event | None = None
    rows: int = 1
    keep: list[Any] = field(default_factory=list)

    async def __call__(self) -> Answer:
        self.calls += 1
        call = self.calls
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return Answer(rows=((call, "x" * 100),) * self.rows)


def cache(clock: Clock, **options: Any) -> ResultCache:
    return ResultCache(**{"max_bytes": 1_000_000, "now": clock, **options})


async def ask(
    kept: ResultCache, backend: Backend, clock: Clock, date_range: str = "day", standing: Standing = GOOD, **body: Any
) -> Served[Answer]:
    query = read_query({"metrics": ["visitors"], "date_range": date_range, **body})
    now = stepped(clock(), date_range)
    return await kept.answer(SITE, query.resolved(zone=SITE.site.timezone, now=now), backend, standing)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("body", "policy"),
    [
        ({"date_range": "realtime"}, REALTIME),
        ({"date_range": "day", "dimensions": ["time:hour"]}, HOURLY),
        ({"date_range": "day"}, TODAY),
        ({"date_range": "24h"}, TODAY),
        ({"date_range": "year", "dimensions": ["time:month"]}, TODAY),
        ({"date_range": "yesterday"}, SETTLED_SOON),
        ({"date_range": ["2026-06-15", "2026-06-15"]}, SETTLED_SOON),  # ended 36 h before noon of the 17th
        ({"date_range": ["2026-06-14", "2026-06-14"]}, CLOSED),  # ended 60 h before
        # 15 June ends at 10:00 UTC on Kiritimati: 50 h before
        ({"date_range": ["2026-06-15", "2026-06-15"], "timezone": "Pacific/Kiritimati"}, CLOSED),
    ],
)
def test_the_policy_follows_the_range_in_its_zone(body: dict[str, Any], policy: object) -> None:
    query = read_query({"metrics": ["visitors"], **body}).resolved(zone="Etc/UTC", now=NOW)

    assert policy_of(query) == policy


async def test_fresh_answers_are_served_without_a_call() -> None:
    clock, backend = Clock(), Backend()
    kept = cache(clock)
    first = await ask(kept, backend, clock)
    clock.pass_(seconds=299)
    second = await ask(kept, backend, clock)

    assert (first.freshness, second.freshness, backend.calls) == (Freshness.MISS, Freshness.HIT, 1)
    assert second.value == first.value
    assert second.fresh_for == 1


async def test_a_stale_answer_is_served_at_once_and_one_refresh_is_sent() -> None:
    clock, backend = Clock(), Backend()
    kept = cache(clock)
    await ask(kept, backend, clock)
    clock.pass_(minutes=6)
    backend.gate = asyncio.Event()
    served = [await ask(kept, backend, clock) for _ in range(20)]
    await settle()

    assert {s.freshness for s in served} == {Freshness.STALE}
    assert served[0].stale is not None
    assert served[0].stale.code == "revalidating"
    assert backend.calls == 2
    backend.gate.set()
    await settle()
    after = await ask(kept, backend, clock)
    assert (after.freshness, after.value.rows[0][0], backend.calls) == (Freshness.HIT, 2, 2)


async def test_no_refresh_is_sent_when_the_budget_is_low_and_fresh_lasts_longer() -> None:
    clock, backend = Clock(), Backend()
    kept, low = cache(clock), Standing(level=0.1)
    await ask(kept, backend, clock)
    clock.pass_(minutes=30)
    stretched = await ask(kept, backend, clock, standing=low)
    clock.pass_(hours=1)
    stale = await ask(kept, backend, clock, standing=low)
    await settle()

    assert (stretched.freshness, stale.freshness, backend.calls) == (Freshness.HIT, Freshness.STALE, 1)
    assert stale.stale == SPARING


async def test_a_failed_refresh_pauses_the_next() -> None:
    clock, backend = Clock(), Backend()
    kept = cache(clock)
    await ask(kept, backend, clock)
    clock.pass_(minutes=6)
    backend.error = Unreachable()
    said = []
    for _ in range(3):
        said.append((await ask(kept, backend, clock)).stale)
        await settle()
    assert (backend.calls, said) == (2, [REVALIDATING, PAUSED, PAUSED])
    clock.pass_(seconds=6)
    await ask(kept, backend, clock)
    await settle()
    assert backend.calls == 3


async def test_an_older_answer_stands_in_for_a_failing_backend_until_its_policy_ends() -> None:
    clock, backend = Clock(), Backend()
    kept = cache(clock)
    query = read_query({"metrics": ["visitors"], "date_range": ["2026-06-16", "2026-06-17"]})
    resolved = query.resolved(zone="Etc/UTC", now=NOW)
    await kept.answer(SITE, resolved, backend)
    backend.error = Unreachable("no route", backend="table")
    clock.pass_(hours=7)  # beyond the six hours of revalidation
    served = await kept.answer(SITE, resolved, backend)

    assert served.freshness is Freshness.STALE
    assert served.stale is not None
    assert (served.stale.code, served.stale.detail) == ("backend_unavailable", "no route")
    assert served.as_of == NOW
    clock.pass_(days=7)
    with pytest.raises(Unreachable):
        await kept.answer(SITE, resolved, backend)


@pytest.mark.parametrize("error", [RejectedCredentials(), MissingAtBackend()])
async def test_what_another_moment_would_not_mend_is_not_papered_over(error: GatewayError) -> None:
    clock, backend = Clock(), Backend()
    kept = cache(clock)
    resolved = read_query({"metrics": ["visitors"], "date_range": ["2026-06-16", "2026-06-17"]}).resolved(
        zone="Etc/UTC", now=NOW
    )
    await kept.answer(SITE, resolved, backend)
    clock.pass_(hours=7)  # the older answer is there, and would stand in for a vendor that is down
    backend.error = error

    with pytest.raises(type(error)):
        await kept.answer(SITE, resolved, backend)


async def test_errors_are_never_kept() -> None:
    clock, backend = Clock(), Backend(error=RateLimited(retry_after=9))
    kept = cache(clock)
    for _ in range(3):
        with pytest.raises(RateLimited):
            await ask(kept, backend, clock)

    assert (backend.calls, kept.bytes) == (3, 0)


async def test_a_site_unknown_at_its_backend_is_not_asked_for_again_for_half_a_minute() -> None:
    clock, backend = Clock(), Backend(error=MissingAtBackend(backend="table"))
    kept = cache(clock)
    for range_ in ("day", "yesterday", "7d"):
        with pytest.raises(MissingAtBackend) as caught:
            await ask(kept, backend, clock, range_)
        assert caught.value.backend == "table"
    assert backend.calls == 1
    clock.pass_(seconds=31)
    backend.error = None
    assert (await ask(kept, backend, clock)).freshness is Freshness.MISS


async def test_a_thousand_equal_misses_are_one_call() -> None:
    clock, backend = Clock(), Backend(gate=asyncio.Event())
    kept = cache(clock)
    asking = [asyncio.create_task(ask(kept, backend, clock)) for _ in range(1000)]
    await settle()
    assert backend.gate is not None
    backend.gate.set()
    served = await asyncio.gather(*asking)

    assert backend.calls == 1
    assert {s.value.rows[0][0] for s in served} == {1}
    assert sum(s.collapsed for s in served) == 999
    assert kept.flights == 0


async def test_a_flight_survives_all_but_its_last_waiter() -> None:
    clock, backend = Clock(), Backend(gate=asyncio.Event())
    kept = cache(clock)
    asking = [asyncio.create_task(ask(kept, backend, clock)) for _ in range(3)]
    await settle()
    for task in asking[:2]:
        task.cancel()
    await settle()
    assert (kept.flights, backend.cancelled) == (1, 0)
    asking[2].cancel()
    await settle()

    assert (kept.flights, backend.cancelled) == (0, 1)
    assert all(task.cancelled() for task in asking)


async def test_a_waiter_goes_at_its_own_deadline_and_the_others_get_the_answer() -> None:
    clock, backend = Clock(), Backend(gate=asyncio.Event())
    kept = cache(clock)

    async def hurried() -> Served[Answer]:
        async with deadline.within(0.02):
            return await ask(kept, backend, clock)

    patient = asyncio.create_task(ask(kept, backend, clock))
    with pytest.raises(TimedOut):
        await hurried()
    assert backend.gate is not None
    backend.gate.set()
    assert (await patient).value.rows[0][0] == 1
    assert (backend.calls, backend.cancelled) == (1, 0)


async def test_a_flight_has_a_deadline_of_its_own() -> None:
    clock, backend = Clock(), Backend(gate=asyncio.Event())
    kept = cache(clock, flight_seconds=0.02)

    with pytest.raises(TimedOut):
        await ask(kept, backend, clock)
    assert backend.cancelled == 1


async def test_a_write_during_a_flight_does_not_poison_what_comes_after() -> None:
    clock, backend = Clock(), Backend(gate=asyncio.Event())
    kept = cache(clock)
    query = read_query({"metrics": ["visitors"]}).resolved(zone="Etc/UTC", now=NOW)
    before = asyncio.create_task(kept.answer(SITE, query, backend))
    await settle()
    after = asyncio.create_task(kept.answer(replace(SITE, generation=1), query, backend))
    await settle()
    assert backend.gate is not None
    backend.gate.set()

    assert ((await before).value.rows[0][0], (await after).value.rows[0][0]) == (1, 2)
    assert (await kept.answer(replace(SITE, generation=1), query, backend)).value.rows[0][0] == 2


async def test_our_own_store_is_asked_each_time_but_by_one_flight() -> None:
    clock, backend = Clock(), Backend()
    kept, own = cache(clock), Standing(kept=False)
    together = await asyncio.gather(*(ask(kept, backend, clock, standing=own) for _ in range(5)))
    assert backend.calls == 1
    assert {s.freshness for s in together} == {Freshness.MISS}
    await ask(kept, backend, clock, standing=own)

    assert backend.calls == 2


async def test_moving_ranges_share_an_answer_within_their_step() -> None:
    clock, backend = Clock(), Backend()
    kept = cache(clock)
    await ask(kept, backend, clock, "realtime")
    clock.pass_(seconds=4)
    assert (await ask(kept, backend, clock, "realtime")).freshness is Freshness.HIT
    clock.pass_(seconds=1)
    assert (await ask(kept, backend, clock, "realtime")).freshness is Freshness.MISS


async def test_too_large_an_answer_is_served_and_not_kept() -> None:
    clock, backend = Clock(), Backend(rows=1000)
    kept = cache(clock, max_bytes=100_000)
    await ask(kept, backend, clock)

    assert kept.bytes == 0
    assert (await ask(kept, backend, clock)).value.rows[0][0] == 2


async def test_lists_of_goals_are_fresh_a_minute_then_renewed_and_outlive_a_failure_by_a_day() -> None:
    clock, calls, error = Clock(), 0, False
    kept = cache(clock)

    async def goals() -> tuple[Goal, ...]:
        nonlocal calls
        calls += 1
        if error:
            raise Unreachable
        return (Goal(id=str(calls), display_name="Sale", event_name="Sale"),)

    async def newest() -> str:
        found = (await kept.goals(SITE, goals))[0].id
        await settle()
        return found

    assert [await newest(), await newest()] == ["1", "1"]
    clock.pass_(seconds=61)
    assert [await newest(), await newest()] == ["1", "2"], "an older list at once, and a new one is fetched"
    clock.pass_(minutes=11)
    assert await newest() == "3"
    error = True
    clock.pass_(hours=23)
    assert await newest() == "3"
    clock.pass_(hours=2)
    with pytest.raises(Unreachable):
        await newest()
    await kept.close()


async def test_lists_of_our_own_store_are_not_kept() -> None:
    kept, calls = cache(Clock()), 0

    async def goals() -> tuple[Goal, ...]:
        nonlocal calls
        calls += 1
        return ()

    for _ in range(3):
        await kept.goals(SITE, goals, Standing(kept=False))

    assert calls == 3
