"""Sites and what belongs to them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from adapters.domain import clean_domain
from gateway.catalog.segments import SegmentRecord
from gateway.catalog.sites import ID_MARK
from gateway.http.schema.base import Given, PageParams, Told
from gateway.tenancy import BUILT_IN, SiteRecord
from models.goal import Goal
from models.job import ImportJob, OnError
from models.link import SharedLink
from models.people import Guest, Team
from models.period import is_zone
from models.site import RemoteSite


def known_zone(name: str) -> str:
    """Raises ValueError for a time zone that the IANA database does not know."""
    if not is_zone(name):
        raise ValueError("no such IANA time zone; Etc/UTC and Europe/Berlin are")
    return name


Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,59}$")]
Domain = Annotated[str, Field(max_length=253), AfterValidator(clean_domain)]
Zone = Annotated[str, Field(max_length=60), AfterValidator(known_zone)]
Tags = Annotated[list[Tag], Field(max_length=50)]


class NewSite(Given):
    """`existing` makes a site known that its backend has already, by `external_id` or else by its domain."""

    domain: Domain
    existing: bool = False
    external_id: str | None = Field(default=None, min_length=1, max_length=253)
    timezone: Zone = "Etc/UTC"
    name: str = Field(default="", max_length=200)
    connection: str = Field(default=BUILT_IN, max_length=60)
    tags: Tags = Field(default_factory=list)
    team: str | None = Field(default=None, max_length=200)


class SitePatch(Given):
    """What is absent stays. After a change of domain the old one stays valid in paths and trackers."""

    domain: Domain | None = None
    timezone: Zone | None = None
    name: str | None = Field(default=None, max_length=200)
    tags: Tags | None = None


class SiteView(Told):
    """`script` is the site's own tracking script; `external_id` is what the backend calls the site."""

    id: str
    domain: str
    name: str
    timezone: str
    connection: str
    backend: str
    external_id: str
    tags: list[str]
    team: str | None
    script: str
    created_at: datetime | None

    @classmethod
    def of(cls, record: SiteRecord, public_url: str) -> "SiteView":
        site = record.site
        return cls(
            id=site.id,
            domain=site.domain,
            name=site.name,
            timezone=site.timezone,
            connection=record.connection,
            backend=record.backend,
            external_id=site.external_id,
            tags=list(site.tags),
            team=record.team,
            script=f"{public_url}/js/pa-{site.id.removeprefix(ID_MARK)}.js",
            created_at=site.created_at,
        )


class SiteList(Told):
    sites: list[SiteView]
    next: str | None


class SiteParams(PageParams):
    tag: str | None = Field(default=None, max_length=60)
    connection: str | None = Field(default=None, max_length=60)
    team: str | None = Field(default=None, max_length=60)


class DeleteParams(Given):
    """`keep_data=true` forgets the site here and leaves it at its backend."""

    keep_data: bool = False


class RemoteParams(Given):
    cursor: str | None = Field(default=None, max_length=1000)
    limit: int = Field(default=100, ge=1, le=1000)


class RemoteSiteList(Told):
    sites: list[RemoteSite]
    next: str | None


class SyncReport(Told):
    added: list[SiteView]
    known: int


class GoalList(Told):
    goals: list[Goal]


class LinkList(Told):
    shared_links: list[SharedLink]


class GuestList(Told):
    guests: list[Guest]


class PropDraft(Given):
    property: str


class PropList(Told):
    custom_props: list[str]


class TeamParams(Given):
    connection: str = Field(default=BUILT_IN, max_length=60)


class TeamDraft(Given):
    name: str = Field(min_length=1, max_length=200)


class TeamList(Told):
    teams: list[Team]


class SegmentDraft(Given):
    """`filters` as in a query, joined by and."""

    name: str = Field(min_length=1, max_length=200)
    filters: list[Any]


class SegmentPatch(Given):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    filters: list[Any] | None = None


class SegmentView(Told):
    id: str
    name: str
    filters: list[Any]
    created_at: datetime | None

    @classmethod
    def of(cls, record: SegmentRecord) -> "SegmentView":
        return cls(id=record.id, name=record.name, filters=record.filters, created_at=record.created_at)


class SegmentList(Told):
    segments: list[SegmentView]


class ImportParams(Given):
    """`wait=true` answers when the rows are queryable."""

    format: str = Field(default="ndjson", max_length=60)
    wait: bool = False
    on_error: OnError = OnError.SKIP


class ProblemParams(Given):
    """`offset` is the `next` of the page before."""

    offset: int = Field(default=0, ge=0, le=2**40)
    limit: int = Field(default=100, ge=1, le=1000)


class ImportList(Told):
    imports: list[ImportJob]


class ExportParams(Given):
    """Days in the site's zone; without them, everything."""

    format: str = Field(default="ndjson", max_length=60)
    first: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    last: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")


class DropParams(Given):
    """UTC days, both included; without them, the last seven."""

    first: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    last: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")


class DropDay(Told):
    """Events of one day that were answered but not counted, by reason."""

    date: str
    reasons: dict[str, int]


class DropList(Told):
    days: list[DropDay]


class VendorCallView(Told):
    name: str
    method: str
    title: str
    writes: bool
    see: str


class VendorCallList(Told):
    backend: str
    calls: list[VendorCallView]
