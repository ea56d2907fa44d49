"""The Sparklytics adapter: one connection to one self-hosted server."""

from adapters.base import Context
from adapters.sparklytics.capabilities import SPARKLYTICS
from adapters.sparklytics.client import Client, SparklyticsCredential
from adapters.sparklytics.history import History
from adapters.sparklytics.ingest import Ingest
from adapters.sparklytics.management import Management
from adapters.sparklytics.reports import Reports
from adapters.sparklytics.vendor import Vendor


class SparklyticsAdapter(Management, Reports, Ingest, History, Vendor):
    """Everything a Sparklytics server offers, each part in a file of its own."""

    can = SPARKLYTICS

    def __init__(self, context: Context, credential: SparklyticsCredential | None) -> None:
        self.client = Client(context, credential)

    async def start(self) -> None:
        """Nothing to get ready: the first call shows whether server and key are there."""

    async def close(self) -> None:
        await self.client.context.transport.close()
