"""Whether journal, store and ledger fit together: what is damaged, doubled, orphaned or miscounted."""

from collections.abc import AsyncIterator
from itertools import pairwise

from adapters.base import Ledger
from adapters.local.care import recount
from adapters.local.collect.journal import Journal
from adapters.local.manage.settings import SETTINGS
from adapters.local.manage.sites import DELETED
from adapters.local.store.event_store import EventStore
from adapters.local.store.imported import KIND
from adapters.local.store.schema import IMPORTED
from adapters.maintenance import Finding

SEQS_AT_ONCE = 2_000_000


async def inspect(store: EventStore, journal: Journal, ledger: Ledger, *, repair: bool = False) -> tuple[Finding, ...]:
    """Store against journal and ledger; the writer must stand still. Raises BackendError."""
    found = [finding async for finding in _ahead(store, journal)]
    found += [finding async for finding in _doubled(store)]
    found += [finding async for finding in _miscounted(store, repair=repair)]
    found += [finding async for finding in _orphans(store, ledger, repair=repair)]
    found += [finding async for finding in _undead(store, ledger, repair=repair)]
    return tuple(found)


async def _ahead(store: EventStore, journal: Journal) -> AsyncIterator[Finding]:
    """The store may not hold what the journal never gave it: then numbers would be given out twice."""
    ((highest,),) = await store.query("SELECT max(seq) FROM events")
    if highest > journal.last:
        yield Finding("store_ahead", f"the store holds event {highest}, the journal gave out {journal.last} at most")


async def _doubled(store: EventStore) -> AsyncIterator[Finding]:
    """Events that are stored twice; nothing here does that, so which one to trust is left to a person."""
    ((lowest, highest),) = await store.query("SELECT min(seq), max(seq) FROM events")
    for low, high in pairwise([*range(int(lowest), int(highest) + 1, SEQS_AT_ONCE), int(highest) + 1]):
        ((twice,),) = await store.query(
            "SELECT count() - uniqExact(seq) FROM events WHERE seq >= {low:UInt64} AND seq < {high:UInt64}",
            {"low": low, "high": high},
        )
        if twice:
            yield Finding("event_doubled", f"{twice} events from {low} to {high - 1} are stored more than once")


async def _miscounted(store: EventStore, *, repair: bool) -> AsyncIterator[Finding]:
    """Visits that are not what their events add up to."""
    async for visits in recount.differing(store):
        if repair:
            await recount.repair(store, visits)
        shown = ", ".join(map(str, visits[:5]))
        yield Finding("visit_miscounted", f"{len(visits)} visits, the first of them {shown}", repaired=repair)


async def _orphans(store: EventStore, ledger: Ledger, *, repair: bool) -> AsyncIterator[Finding]:
    """Rows of imports that nobody knows are hidden already; imports without their rows cannot be mended from here.

    On a site that keeps its history for some days only, imports lose rows by right.
    """
    expiring = {site for site, value in await ledger.list(SETTINGS) if value.get("retention_days")}
    known = {(key.partition("/")[0], document["id"]): document for key, document in await ledger.list(KIND)}
    for table in IMPORTED:
        held = {(site, number) for site, number in await store.query(f"SELECT DISTINCT site, `import` FROM {table}")}
        for site, number in sorted(held - known.keys()):
            if repair:
                given = {"site": site, "import": number}
                await store.delete(table, "site = {site:String} AND `import` = {import:String}", given)
            yield Finding("import_orphaned", f"{table}: rows of import {number} of site {site}", repaired=repair)
        for (site, number), document in sorted(known.items()):
            if table in document["tables"] and (site, number) not in held and site not in expiring:
                yield Finding("import_incomplete", f"{table}: import {number} of site {site} has lost its rows")


async def _undead(store: EventStore, ledger: Ledger, *, repair: bool) -> AsyncIterator[Finding]:
    """Rows of sites whose deletion was proven."""
    for site, told in await ledger.list(DELETED):
        if "purged_at" not in told:
            continue
        for table in ("events", "sessions", *IMPORTED):
            given = {"site": site}
            ((rows,),) = await store.query(f"SELECT count() FROM {table} WHERE site = {{site:String}}", given)
            if rows:
                if repair:
                    await store.delete(table, "site = {site:String}", given)
                yield Finding("site_undead", f"{table}: {rows} rows of deleted site {site}", repaired=repair)
