"""A site of nine events that a person counted, and questions about it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.local.reports import Reports
from models.filters import read_filters
from models.goal import Goal
from models.period import days_period
from models.query import ResolvedQuery, default_order
from models.site import Site
from models.vocabulary import Metric

NOW = datetime(2026, 3, 2, 10, 3, tzinfo=UTC)
SITE = Site(id="hand", domain="hand.example", timezone="Europe/Berlin")


def hit(time: str, visitor: str, name: str = "pageview", path: str = "/", **more: Any) -> dict[str, Any]:
    return {"time": f"2026-03-{time}:00Z", "visitor": visitor, "name": name, "path": path, **more}


# Three visits: ann's sees / then /b and signs up there, bob's sees /b twice, cid's sees / in the night of the 2nd.
EVENTS = [
    hit("01T09:00", "ann", source="Google", channel="", browser="Chrome"),
    hit("01T09:10", "ann", path="/b"),
    hit("01T09:11", "ann", "Signup", "/b", props={"plan": "pro"}, revenue={"amount": 10, "currency": "EUR"}),
    hit("01T09:12", "ann", "Signup", "/b", props={"plan": "Free"}, revenue={"amount": 0.005, "currency": "EUR"}),
    hit("01T09:50", "bob", path="/b"),
    hit("01T10:05", "bob", path="/b"),
    hit("01T10:06", "bob", "engagement", "/b", scroll_depth=60, engagement_ms=2000),
    hit("01T23:30", "cid", source="(not set)"),
    hit("02T10:01", "dot", utm_campaign="Spring"),
]
GOALS = (
    Goal(id="1", event_name="Signup", display_name="Signup", currency="EUR"),
    Goal(id="2", page_path="/b", display_name="Saw B"),
    Goal(id="3", page_path="/b", scroll_threshold=50, display_name="Scrolled B"),
)


def query(
    metrics: str, dimensions: str | tuple[str, ...] = "", filters: list[Any] | None = None, **more: Any
) -> ResolvedQuery:
    asked = tuple(Metric(m) for m in metrics.split())
    grouped = tuple(dimensions.split()) if isinstance(dimensions, str) else dimensions
    found, problems = read_filters(filters or [])
    assert not problems
    period = days_period(date(2026, 3, 1), date(2026, 3, 2), ZoneInfo(SITE.timezone))
    given = {"order_by": default_order(asked, grouped), "period": period, **more}
    return ResolvedQuery(asked, now=NOW, dimensions=grouped, filters=found, **given)


async def rows(reader: Reports, *args: Any, **more: Any) -> tuple[Any, ...]:
    return (await reader.read(SITE, query(*args, **more))).rows
