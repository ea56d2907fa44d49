"""The Umami adapter: one connection to a server of one's own, or to the cloud, which collects events elsewhere."""

from adapters.base import Context
from adapters.umami.capabilities import EDITIONS
from adapters.umami.client import UmamiClient
from adapters.umami.collect import Collection
from adapters.umami.goals import Goals
from adapters.umami.management import Management
from adapters.umami.options import UmamiCredential, UmamiOptions
from adapters.umami.reports import Reports
from adapters.umami.vendor import VendorCalls


class CloudAdapter(Management, Reports, VendorCalls):
    """What both editions offer, each part in a file of its own."""

    def __init__(self, options: UmamiOptions, credential: UmamiCredential, context: Context) -> None:
        self.can = EDITIONS[options.edition]
        self.client = UmamiClient(options, credential, context)
        self.goals = Goals(context.ledger)

    async def start(self) -> None:
        """Nothing to get ready: the first call logs in."""

    async def close(self) -> None:
        await self.client.context.transport.close()


class SelfHostedAdapter(CloudAdapter, Collection):
    """A server of one's own also takes events where its API is."""
