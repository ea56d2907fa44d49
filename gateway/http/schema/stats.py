"""Queries, plans, realtime, events, capabilities."""

from typing import Any

from pydantic import ConfigDict, Field

from gateway.http.schema.base import Given, Told
from models.capability import Capabilities, Evidence
from models.event import Event
from models.query import MAX_OFFSET


class QueryBody(Given):
    """A question. `site` is one id or domain; `sites` is a list, a tag, or `all`. The rest is the canonical query."""

    site: str | None = None
    sites: list[str] | str | None = None
    metrics: list[str] = Field(min_length=1)
    dimensions: list[str] = Field(default_factory=list)
    filters: list[Any] = Field(
        default_factory=list, description='`["is", "page", ["/"]]`, joined by `["and"|"or", [...]]`, ...'
    )
    date_range: str | list[str] = "30d"
    timezone: str | None = None
    compare: str | dict[str, Any] | None = None
    order_by: list[list[str]] = Field(default_factory=list)
    limit: int = Field(default=1000, ge=1, le=10_000)
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    include: dict[str, bool] = Field(default_factory=dict)
    accuracy: str = Field(default="any", description="`any`, or `exact` to have approximations refused")
    extra: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Options for single backends, by name")


class QueryParams(Given):
    q: str = Field(max_length=20_000, description="The body of POST /v1/query as JSON, url-encoded")


class SiteReason(Told):
    code: str
    detail: str


class SiteMeta(Told):
    """How one site was answered, or why it was not."""

    site: str
    backend: str
    status: str
    accuracy: str
    plan: str | None = None
    reasons: list[SiteReason] = Field(default_factory=list)
    as_of: str | None = None
    cache: str | None = None
    calls: int | None = None
    error: dict[str, Any] | None = None


class QueryMeta(Told):
    """`credits` are what the licences of data behind the numbers ask to be shown with them."""

    sites: list[SiteMeta]
    partial: bool
    query: dict[str, Any] | None = None
    credits: list[str] | None = None


class QueryAnswer(Told):
    """Rows hold the dimensions and metrics by name; over several sites also `site`."""

    results: list[dict[str, Any]]
    totals: dict[str, Any] | None = None
    comparison: dict[str, Any] | None = None
    meta: QueryMeta


class SitePlan(Told):
    site: str
    backend: str
    possible: bool
    plan: str | None
    calls: int | None
    accuracy: str
    reasons: list[SiteReason]
    refusals: list[str]
    nearest: dict[str, Any] | None


class QueryPlan(Told):
    sites: list[SitePlan]


class RealtimeAnswer(Told):
    """Unique visitors of the last five minutes."""

    site: str
    backend: str
    visitors: int


class EventParams(Given):
    wait: bool = False


class DroppedEvent(Told):
    index: int
    reason: str
    detail: str


class EventsTaken(Told):
    accepted: int
    dropped: list[DroppedEvent]


def _times_may_be_missing(schema: dict[str, Any]) -> None:
    schema["required"].remove("time")


class EventBody(Event):
    """One event; a list of them is taken as well. Without a time, it happened now."""

    model_config = ConfigDict(json_schema_extra=_times_may_be_missing)


class CapabilityParams(Given):
    backend: str | None = Field(default=None, max_length=60)


class BackendView(Told):
    """A backend: the JSON Schemas of its options and credential, what each edition can do, and what proves it.

    `evidence` is by edition and then by `kind name` of a native cell, as `metric visitors`.
    """

    name: str
    title: str
    options: dict[str, Any]
    credential: dict[str, Any] | None
    editions: list[Capabilities]
    evidence: dict[str, dict[str, Evidence]]


class CapabilityList(Told):
    backends: list[BackendView]


class Health(Told):
    status: str
    reasons: list[str] = Field(default_factory=list)


class Version(Told):
    name: str
    version: str
