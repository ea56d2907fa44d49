"""Calls that only Sparklytics has: funnels, attribution, revenue, retention, journeys, properties, sessions, alerts."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from adapters.base import Reply, VendorCall
from adapters.sparklytics.client import SparklyticsClient, below
from adapters.vendor import CallsByRoute, Params, Route, by_name
from models.base import Frozen
from models.site import Site

DOCS = "https://mintlify.com/Sparklytics/sparklytics"


class Dates(Frozen):
    """Both dates are needed: Sparklytics silently replaces what it cannot read."""

    start_date: date
    end_date: date


class GoalDates(Dates):
    goal_id: str = Field(max_length=100)
    model: Literal["first_touch", "last_touch"] = "last_touch"


class Retention(Dates):
    cohort_granularity: Literal["day", "week", "month"] = "week"
    max_periods: int = Field(default=8, ge=1, le=30)


class Journey(Dates):
    anchor_type: Literal["page", "event"]
    anchor_value: str = Field(max_length=500)
    direction: Literal["next", "previous"] = "next"
    max_depth: int = Field(default=3, ge=1, le=5)


class EventProperties(Dates):
    event_name: str = Field(max_length=200)


class Sessions(Dates):
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=200)


class OneSession(Frozen):
    session_id: str = Field(max_length=100)


class FunnelResults(Dates):
    funnel_id: str = Field(max_length=100)


class FunnelStep(Frozen):
    step_type: Literal["page_view", "event"]
    match_value: str = Field(max_length=500)
    match_operator: Literal["equals", "contains"] = "equals"
    label: str | None = Field(default=None, max_length=100)


class Funnel(Frozen):
    name: str = Field(min_length=1, max_length=100)
    steps: tuple[FunnelStep, ...] = Field(min_length=2, max_length=8)


class IngestLimits(Frozen):
    """Limits of ingest for one website; absent ones stay as they are."""

    peak_events_per_sec: int | None = Field(default=None, ge=1)
    queue_max_events: int | None = Field(default=None, ge=1)


def _get(name: str, title: str, path: str, query: type[BaseModel] | None = None) -> Route:
    return Route(VendorCall(name, "GET", title, False, query=query, see=DOCS), path)


_ROUTES = (
    _get("attribution", "Conversions of a goal by channel", "attribution", GoalDates),
    _get("revenue_summary", "Revenue of a goal by channel", "revenue/summary", GoalDates),
    _get("retention", "Cohorts and how many came back", "retention", Retention),
    _get("journey", "Paths before or after a page or event", "journey", Journey),
    _get("event_properties", "Properties of an event, from a sample of 10,000", "events/properties", EventProperties),
    _get("sessions", "Sessions, newest first", "sessions", Sessions),
    _get("session", "One session with its events", "sessions/{session_id}", OneSession),
    _get("funnels", "Funnels of the website", "funnels"),
    _get("funnel_results", "How far sessions get in a funnel", "funnels/{funnel_id}/results", FunnelResults),
    Route(VendorCall("create_funnel", "POST", "Make a funnel", True, body=Funnel, see=DOCS), "funnels"),
    _get("reports", "Saved reports of the website", "reports"),
    _get("subscriptions", "Reports sent by mail", "subscriptions"),
    _get("alerts", "Alerts of the website", "alerts"),
    _get("notifications_history", "Notifications that were sent", "notifications/history"),
    _get("ingest_limits", "Limits of ingest", "ingest-limits"),
    Route(
        VendorCall("put_ingest_limits", "PUT", "Set limits of ingest", True, body=IngestLimits, see=DOCS),
        "ingest-limits",
    ),
)
ROUTES = by_name(_ROUTES)


class VendorCalls(CallsByRoute):
    """PassesThrough."""

    client: SparklyticsClient
    routes = ROUTES
    vendor_calls = tuple(route.call for route in _ROUTES)

    async def _send(self, site: Site, method: str, segments: list[str], params: Params, body: Any) -> Reply:
        return await self.client.send(method, below(site, *segments), params, body)
