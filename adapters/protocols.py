"""What a backend may carry, as small protocols: an adapter satisfies those whose operations its edition declares.

`Adapter` is in `adapters.base`; questions below the canonical query are in `adapters.insights`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from adapters.base import VendorCall
from adapters.insights import ListsValues, ListsVisits, ReadsEventTables, ReadsFunnels
from models.capability import Capabilities, Operation
from models.deletion import Deletion
from models.event import Drop, Event, Received
from models.goal import Goal, GoalDraft
from models.job import ImportJob, OnError, ProblemPage
from models.link import LinkState, SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, Membership, Team
from models.query import ResolvedQuery
from models.result import Answer, Foreseen
from models.settings import SiteSettings
from models.site import RemotePage, RemoteSite, Site, SiteChange, SiteDraft


@runtime_checkable
class Reads(Protocol):
    """Statistics of one site."""

    can: Capabilities

    def foresee(self, site: Site, query: ResolvedQuery) -> Foreseen:
        """What answering would take, and every reason against it that the declaration cannot express. Pure: no I/O."""
        ...

    async def read(self, site: Site, query: ResolvedQuery) -> Answer: ...

    async def stats_start(self, site: Site) -> date | None:
        """The first day with statistics in the site's zone, for the range `all`; None when unknown or empty."""
        ...


@runtime_checkable
class ReadsRealtime(Protocol):
    async def realtime(self, site: Site) -> int:
        """Unique visitors of the last five minutes."""
        ...


@runtime_checkable
class ListsSites(Protocol):
    async def list_sites(self, cursor: str | None = None, limit: int = 100) -> RemotePage: ...

    async def get_site(self, ref: str) -> RemoteSite:
        """Raises MissingAtBackend."""
        ...


@runtime_checkable
class CreatesSites(Protocol):
    async def create_site(self, draft: SiteDraft) -> RemoteSite:
        """Raises AlreadyExists when the domain is taken."""
        ...


@runtime_checkable
class UpdatesSites(Protocol):
    async def update_site(self, site: Site, change: SiteChange) -> RemoteSite: ...


@runtime_checkable
class DeletesSites(Protocol):
    async def delete_site(self, site: Site) -> None: ...


@runtime_checkable
class ListsGoals(Protocol):
    async def list_goals(self, site: Site) -> tuple[Goal, ...]: ...


@runtime_checkable
class CreatesGoals(Protocol):
    async def create_goal(self, site: Site, draft: GoalDraft) -> Goal:
        """Finds the goal of the same identity or creates it."""
        ...


@runtime_checkable
class DeletesGoals(Protocol):
    async def delete_goal(self, site: Site, goal_id: str) -> None:
        """Raises UnknownGoal."""
        ...


@runtime_checkable
class SharesLinks(Protocol):
    async def put_shared_link(self, site: Site, draft: SharedLinkDraft) -> SharedLink:
        """Finds the link of that name or creates it."""
        ...


@runtime_checkable
class ManagesLinks(Protocol):
    async def list_shared_links(self, site: Site) -> tuple[SharedLink, ...]: ...

    async def delete_shared_link(self, site: Site, link_id: str) -> None: ...


@runtime_checkable
class ManagesGuests(Protocol):
    async def list_guests(self, site: Site) -> tuple[Guest, ...]: ...

    async def put_guest(self, site: Site, draft: GuestDraft) -> Guest:
        """Finds the membership or invitation, or invites."""
        ...

    async def delete_guest(self, site: Site, email: str) -> None: ...


@runtime_checkable
class HostsVisitors(Protocol):
    """A backend whose shared links and invitations lead to our own pages."""

    async def open_shared_link(self, site: Site, slug: str, opened: str = "") -> LinkState:
        """What a link's slug, or the token of a guest's personal link, opens; `opened` is what `unlock` gave before."""
        ...

    async def unlock_shared_link(self, site: Site, slug: str, password: str) -> str | None:
        """What opens the link for a day; None for a wrong password."""
        ...

    async def find_invitation(self, token: str) -> Membership:
        """An open invitation. Raises NotFound."""
        ...

    async def accept_invitation(self, token: str) -> Membership:
        """Make the invited person a guest, once; the answer holds the token of the personal link. Raises NotFound."""
        ...


@runtime_checkable
class ListsTeams(Protocol):
    async def list_teams(self) -> tuple[Team, ...]: ...


@runtime_checkable
class ManagesProps(Protocol):
    async def list_custom_props(self, site: Site) -> tuple[str, ...]: ...

    async def put_custom_prop(self, site: Site, name: str) -> None: ...

    async def delete_custom_prop(self, site: Site, name: str) -> None: ...


@runtime_checkable
class Collects(Protocol):
    async def collect(
        self, site: Site, events: Sequence[Event], received: Received | None = None
    ) -> tuple[Drop | None, ...]:
        """Take events; one entry each: None when it will be counted, else why not.

        `received` is the visitor's side of a tracker request; None for server-side events that carry their own fields.
        When it returns, nothing that is not a Drop can be lost by us. Raises Overloaded when nothing can be taken now.
        """
        ...


@runtime_checkable
class CollectsTogether(Collects, Protocol):
    async def collect_together(self, site: Site, arrived: Sequence[tuple[Event, Received]]) -> tuple[Drop | None, ...]:
        """`collect` of tracker events of several visitors, which were received at the same moment."""
        ...


@runtime_checkable
class CountsDrops(Protocol):
    async def drops(self, site: Site, first: date, last: date) -> Mapping[date, Mapping[str, int]]:
        """Events that were answered but not counted, by UTC day and reason."""
        ...


@runtime_checkable
class ImportsHistory(Protocol):
    import_formats: tuple[str, ...]

    async def start_import(self, site: Site, format: str, source: Path, on_error: OnError = OnError.SKIP) -> ImportJob:
        """Begin to import a spooled file (the adapter may move or delete it). The same content twice counts once."""
        ...

    async def list_imports(self, site: Site) -> tuple[ImportJob, ...]: ...

    async def get_import(self, site: Site, job_id: str, *, wait: bool = False) -> ImportJob:
        """`wait` returns when the job has ended and its rows are queryable. Raises NotFound."""
        ...

    async def delete_import(self, site: Site, job_id: str) -> None: ...


@runtime_checkable
class ReportsProblems(Protocol):
    """An importer that tells more refused lines than fit into the job."""

    async def import_problems(self, site: Site, job_id: str, offset: int, limit: int) -> ProblemPage:
        """Refused lines from an offset on, which is 0 or the `next` of a page. Raises NotFound, InvalidRequest."""
        ...


@runtime_checkable
class ExportsHistory(Protocol):
    export_formats: Mapping[str, str]
    """Format to media type."""

    def export(
        self, site: Site, format: str, first: date | None = None, last: date | None = None
    ) -> AsyncIterator[bytes]: ...


@runtime_checkable
class Configures(Protocol):
    async def get_settings(self, site: Site) -> SiteSettings: ...

    async def put_settings(self, site: Site, settings: SiteSettings) -> SiteSettings: ...


@runtime_checkable
class ProvesDeletion(Protocol):
    async def deletion(self, site_id: str) -> Deletion | None:
        """How far the removal of a deleted site has come; None for a site that was not deleted here."""
        ...


@runtime_checkable
class Flushes(Protocol):
    async def flush(self) -> None:
        """Return when everything recorded so far is queryable."""
        ...


@runtime_checkable
class PassesThrough(Protocol):
    vendor_calls: tuple[VendorCall, ...]

    async def call_vendor(self, site: Site, call: VendorCall, query: BaseModel | None, body: BaseModel | None) -> Any:
        """The backend's answer as JSON values (or bytes for files)."""
        ...


PROTOCOLS: Mapping[Operation, tuple[type, ...]] = MappingProxyType(
    {
        Operation.LIST_SITES: (ListsSites,),
        Operation.CREATE_SITE: (CreatesSites,),
        Operation.UPDATE_SITE: (UpdatesSites,),
        Operation.DELETE_SITE: (DeletesSites,),
        Operation.LIST_GOALS: (ListsGoals,),
        Operation.CREATE_GOAL: (CreatesGoals,),
        Operation.DELETE_GOAL: (DeletesGoals,),
        Operation.SHARED_LINKS: (SharesLinks,),
        Operation.MANAGE_SHARED_LINKS: (ManagesLinks,),
        Operation.GUESTS: (ManagesGuests,),
        Operation.TEAMS: (ListsTeams,),
        Operation.CUSTOM_PROPS: (ManagesProps,),
        Operation.REALTIME: (ReadsRealtime,),
        Operation.COLLECT_EVENTS: (Collects,),
        Operation.IMPORT_HISTORY: (ImportsHistory,),
        Operation.EXPORT_HISTORY: (ExportsHistory,),
        Operation.SETTINGS: (Configures,),
        Operation.FUNNELS: (ReadsFunnels,),
        Operation.VISIT_LIST: (ListsVisits,),
        Operation.VALUE_LISTS: (ListsValues,),
        Operation.EVENT_TABLES: (ReadsEventTables,),
    }
)
"""Operations and the protocols that carry them: an edition that declares the one natively satisfies the other."""
