"""Statistics: what an answer would take, the answer, visitors right now, and the first day with any."""

from contextlib import closing
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from adapters.pirsch.client import WRITE_ONLY, PirschClient
from adapters.pirsch.period_checks import PeriodChecks
from adapters.pirsch.translate.plan import Plan, draft
from adapters.pirsch.translate.question import CallLimits
from adapters.pirsch.translate.script import script
from adapters.pirsch.wire import BACKEND, moment
from models.errors import UnsupportedQuery
from models.query import ResolvedQuery
from models.result import Answer, Foreseen, PlanKind
from models.site import Site


class Reports:
    """Reads, ReadsRealtime."""

    client: PirschClient
    limits: CallLimits
    period_checks: PeriodChecks

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return self._draft(site, query).foreseen

    def _draft(self, site: Site, query: ResolvedQuery) -> Plan:
        if self.client.bearer.write_only:
            return Plan(query, refusals=(WRITE_ONLY,))
        return draft(site, query, self.limits)

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        """Runs what `foresee` announced, and looks at the ends of the range.

        Raises UnsupportedQuery before any call, or when goals, sizes or imported history forbid it.
        """
        drafted = self._draft(site, query)
        if drafted.refusals:
            raise UnsupportedQuery(drafted.refusals, backend=BACKEND)
        imported, note = await self.period_checks.imports(site, query, drafted.foreseen.plan)
        at_ends = await self.period_checks.midnights(site, query)
        with closing(script(site, query, self.limits, drafted)) as steps:
            answer, calls = await self.client.run(steps, at_most=drafted.calls)
        plan = PlanKind.NATIVE if calls == 1 else PlanKind.FAN_OUT
        reasons = dict.fromkeys((*answer.reasons, *((imported,) if imported else ()), *at_ends))
        imports = note if query.include.imports else None
        return replace(answer, plan=plan, calls=calls, reasons=tuple(reasons), imports=imports)

    async def realtime(self, site: Site) -> int:
        found = await self.client.get("statistics/active", id=site.ref, start="300", tz=site.timezone)
        return int(found["visitors"])

    async def stats_start(self, site: Site) -> date | None:
        return await first_day(self.client, site)


async def first_day(client: PirschClient, site: Site) -> date | None:
    """The day statistics begin, or the dashboard was made."""
    domain = await client.domain(site.ref)
    started = domain.get("statistics_start") or domain.get("def_time")
    return moment(started).astimezone(ZoneInfo(site.timezone)).date() if started else None
