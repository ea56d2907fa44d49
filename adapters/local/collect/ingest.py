"""Taking events in: what is not counted is said at once, what is counted is on disk before the answer."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from adapters.local.collect.bulk_event import Given
from adapters.local.collect.derive import Derivation
from adapters.local.collect.drops import DropCounts
from adapters.local.collect.hit import Hit, pack_hits
from adapters.local.collect.journal import RETRY_AFTER, Journal
from adapters.local.collect.journal_frames import Mark
from adapters.local.collect.rules import RATE_LIMITED, MinuteLimits, Rules
from adapters.local.collect.writer import Writer
from models.errors import Overloaded
from models.event import Drop, Received
from models.site import Site

RulesOf = Callable[[Site], Awaitable[Rules | None]]
"""Compiled settings of a site; None when the site was deleted."""

GONE = Drop(reason="unknown_site")


class Collector:
    """Collects events of any site. `now` is the clock of arrival."""

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        derivation: Derivation,
        counts: DropCounts,
        *,
        rules_of: RulesOf,
        now: Callable[[], datetime],
    ) -> None:
        self._journal, self._writer, self._derivation, self._counts = journal, writer, derivation, counts
        self._rules_of, self._now = rules_of, now
        self._limits = MinuteLimits()

    async def collect(
        self, site: Site, events: Sequence[Given], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """One entry per event: None when it will be counted, else why not. What is counted is on disk.

        Raises Overloaded; then nothing was taken.
        """
        return await self.collect_together(site, [(event, received) for event in events])

    async def collect_together(
        self, site: Site, arrived: Sequence[tuple[Given, Received | None]]
    ) -> tuple[Drop | None, ...]:
        """The same for events of several visitors: all that count are on disk, or Overloaded is raised."""
        now = self._now()
        rules = await self._rules_of(site)
        try:
            results = [self._decide(site, event, received, rules, now) for event, received in arrived]
        except OSError as error:  # it is past midnight, and the disk has no room for new salts
            raise Overloaded("the salts of the day cannot be written", retry_after=RETRY_AFTER) from error
        hits = [result for result in results if isinstance(result, Hit)]
        if hits:
            await self._journal.append(pack_hits(hits), len(hits), int(now.timestamp()))
        drops = tuple(result if isinstance(result, Drop) else None for result in results)
        for drop in drops:
            if drop is not None:
                self._counts.add(site.id, now.astimezone(UTC).date(), drop.reason)
        return drops

    async def take(self, hits: Sequence[Hit], mark: Mark | None = None) -> int:
        """Journal hits in order as one record (some thousands at most), whole or not at all; the first one's seq.

        `mark` says how far a sender is with them, see `position`. Raises Overloaded.
        """
        return await self.take_packed(pack_hits(list(hits)), len(hits), mark)

    async def take_packed(self, payload: bytes, count: int, mark: Mark | None = None) -> int:
        """`take` of what `pack_hits` made elsewhere."""
        return await self._journal.append(payload, count, int(self._now().timestamp()), mark)

    def position(self, sender: str) -> int:
        """The greatest mark of a sender whose events were taken, also after a crash; 0 before the first."""
        return self._journal.marks.get(sender, 0)

    async def flush(self) -> None:
        """Return when everything recorded so far is queryable."""
        await self._writer.flush()

    def _decide(
        self, site: Site, event: Given, received: Received | None, rules: Rules | None, now: datetime
    ) -> Hit | Drop:
        if rules is None:
            return GONE
        if received and received.headers and (signal := rules.refuse_signals(received)):
            return Drop(reason=signal)
        if rules.limits:
            address = received.ip if received else ""
            if not self._limits.allow(site.id, address, rules.settings, int(now.timestamp())):
                return Drop(reason=RATE_LIMITED)
        return self._derivation.hit(site, event, received, rules, now)
