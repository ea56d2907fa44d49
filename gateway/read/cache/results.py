"""Answers and presence of sites, kept by what was asked and for how long the range allows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime

from gateway.outbound.backends import GOOD, Standing
from gateway.read.cache.key import digest, key_of, of_site
from gateway.read.cache.policy import LISTS, REALTIME, UNKEPT, policy_of
from gateway.read.cache.responses import Responses
from gateway.read.cache.serving import FLIGHT_SECONDS, Keeper, Location, Served
from gateway.read.cache.store import TENANT_SHARE
from gateway.tenancy import SiteRecord
from models.goal import Goal
from models.query import ResolvedQuery
from models.result import Answer
from models.site import RemotePage


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the sites of a connection, as they are after so many changes by us."""

    tenant: str
    connection: str
    changes: int
    cursor: str | None
    limit: int


class ResultCache(Keeper):
    """What backends answered about sites. Authorisation is the caller's: whoever asks here may see the site.

    A quarter of the bytes is for `responses`, answers as they are sent.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        now: Callable[[], datetime],
        tenant_share: float = TENANT_SHARE,
        flight_seconds: float = FLIGHT_SECONDS,
    ) -> None:
        finished = max_bytes // 4
        super().__init__(
            max_bytes=max_bytes - finished, now=now, tenant_share=tenant_share, flight_seconds=flight_seconds
        )
        self.responses = Responses(max_bytes=finished, now=now)

    async def answer(
        self,
        record: SiteRecord,
        query: ResolvedQuery,
        produce: Callable[[], Awaitable[Answer]],
        standing: Standing = GOOD,
    ) -> Served[Answer]:
        """The answer to a query about one site. Raises what `produce` raises."""
        key = key_of(record, query, generation=standing.generation)
        return await self.serve(
            _place(record, key, standing), policy_of(query) if standing.kept else UNKEPT, produce, standing
        )

    async def realtime(
        self, record: SiteRecord, produce: Callable[[], Awaitable[int]], standing: Standing = GOOD
    ) -> Served[int]:
        """The visitors present at a site."""
        key = digest("realtime", *of_site(record, standing.generation))
        return await self.serve(_place(record, key, standing), REALTIME if standing.kept else UNKEPT, produce, standing)

    async def stats_start(
        self, record: SiteRecord, produce: Callable[[], Awaitable[date | None]], standing: Standing = GOOD
    ) -> date | None:
        """The first day with statistics, which backends with a list of sites know."""
        key = digest("start", *of_site(record, standing.generation))
        policy = LISTS if standing.kept else UNKEPT
        return (await self.serve(_place(record, key, standing), policy, produce, standing)).value

    async def goals(
        self, record: SiteRecord, produce: Callable[[], Awaitable[tuple[Goal, ...]]], standing: Standing = GOOD
    ) -> tuple[Goal, ...]:
        """The goals that the backend lists; a goal that is put or deleted here raises the site's generation."""
        key = digest("goals", *of_site(record, standing.generation))
        policy = LISTS if standing.kept else UNKEPT
        return (await self.serve(_place(record, key, standing), policy, produce, standing)).value

    async def sites(
        self, listing: Listing, produce: Callable[[], Awaitable[RemotePage]], standing: Standing = GOOD
    ) -> RemotePage:
        """A page of the sites that the backend lists."""
        of_connection = (listing.tenant, listing.connection, standing.generation)
        key = digest("sites", *of_connection, listing.changes, listing.cursor, listing.limit)
        location = Location(listing.tenant, key, digest("connection", *of_connection))
        return (await self.serve(location, LISTS if standing.kept else UNKEPT, produce, standing)).value


def _place(record: SiteRecord, key: bytes, standing: Standing) -> Location:
    return Location(record.tenant, key, digest("site", *of_site(record, standing.generation)))
