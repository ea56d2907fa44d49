"""The Plausible adapters, one for each edition: they differ in the stats API they have, and in the Sites API."""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.base import Context
from adapters.plausible.capabilities import PLAUSIBLE_CE, PLAUSIBLE_CE_V1, PLAUSIBLE_CLOUD
from adapters.plausible.checking import Checking
from adapters.plausible.client import PlausibleClient
from adapters.plausible.collect import Collection
from adapters.plausible.management import Management
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from adapters.plausible.reports import Reports
from adapters.plausible.reports_v1 import ReportsV1
from models.capability import Capabilities


class AnyAdapter(Checking, Collection):
    """What every edition offers, each part in a file of its own."""

    can: Capabilities

    def __init__(self, options: PlausibleOptions, credential: PlausibleCredential, context: Context) -> None:
        self.client = PlausibleClient(options, credential, context)

    async def start(self) -> None:
        """Nothing to prepare: the first call opens the first connection."""

    async def close(self) -> None:
        await self.client.context.transport.close()


class CommunityV1Adapter(ReportsV1, AnyAdapter):
    """A server that has nothing newer than stats v1."""

    can = PLAUSIBLE_CE_V1


class CommunityAdapter(Reports, AnyAdapter):
    """A server with stats v2."""

    can = PLAUSIBLE_CE


class CloudAdapter(Reports, Management, AnyAdapter):
    """The cloud adds the Sites API."""

    can = PLAUSIBLE_CLOUD


ADAPTERS = MappingProxyType({kind.can.edition: kind for kind in (CloudAdapter, CommunityAdapter, CommunityV1Adapter)})
EDITIONS: Mapping[str, Capabilities] = MappingProxyType({edition: kind.can for edition, kind in ADAPTERS.items()})
