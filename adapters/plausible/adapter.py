"""The Plausible adapter: options, the two editions, and the calls in terms of the canonical model."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from adapters.base import Adapter, Check, Context, Request
from adapters.plausible import collect as outgoing
from adapters.plausible.capabilities import PLAUSIBLE_CE, PLAUSIBLE_CE_V1, PLAUSIBLE_CLOUD
from adapters.plausible.checking import V2_PROBE, check
from adapters.plausible.client import PROBE, PlausibleClient
from adapters.plausible.management import SitesApi
from adapters.plausible.reports import Dialect, StatsV1, StatsV2, realtime
from models.capability import Capabilities
from models.errors import BackendError, ConfigurationError, Overloaded, RateLimited, UnsupportedQuery
from models.event import Drop, Event, Received
from models.query import ResolvedQuery
from models.result import Answer, Foreseen
from models.site import Site

CLOUD_URL = "https://plausible.io"


class PlausibleOptions(BaseModel):
    """How a Plausible server is reached: which edition it is, and the newest stats API it has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(default=CLOUD_URL, max_length=500)
    edition: Literal["cloud", "ce"] = "cloud"
    stats_api: Literal["v2", "v1"] = "v2"
    team_id: str | None = Field(default=None, max_length=100)
    """Sites are listed and created in this team; without it, wherever the key reaches."""
    requests_per_hour: int | None = Field(default=None, ge=60, le=10_000_000)
    """What the server grants this key, where it is not the edition's usual number (it is agreed by contract there)."""

    @model_validator(mode="after")
    def _the_cloud_is_current(self) -> Self:
        if self.edition == "cloud" and self.stats_api == "v1":
            raise ValueError("the cloud has stats v2; stats_api v1 is for older servers of edition ce")
        return self


class PlausibleCredential(BaseModel):
    """A key made in the settings of a Plausible account; type "Sites API" where sites are to be managed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr = Field(min_length=1, max_length=500)


class Plausible:
    """Statistics and events of one Plausible server, whatever its edition."""

    def __init__(self, can: Capabilities, credential: PlausibleCredential, context: Context) -> None:
        self.can = can
        self._now = context.now
        self._client = PlausibleClient(context.transport, credential.api_key, context.now)
        self._v1 = can is PLAUSIBLE_CE_V1
        self._stats: Dialect = StatsV1(self._client) if self._v1 else StatsV2(self._client)
        self._close = context.transport.close

    async def start(self) -> None:
        """Nothing to prepare: the first call opens the first connection."""

    async def close(self) -> None:
        await self._close()

    async def check(self) -> Check:
        return await check(self._client, self.can, PROBE if self._v1 else V2_PROBE)

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        return self._stats.foresee(query)

    async def read(self, site: Site, query: ResolvedQuery) -> Answer:
        """Raises UnsupportedQuery before any call on what `foresee` refuses."""
        if against := self._stats.foresee(query).refusals:
            raise UnsupportedQuery(against, backend=self.can.backend)
        return await self._stats.read(site, query)

    async def stats_start(self, site: Site) -> date | None:
        today = self._now().astimezone(ZoneInfo(site.timezone)).date()
        return await self._stats.stats_start(site, today)

    async def realtime(self, site: Site) -> int:
        return await realtime(self._client, site)

    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Forward events one by one.

        A failure raises while nothing was taken; later ones become drops, since what was taken must not be sent again.
        """
        outcomes: list[Drop | None] = []
        taken = False
        for event in events:
            try:
                outcome = await self._forward(site, event, received)
            except (BackendError, Overloaded) as error:
                if not taken:
                    raise _not_taken(error) from error
                outcome = Drop(reason=error.code, detail=error.title)
            taken = taken or outcome is None
            outcomes.append(outcome)
        return tuple(outcomes)

    async def _forward(self, site: Site, event: Event, received: Received | None) -> Drop | None:
        if (objection := outgoing.objection(event, received, self._now())) is not None:
            return objection
        body, headers = outgoing.body_of(site.ref, event), outgoing.headers_of(event, received)
        reply = await self._client.unsigned(Request("POST", "/api/event", headers=headers, json=body, idempotent=False))
        if reply.status == 400:
            return Drop(reason="invalid", detail="Plausible finds the event invalid")
        self._client.check(reply)
        if reply.headers.get("x-plausible-dropped", "0").strip() not in ("", "0"):
            return Drop(reason="dropped_by_backend", detail="Plausible answered that it does not count the event")
        return None


def _not_taken(error: BackendError | Overloaded) -> BackendError | Overloaded:
    """A limit or an outage of the server means: later. What it refuses for good stays a refusal."""
    if isinstance(error, RateLimited):
        return Overloaded(retry_after=error.retry_after or 10.0, backend=error.backend)
    return error


class PlausibleCloud(Plausible, SitesApi):
    """The cloud adds the Sites API."""

    def __init__(self, can: Capabilities, credential: PlausibleCredential, context: Context, team: str | None) -> None:
        Plausible.__init__(self, can, credential, context)
        SitesApi.__init__(self, self._client, context.ledger, team)


def edition_of(options: BaseModel) -> str:
    """The key of the declaration an account is read by."""
    chosen = _options(options)
    return f"{chosen.edition}-v1" if chosen.stats_api == "v1" else chosen.edition


def base_url_of(options: BaseModel) -> str:
    return _options(options).base_url


EDITIONS = {can.edition: can for can in (PLAUSIBLE_CLOUD, PLAUSIBLE_CE, PLAUSIBLE_CE_V1)}


def open_adapter(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    """The adapter of the chosen edition. Raises ConfigurationError without a key."""
    if not isinstance(credential, PlausibleCredential):
        raise ConfigurationError("a Plausible connection needs an api_key")
    chosen, can = _options(options), EDITIONS[edition_of(options)]
    if can is PLAUSIBLE_CLOUD:
        return PlausibleCloud(can, credential, context, chosen.team_id)
    return Plausible(can, credential, context)


def _options(options: BaseModel) -> PlausibleOptions:
    if not isinstance(options, PlausibleOptions):
        raise ConfigurationError("these are not the options of a Plausible connection")
    return options
