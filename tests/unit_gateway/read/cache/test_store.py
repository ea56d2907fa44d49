"""The store's bound: in bytes that the allocator agrees with, shared between tenants."""

import gc
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import pytest

from gateway.read.cache import ResultCache
from gateway.read.cache.policy import CLOSED, HOURLY
from gateway.read.cache.responses import Finished, etag_of
from gateway.read.cache.size import PLACE, size_of
from gateway.read.cache.store import Entry, Store
from gateway.tenancy import SiteRecord
from models.goal import Goal
from models.result import Answer, Row
from models.site import RemotePage, RemoteSite, Site
from tests.unit_gateway.clock import Clock
from tests.unit_gateway.tables import NOW


def entry(size: int = 1000) -> Entry[str]:
    return Entry("x", NOW, CLOSED, size)


def keys(count: int) -> list[bytes]:
    return [n.to_bytes(16, "big") for n in range(count)]


def test_one_tenant_cannot_evict_the_others() -> None:
    store: Store[str] = Store(100_000, Clock())
    for key in keys(20):
        store.put("quiet", key, entry())
    for key in keys(1000):
        store.put("loud", key, entry())

    assert store.used == 45_000
    assert all(store.get("quiet", key) is not None for key in keys(20))


def test_when_all_are_full_the_largest_gives_way() -> None:
    store: Store[str] = Store(100_000, Clock())
    for tenant in "abcde":
        for key in keys(22):
            store.put(tenant, key, entry())

    assert store.used == 100_000
    assert all(store.get("e", key) is not None for key in keys(22)[2:])


def test_an_oversized_entry_is_refused() -> None:
    store: Store[str] = Store(100_000, Clock())

    assert not store.put("a", b"k", entry(100_000 // 16 + 1))
    assert store.put("a", b"k", entry(100_000 // 16))


def test_nothing_outlives_its_policy() -> None:
    clock = Clock()
    store: Store[str] = Store(100_000, clock)
    store.put("a", b"k", Entry("x", clock(), HOURLY, 10))
    clock.pass_(hours=23)
    assert store.get("a", b"k") is not None
    clock.pass_(hours=1)

    assert store.get("a", b"k") is None


def rows(seed: int) -> tuple[Row, ...]:
    return tuple((f"/page/{seed}/{n}" + "y" * (n % 40), seed * 1000 + n, n / 3, None) for n in range(seed % 60))


def test_the_bound_holds_within_15_percent_of_memory() -> None:
    bound = 4_000_000
    gc.collect()
    tracemalloc.start()
    store: Store[Answer] = Store(bound, Clock())
    before, _ = tracemalloc.get_traced_memory()
    for n in range(2500):
        answer = Answer(rows=rows(n))
        store.put(
            f"t{n % 8}", n.to_bytes(16, "big"), Entry(answer, NOW.replace(microsecond=n), CLOSED, size_of(answer))
        )
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert 0.9 * bound < store.used <= bound
    assert 0.85 < used / store.used < 1.15


def goals(n: int) -> tuple[Goal, ...]:
    made = [
        Goal(id=f"{n}-{m}", display_name=f"Buy {n} {m}", event_name=f"Buy {n} {m}", custom_props={f"plan{n}": f"x{m}"})
        for m in range(n % 7 + 1)
    ]
    return tuple(made)


def sites(n: int) -> RemotePage:
    return RemotePage(
        sites=tuple(
            RemoteSite(ref=f"r{n}-{m}", domain=f"site-{n}-{m}.example.com", timezone=f"Zone/{n}{m}")
            for m in range(n % 20 + 1)
        )
    )


@pytest.mark.parametrize("make", [goals, sites])
def test_lists_of_goals_and_sites_are_measured_within_15_percent(make: Callable[[int], object]) -> None:
    make(1)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = [make(n) for n in range(400)]
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert 0.85 < used / sum(size_of(value) - PLACE for value in kept) < 1.15


def test_answers_and_finished_responses_together_hold_to_the_bound_of_the_process() -> None:
    """Both halves of the cache as the service fills them: answers by tenants, and the bytes as they are sent."""
    bound = 6_000_000
    gc.collect()
    tracemalloc.start()
    clock = Clock()
    cache = ResultCache(max_bytes=bound, now=clock)
    before, _ = tracemalloc.get_traced_memory()
    for n in range(4000):
        tenant, answer = f"t{n % 8}", Answer(rows=rows(n))
        site = SiteRecord(Site(id=f"s{n}", domain=f"s{n}.example.com"), tenant, "c1", "table")
        cache._store.put(tenant, n.to_bytes(16, "big"), Entry(answer, NOW, CLOSED, size_of(answer)))
        content = b"x" * (500 + n % 1500)
        finished = Finished(content, etag_of(content), f"s{n}.example.com", site, 0, NOW, NOW + timedelta(hours=1))
        finished.heads(NOW)  # made when it is first served
        cache.responses.keep(tenant, b"POST " + b"q" * 200 + n.to_bytes(16, "big"), finished)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert cache.bytes + cache.responses._store.used <= bound
    assert 0.85 < used / (cache.bytes + cache.responses._store.used) < 1.15
    assert used < 1.15 * bound
