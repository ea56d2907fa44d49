"""The Sparklytics adapter: one connection to one self-hosted server."""

from adapters.base import Context
from adapters.sparklytics.capabilities import SPARKLYTICS
from adapters.sparklytics.client import SparklyticsClient
from adapters.sparklytics.collect import Collection
from adapters.sparklytics.history import History
from adapters.sparklytics.management import Management
from adapters.sparklytics.options import SparklyticsCredential, SparklyticsOptions
from adapters.sparklytics.reports import Reports
from adapters.sparklytics.vendor import VendorCalls


class SparklyticsAdapter(Management, Reports, Collection, History, VendorCalls):
    """Everything a Sparklytics server offers, each part in a file of its own."""

    can = SPARKLYTICS

    def __init__(self, options: SparklyticsOptions, credential: SparklyticsCredential | None, context: Context) -> None:
        self.client = SparklyticsClient(options, credential, context)

    async def start(self) -> None:
        """Nothing to get ready: the first call shows whether server and key are there."""

    async def close(self) -> None:
        await self.client.context.transport.close()
