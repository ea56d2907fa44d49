"""Calls that only Umami has: its reports, sessions, event data, and exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from adapters.base import VendorCall
from adapters.http import json_of
from adapters.umami.client import UmamiClient
from adapters.umami.wire import BACKEND
from models.base import Frozen
from models.errors import NotFound
from models.site import Site

DOCS = "https://umami.is/docs/api"


class Dates(Frozen):
    """Both ends included; with offset."""

    first: AwareDatetime
    last: AwareDatetime


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


class Report(Dates):
    """A report over a period."""

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


@dataclass(frozen=True, slots=True)
class Route:
    """A vendor call and where it goes: a report, or a path below the website."""

    call: VendorCall
    report: str = ""
    path: str = ""


def _get(name: str, title: str, path: str, query: type[BaseModel]) -> Route:
    return Route(VendorCall(name, "GET", title, False, query=query, see=DOCS), path=path)


def _report(name: str, title: str, body: type[BaseModel]) -> Route:
    return Route(VendorCall(name, "POST", title, False, body=body, see=DOCS), report=name)


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
ROUTES: Mapping[str, Route] = MappingProxyType({route.call.name: route for route in _ROUTES})


class VendorCalls:
    """PassesThrough."""

    client: UmamiClient
    vendor_calls: tuple[VendorCall, ...] = tuple(route.call for route in _ROUTES)

    async def call_vendor(self, site: Site, call: VendorCall, query: BaseModel | None, body: BaseModel | None) -> Any:
        """Umami's answer as JSON values. The website is always the site's own."""
        route = ROUTES.get(call.name)
        if route is None:
            raise NotFound(f"no such call: {call.name[:60]!r}", backend=BACKEND)
        if route.report and isinstance(body, Report):
            path, given = self.client.path("reports", route.report), report_body(site.ref, route.report, body)
            return json_of(await self.client.send("POST", path, json=given), backend=BACKEND)
        values = query.model_dump(exclude_none=True) if query else {}
        dates = [(wire, _milliseconds(values.pop(name))) for name, wire in _ENDS.items() if name in values]
        params = (*dates, *((name, str(value)) for name, value in values.items()))
        path = self.client.below(site, *route.path.split("/"))
        return json_of(await self.client.send("GET", path, params), backend=BACKEND)


_ENDS = {"first": "startAt", "last": "endAt"}


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def report_body(website: str, kind: str, body: Report) -> dict[str, Any]:
    """A report's body: the dates stand among its parameters."""
    parameters = body.model_dump(mode="json", exclude_none=True)
    dates = {"startDate": parameters.pop("first"), "endDate": parameters.pop("last")}
    return {"websiteId": website, "type": kind, "filters": {}, "parameters": {**dates, **parameters}}
