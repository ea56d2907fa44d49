"""Killed before or after any write of a change, and asked again: the change is there once, and nothing is locked."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.access.keyring import OPERATING
from gateway.app import build
from gateway.catalog import Catalog
from gateway.services import Services
from gateway.settings import Settings
from models.errors import AlreadyExists, UnknownSite
from models.event import Event
from models.job import JobStatus, OnError
from models.site import SiteChange, SiteDraft

HERE, THERE = "shop.example.com", "store.example.com"
MOST_WRITES = 20
LINES = b"".join(
    Event.model_validate(
        {"name": "pageview", "time": f"2026-01-0{day}T10:00:00Z", "visitor": "v", "path": "/"}
    ).model_dump_json(exclude_defaults=True, exclude_none=True).encode() + b"\n"
    for day in range(1, 4)
)  # fmt: skip


class Killed(BaseException):
    """The process ends here; nothing of it writes any more."""


class Death:
    """Ends a catalog at its `at`-th write: before it is committed, or right after."""

    def __init__(self, catalog: Catalog, at: int, *, committed: bool) -> None:
        self._run, self._at, self._committed = catalog.run_now, at, committed
        self.writes = 0
        self.dead = False
        catalog.run_now = self.run_now  # type: ignore[method-assign] # this is where all writes pass

    def run_now(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.dead:
            raise Killed
        found = self._run(self._watched, work, *args, **kwargs)
        if self.dead:
            raise Killed
        return found

    def _watched(self, db: Any, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        before = db.conn.total_changes
        found = work(db, *args, **kwargs)
        if db.conn.total_changes > before:
            self.writes += 1
            self.dead = self.writes == self._at
            if self.dead and not self._committed:
                raise Killed
        return found


Change = Callable[[Services], Awaitable[object]]


async def killed_at(folder: Path, change: Change, at: int, *, committed: bool) -> bool:
    """Whether the change came to its `at`-th write, at which it was killed."""
    services = build(Settings(data=folder))
    death = Death(services.catalog, at, committed=committed)
    try:
        await change(services)
    except Killed:
        pass
    finally:
        await services.connections.close()
        services.catalog.close()
    return death.dead


async def at_every_write(folder: Path, prepare: Change, change: Change, check: Change) -> int:
    """How often the change was killed; each time a new service repeats it and the check is made."""
    kills = 0
    for committed in (False, True):
        for at in range(1, MOST_WRITES):
            data = folder / f"{at}-{committed}"
            services = build(Settings(data=data))
            await prepare(services)
            await services.close()
            if not await killed_at(data, change, at, committed=committed):
                break
            kills += 1
            services = build(Settings(data=data))
            try:
                await change(services)
                await check(services)
            finally:
                await services.close()
        else:
            raise AssertionError("a change with more writes than are looked at")
    return kills


async def nothing(services: Services) -> None:
    """No site is there before."""


async def made(services: Services) -> None:
    await services.site_changes.create(OPERATING, SiteDraft(domain=HERE, timezone="Etc/UTC"))


async def find_or_make(services: Services) -> None:
    """What a sender does who got no answer: the change may be there already."""
    try:
        await made(services)
    except AlreadyExists:
        await services.sites.find(OPERATING, HERE)


async def renamed(services: Services) -> None:
    with suppress(UnknownSite):  # renamed already
        record = await services.sites.find(OPERATING, HERE)
        await services.site_changes.change(OPERATING, record, SiteChange(domain=THERE))


async def domains_work(services: Services) -> None:
    """The site has the new domain at its backend too, and the old one is free for anybody."""
    record = await services.sites.find(OPERATING, THERE)
    await services.ingest.collect(record, (Event(name="pageview", time=services.settings.clock(), visitor="v"),), None)
    await made(services)


async def one_site(services: Services) -> None:
    record = await services.sites.find(OPERATING, HERE)
    await services.site_changes.delete(OPERATING, record)
    await made(services)  # the domain is nobody's, and can be had again


async def imported(services: Services) -> None:
    record = await services.sites.find(OPERATING, HERE)

    async def body() -> Any:
        yield LINES

    job = await services.history.start(OPERATING, record, "ndjson", body(), on_error=OnError.ABORT, wait=True)
    assert job.status is JobStatus.COMPLETED


async def counted_once(services: Services) -> None:
    record = await services.sites.find(OPERATING, HERE)
    adapter: Any = await services.connections.adapter("", "local")
    await adapter.flush()
    rows = await adapter.engine.store.query("SELECT count() FROM events")
    assert rows == [(3,)]
    jobs = await services.history.listed(record)
    assert [job.status for job in jobs if not job.duplicate] == [JobStatus.COMPLETED]


@pytest.mark.parametrize(
    ("prepare", "change", "check", "least"),
    [(nothing, find_or_make, one_site, 2), (made, renamed, domains_work, 4), (made, imported, counted_once, 6)],
    ids=["create a site", "rename a site", "import a file"],
)
async def test_a_change_that_was_killed_and_repeated_is_there_once(
    tmp_path: Path, prepare: Change, change: Change, check: Change, least: int
) -> None:
    assert await at_every_write(tmp_path, prepare, change, check) >= least
