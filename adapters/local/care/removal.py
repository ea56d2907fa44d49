"""Rows taken out of the store for good: events by their place in the journal, with the visits they were part of."""

from collections.abc import Sequence

from adapters.local.care.recount import repair_site
from adapters.local.collect.writer import Writer
from adapters.local.store.event_store import EventStore

RUNS_AT_ONCE = 1000


class Removal:
    """Deletes while the writer is paused, so that no visit is written from what is gone."""

    def __init__(self, store: EventStore, writer: Writer) -> None:
        self._store, self._writer = store, writer

    async def events(self, site: str, runs: Sequence[tuple[int, int]]) -> None:
        """Delete the events of a site whose seq lies in one of the runs (ends included), and recount its visits."""
        await self._writer.flush()
        async with self._writer.paused():
            for start in range(0, len(runs), RUNS_AT_ONCE):
                part = runs[start : start + RUNS_AT_ONCE]
                await self._store.delete(
                    "events",
                    "site = {site:String} AND seq BETWEEN {lowest:UInt64} AND {highest:UInt64} AND"
                    " arrayExists((a, b) -> seq BETWEEN a AND b, {firsts:Array(UInt64)}, {lasts:Array(UInt64)})",
                    {
                        "site": site,
                        "lowest": part[0][0],
                        "highest": part[-1][1],
                        "firsts": [first for first, _ in part],
                        "lasts": [last for _, last in part],
                    },
                )
            await repair_site(self._store, site)
