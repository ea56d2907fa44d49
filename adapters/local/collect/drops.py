"""How many events of a site were answered but not counted, by day and reason."""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, date, datetime

from adapters.base import Ledger

DROPS = "drops"
NO_SESSION = "no_session_for_engagement"


class DropCounts:
    """Counts in memory, added to the ledger by `save`. A crash loses what was counted since the last one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._new: defaultdict[tuple[str, date], Counter[str]] = defaultdict(Counter)
        self._saving = asyncio.Lock()

    def add(self, site: str, day: date, reason: str) -> None:
        """Count one event; `day` in UTC."""
        self._new[site, day][reason] += 1

    def engagement(self, site: str, time: int) -> None:
        """Count engagement that belongs to no visit; `time` in Unix seconds."""
        self.add(site, datetime.fromtimestamp(time, UTC).date(), NO_SESSION)

    async def save(self) -> None:
        """Add what is new to the ledger, one document `<site>/<day>` each; what it does not take is kept for later.

        Goes on when its caller is cancelled: nobody could tell whether the document under way was written.
        """
        await asyncio.shield(self._saved())

    async def _saved(self) -> None:
        async with self._saving:  # of two that add to one document at once, one would be lost
            fresh, self._new = self._new, defaultdict(Counter)
            try:
                for site, day in tuple(fresh):
                    key = f"{site}/{day.isoformat()}"
                    held = Counter(await self._ledger.get(DROPS, key) or {})
                    await self._ledger.put(DROPS, key, dict(held + fresh[site, day]))
                    del fresh[site, day]
            finally:
                for place, reasons in fresh.items():
                    self._new[place] += reasons

    async def of(self, site: str, first: date, last: date) -> dict[date, dict[str, int]]:
        """Counts by day, in UTC, of the days from first to last that have any."""
        await self.save()
        found = await self._ledger.list(DROPS, f"{site}/")
        days = {date.fromisoformat(key.rpartition("/")[2]): value for key, value in found}
        return {day: value for day, value in sorted(days.items()) if first <= day <= last}
