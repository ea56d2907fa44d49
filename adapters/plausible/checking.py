"""What the key of a connection may do, tried without changing anything.

Plausible checks key and scope before it reads parameters, so a call without them answers 400 to a key that may
(2026-07, contract 2 and 3.6; fixtures/plausible/error_missing_site.json).
"""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.base import Check, Request
from adapters.http import shaped
from adapters.plausible import wire
from adapters.plausible.client import BACKEND, PlausibleClient
from models.capability import Capabilities, Operation

O = Operation  # noqa: E741 - the tables below read as tables

READ_PROBE = Request("GET", "/api/v1/sites/teams", (("limit", "1"),))
WRITE_PROBE = Request("PUT", "/api/v1/sites/shared-links", json={})

STATS = frozenset({O.REALTIME})
READING = frozenset({O.LIST_SITES, O.LIST_GOALS, O.TEAMS})
WRITING = frozenset(
    {
        O.CREATE_SITE,
        O.UPDATE_SITE,
        O.DELETE_SITE,
        O.CREATE_GOAL,
        O.DELETE_GOAL,
        O.SHARED_LINKS,
        O.GUESTS,
        O.CUSTOM_PROPS,
    }
)
KEYLESS = frozenset({O.COLLECT_EVENTS})

REASONS: Mapping[int, str] = MappingProxyType(
    {
        401: "the key has no right to it",
        402: "the plan of the key's owner does not include it",
        403: "the key may not do it",
        404: "the server does not have it",
    }
)


class Checking:
    """What every adapter has to say about its connection."""

    can: Capabilities
    client: PlausibleClient
    stats_probe: Request
    """A call to the edition's stats API without what it needs."""

    async def check(self) -> Check:
        """Tries key, stats and, where the edition has one, the Sites API. Raises what a broken server raises."""
        if not await self.client.key_is_good():
            return _verdict(self.can, "", {}, ("the key is not known to this server",))
        account, open_to, reasons = "", dict[Operation, bool](), list[str]()
        probes = [("stats", STATS, self.stats_probe)]
        if self.can.allows(O.LIST_SITES):
            probes += [("reading the Sites API", READING, READ_PROBE), ("writing the Sites API", WRITING, WRITE_PROBE)]
        for what, operations, probe in probes:
            reply = await self.client.try_out(probe)
            if reply.status not in (200, 400):
                if reply.status not in REASONS:
                    self.client.check(reply)
                reasons.append(f"{what}: {REASONS.get(reply.status, 'the server answers something else')}")
                continue
            open_to |= dict.fromkeys(operations, True)
            if probe is READ_PROBE:
                teams = shaped(reply, wire.Teams, backend=BACKEND).teams
                account = teams[0].name if teams else ""
        return _verdict(self.can, account, open_to, tuple(reasons))


def _verdict(can: Capabilities, account: str, open_to: Mapping[Operation, bool], reasons: tuple[str, ...]) -> Check:
    native = [operation for operation in Operation if can.allows(operation)]
    operations = {operation: operation in KEYLESS or open_to.get(operation, False) for operation in native}
    return Check(ok=bool(open_to) and not reasons, account=account, operations=operations, reasons=reasons)
