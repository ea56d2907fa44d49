"""Calls that only Umami has: its reports, sessions, event data, and exports."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, PlainSerializer

from adapters.base import Reply, VendorCall
from adapters.umami.client import UmamiClient
from adapters.vendor import CallsByRoute, Params, Route, by_name
from models.base import Frozen
from models.site import Site

DOCS, REPORTS = "https://umami.is/docs/api", "reports"


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


Milliseconds = Annotated[AwareDatetime, PlainSerializer(_milliseconds)]


class Dates(Frozen):
    """Both ends included; with offset."""

    first: Milliseconds = Field(serialization_alias="startAt")
    last: Milliseconds = Field(serialization_alias="endAt")


class Breakdown(Dates):
    type: str = Field(max_length=40)
    limit: int = Field(default=100, ge=1, le=500)
    offset: int = Field(default=0, ge=0)


class Listing(Dates):
    page: int = Field(default=1, ge=1)
    pageSize: int = Field(default=50, ge=1, le=200)  # noqa: N815 - the vendor's name
    search: str | None = Field(default=None, max_length=200)


class EventValues(Dates):
    event: str = Field(max_length=50)
    propertyName: str = Field(max_length=500)  # noqa: N815 - the vendor's name


class Report(Frozen):
    """A report over a period, both ends included; with offset."""

    first: AwareDatetime = Field(serialization_alias="startDate")
    last: AwareDatetime = Field(serialization_alias="endDate")
    timezone: str | None = Field(default=None, max_length=60)


class GoalReport(Report):
    type: Literal["path", "event"]
    value: str = Field(max_length=500)


class FunnelStep(Frozen):
    type: Literal["path", "event"]
    value: str = Field(max_length=500)


class FunnelReport(Report):
    window: int = Field(ge=1, description="Minutes between the first and the last step.")
    steps: tuple[FunnelStep, ...] = Field(min_length=2, max_length=8)


class JourneyReport(Report):
    steps: int = Field(default=5, ge=2, le=7)
    startStep: str | None = Field(default=None, max_length=500)  # noqa: N815 - the vendor's name
    endStep: str | None = Field(default=None, max_length=500)  # noqa: N815 - the vendor's name


class RevenueReport(Report):
    currency: str = Field(pattern="^[A-Z]{3}$")


class AttributionReport(Report):
    model: Literal["first-click", "last-click"] = "first-click"
    type: Literal["path", "event"]
    step: str = Field(max_length=500)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")


def _get(name: str, title: str, path: str, query: type[BaseModel]) -> Route:
    return Route(VendorCall(name, "GET", title, False, query=query, see=DOCS), path)


def _report(name: str, title: str, body: type[BaseModel]) -> Route:
    return Route(VendorCall(name, "POST", title, False, body=body, see=DOCS), f"{REPORTS}/{name}")


_ROUTES = (
    _report("goal", "How many visitors reached a page or event", GoalReport),
    _report("funnel", "How far visitors get along some steps", FunnelReport),
    _report("journey", "The ways visitors take", JourneyReport),
    _report("retention", "How many visitors come back", Report),
    _report("revenue", "Revenue in one currency", RevenueReport),
    _report("attribution", "Where conversions come from", AttributionReport),
    _report("utm", "Campaign tags", Report),
    _get("metrics", "Visitors by one dimension, in Umami's words", "metrics", Breakdown),
    _get("metrics_expanded", "All numbers by one dimension, in Umami's words", "metrics/expanded", Breakdown),
    _get("events", "Single events, newest first", "events", Listing),
    _get("sessions", "Visitors with their device and place", "sessions", Listing),
    _get("session_stats", "Visitors, custom events included", "sessions/stats", Dates),
    _get("event_data_values", "Values of one property of an event", "event-data/values", EventValues),
    _get("export", "Aggregates as a zip archive in base64", "export", Dates),
)
ROUTES = by_name(_ROUTES)


class VendorCalls(CallsByRoute):
    """PassesThrough."""

    client: UmamiClient
    routes = ROUTES
    vendor_calls = tuple(route.call for route in _ROUTES)

    async def _send(self, site: Site, method: str, segments: list[str], params: Params, body: Any) -> Reply:
        """Reports stand beside websites rather than below one, and name it; their dates are parameters."""
        if segments[0] != REPORTS:
            return await self.client.send(method, self.client.below(site, *segments), params, body)
        given = {"websiteId": site.ref, "type": segments[1], "filters": {}, "parameters": body}
        return await self.client.send(method, self.client.path(*segments), params, given)
