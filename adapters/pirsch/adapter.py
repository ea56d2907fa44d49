"""The Pirsch adapter: one connection to the hosted service, by an OAuth client or an access key."""

from pydantic import BaseModel

from adapters.base import Context
from adapters.pirsch.capabilities import PIRSCH
from adapters.pirsch.client import PirschClient
from adapters.pirsch.collect import Collection
from adapters.pirsch.history import History
from adapters.pirsch.management import Management
from adapters.pirsch.options import PirschCredential, PirschOptions
from adapters.pirsch.period_checks import PeriodChecks
from adapters.pirsch.reports import Reports
from adapters.pirsch.translate.question import CallLimits
from adapters.pirsch.vendor import VendorCalls


class PirschAdapter(Reports, Collection, Management, History, VendorCalls):
    """Everything Pirsch offers, each part in a file of its own. Answers carry the calls they took."""

    can = PIRSCH

    def __init__(self, options: PirschOptions, credential: PirschCredential, context: Context) -> None:
        self.client = PirschClient(credential, context)
        self.limits = CallLimits(options.fan_out_calls, options.session_walk_calls)
        self.period_checks = PeriodChecks(self.client)

    async def start(self) -> None:
        """Nothing to get ready: the first call fetches the token."""

    async def close(self) -> None:
        await self.client.context.transport.close()


def open_pirsch(options: BaseModel, credential: BaseModel | None, context: Context) -> PirschAdapter:
    """The factory that the registry calls with this backend's own options and credential."""
    if not isinstance(options, PirschOptions) or not isinstance(credential, PirschCredential):
        raise TypeError("pirsch takes PirschOptions and PirschCredential")
    return PirschAdapter(options, credential, context)
